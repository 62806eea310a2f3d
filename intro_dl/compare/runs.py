"""Read the folders of runs: what was set, and what came out or why nothing did."""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from intro_dl.running.results import FAR_ABOVE_GUESSING

GROUPS = ("experiment", "data", "model", "optim", "scheduler", "regularization", "callbacks", "trainer")
NO_SETTINGS = ("run_dir", "resume", "test", "watch_test")  # where it lives and what it reports

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


@dataclass
class Run:
    """One run folder.

    `status` is completed, diverged, failed or interrupted, as result.json says; unfinished without a
    result.json; damaged if a file of the run cannot be read. `reason` explains all but completed.
    """

    folder: Path
    status: str = "unfinished"
    reason: str = ""
    settings: dict[str, Any] = field(default_factory=dict)  # "optim.lr" -> 0.1, interpolations resolved
    derived: dict[str, str] = field(default_factory=dict)  # "data.seed" -> "${seed}": not set by themselves
    choices: dict[str, str] = field(default_factory=dict)  # "optim" -> "adam"
    result: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)  # one dict an epoch

    @property
    def seed(self) -> Any:
        return self.settings.get("seed")

    def measured(self, name: str) -> float | None:
        """A number of the result, e.g. "accuracy/test"; epochs and seconds also of a diverged run."""
        value = self.result.get(name)
        if value is None and self.history and name in ("epochs", "seconds"):
            value = len(self.history) if name == "epochs" else sum(row["seconds"] for row in self.history)
        return value


def find_runs(folder: Path) -> list[Path]:
    """The run folders at or below `folder`: those with a result.json, or that Hydra has begun."""
    found = {path.parent for path in folder.rglob("result.json")}
    found |= {path.parent.parent for path in folder.rglob(".hydra/config.yaml")}
    return sorted(found, key=_natural)


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Every run at or below the folders, each once.

    Raises:
        ValueError: if a folder is missing, or holds no run.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"There is no folder {folder}. Name a folder of runs, e.g. outputs/lenet.")
        runs = find_runs(folder)
        if not runs:
            raise ValueError(
                f"There are no runs under {folder}: no folder in it has a result.json. "
                "Runs are written to outputs/ by python scripts/train.py."
            )
        found |= dict.fromkeys(run.resolve() for run in runs)
    return [read_run(run) for run in found]


def read_run(folder: Path) -> Run:
    """What one run folder holds. Never fails: what cannot be read is said in the run's `reason`."""
    run = Run(folder)
    _read_settings(run)
    if run.status == "damaged":
        return run
    path = folder / "result.json"
    if not path.is_file():
        run.reason = "it has no result.json: it was killed, or is still running"
        return run
    try:
        result = json.loads(path.read_text())
        run.status = result["status"]
    except (ValueError, TypeError, KeyError):
        run.status, run.reason = "damaged", "its result.json is cut short"
        return run
    run.result, run.reason = result, result.get("reason", "")
    run.history = read_history(folder)
    explosion = _explosion(run) if run.status == "completed" else None
    if explosion:
        run.status, run.reason = "diverged", explosion
    return run


def read_history(folder: Path) -> list[dict[str, float]]:
    """The rows of history.csv, one an epoch; those before a damage; none without the file."""
    path = folder / "history.csv"
    rows = []
    if path.is_file():
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                try:
                    rows.append({name: float(value) for name, value in row.items() if value})
                except (TypeError, ValueError):  # cut short
                    break
    return rows


def _explosion(run: Run) -> str | None:
    """Why a run that was trained to its end counts as diverged all the same.

    Its last epoch ends far above guessing, on the training and on the validation images alike: overfitting
    raises only the latter.
    """
    guessing, last = run.result.get("guessing_loss"), run.history[-1] if run.history else {}
    losses = [last[name] for name in ("loss/train", "loss/val") if name in last]
    if guessing and len(losses) == 2 and min(losses) > FAR_ABOVE_GUESSING * guessing:
        loss = f"{last['loss/val']:.3g} on the validation split"
        return f"its loss ended at {loss}, far above the {guessing:.3g} of guessing"
    return None


def _read_settings(run: Run) -> None:
    path = run.folder / ".hydra" / "config.yaml"
    if not path.is_file():
        run.status, run.reason = "damaged", "it has no .hydra/config.yaml, so nobody knows what was set"
        return
    try:
        config = OmegaConf.create(yaml.load(path.read_text(), _Loader))
        if not isinstance(config, DictConfig) or "seed" not in config:
            raise ValueError
    except (yaml.YAMLError, OmegaConfBaseException, ValueError):
        run.status, run.reason = "damaged", "its .hydra/config.yaml is cut short"
        return
    for key, value in _leaves(OmegaConf.to_container(config, resolve=False), ""):
        if isinstance(value, str) and "${" in value:
            run.derived[key] = value
            try:
                value = OmegaConf.select(config, key)
            except OmegaConfBaseException:  # e.g. ${hydra:runtime.output_dir}, known only while it ran
                pass
        if key not in NO_SETTINGS:
            run.settings[key] = value if isinstance(value, int | float | None) else str(value)
    run.choices = _read_choices(run)


def _read_choices(run: Run) -> dict[str, str]:
    """Which option of each group was chosen; where Hydra's record is missing, the name of the class."""
    try:
        saved = yaml.load((run.folder / ".hydra" / "hydra.yaml").read_text(), _Loader)
        choices = saved["hydra"]["runtime"]["choices"]
        return {group: choices[group] or "none" for group in GROUPS if group in choices}
    except (OSError, yaml.YAMLError, TypeError, KeyError):
        targets = {group: run.settings.get(f"{group}._target_") for group in GROUPS}
        return {group: target.rpartition(".")[-1] for group, target in targets.items() if target}


def _leaves(node: dict, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _natural(path: Path) -> tuple[str, float, str]:
    """Sort 2_... before 10_..."""
    number = path.name.partition("_")[0]
    return (str(path.parent), int(number) if number.isdigit() else math.inf, path.name)
