"""One job of a sweep, in a process that `cli/launcher.py` starts for it. Does not import torch itself.

The process is a fork of a server that has imported everything. It prints to output.txt in
the folder of the job, and tells the launcher each finished epoch and each warning.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobRuntime, JobStatus, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig

from intro_dl.cli.errors import explain
from intro_dl.config.schema import register_schema
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.signals import INTERRUPTED, TERMINATED, Terminated, on_sigterm, terminate

SECONDS_TO_SAVE = 10  # if the launcher was killed


@dataclass(frozen=True)
class Job:
    """What a job needs to run.

    Args:
        number: counted from 0.
        config: its config.
        callbacks: Hydra's callbacks.
        task: where the program is, e.g. "intro_dl.cli.train:train_one".
    """

    number: int
    config: DictConfig
    callbacks: Any
    task: str

    @property
    def folder(self) -> RunFolder:
        """The folder of this job, as Hydra chooses it."""
        sweep = self.config.hydra.sweep
        return RunFolder(Path(sweep.dir, sweep.subdir).absolute())


def run(job: Job, launcher: Connection) -> None:
    """Run a job, and end this process with the exit code of a single run."""
    os.setpgrp()  # Ctrl-C in a terminal reaches the launcher, which passes it on
    signal.signal(signal.SIGINT, signal.default_int_handler)
    on_sigterm(terminate)
    threading.Thread(target=_end_with_launcher, daemon=True).start()
    logging.raiseExceptions = False
    try:
        _tell(launcher, "end", _run(job, launcher))
    except KeyboardInterrupt as stop:
        sys.exit(TERMINATED if isinstance(stop, Terminated) else INTERRUPTED)
    except Exception as error:  # before or after the training: its own errors are in result.json
        traceback.print_exc()
        _tell(launcher, "error", explain(error, []))
        sys.exit(1)


def _run(job: Job, launcher: Connection) -> JobReturn:
    import torch

    torch.set_num_threads(1)  # trainer.threads=auto takes no more
    setup_globals()
    register_schema()
    JobRuntime.instance().set("name", job.config.hydra.job.name)
    HydraConfig.instance().set_config(job.config)
    _tell(launcher, "begun", job.folder.status().counts)
    job.folder.path.mkdir(parents=True, exist_ok=True)
    _print_to(job.folder.path / "output.txt")

    def task(cfg: DictConfig) -> Any:
        from intro_dl.training import progress

        logging.getLogger().addHandler(_Warnings(launcher))
        warnings.showwarning = _log_warning  # pyrefly: ignore[bad-assignment]
        progress.listener = lambda *epoch: _tell(launcher, "epoch", *epoch)
        return resolve_name(job.task)(cfg)

    done = run_job(
        task_function=task,
        config=job.config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
        hydra_context=HydraContext(config_loader=cast(Any, None), callbacks=job.callbacks),  # not used
    )
    if done.status is JobStatus.FAILED:  # HYDRA_FULL_ERROR=1; the error itself may not be sent
        text = "".join(traceback.format_exception(done._return_value))
        done.return_value = RuntimeError(f"Job {job.number} failed:\n{text}")
    return done


def _tell(launcher: Connection, kind: str, *content: Any) -> None:
    with suppress(OSError):  # the launcher was killed: this job still saves
        launcher.send((kind, *content))


def _print_to(file: Path) -> None:
    """Let this process print to a file, also what is printed by libraries in C."""
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(number, stream.fileno())
        cast(TextIOWrapper, stream).reconfigure(
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
    os.close(number)


def _end_with_launcher() -> None:
    """Save and end soon after the launcher was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_SAVE)
    os._exit(TERMINATED)


class _Warnings(logging.Handler):
    """Send each warning to the launcher."""

    def __init__(self, launcher: Connection) -> None:
        super().__init__(logging.WARNING)
        self.launcher = launcher

    def emit(self, record: logging.LogRecord) -> None:
        _tell(self.launcher, "warning", record.getMessage())


def _log_warning(message: Any, category: type[Warning], *place: Any) -> None:
    logging.getLogger("py.warnings").warning("%s: %s", category.__name__, message)
