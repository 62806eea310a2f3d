"""The processes of a run on several devices: who starts them, who speaks, and what happens when one dies.

Process 0 reads the data and builds the model, so that mistakes are found while it is alone. Then it starts
the same command once more for each further device, and watches these processes; they watch it. `torchrun`
does both itself. Only process 0 has a run folder and speaks to the user. Free of torch.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Result, Status

FIRST = "INTRO_DL_FIRST_PROCESS"  # id and run folder of process 0, told to those that it starts
TORCHRUN = "TORCHELASTIC_RUN_ID"  # set by torchrun
PATIENCE = 5.0  # seconds until the end of another process is known to everyone

NO_SWEEP = (
    "trainer=ddp trains one run on several devices; with -m every process would begin the whole sweep again. "
    "Run the values one after another (for lr in 0.1 0.01; do python scripts/train.py trainer=ddp "
    "optim.lr=$lr; done), or sweep with trainer=default, one device a run."
)


def rank() -> int:
    """The number of this process among those of its run."""
    return int(os.environ["RANK"]) if TORCHRUN in os.environ or FIRST in os.environ else 0


def as_further_process(arguments: list[str]) -> list[str]:
    """The arguments of a process other than 0: the same, but without a folder, a log or a say."""
    silence = ["console.level=CRITICAL", f"file.filename={os.devnull}"]
    handlers = [f"hydra.job_logging.handlers.{setting}" for setting in silence]
    return [*arguments, "hydra.run.dir=.", "hydra.output_subdir=null", *handlers]


def follow_the_first() -> None:
    """Let this process, started by process 0, end when that one is gone."""
    atexit.register(time.sleep, 1)  # where the connection breaks first: time to say why
    threading.Thread(target=_end_without_the_first, daemon=True).start()


def _end_without_the_first() -> None:
    first, _, run_dir = os.environ[FIRST].partition(" ")
    while os.getppid() == int(first):
        time.sleep(0.5)
    what = f"Process 0 of this run (process id {first}) was killed, and process {rank()} ends with it"
    print(f"Error: {_how_to_go_on(what, run_dir)}", flush=True)
    os._exit(1)


@contextmanager
def all_processes(trainer: Any, run_dir: str) -> Iterator[None]:
    """Have a process for each device of the trainer, this one included, while the block runs.

    Raises:
        ValueError: if one of them ends too early, or cannot be started; the message says what to do.
    """
    if trainer.world_size > 1 and HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
        raise ValueError(NO_SWEEP)
    environment = getattr(trainer.strategy, "cluster_environment", None)
    started = environment is not None and environment.creates_processes_externally
    if trainer.num_nodes > 1 and not started and "MASTER_ADDR" not in os.environ:
        raise ValueError(
            f"trainer.num_nodes={trainer.num_nodes} waits for other machines, and nothing says which. Start "
            "the command on each of them with torchrun --nnodes, or leave trainer.num_nodes=1."
        )
    if TORCHRUN in os.environ and trainer.world_size != int(os.environ["WORLD_SIZE"]):
        raise ValueError(
            f"torchrun has started {os.environ['WORLD_SIZE']} processes, but this run has trainer.devices x "
            f"trainer.num_nodes = {trainer.world_size}: set trainer=ddp trainer.devices=<processes a node>."
        )
    if trainer.world_size > 1:
        _stop_at_a_word(trainer)
    if environment is None or trainer.num_devices == 1 or environment.creates_processes_externally:
        try:
            yield
        except RuntimeError as error:
            if trainer.world_size > 1 and rank() == 0 and _says_that_another_ended(error):
                raise ValueError(_how_to_go_on("Another process of this run has ended", run_dir)) from error
            raise
        return
    if not HydraConfig.initialized():
        raise ValueError("Several devices need the command line: python scripts/train.py trainer=ddp.")
    before = dict(os.environ)
    if trainer.num_nodes == 1:
        store = serve_on_this_machine()  # noqa: F841  as long as this name has it
    else:
        os.environ["MASTER_ADDR"] = environment.main_address
        os.environ["MASTER_PORT"] = str(environment.main_port)
    os.environ["NODE_RANK"] = str(environment.node_rank())
    os.environ["LOCAL_RANK"] = "0"  # tells Lightning that it need not start the others
    others = Others(trainer.num_devices, run_dir)
    try:
        yield
    except RuntimeError as error:  # of the connection to the others, perhaps
        if reason := others.how_one_ended(PATIENCE):
            raise ValueError(reason) from error
        raise
    finally:
        others.end()
        os.environ.clear()
        os.environ.update(before)


def serve_on_this_machine() -> Any:
    """Open the port where the processes meet, and tell them of it in the environment.

    torch itself would listen on all addresses of the machine. Here nobody outside of it can connect, neither
    to this server, nor to what the processes then open for each other.

    Returns:
        The server; it ends with the object.
    """
    from torch.distributed import TCPStore

    here = "127.0.0.1"
    with socket.create_server((here, 0)) as listener:
        port, handle = listener.getsockname()[1], listener.detach()  # which is the store's from now on
    os.environ |= {"MASTER_ADDR": here, "MASTER_PORT": str(port)}
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "True"  # process 0, too, finds a server and opens none
    for _, interface in socket.if_nameindex():
        if interface in ("lo", "lo0"):  # Linux, macOS
            os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", interface)
    return TCPStore(here, port, is_master=True, wait_for_workers=False, master_listen_fd=handle)


def _stop_at_a_word(trainer: Any) -> None:
    """Let SIGTERM stop process 0, and the others through it.

    Lightning would broadcast from inside the handler of the signal, where the others expect another message.
    """
    signals = trainer._signal_connector

    def heard(signum: int, frame: Any) -> None:
        signals.received_sigterm = trainer.is_global_zero

    signals._sigterm_notifier_fn = heard


def _says_that_another_ended(error: RuntimeError) -> bool:
    return any(word in str(error) for word in ("gloo", "NCCL", "onnection"))


def _how_to_go_on(what: str, run_dir: str) -> str:
    if not RunFolder(Path(run_dir)).last.is_file():
        return f"{what}. No epoch was finished, and nothing was saved."
    return f"{what}. All finished epochs are kept; go on with: {RunFolder(Path(run_dir)).resume_command()}"


class Others:
    """The processes that process 0 has started for the other devices of this machine.

    Args:
        devices: of this machine; the first is process 0's own.
        run_dir: the folder of the run, to be named when one dies.
    """

    def __init__(self, devices: int, run_dir: str) -> None:
        self.devices, self.run_dir = devices, run_dir
        self.said = [
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") for _ in range(1, devices)
        ]
        self.ended = threading.Event()
        # The others inherit that these are ignored: it is process 0 that stops, and ends them.
        handlers = {
            number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
        }
        self.processes = [self._start(number) for number in range(1, devices)]
        for number, handler in handlers.items():
            signal.signal(number, handler)
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self, number: int) -> subprocess.Popen:
        place = {"LOCAL_RANK": str(number), "RANK": str(number), FIRST: f"{os.getpid()} {self.run_dir}"}
        return subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]],
            env=os.environ | place | {"HYDRA_FULL_ERROR": "0"},  # which process 0 has changed
            stdin=subprocess.DEVNULL,
            stdout=sys.__stderr__,  # for its last words, should process 0 be killed
            stderr=self.said[number - 1],
        )

    def how_one_ended(self, patience: float) -> str | None:
        """What became of the first process that has failed, or does so within `patience` seconds."""
        until = time.monotonic() + patience
        while not (failed := self._failed()) and time.monotonic() < until:
            time.sleep(0.1)
        if not failed:
            return None
        number, code = failed
        self.said[number - 1].seek(0)
        errors = [line for line in self.said[number - 1].read().splitlines() if line.startswith("Error: ")]
        if errors:
            return f"In process {number}: {errors[-1].removeprefix('Error: ')}"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return _how_to_go_on(f"Process {number} of this run {how}", self.run_dir)

    def end(self) -> None:
        """End the processes that are still there: what they could do alone is of no use."""
        self.ended.set()
        for process in self.processes:
            process.kill()
            process.wait()

    def _failed(self) -> tuple[int, int] | None:
        """Number and exit code of the first process that has failed."""
        codes = [process.poll() for process in self.processes]
        return next(((number, code) for number, code in enumerate(codes, 1) if code), None)

    def _watch(self) -> None:
        """Where process 0 does not notice that another has ended, e.g. waiting for it on a GPU: end it."""
        while not self.ended.wait(0.5):
            if self._failed() and not self.ended.wait(3 * PATIENCE):
                reason = self.how_one_ended(0)
                if RunFolder(Path(self.run_dir)).status() is not Status.COMPLETED:
                    RunFolder(Path(self.run_dir)).write_result(Result(Status.FAILED, reason or ""))
                print(f"Error: {reason}", file=sys.stderr, flush=True)
                self.end()
                os._exit(1)
