"""Read runs into memory: their settings, and their results or the reason why there are none."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intro_dl.runs.files import one_line
from intro_dl.runs.folder import RunFolder, find_runs
from intro_dl.runs.result import FAR_ABOVE_CHANCE, Result, Status
from intro_dl.runs.values import LARGEST

GROUPS = ("experiment", "data", "model", "optim", "scheduler", "regularization", "callbacks", "trainer")
REFERENCE = re.compile(r"\$\{([\w.]+)\}")  # to another key of the config
# Where a run is stored, what it reports, and where its code comes from.
NOT_SETTINGS = ("run_dir", "resume", "test", "watch_test", "summary", "logger", "own_code")
MOST_SETTINGS = 1000  # a run has about 80


@dataclass
class Run:
    """One run, read from its folder. `reason` says why its status is not `completed`."""

    folder: Path
    status: Status = Status.UNFINISHED
    reason: str = ""
    settings: dict[str, Any] = field(default_factory=dict)  # "optim.lr" -> 0.1, interpolations resolved
    derived: dict[str, str] = field(default_factory=dict)  # "data.seed" -> "${seed}": not set by themselves
    choices: dict[str, str] = field(default_factory=dict)  # "optim" -> "adam"
    result: Result = field(default_factory=lambda: Result(Status.UNFINISHED))
    history: list[dict[str, float]] = field(default_factory=list)  # one dict an epoch

    @property
    def seed(self) -> Any:
        return self.settings.get("seed")

    def measured(self, name: str) -> float | None:
        """Return a number of the result, e.g. "accuracy/test"; epochs and seconds also of a diverged run."""
        if name == "epochs":
            return self.result.epochs or len(self.history) or None
        if name == "seconds":
            return self.result.seconds or sum(row.get("seconds", 0.0) for row in self.history) or None
        return self.result.metrics.get(name)


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Read every run at or below the folders, each once.

    Raises:
        ValueError: if a folder is missing, or holds no run.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"There is no directory {folder}. Name a directory of runs, e.g. outputs/lenet.")
        runs = [run.path.resolve() for run in find_runs(folder)]
        if not runs:
            raise ValueError(
                f"There are no runs under {folder}: no directory in it has a result.json. "
                "intro-dl train writes its runs to outputs/."
            )
        found += runs
    return [read_run(path) for path in dict.fromkeys(found)]


def read_run(path: Path) -> Run:
    """Read one run. Never fails: the run's `reason` says what cannot be read."""
    folder, run = RunFolder(path), Run(path)
    try:
        _read_settings(run, folder)
    except ValueError as error:
        run.status, run.reason = Status.DAMAGED, str(error)
        return run
    run.result = folder.read_result()
    run.status, run.reason = run.result.status, run.result.reason
    run.history = folder.read_history()
    if run.status is Status.COMPLETED and (reason := _explosion(run)):
        run.status, run.reason = Status.DIVERGED, reason
    return run


def by_task(runs: Iterable[Run]) -> dict[frozenset[str], list[Run]]:
    """Group runs by their measures, e.g. accuracy and loss; leave out runs without measures."""
    tasks: dict[frozenset[str], list[Run]] = {}
    for run in runs:
        if names := frozenset(name.partition("/")[0] for name in run.result.metrics):
            tasks.setdefault(names, []).append(run)
    return tasks


def _explosion(run: Run) -> str | None:
    """Return why a run that was trained to its end counts as diverged.

    Its last epoch ends far above chance on the training split and on the validation split. Overfitting raises
    only the validation loss.
    """
    chance, last = run.result.chance_loss, run.history[-1] if run.history else {}
    losses = [last[name] for name in ("loss/train", "loss/val") if name in last]
    if chance and len(losses) == 2 and min(losses) > FAR_ABOVE_CHANCE * chance:
        loss = f"{last['loss/val']:.3g} on the validation split"
        return f"its loss ended at {loss}, far above the chance level of {chance:.3g}"
    return None


def _read_settings(run: Run, folder: RunFolder) -> None:
    settings, derived = settings_of(folder.read_config())
    if len(settings) > MOST_SETTINGS or not isinstance(settings["seed"], int) or settings["seed"] > LARGEST:
        raise ValueError(".hydra/config.yaml is not the config of a run")
    run.settings, run.derived = settings, derived
    saved = folder.read_choices()
    run.choices = {group: saved[group] for group in GROUPS if group in saved}


def settings_of(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings of a config, and which of them refer to others; see `Run`."""
    leaves = dict(_leaves(config, ""))
    settings, derived = {}, {}
    for key, value in leaves.items():
        if isinstance(value, str) and "${" in value:
            derived[key] = value
            value = referenced(value, leaves)
        if key.partition(".")[0] not in NOT_SETTINGS:
            settings[key] = setting(value)
    return settings, derived


def setting(value: Any) -> Any:
    """Return a value of a config as a number, None or a line of text."""
    if value is None or (isinstance(value, int | float) and abs(value) <= sys.float_info.max):  # not for nan
        return value
    return one_line(str(list(value) if isinstance(value, tuple) else value))


def referenced(value: Any, leaves: Mapping[str, Any]) -> Any:
    """Return the value that ${optim.lr} stands for.

    Other interpolations stay text: in the folder of somebody else, they could read an environment variable,
    or expand to gigabytes.
    """
    for _ in range(10):
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if not found or found[1] not in leaves:
            break
        value = leaves[found[1]]
    return value


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield one_line(f"{prefix}{key}"), value
