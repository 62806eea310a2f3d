"""Give every run its own folder, even if two runs start in the same second. Does not import torch."""

import logging
import shutil
import sys
from itertools import chain, count
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from intro_dl.cli.launcher import in_server
from intro_dl.config.override_syntax import quote
from intro_dl.runs.files import explain_os_error, shown_path, typed
from intro_dl.runs.folder import RunFolder, find_runs
from intro_dl.runs.sweep import SweepFolder
from intro_dl.training.devices import NO_SWEEP

# Files that exist before the training starts.
FIRST_FILES = {"config.yaml", "hydra.yaml", "overrides.yaml", "multirun.yaml", "train.log", "output.txt"}
created: list[Path] = []  # folders that this command created, innermost first


class OwnFolder(Callback):
    """Choose the folder before Hydra creates the one of a run or of a sweep."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        # None in a resumed run, and in further processes of a run.
        if config.hydra.output_subdir is not None:
            _choose_folder(config, "run", f"{config.hydra.output_subdir}/config.yaml")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if not config.resume:
            _choose_folder(config, "sweep", "multirun.yaml")


def _choose_folder(config: DictConfig, kind: str, first_file: str) -> None:
    """Set `hydra.<kind>.dir` to a folder that no other run has, with -2 at its end if necessary."""
    key, folder = f"hydra.{kind}.dir", config.hydra[kind].dir
    place = Path(folder)
    given = any(text.startswith(f"{key}=") for text in config.hydra.overrides.hydra)
    shown = typed(shown_path(folder))
    try:
        others = [entry for entry in place.iterdir() if entry.is_dir()] if given and place.is_dir() else []
        if others and not (place / first_file).exists():
            raise ValueError(
                f"{shown} is not a {kind}, and it contains other directories: "
                "choose a directory that does not exist yet."
            )
        names = [folder] if given else chain([folder], (f"{folder}-{number}" for number in count(2)))
        name = next((name for name in names if _claim(Path(name) / first_file)), None)
        if name is None:
            other = "run_dir=" if kind == "run" else "hydra.sweep.dir="
            raise ValueError(
                f"{shown} belongs to another {kind}. Resume it with: {RunFolder(place).resume_command()}; "
                f"or choose another {other}."
            )
    except (OSError, ValueError) as error:  # Hydra would turn these into a warning
        raise SystemExit(f"Error: {explain_os_error(error) or error}") from error
    if name != folder:
        with read_write(config), open_dict(config):
            config.hydra[kind].dir = name
            config.hydra.overrides.hydra.append(
                f"{key}={quote(name)}"
            )  # the jobs of a sweep read it from there


def _claim(file: Path) -> bool:
    """Create `file`, which Hydra will overwrite; return False if it exists."""
    new = [folder for folder in file.absolute().parents if not folder.exists()]
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    created[:] = new
    return True


def remove_created() -> None:
    """Remove the folders that this command created if they hold only the first files of a run."""
    if not created or not created[-1].is_dir():
        return
    files = [path for path in created[-1].rglob("*") if not path.is_dir()]
    if not {path.name for path in files} <= FIRST_FILES:
        return
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) in files:
            logging.getLogger().removeHandler(handler)
            handler.close()  # Windows cannot remove an open file
    shutil.rmtree(created[-1], ignore_errors=True)


class SweepSummary(Callback):
    """Compare the runs of a sweep at its end."""

    planned = 1  # jobs; at least one where a search decides

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if config.trainer.strategy == "ddp":
            print(f"Error: {NO_SWEEP}", file=sys.stderr)  # Hydra would turn an exception into a warning
            raise SystemExit(1)
        # Not every sweeper writes this file. OwnFolder has created the folder.
        OmegaConf.save(config, Path(config.hydra.sweep.dir) / "multirun.yaml")
        self.planned = SweepFolder(Path(config.hydra.sweep.dir)).planned_jobs() or 1

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print and write the comparison of the runs; exit with 1 if a job failed or all diverged."""
        folder = Path(config.hydra.sweep.dir)
        jobs = [job for job in SweepFolder(folder).jobs() if job.result_file.is_file()]
        failed = any(not job.status().counts for job in jobs)
        failed |= bool(jobs) and in_server("intro_dl.compare.command:end_of_sweep", [str(folder)]) != 0
        missing = self.planned - sum(run.result_file.is_file() for run in find_runs(folder))
        if missing > 0 and (jobs or not SweepFolder(folder).is_sweep()):  # or hydra.sweep.subdir is elsewhere
            print(
                f"Error: {missing} of {self.planned} results are missing in {shown_path(folder)}. If it was "
                "deleted during the sweep, start it again.",
                file=sys.stderr,
            )
            failed = True
        if failed:
            raise SystemExit(1)
