"""What stands between the command line and Hydra: exit codes, and errors that are said in a sentence.

Free of torch, so that a typing mistake is answered at once.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig

from intro_dl.command_line import help
from intro_dl.command_line.config import register_schema
from intro_dl.command_line.explain import explain, is_for_the_user
from intro_dl.command_line.saved_command import with_saved_command
from intro_dl.command_line.words import for_hydra
from intro_dl.running import interrupts, run_folder
from intro_dl.running.files import explain_os_error
from intro_dl.running.interrupts import INTERRUPTED, TERMINATED, exit_code, on_sigterm, terminate
from intro_dl.running.processes import FIRST, as_further_process, follow_the_first, rank
from intro_dl.running.results import go_on, read_result, write_result

log = logging.getLogger(__name__)

FULL_ERROR = "INTRO_DL_FULL_ERROR"  # what the user said in HYDRA_FULL_ERROR, for the jobs


def run(main: Callable[[], None]) -> int:
    """Call a Hydra program and return its exit code. HYDRA_FULL_ERROR=1 brings the traceback of an error."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help.text())
        return 0
    register_schema()
    logging.raiseExceptions = False  # a full disk is said once, not for each line of train.log
    full_error = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
    os.environ[FULL_ERROR] = "1" if full_error else ""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on instead of printing them
    if rank():
        warnings.simplefilter("ignore")  # process 0 says the same
    if FIRST in os.environ:
        follow_the_first()
    else:
        interrupts.told.clear()
        on_sigterm(terminate)
    run_folder.made.clear()
    code = _answer(main, full_error)
    if code not in (0, INTERRUPTED, TERMINATED):
        run_folder.remove_what_was_made()
    return code


def _answer(main: Callable[[], None], full_error: bool) -> int:
    try:
        arguments = for_hydra(with_saved_command(sys.argv[1:]))
        sys.argv[1:] = as_further_process(arguments) if rank() else arguments
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as error:
        _say("Interrupted.")
        return exit_code(error)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if full_error:
            raise
        _say(f"Error: {explain(error, sys.argv[1:])}")
        return 1
    return 0


@contextmanager
def report_errors(cfg: DictConfig) -> Iterator[None]:
    """Inside a job: say what went wrong in a sentence, note it in result.json, and let a sweep go on."""
    try:
        yield
    except BrokenPipeError:  # in printing the summary: the result is written
        raise
    except (Exception, KeyboardInterrupt) as raised:
        error = interrupts.what_ended_it(raised)
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = _how_interrupted(error, cfg) if interrupted else explain(error, [])
        status = "interrupted" if interrupted else getattr(error, "status", "failed")
        run_dir = Path(cfg.run_dir)
        if explain_os_error(error) and (run_dir / "checkpoints" / "last.ckpt").is_file():
            reason += f" What was finished is kept; then go on with: {go_on(run_dir)}"
        cause = error.__cause__ if isinstance(error, InstantiationException) else error
        refused = is_for_the_user(cause) and status == "failed"
        refused = refused and (cfg.resume or not (run_dir / "history.csv").is_file())
        facts = {"refused": True} if refused else getattr(error, "facts", {})
        untold = refused and HydraConfig.get().mode != RunMode.MULTIRUN  # there, the table says so
        # In train.log, for whoever looks into it.
        log.info("The run ended early: %s", reason, exc_info=None if untold and cfg.resume else error)
        untold = untold or rank() > 0  # which has no folder
        if not untold and read_result(run_dir).get("status") != "completed":
            with suppress(OSError):  # which is the error that is being reported
                write_result(run_dir, {"status": status, "reason": reason} | facts)
        _say(reason if interrupted else f"Error: {reason}")
        if os.environ.get(FULL_ERROR):
            raise
        if HydraConfig.get().mode != RunMode.MULTIRUN or interrupted:
            raise SystemExit(exit_code(error) if interrupted else 1) from error


def _how_interrupted(error: KeyboardInterrupt, cfg: DictConfig) -> str:
    job = HydraConfig.get()
    if job.mode == RunMode.MULTIRUN:
        return f"Interrupted. Go on with: {go_on(job.sweep.dir)}"
    if str(error) or not (Path(cfg.run_dir) / "checkpoints" / "last.ckpt").is_file():
        return str(error) or "Interrupted before anything was saved."
    return f"Interrupted. What was finished is kept; go on with: {go_on(cfg.run_dir)}"


def _say(text: str) -> None:
    if rank() == 0 or FIRST in os.environ:  # process 0 listens to those that it has started
        print(text, file=sys.stderr)
