"""The folder of a run: which files are in it, and how to read and write them."""

import csv
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from intro_dl.runs.files import (
    one_line,
    read_json,
    read_limited,
    read_yaml,
    shown_path,
    typed,
    typed_path,
    write_whole,
)
from intro_dl.runs.program import tell, typed_command
from intro_dl.runs.result import Result, Status
from intro_dl.runs.values import fits

MOST_HISTORY = 50_000_000  # bytes: 300,000 epochs

DATA_PATHS = ("data.root", "data.path", "data.cache")
LATEST = "latest"  # instead of a path: the newest run below outputs/


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Files are read only when needed, and no code in them is executed.

    Args:
        path: the folder; it may have been moved or copied.
    """

    path: Path

    def __str__(self) -> str:
        return shown_path(self.path)

    @property
    def best(self) -> Path:
        """The checkpoint of the best epoch."""
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def last(self) -> Path:
        """The latest checkpoint, from which a run resumes."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def result_file(self) -> Path:
        return self.path / "result.json"

    @property
    def history_file(self) -> Path:
        return self.path / "history.csv"

    @property
    def curves_file(self) -> Path:
        return self.path / "curves.png"

    @property
    def config_file(self) -> Path:
        return self.path / ".hydra" / "config.yaml"

    @property
    def overrides_file(self) -> Path:
        return self.path / ".hydra" / "overrides.yaml"

    def read_result(self) -> Result:
        """Return what result.json says; `unfinished` where it is missing, `damaged` where it is not valid."""
        try:
            return Result.from_saved(read_json(self.result_file))
        except (FileNotFoundError, NotADirectoryError):
            return Result(Status.UNFINISHED, "it has no result.json: it was killed, or it is still running")
        except OSError as error:
            return Result(Status.DAMAGED, f"cannot read its result.json: {error.strerror}")
        except ValueError as error:
            return Result(Status.DAMAGED, f"its {error}")

    def write_result(self, result: Result) -> None:
        """Write result.json, completely or not at all."""
        write_whole(self.result_file, result.to_json())

    def status(self) -> Status:
        return self.read_result().status

    def read_history(self) -> list[dict[str, float]]:
        """Return the rows of history.csv, one per epoch, up to the first damaged row."""
        rows: list[dict[str, float]] = []
        with suppress(OSError, TypeError, ValueError, csv.Error):
            text = read_limited(self.history_file, MOST_HISTORY).decode()
            for row in csv.DictReader(io.StringIO(text, newline="")):
                rows.append({one_line(name): float(value) for name, value in row.items() if value})
        return rows

    def write_history(self, history: list[dict[str, float]]) -> None:
        """Write history.csv: one line per epoch, counted from 1."""
        if not history:
            return
        names = dict.fromkeys(name for row in history for name in row)
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(names))
        writer.writeheader()
        writer.writerows({**row, "epoch": int(row["epoch"]) + 1} for row in history)
        write_whole(self.history_file, table.getvalue())

    def read_config(self) -> dict[str, Any]:
        """Return the config of the run as plain values, with its interpolations.

        Raises:
            ValueError: if .hydra/config.yaml is missing or damaged; the message completes "this run: ...".
        """
        try:
            config = read_yaml(self.config_file)
            if not isinstance(config, dict) or "seed" not in config:  # its first lines only
                raise ValueError
        except ValueError as error:
            state = "truncated or not valid YAML" if self.config_file.exists() else "missing"
            raise ValueError(f".hydra/config.yaml is {state}") from error
        return config

    def read_overrides(self) -> list[str]:
        """Return the command line of the run; empty if it was not saved.

        Raises:
            ValueError: if .hydra/overrides.yaml is damaged.
        """
        if not self.overrides_file.is_file():
            return []
        saved = read_yaml(self.overrides_file) or []
        if not fits(saved, list[str]):
            raise ValueError(f"{shown_path(self.overrides_file)} is not a list of overrides.")
        return saved

    def find(self, path: str) -> str:
        """Return a path of the run's command as it can be used from the current directory.

        A relative path names what it named where the run was started, if that still exists. In a project that
        was moved, it is looked for below the current directory.
        """
        with suppress(ValueError, TypeError, KeyError, OSError):
            start = Path(read_yaml(self.path / ".hydra" / "hydra.yaml")["hydra"]["runtime"]["cwd"])
            there = start / path
            if not Path(path).is_absolute() and there.exists() and start != Path.cwd():
                return str(there)
            if not there.exists() and there.is_relative_to(start) and there.relative_to(start).exists():
                return str(there.relative_to(start))
        return path

    def read_choices(self) -> dict[str, str]:
        """Return the chosen option of each group, e.g. {"model": "lenet"}; empty if it was not saved."""
        try:
            choices = read_yaml(self.path / ".hydra" / "hydra.yaml")["hydra"]["runtime"]["choices"]
            return {
                one_line(str(group)): one_line(str(option or "none")) for group, option in choices.items()
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}

    def config_directories(self) -> list[str]:
        """Return the directories that the command line added to configs/."""
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            sources = read_yaml(self.path / ".hydra" / "hydra.yaml")["hydra"]["runtime"]["config_sources"]
            return [str(each["path"]) for each in sources if each["provider"] == "command-line"]
        return []

    def write_choices(self, choices: Mapping[str, Any]) -> None:
        """Write the chosen options again: a resumed run may have others."""
        with suppress(ValueError, TypeError, KeyError):  # its hydra.yaml is missing or damaged
            saved = read_yaml(self.path / ".hydra" / "hydra.yaml")
            saved["hydra"]["runtime"]["choices"] = dict(choices)
            write_whole(self.path / ".hydra" / "hydra.yaml", yaml.safe_dump(saved, sort_keys=False))

    def resume_command(self) -> str:
        """Return the command that resumes this run, or this sweep."""
        return f"{typed_command('train')} resume={typed(shown_path(self.path))}"


def refuse_links(folder: Path) -> None:
    """Refuse to resume in a folder that holds links: a log or a checkpoint would be written where they lead.

    Raises:
        ValueError: naming the first link.
    """
    for parent, folders, names in os.walk(folder):
        if links := [path for name in (*folders, *names) if (path := Path(parent, name)).is_symlink()]:
            raise ValueError(
                f"Cannot resume {shown_path(folder)}: {links[0]} is a link, and training would write to "
                "its target. Copy the folder without links (cp -rL), if you know what they name."
            )


def find_runs(folder: Path) -> Iterator[RunFolder]:
    """Yield every run at or below `folder`: each folder in which a run began or ended."""
    found = {path.parent for path in folder.rglob("result.json")}
    found |= {path.parent.parent for path in folder.rglob(".hydra/config.yaml")}
    for path in sorted(found, key=_natural):
        yield RunFolder(path)


def newest_run(folder: Path) -> RunFolder | None:
    """Return the run below `folder` that saved its weights last, or None."""
    depths = ("*", "*/*", "*/*/*")  # a run, the runs of a model, the jobs of all sweeps
    found = [file for depth in depths for file in folder.glob(f"{depth}/checkpoints/last.ckpt")]
    newest = max(found, key=lambda file: file.stat().st_mtime, default=None)
    return RunFolder(newest.parent.parent) if newest else None


def named_run(path: str | Path, together: bool = False) -> Path:
    """Return the folder that a user names. For `latest`, find the newest run below outputs/, and say which.

    Args:
        path: a path, or "latest".
        together: instead of the latest run, name the folder that also holds those beside it: its sweep, or
            the runs of its model.

    Raises:
        ValueError: for `latest`, if there is no run below outputs/.
    """
    if str(path) != LATEST or typed_path(path).exists():
        return typed_path(path)
    run = newest_run(Path("outputs"))
    if run is None:
        raise ValueError("There is no run below outputs/ in this directory: train one, or name a run.")
    found = run.path.parent if together else run.path
    tell(f"latest: {shown_path(found)}")
    return found


def find_checkpoint(path: str | Path, weights: str) -> Path:
    """Return the file with the "best" or "last" weights of the run in this folder.

    Raises:
        ValueError: if the folder is not a run, or it has no such weights.
    """
    run = RunFolder(typed_path(path))
    folder, files = run.path, {"best": run.best, "last": run.last}
    if not folder.exists():
        raise ValueError(f"There is no directory {folder}. Name a run, e.g. outputs/lenet/<time>.")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file. Name the run folder, e.g. outputs/lenet/<time>.")
    if files[weights].is_file():
        return files[weights]
    other = "last" if weights == "best" else "best"
    if files[other].is_file():
        raise ValueError(f"{folder} has no {weights} weights. Choose weights={other}.")
    runs = list(find_runs(folder))
    if any(each.path == folder for each in runs):
        raise ValueError(
            f"The run {folder} has no weights: checkpoints/best.ckpt and checkpoints/last.ckpt are missing. "
            "Train it again, or name another run."
        )
    if runs:
        raise ValueError(f"{folder} is not a run, it contains {len(runs)}. Name one, e.g. {runs[-1].path}.")
    raise ValueError(
        f"{folder} is not a run: it has no {files[weights].relative_to(folder)}. Name a folder that training "
        "wrote, e.g. outputs/lenet/<time>."
    )


def _natural(path: Path) -> tuple[str, float, str]:
    """Sort 2_... before 10_..."""
    number = path.name.partition("_")[0]
    return str(path.parent), int(number) if number.isdigit() else float("inf"), path.name
