"""From the folders of finished runs to one small JSON file for each experiment."""

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from intro_dl.config.names import nearest
from intro_dl.config.override_syntax import scheduler_by_name
from intro_dl.results.experiments import ABLATIONS, ALL_TRICKS, EXPERIMENTS, needed_seeds
from intro_dl.runs.files import shown_path
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.record import Run, read_runs
from intro_dl.runs.result import Status

# Keys that change nothing in an experiment: the seed, where files are, and how the sweep was started.
NO_CHANGE = ("experiment", "seed", "sweep", "resume", "run_dir", "data.root")
AS_FILES = "data=image_folder"  # the same images, each in a file of its own
TEST = "accuracy/test"


def summarize(
    folders: Iterable[Path], seeds: int | None, test_images: int, machine: str | None
) -> dict[str, dict[str, Any]]:
    """Summarize the runs at or below the folders.

    Args:
        folders: of runs or sweeps, of one experiment or several.
        seeds: how many each experiment must have; None for the number in intro_dl/results/experiments.py.
        test_images: on how many images the runs were tested.
        machine: what the runs were trained on, in a few words.

    Returns:
        The content of each file by its name, e.g. "mnist_mlp" or "ablation/no_dropout".

    Raises:
        ValueError: if a run is missing, unfinished, of an unknown experiment, or has other settings.
    """
    groups: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in read_runs(folders):
        if run.status is not Status.COMPLETED:
            raise ValueError(
                f"{shown_path(run.folder)} is {run.status}: {run.reason.rstrip('.')}. Leaving it out would "
                "bias the mean: finish it with python scripts/train.py resume=<sweep>, or run it again."
            )
        experiment = run.choices.get("experiment", "none")
        if experiment == "none":
            raise ValueError(
                f"{shown_path(run.folder)} was trained without experiment=..., so RESULTS.md has no row for "
                "it. Leave it out, or use python scripts/compare.py."
            )
        groups[(experiment, *_changes(run))].append(run)
    summaries = {}
    for (experiment, *changes), runs in groups.items():
        name = file_name(experiment, changes)
        runs.sort(key=lambda run: run.seed)
        check_seeds(" ".join([experiment, *changes]), runs, seeds or needed_seeds(name))
        summaries[name] = {
            "experiment": experiment,
            "changes": changes,
            "command": _command(runs),
            "machine": machine,
            "test_images": test_images,
            "runs": [_numbers(run) for run in runs],
        }
    return summaries


def file_name(experiment: str, changes: Sequence[str]) -> str:
    """Return the file of results/ for the runs of an experiment, without .json.

    Raises:
        ValueError: if RESULTS.md has no row for the experiment, or for these changes of it.
    """
    if not changes and experiment in EXPERIMENTS:
        return experiment
    if not changes:
        raise ValueError(
            f"RESULTS.md has no row for experiment={experiment}.{nearest(experiment, list(EXPERIMENTS))}"
        )
    for ablation in ABLATIONS:
        if experiment == ALL_TRICKS and set(changes) == set(ablation.changes):
            return ablation.name
    raise ValueError(
        f"The runs of experiment={experiment} were changed by {' '.join(changes)}, and RESULTS.md has no row "
        "for that. Add an ablation to intro_dl/results/experiments.py, or leave these runs out."
    )


def check_seeds(which: str, runs: Sequence[Run], needed: int) -> None:
    """Refuse runs that differ in more than their seed, a seed that occurs twice, and too few seeds.

    Args:
        which: the experiment and its changes, for the message.
        runs: sorted by seed.
        needed: number of seeds.
    """
    for first, second in zip(runs, runs[1:], strict=False):
        folders = [shown_path(run.folder) for run in (first, second)]
        if first.seed == second.seed:
            raise ValueError(
                f"{which} has seed {first.seed} twice, in {' and '.join(folders)}: name one of them."
            )
        if key := _different_setting(first, second):
            raise ValueError(
                f"The runs of {which} differ in more than their seed: {key} is {first.settings.get(key)} in "
                f"{folders[0]} and {second.settings.get(key)} in {folders[1]}."
            )
    if len(runs) < needed:
        found = ", ".join(str(run.seed) for run in runs)
        raise ValueError(
            f"{which} has {len(runs)} of {needed} seeds ({found}): train the others, or "
            f"set seeds={len(runs)}."
        )


def write(summaries: dict[str, dict[str, Any]], results: Path) -> list[Path]:
    """Write each summary to its file, replace an earlier one, and return the paths."""
    paths = []
    for name, summary in summaries.items():
        path = results / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _numbers(run: Run) -> dict[str, Any]:
    """Return what is kept of a run; a key that begins with accuracy/test says how the epoch was chosen."""
    result, history = run.result, run.history
    if len(history) != result.epochs:
        raise ValueError(
            f"{shown_path(run.folder)} has {result.epochs} epochs, but its history.csv has {len(history)}: "
            "train it again."
        )
    if any(TEST not in epoch for epoch in history):
        raise ValueError(
            f"{shown_path(run.folder)} has no {TEST} in its history: train it with watch_test=true."
        )
    assert result.best_epoch is not None  # a completed run has one
    best = max(history, key=lambda epoch: epoch["accuracy/val"])  # the first of equals
    accuracies = {
        TEST: best[TEST],
        f"{TEST}/least_loss": history[result.best_epoch - 1][TEST],
        f"{TEST}/last": history[-1][TEST],
        f"{TEST}/highest": max(epoch[TEST] for epoch in history),
        "accuracy/val": best["accuracy/val"],
        "accuracy/train": history[-1]["accuracy/train"],
    }
    kept = ("epochs", "parameters", "seconds", "device", "threads", "versions", "commit")
    return (
        {"seed": run.seed}
        | {name: round(value, 6) for name, value in accuracies.items()}  # without float32 noise
        | {name: getattr(result, name) for name in kept}
    )


def _different_setting(first: Run, second: Run) -> str | None:
    """Return a key with different values, though the command lines differ only in the seed."""
    for key in first.settings.keys() | second.settings.keys():
        follows = key in first.derived and first.derived.get(key) == second.derived.get(key)
        if key not in NO_CHANGE and not follows and first.settings.get(key) != second.settings.get(key):
            return key
    return None


def _overrides(run: Run) -> list[str]:
    """Return the run's command line as typed; empty if it was not saved."""
    try:
        overrides = RunFolder(run.folder).read_overrides()
    except ValueError as error:
        raise ValueError(
            f"{shown_path(run.folder)} has no valid .hydra/overrides.yaml, so its command is unknown."
        ) from error
    return [scheduler_by_name(re.sub(r"^~(\w+)(=null)?$", r"\1=null", text)) for text in overrides]


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _changes(run: Run) -> list[str]:
    """Return what was changed in the experiment, except where its images are."""
    return sorted(text for text in _overrides(run) if _key(text) not in NO_CHANGE and text != AS_FILES)


def _command(runs: Sequence[Run]) -> str:
    """Return the command that made all of the runs, without the directories of one machine."""
    overrides = _overrides(runs[0])
    words = [f"experiment={runs[0].choices['experiment']}", *_changes(runs[0])]
    words += [AS_FILES] * (AS_FILES in overrides)
    for override in overrides:
        if _key(override) == "data.root":  # the name of the directory is enough
            words.append(f"data.root={Path(override.partition('=')[2].strip(chr(39) + chr(34))).name}")
    words.append(f"seed={','.join(str(run.seed) for run in runs)}")
    return " ".join(["python scripts/train.py -m", *map(shlex.quote, words)])
