"""Train one run on several devices, in one process for each, started by torch's launcher.

The process that the user starts checks the command, reads the data and builds the model, so that a mistake is
reported once. Then it starts the same command for each device, and reports how these processes ended. Only
rank 0 writes.
"""

import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig

from intro_dl.config.override_syntax import quote
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.rank import LAUNCHER, in_torchrun, is_worker, rank
from intro_dl.runs.signals import Terminated
from intro_dl.runs.sweep import in_sweep

if TYPE_CHECKING:  # the command line imports this module, and must not wait for torch
    from pytorch_lightning import Trainer
    from torch.distributed import TCPStore

NO_SWEEP = (
    "trainer=ddp trains one run on several devices and does not work with -m. Start one run after another "
    "(for lr in 0.1 0.01; do intro-dl train trainer=ddp optim.lr=$lr; done), or sweep with "
    "trainer=default, one device per run."
)


def worker_arguments() -> list[str]:
    """Return the overrides that Hydra needs in this process: only rank 0 has a folder, a log and output."""
    if rank() == 0:
        folder = quote(os.environ[LAUNCHER].partition(" ")[2]) if is_worker() else None
        return [f"hydra.run.dir={folder}", "hydra.output_subdir=null"] if folder else []
    handlers = "hydra.job_logging.handlers"
    silent = [f"{handlers}.console.level=CRITICAL", f"{handlers}.file.filename={os.devnull}"]
    return ["hydra.run.dir=.", "hydra.output_subdir=null", *silent]


def end_with_launcher() -> None:
    """Let this worker end soon after its launcher was killed."""
    launcher, _, folder = os.environ[LAUNCHER].partition(" ")

    def watch() -> None:
        while os.getppid() == int(launcher):
            time.sleep(0.5)
        if rank() == 0:
            print(f"Error: {_resume('The launcher of this run was killed', folder)}", file=sys.stderr)
        else:
            time.sleep(1)  # rank 0 would report a lost connection
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def report_to_launcher(reason: str) -> None:
    """Tell the launcher why this worker ends, in the form that torch's launcher reads."""
    content = {"message": reason, "timestamp": int(time.time())}
    Path(os.environ["TORCHELASTIC_ERROR_FILE"]).write_text(json.dumps(content), encoding="utf-8")


def launch(trainer: "Trainer", folder: RunFolder) -> bool:
    """Train in one process for each device, and return True; return False if this process has to train.

    Raises:
        ValueError: if the processes cannot be started, or one of them fails.
    """
    started = in_torchrun()
    if trainer.world_size > 1 and in_sweep():
        raise ValueError(NO_SWEEP)
    processes = int(os.environ["WORLD_SIZE"]) if started else trainer.num_devices
    if trainer.world_size != processes:
        raise ValueError(
            f"trainer.devices x trainer.num_nodes is {trainer.world_size}, but there would be {processes} "
            "processes. On each machine: torchrun --nnodes=<machines> --nproc-per-node=<devices> "
            "-m intro_dl train trainer=ddp trainer.devices=<devices> trainer.num_nodes=<machines>."
        )
    if trainer.world_size == 1 or started:
        return False
    if not HydraConfig.initialized():  # the command that runs is not a training command
        raise ValueError("Several devices need the command line: intro-dl train trainer=ddp.")
    _run_workers(trainer.num_devices, folder)
    return True


def _run_workers(number: int, folder: RunFolder) -> None:
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").addHandler(logging.NullHandler())
    logging.getLogger("torch.distributed.elastic").propagate = False  # the errors below say the same
    os.environ[LAUNCHER] = f"{os.getpid()} {folder.path.resolve()}"
    store = _serve_on_loopback()
    with tempfile.TemporaryDirectory() as directory:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=number,
            run_id="intro_dl",
            rdzv_backend="static",
            rdzv_endpoint=f"{store.host}:{store.port}",
            rdzv_configs={"rank": 0},
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(directory),
            signals_to_handle="SIGTERM,SIGINT",
        )
        try:
            elastic_launch(config, sys.executable)(*sys.orig_argv[1:])
        except (SignalException, ChildFailedError) as error:
            files = sorted(Path(directory).rglob("error.json"))
            reasons = {
                int(file.parent.name): json.loads(file.read_text(encoding="utf-8"))["message"]
                for file in files
            }
            if isinstance(error, SignalException):
                kind = Terminated if error.sigval == signal.SIGTERM else KeyboardInterrupt
                raise kind(reasons.get(0, "")) from error
            errors = {each: text for each, text in reasons.items() if text.startswith("Error: ")}
            if 0 in errors:  # and the result is written
                print(errors[0], file=sys.stderr)
                raise SystemExit(1) from error
            for each, text in errors.items():
                raise ValueError(f"In process {each}: {text.removeprefix('Error: ')}") from error
            # One was killed. The others lost their connection to it, or the launcher ended them.
            killed = {each: failure for each, failure in error.failures.items() if failure.exitcode < 0}
            first, failure = min((killed or error.failures).items(), key=lambda item: item[1].timestamp)
            how = (
                f"was killed by {failure.signal_name()}" if killed else f"ended with code {failure.exitcode}"
            )
            raise ValueError(_resume(f"Process {first} of this run {how}", str(folder.path))) from error


def _serve_on_loopback() -> "TCPStore":
    """Open the port where the processes meet, on 127.0.0.1 only, until the returned object is deleted.

    torch would listen on all addresses. It uses this server because the port is the same.
    """
    from torch.distributed import TCPStore

    for _, interface in socket.if_nameindex():
        if interface in ("lo", "lo0"):  # Linux, macOS
            os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", interface)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, handle = listener.getsockname()[1], listener.detach()  # the store closes it
    return TCPStore(
        "127.0.0.1", port, is_master=True, wait_for_workers=False, multi_tenant=True, master_listen_fd=handle
    )


@contextmanager
def one_of_several(trainer: "Trainer", folder: RunFolder) -> Iterator[None]:
    """Train as one process of a run, and end when another one has ended."""
    if trainer.world_size > 1:
        # Lightning would broadcast from inside the signal handler, while the others expect another message.
        trainer._signal_connector._sigterm_notifier_fn = lambda signum, _: None
    try:
        yield
    except RuntimeError as error:
        if trainer.world_size == 1 or not any(word in str(error) for word in ("gloo", "NCCL", "onnection")):
            raise
        if is_worker():
            raise SystemExit(1) from error  # the launcher knows which one was the first
        raise ValueError(_resume("Another process of this run has ended", str(folder.path))) from error


def _resume(what: str, run_dir: str) -> str:
    folder = RunFolder(Path(run_dir))
    if not folder.last.is_file():
        return f"{what}. No epoch was finished, so nothing was saved."
    return f"{what}. All finished epochs are saved. Resume with: {folder.resume_command()}"
