"""Train from Python, e.g. in a notebook: `run = intro_dl.train("model=lenet", "optim.lr=0.01")`."""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from intro_dl.cli import hydra_callbacks
from intro_dl.cli.app import record_error
from intro_dl.cli.errors import explain
from intro_dl.cli.overrides import for_hydra
from intro_dl.cli.saved_command import with_saved_command
from intro_dl.config.schema import register_schema
from intro_dl.config.targets import allow_own_code
from intro_dl.config.validate import check_values
from intro_dl.runs import signals
from intro_dl.runs.files import explain_os_error
from intro_dl.runs.program import is_for_the_user

if TYPE_CHECKING:
    from intro_dl.inference.load import LoadedRun

LIBRARIES = ("pytorch_lightning", "lightning_fabric")  # their loggers print by themselves if imported first


def train(*overrides: str, **keywords: object) -> "LoadedRun":
    """Train one run as `python scripts/train.py <overrides>` does, and return it with its best weights.

    The run is written below outputs/ of the current directory. Logging, warnings, signals and random numbers
    of the caller are as before when it returns.

    Args:
        overrides: each sets one key or group, e.g. "optim.lr=0.01"; "resume=latest" resumes. Flags such as
            --config-dir need the command line.
        keywords: refused, since Python has no names with a dot, such as optim.lr.

    Raises:
        ValueError: for a mistake in the overrides, or if the loss diverges; the message says what to change.
    """
    for override in (*overrides, *keywords):
        if not isinstance(override, str) or override.startswith("-") or "=" not in override:
            raise ValueError(
                f"Cannot read {override!r}: write each override as a string, e.g. "
                'intro_dl.train("model=lenet", "optim.lr=0.01").'
            )
        if override.startswith("sweep="):
            raise ValueError(f"intro_dl.train trains one run: for {override}, use the command line.")
    folders: list[Path] = []
    with _state_of_the_caller():
        try:
            _run(list(overrides), folders)
        except KeyboardInterrupt:
            raise
        except SystemExit as stop:  # from the callbacks of Hydra
            raise ValueError(str(stop.code).removeprefix("Error: ")) from None
        except Exception as error:
            if not folders or _has_a_sentence(error):
                raise ValueError(explain(error, list(overrides))) from None
            raise  # a fault in a student's model, for example: the traceback shows the line
        finally:
            allow_own_code(None)
            if sys.exc_info()[0] is not None:
                hydra_callbacks.remove_created()

    from intro_dl.inference.load import load_run

    return load_run(folders[0])


def _run(overrides: list[str], folders: list[Path]) -> None:
    """Compose the config, create the folder, and train; append the folder to `folders`."""
    register_schema()
    hydra_callbacks.created.clear()
    signals.received.clear()
    arguments = for_hydra(with_saved_command(overrides))
    if "--multirun" in arguments:
        raise ValueError("A sweep cannot be resumed from Python: use intro-dl train resume=<sweep>.")
    ended: list[BaseException] = []

    def job(cfg: DictConfig) -> None:
        folders.append(Path(cfg.run_dir))
        with _recorded(cfg, ended):
            check_values(cfg)
            if cfg.trainer.strategy == "ddp":
                raise ValueError(
                    "Several devices need several processes: for trainer=ddp, use the command line."
                )
            from matplotlib import style
            from pytorch_lightning.utilities.seed import isolate_rng

            from intro_dl.training.train import train

            # isolate_rng restores nothing after an error; the caller's style may not fit our pictures
            with style.context("default"), isolate_rng(), _recorded(cfg, ended):
                train(cfg)

    GlobalHydra.instance().clear()
    with initialize_config_module("intro_dl.configs", job_name="train", version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # initialized in the line before
        hydra.run("train", job, arguments)
    if ended:
        raise ended[0]


@contextmanager
def _recorded(cfg: DictConfig, ended: list[BaseException]) -> Iterator[None]:
    """Write an error to result.json and append it to `ended`: Hydra would print it."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as raised:
        error = signals.what_ended_it(raised)
        reason = record_error(cfg, error)
        if isinstance(error, KeyboardInterrupt):
            error.args = (reason,)
        ended.append(error)


def _has_a_sentence(error: BaseException) -> bool:
    cause = error.__cause__ or error
    return is_for_the_user(cause) or explain_os_error(error) is not None


@contextmanager
def _state_of_the_caller() -> Iterator[None]:
    """Restore what a training changes: loggers, warnings, signals and environment."""
    names = (None, *LIBRARIES)
    loggers = [logging.getLogger(name) for name in names]
    before = [(list(each.handlers), each.level, each.propagate) for each in loggers]
    answers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    environment, exceptions = dict(os.environ), logging.raiseExceptions
    with warnings.catch_warnings():
        for each in loggers[1:]:
            each.handlers, each.propagate = [], True
        try:
            yield
        finally:
            for handler in loggers[0].handlers:
                if handler not in before[0][0]:
                    handler.close()
            for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
                each.handlers[:], each.propagate = handlers, propagate
                each.setLevel(level)
            logging.raiseExceptions = exceptions
            if threading.current_thread() is threading.main_thread():
                for number, answer in answers.items():
                    signal.signal(number, answer)
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
