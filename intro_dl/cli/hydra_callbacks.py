"""Every run gets a folder of its own, also when two begin in the same second. Free of torch."""

import logging
import shlex
import shutil
import sys
from itertools import chain, count
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from intro_dl.runs.files import explain_os_error, shown_path
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.sweep import SweepFolder
from intro_dl.training.devices import NO_SWEEP

# What is written before the training begins.
BEGINNING = {"config.yaml", "hydra.yaml", "overrides.yaml", "multirun.yaml", "train.log"}
made: list[Path] = []  # the folders that did not exist before this command, from the inner to the outer


class OwnFolder(Callback):
    """Hydra calls this before it makes the folder of a run or of a sweep."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        # Hydra writes no .hydra where a run goes on, or where this is another process of a run.
        if config.hydra.output_subdir is not None:
            _choose_folder(config, "run", f"{config.hydra.output_subdir}/config.yaml")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if not config.resume:
            _choose_folder(config, "sweep", "multirun.yaml")


def _choose_folder(config: DictConfig, kind: str, first_file: str) -> None:
    """Let `hydra.<kind>.dir` be a folder that no other run has: with -2 at its end, if need be."""
    key, folder = f"hydra.{kind}.dir", config.hydra[kind].dir
    place = Path(folder)
    given = any(text.startswith(f"{key}=") for text in config.hydra.overrides.hydra)
    try:
        if given and place.is_dir() and not (place / first_file).exists() and _holds_folders(place):
            raise ValueError(
                f"{shlex.quote(shown_path(folder))} is no {kind}, and has other folders in it: choose a "
                "folder that does not exist yet."
            )
        for name in chain([folder], () if given else (f"{folder}-{number}" for number in count(2))):
            if _claim(Path(name) / first_file):
                break
        else:
            raise ValueError(_taken(place, kind))
    except (OSError, ValueError) as error:  # of these, Hydra would make a warning
        print(f"Error: {explain_os_error(error) or error}", file=sys.stderr)
        raise SystemExit(1) from error
    if name != folder:
        with read_write(config), open_dict(config):
            config.hydra[kind].dir = name
            config.hydra.overrides.hydra.append(f"{key}='{name}'")  # from which a sweep's jobs take it


def _holds_folders(place: Path) -> bool:
    return any(entry.is_dir() for entry in place.iterdir())


def _claim(file: Path) -> bool:
    """Make `file`; False if another process was faster. Hydra writes into it in a moment."""
    new = [folder for folder in file.absolute().parents if not folder.exists()]
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    made[:] = new
    return True


def remove_what_was_made() -> None:
    """Remove the folders made for this command if they hold no more than the beginning of a run."""
    if not made or not made[-1].is_dir():
        return
    files = [path for path in made[-1].rglob("*") if not path.is_dir()]
    if not {path.name for path in files} <= BEGINNING:
        return
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) in files:
            logging.getLogger().removeHandler(handler)
            handler.close()  # elsewhere than on Unix, an open file cannot be removed
    shutil.rmtree(made[-1], ignore_errors=True)


def _taken(folder: Path, kind: str) -> str:
    shown = shlex.quote(shown_path(str(folder)))
    other = "another run_dir=" if kind == "run" else "another hydra.sweep.dir="
    if kind == "run" and not RunFolder(folder).last.is_file():
        return (
            f"{shown} is the folder of a run that has saved nothing yet. If it is not running, delete the "
            f"folder; or choose {other}."
        )
    command = RunFolder(folder).resume_command()
    return f"{shown} is the folder of another {kind}. Resume it with: {command}; or choose {other}."


class SweepSummary(Callback):
    """Hydra calls this around a multirun."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if config.trainer.strategy == "ddp":
            print(f"Error: {NO_SWEEP}", file=sys.stderr)  # of an exception, Hydra would make a warning
            raise SystemExit(1)
        # Not every sweeper notes what was asked for; the folder is there, made by OwnFolder.
        OmegaConf.save(config, Path(config.hydra.sweep.dir) / "multirun.yaml")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print and write the comparison of the runs.

        The exit code becomes 1 if a job has failed, or all have diverged; some diverged ones are no failure.
        """
        from intro_dl.compare.command import end_of_sweep
        from intro_dl.config.options import run_script

        folder = Path(config.hydra.sweep.dir)
        jobs = [job for job in SweepFolder(folder).jobs() if job.result_file.is_file()]
        failed = any(not job.status().counts for job in jobs)
        if jobs and (run_script("", end_of_sweep, [str(folder)]) or failed):
            raise SystemExit(1)
