"""Run the jobs of a sweep side by side: Hydra's launcher `side_by_side`. Does not import torch.

A server imports torch, Lightning and this package once, while Hydra still reads the command. Each job is a
process that is forked from it. So a job imports nothing and leaves nothing behind, and if it dies, the others
continue. Each job uses one thread: with small models, many jobs with one thread each are faster than one job
with many threads.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from multiprocessing.forkserver import _forkserver
from pathlib import Path
from typing import Any, cast

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from intro_dl.cli import job
from intro_dl.cli.job import Job
from intro_dl.cli.jobs_view import View
from intro_dl.config.validate import check_ranges
from intro_dl.runs import signals
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.program import run_script
from intro_dl.runs.record import read_run
from intro_dl.runs.result import Result, Status
from intro_dl.runs.signals import Terminated

TARGET = "hydra_plugins.intro_dl.SideBySide"  # Hydra accepts plugins under this prefix only
# Files that exist where a program could use a GPU: NVIDIA's driver, the same in WSL, and AMD's.
GPUS = ("/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1", "/dev/kfd")
# What a job imports, also what it needs at its end. intro_dl.cli.preload comes last.
PRELOAD = ["intro_dl.training.preload", "intro_dl.cli.train", "intro_dl.cli.job"]
PRELOAD += [
    "intro_dl.compare.command",
    "intro_dl.compare.plots",
    "intro_dl.compare.table",
    "intro_dl.cli.preload",
]
POSSIBLE = "forkserver" in multiprocessing.get_all_start_methods()  # not on Windows
SECONDS = 0.5  # between two looks at the clock


def register_launcher() -> None:
    """Tell Hydra which class configs/hydra/launcher/side_by_side.yaml names. Call it before Hydra's main."""
    Plugins.instance().class_name_to_class[TARGET] = SideBySide


def start_server(arguments: Sequence[str] = ()) -> None:
    """Let the server begin to import, unless the arguments of the command say that one job runs at a time."""
    words = [argument.strip("'\"") for argument in arguments]
    alone = (
        "hydra/launcher=",
        "hydra.launcher.n_jobs=1",
        "hydra/sweeper=",
        "sweep=optuna",
        "--cfg",
        "-c",
        "--info",
    )
    gpu = "trainer=cpu" not in words and "trainer.accelerator=cpu" not in words and gpu_present()
    if not POSSIBLE or words and (gpu or cores() < 2 or any(word.startswith(alone) for word in words)):
        return
    multiprocessing.set_forkserver_preload(PRELOAD)
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # also NumPy's
    try:
        _forkserver.ensure_running()
    finally:
        os.environ.pop("OMP_NUM_THREADS") if threads is None else os.environ.update(OMP_NUM_THREADS=threads)
        for number, answer in ignored.items():
            signal.signal(number, answer)


def stop_server() -> None:
    """End the server, also while it imports: it would hold the terminal, and stdout, until it is done."""
    if (server := _server()) is not None:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        _forkserver._stop()  # pyrefly: ignore[missing-attribute]


def _server() -> int | None:
    """Return the id of the server's process, if it was started."""
    return _forkserver._forkserver_pid  # pyrefly: ignore[missing-attribute]


def in_server(command: str, arguments: Sequence[str]) -> int:
    """Run a command where everything is imported, if a server runs; otherwise here. Return its exit code.

    Args:
        command: where it is, e.g. "intro_dl.compare.command:end_of_sweep".
        arguments: its arguments.
    """
    if _server() is None:
        return run_script("", command, arguments)
    sys.stdout.flush()
    process = multiprocessing.get_context("forkserver").Process(
        target=_run_command, args=(command, arguments)
    )
    process.start()
    try:
        process.join()
    except KeyboardInterrupt:
        process.kill()
        raise
    return process.exitcode or 0


def _run_command(command: str, arguments: Sequence[str]) -> None:
    sys.exit(run_script("", command, arguments))


def cores() -> int:
    """Return how many cores this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such file, or no limit: "max 100000"
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        count = min(count, max(1, int(quota) // int(period)))
    return count


def gpu_present() -> bool:
    """Return whether a program could use a GPU here. Asking torch would take seconds."""
    apple = sys.platform == "darwin" and os.uname().machine == "arm64"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return apple or not hidden and any(os.path.exists(file) for file in GPUS)


class SideBySide(BasicLauncher):
    """Run jobs side by side, or one after another in this process where only one runs at a time.

    Args:
        n_jobs: jobs at the same time; None: one for each core, or for as many cores as trainer.threads says,
            and one if a GPU would be used.
    """

    def __init__(self, n_jobs: int | None = None) -> None:
        super().__init__()
        if n_jobs is not None and (not isinstance(n_jobs, int) or n_jobs < 1):
            raise ValueError(f"Invalid hydra.launcher.n_jobs={n_jobs}: choose an integer of at least 1.")
        self.n_jobs, self.apart = n_jobs, False

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        loader, kept = hydra_context.config_loader, {}
        compose = loader.load_sweep_config
        checks = config.hydra.sweeper._target_.endswith(".BasicSweeper")  # others search one by one

        def once(master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
            """Compose when the sweeper checks all jobs, also their values, and not again for a job itself."""
            key = tuple(sweep_overrides)
            if key in kept:
                return pickle.loads(kept.pop(key))
            config = compose(master_config, sweep_overrides)
            if checks and not config.resume:
                check_ranges(config, [each.lstrip("+").partition("=")[0] for each in sweep_overrides])
            kept[key] = pickle.dumps(config)
            return config

        loader.load_sweep_config = once

    def at_a_time(self) -> int:
        """Return how many jobs may run at the same time."""
        assert self.config is not None
        trainer = self.config.trainer
        if self.n_jobs is not None or not POSSIBLE:
            return self.n_jobs or 1 if POSSIBLE else 1
        if trainer.accelerator != "cpu" and (trainer.accelerator != "auto" or gpu_present()):
            return 1
        return max(1, cores() // (trainer.threads if isinstance(trainer.threads, int) else 1))

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        at_a_time = self.at_a_time()
        if not self.apart and min(at_a_time, len(job_overrides)) == 1:
            stop_server()
            return super().launch(job_overrides, initial_job_idx)
        self.apart = True  # also the last trial of a search, which may be alone
        assert self.config is not None and self.hydra_context is not None and self.task_function is not None
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        task = f"{self.task_function.__module__}:{self.task_function.__qualname__}"
        loader, callbacks = self.hydra_context.config_loader, self.hydra_context.callbacks

        def make(number: int, overrides: Sequence[str]) -> Job:
            assert self.config is not None
            config = loader.load_sweep_config(self.config, list(overrides))
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = number
            return Job(number, config, callbacks, task)

        start_server()
        return _Jobs(dict(enumerate(job_overrides, initial_job_idx)), make, at_a_time, self.config).run()


@dataclass
class Running:
    """A job that has been started."""

    job: Job
    began: float = field(default_factory=time.monotonic)
    begun: bool = False
    kept: bool = False  # it was finished before the sweep was resumed
    epoch: int = 0
    epochs: int | None = None
    measured: str = ""
    error: str = ""
    result: JobReturn | None = None


class _Jobs:
    """The jobs of one call of the launcher."""

    def __init__(
        self,
        overrides: Mapping[int, Sequence[str]],
        make: Callable[[int, Sequence[str]], Job],
        at_a_time: int,
        config: DictConfig,
    ) -> None:
        self.waiting, self.make, self.at_a_time, self.config = (
            deque(overrides.items()),
            make,
            at_a_time,
            config,
        )
        self.running: dict[connection.Connection, tuple[Running, Any]] = {}  # with its process
        self.returned: dict[int, JobReturn] = {}
        self.stop: type[KeyboardInterrupt] | None = None
        self.warned: set[str] = set()
        self.labels = _labels(overrides, config.hydra.overrides.task)

    def run(self) -> list[JobReturn]:
        """Run all, and return what they returned, in their order."""
        bars = bool(self.config.trainer.enable_progress_bar)
        with View(self.labels, self.at_a_time, bars) as self.view, self._signals():
            try:
                while self.running or self.waiting and not self.stop:
                    while self.waiting and len(self.running) < self.at_a_time and not self.stop:
                        self._start(self.make(*self.waiting.popleft()))
                    self._listen()
                    self.view.show([each for each, _ in self.running.values()], bool(self.stop))
            except KeyboardInterrupt as stop:  # a second one, or before the first job
                self.stop = self.stop or type(stop)
            finally:
                for _, process in self.running.values():
                    process.kill()
        if self.stop:
            raise self.stop(self._advice(self.stop))
        return [self.returned[number] for number in self.labels]

    def _advice(self, stop: type[KeyboardInterrupt]) -> str:
        what = "Received SIGTERM" if stop is Terminated else "Interrupted"
        folder = RunFolder(Path(self.config.hydra.sweep.dir))
        return f"{what}. Progress is saved. Resume with: {folder.resume_command()}"

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Pass Ctrl-C and SIGTERM on to the jobs, which save and end; a second Ctrl-C ends them at once."""

        def pass_on(number: int, kind: type[KeyboardInterrupt]) -> None:
            if not self.running:  # the server still imports
                raise kind
            self.stop = kind
            for running, process in list(self.running.values()):
                _send(running, process, number)

        signals.on_first_interrupt(lambda: pass_on(signal.SIGINT, KeyboardInterrupt))
        signals.on_sigterm(lambda: pass_on(signal.SIGTERM, Terminated))
        try:
            yield
        finally:
            signals.interrupt_at_once()
            signals.on_sigterm(signals.terminate)

    def _start(self, each: Job) -> None:
        context = multiprocessing.get_context("forkserver")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=job.run, args=(each, theirs))
        process.start()  # waits until the server has imported everything
        theirs.close()
        self.running[ours] = Running(each), process
        if self.stop:  # while it started
            process.kill()

    def _listen(self) -> None:
        """Wait for messages, and for jobs that end."""
        for ours in cast(list[connection.Connection], connection.wait(list(self.running), SECONDS)):
            running, process = self.running[ours]
            try:
                kind, *content = ours.recv()
            except (EOFError, OSError):  # it has ended
                process.join()
                del self.running[ours]
                ours.close()
                self._end(running, process.exitcode)
                continue
            if kind == "begun":
                running.begun, running.kept = True, content[0]
            elif kind == "epoch":
                running.epoch, running.epochs, name, value = content
                running.measured = "" if value is None else f"{name} {value:.4f}"
            elif kind == "warning" and content[0] not in self.warned:  # many jobs have the same
                self.warned.add(content[0])
                self.view.error(running, content[0])
            elif kind == "error":
                running.error = content[0]
            elif kind == "end":
                running.result = content[0]

    def _end(self, running: Running, code: int) -> None:
        """Show how a job ended, and keep what it returned."""
        folder = running.job.folder
        result = folder.read_result()
        if not result.status.counts and running.result is None and not self.stop:
            result = _died(result, running.error, code)
            with suppress(OSError):  # its folder was deleted, or the disk is full
                folder.write_result(result)
        monitor, worst = self.config.monitor, float("inf" if self.config.mode == "min" else "-inf")
        if running.result is None:
            overrides = list(running.job.config.hydra.overrides.task)
            running.result = JobReturn(overrides=overrides, status=JobStatus.COMPLETED)
            running.result.return_value = (
                result.metrics.get(monitor, worst) if result.status.counts else worst
            )
        self.returned[running.job.number] = running.result
        if result.status is Status.COMPLETED:  # but its loss may have exploded
            run = read_run(folder.path)
            result = replace(result, status=run.status, reason=run.reason)
        if not self.stop:
            self.view.end(running, result, monitor)


def _died(result: Result, error: str, code: int) -> Result:
    """Return the result of a job that ended without one, e.g. because it was killed."""
    if result.status in (Status.FAILED, Status.INTERRUPTED):  # it wrote why itself
        return result
    if not error and code < 0:
        name = signal.Signals(-code).name
        memory = ", perhaps because the memory was full: try a smaller hydra.launcher.n_jobs="
        error = f"The process of this job was killed by {name}{memory if name == 'SIGKILL' else ''}."
    return Result(Status.FAILED, error or f"The process of this job ended with code {code}.")


def _send(running: Running, process: Any, number: int) -> None:
    """Send a signal to a job; one that has not begun could not answer it, and has nothing to save."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, number if running.begun else signal.SIGKILL)


def _labels(overrides: Mapping[int, Sequence[str]], typed: Sequence[str]) -> dict[int, str]:
    """Return for each job the overrides in which it differs from the others, or from the command if alone."""
    words = {number: list(filter_overrides(each)) for number, each in overrides.items()}
    common = set.intersection(*map(set, words.values())) if len(words) > 1 else set(typed)
    own = {number: [word for word in each if word not in common] for number, each in words.items()}
    return {number: f"#{number} {' '.join(each)}" for number, each in own.items()}
