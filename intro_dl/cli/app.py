"""Run a Hydra program with exit codes, and with errors in one sentence.

Does not import torch, so that a typing mistake is reported at once.
"""

import errno
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from omegaconf import DictConfig

from intro_dl.cli import help_text, hydra_callbacks, launcher
from intro_dl.cli.errors import explain
from intro_dl.cli.optuna_sweeper import register_sweeper
from intro_dl.cli.overrides import flags_last, for_hydra
from intro_dl.cli.saved_command import with_saved_command
from intro_dl.config.schema import register_schema
from intro_dl.runs import signals
from intro_dl.runs.files import explain_os_error
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.program import FULL_ERROR, as_typed, is_for_the_user, run_program, tell
from intro_dl.runs.rank import is_worker, rank
from intro_dl.runs.result import Result, Status
from intro_dl.runs.signals import INTERRUPTED, TERMINATED, Terminated, exit_code
from intro_dl.runs.sweep import in_sweep
from intro_dl.training.devices import end_with_launcher, report_to_launcher, worker_arguments

log = logging.getLogger(__name__)

BAD_NAMES = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)  # e.g. of data.root=


def run(main: Callable[[], None], arguments: Sequence[str]) -> int:
    """Call a Hydra program and return its exit code. HYDRA_FULL_ERROR=1 shows the traceback of an error."""
    if {"--help", "-h"} & set(arguments):
        print(as_typed(help_text.text()))
        return 0
    register_schema()
    register_sweeper()
    launcher.register_launcher()
    logging.raiseExceptions = False  # report a full disk once, not for each line of train.log
    asked = FULL_ERROR if is_worker() else "HYDRA_FULL_ERROR"  # the launcher has changed HYDRA_FULL_ERROR
    os.environ[FULL_ERROR] = "1" if os.environ.get(asked, "0") not in ("", "0") else ""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors instead of printing them
    if rank():
        warnings.simplefilter("ignore")  # rank 0 shows the same warnings
    if is_worker():
        end_with_launcher()
    hydra_callbacks.created.clear()

    def work() -> None:
        words = flags_last([*for_hydra(with_saved_command(list(arguments))), *worker_arguments()])
        if {"-m", "--multirun"} & set(words) or any(word.startswith("sweep=") for word in words):
            launcher.start_server(words)
        sys.argv[1:] = words
        main()

    try:
        code = run_program(work, lambda error: explain(error, sys.argv[1:]), _tell)
    finally:
        launcher.stop_server()
    if code not in (0, INTERRUPTED, TERMINATED):
        hydra_callbacks.remove_created()
    return code


@contextmanager
def report_errors(cfg: DictConfig) -> Iterator[None]:
    """Print the error of a job in one sentence, write it to result.json, and let a sweep continue."""
    try:
        yield
    except BrokenPipeError:  # while the summary was printed: the result is already written
        raise
    except (Exception, KeyboardInterrupt) as raised:
        error = signals.what_ended_it(raised)
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = record_error(cfg, error)
        _tell(reason if interrupted else f"Error: {reason}")
        if os.environ.get(FULL_ERROR):
            raise
        if interrupted or not in_sweep():
            raise SystemExit(exit_code(error) if interrupted else 1) from error


def record_error(cfg: DictConfig, error: BaseException) -> str:
    """Write the error of a job to result.json, unless the command was refused; return it in one sentence."""
    interrupted = isinstance(error, KeyboardInterrupt)
    status = Status.INTERRUPTED if interrupted else getattr(error, "status", Status.FAILED)
    folder = RunFolder(Path(cfg.run_dir))
    swept = in_sweep()
    whole = RunFolder(Path(HydraConfig.get().sweep.dir)) if swept else folder
    saved = f" Progress is saved. Resume with: {whole.resume_command()}"
    if not swept and not folder.last.is_file():
        saved = ""
    if not interrupted:
        reason = explain(error, []) + (saved if explain_os_error(error) else "")
    elif swept or not str(error):
        what = "Received SIGTERM" if isinstance(error, Terminated) else "Interrupted"
        reason = f"{what}.{saved}" if saved else f"{what} before anything was saved."
    else:  # the training has described it
        reason = str(error)
    cause = error.__cause__ if isinstance(error, InstantiationException) else error
    started = folder.history_file.is_file() and not cfg.resume
    theirs = is_for_the_user(cause) or getattr(cause, "errno", None) in BAD_NAMES
    refused = theirs and status is Status.FAILED and not started
    unrecorded = refused and not swept  # a sweep lists refused jobs in its table
    log.info("The run ended early: %s", reason, exc_info=None if unrecorded and cfg.resume else error)
    if not unrecorded and rank() == 0 and folder.status() is not Status.COMPLETED:
        result = Result(status, reason, refused, diagnosis=getattr(error, "diagnosis", None))
        with suppress(OSError):  # perhaps for the reason that is reported here
            folder.write_result(result)
    return reason


def _tell(text: str) -> None:
    if is_worker():
        report_to_launcher(text)
    elif rank() == 0:
        tell(text)
