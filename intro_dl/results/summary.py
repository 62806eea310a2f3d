"""Summarize the folders of finished runs in one small JSON file for each experiment."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from intro_dl.config.names import nearest
from intro_dl.config.override_syntax import unquote
from intro_dl.results.experiments import ABLATIONS, ALL_TRICKS, EXPERIMENTS, needed_seeds
from intro_dl.results.recipe import OF_THE_MACHINE, recipe
from intro_dl.results.systems import COMMANDS, system_of
from intro_dl.results.systems import SEEDS as SYSTEM_SEEDS
from intro_dl.runs.files import shown_path
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.record import Run, read_runs
from intro_dl.runs.result import Status

# Keys that do not change an experiment: the seed, the machine, and how the sweep was started.
NO_CHANGE = {"experiment", "seed", "sweep", "resume", "run_dir", *OF_THE_MACHINE}
QUIET = ("trainer=cpu", "logger=none")
AS_FILES = "data=image_folder"  # the same images, each in a file of its own
TEST = "accuracy/test"
KEPT = ("epochs", "parameters", "seconds", "device", "threads", "versions", "commit")


def summarize(
    folders: Iterable[Path], seeds: int | None, test_images: int, machine: str | None
) -> dict[str, dict[str, Any]]:
    """Summarize the runs at or below the folders.

    Args:
        folders: folders of runs or sweeps, of one experiment or several.
        seeds: number of seeds that each experiment must have; None for the number in
            intro_dl/results/experiments.py.
        test_images: number of images on which the runs were tested.
        machine: the machine on which the runs were trained, in a few words.

    Returns:
        The content of each file by its name, e.g. "mnist_mlp" or "ablation/no_dropout".

    Raises:
        ValueError: if a run is missing, unfinished, of an unknown experiment, or has other settings.
    """
    groups: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    systems: dict[str, list[Run]] = defaultdict(list)
    for run in read_runs(folders):
        shown, experiment = shown_path(run.folder), run.choices.get("experiment", "none")
        if run.status is not Status.COMPLETED:
            raise ValueError(
                f"{shown} is {run.status}: {run.reason.rstrip('.')}. Leaving it out would bias the mean: "
                "finish it with intro-dl train resume=<sweep>, or run it again."
            )
        if name := system_of(_overrides(run, kept=("experiment",))[0]):
            systems[name].append(run)
            continue
        if experiment == "none":
            raise ValueError(
                f"{shown} was trained without experiment=..., so RESULTS.md has no row for it. Leave it out, "
                "or use intro-dl compare."
            )
        groups[(experiment, *_overrides(run)[0])].append(run)
    summaries: dict[str, dict[str, Any]] = {}
    for name, runs in systems.items():
        runs.sort(key=lambda run: run.seed)
        words = [*COMMANDS[name].split(), *_overrides(runs[0])[1]]
        check_seeds(COMMANDS[name], runs, seeds or SYSTEM_SEEDS)
        summaries[f"systems/{name}"] = {
            "experiment": name,
            "command": _command(words, runs),
            "machine": machine,
            "recipe": recipe(runs[0].settings),
            "runs": [_measures(run) for run in runs],
        }
    for (experiment, *changes), runs in groups.items():
        name = file_name(experiment, changes)
        runs.sort(key=lambda run: run.seed)
        check_seeds(" ".join([experiment, *changes]), runs, seeds or needed_seeds(name))
        words = [f"experiment={experiment}", *changes, *_overrides(runs[0])[1]]
        summaries[name] = {
            "experiment": experiment,
            "changes": changes,
            "command": _command(words, runs),
            "machine": machine,
            "test_images": test_images,
            "recipe": recipe(runs[0].settings),
            "runs": [_numbers(run) for run in runs],
        }
    return summaries


def file_name(experiment: str, changes: Sequence[str]) -> str:
    """Return the file of results/ for the runs of an experiment, without .json.

    Raises:
        ValueError: if RESULTS.md has no row for the experiment, or for these changes of it.
    """
    for ablation in ABLATIONS:
        if changes and experiment == ALL_TRICKS and set(changes) == set(ablation.changes):
            return ablation.name
    if changes:
        raise ValueError(
            f"The runs of experiment={experiment} were changed by {' '.join(changes)}, and RESULTS.md has no "
            "row for that. Add an ablation to intro_dl/results/experiments.py, or leave these runs out."
        )
    if experiment not in EXPERIMENTS:
        raise ValueError(
            f"RESULTS.md has no row for experiment={experiment}.{nearest(experiment, list(EXPERIMENTS))}"
        )
    return experiment


def check_seeds(which: str, runs: Sequence[Run], needed: int) -> None:
    """Refuse runs (sorted by seed) that differ in more than their seed, repeat a seed, or are too few."""
    for first, second in zip(runs, runs[1:], strict=False):
        folders = [shown_path(run.folder) for run in (first, second)]
        if first.seed == second.seed:
            raise ValueError(
                f"{which} has seed {first.seed} twice, in {' and '.join(folders)}: name one of them."
            )
        for key in first.settings.keys() - first.derived.keys() - NO_CHANGE:
            one, other = first.settings[key], second.settings.get(key)
            if one != other:
                raise ValueError(
                    f"The runs of {which} differ in more than their seed: {key} is {one} in {folders[0]} and "
                    f"{other} in {folders[1]}."
                )
    if len(runs) < needed:
        found = ", ".join(str(run.seed) for run in runs)
        raise ValueError(
            f"{which} has {len(runs)} of {needed} seeds ({found}): train the others, or "
            f"set seeds={len(runs)}."
        )


def _numbers(run: Run) -> dict[str, Any]:
    """Return what is kept of a run; a key that begins with accuracy/test shows how the epoch was chosen."""
    result, history = run.result, run.history
    measured = all({TEST, "accuracy/val", "accuracy/train"} <= epoch.keys() for epoch in history)
    if len(history) != result.epochs or not history or not measured:
        raise ValueError(
            f"{shown_path(run.folder)} needs {result.epochs} epochs with {TEST} in its history.csv: train it "
            "again with watch_test=true."
        )
    if not result.best_epoch or not 1 <= result.best_epoch <= len(history):
        raise ValueError(f"{shown_path(run.folder)} has best_epoch={result.best_epoch} in its result.json.")
    best = max(history, key=lambda epoch: epoch["accuracy/val"])  # the first of equals
    accuracies = {
        TEST: best[TEST],
        f"{TEST}/least_loss": history[result.best_epoch - 1][TEST],
        f"{TEST}/last": history[-1][TEST],
        f"{TEST}/highest": max(epoch[TEST] for epoch in history),
        "accuracy/val": best["accuracy/val"],
        "accuracy/train": history[-1]["accuracy/train"],
    }
    return {"seed": run.seed} | _rounded(accuracies) | {name: getattr(result, name) for name in KEPT}


def _measures(run: Run) -> dict[str, Any]:
    """Return what is kept of the run of a system: its measures and those of its rivals."""
    result = run.result
    kept = {name: getattr(result, name) for name in ("best_epoch", *KEPT)}
    return {"seed": run.seed} | _rounded(result.metrics) | {"rivals": _rounded(result.rivals)} | kept


def _rounded(measures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in measures.items()}  # without float32 noise


def _command(words: Sequence[str], runs: Sequence[Run]) -> str:
    seeds = f"seed={','.join(str(run.seed) for run in runs)}"
    return " ".join(["python scripts/train.py -m", *map(shlex.quote, [*words, seeds])])


def _overrides(run: Run, kept: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Return what the command line changed, and where the images are, without the directories."""
    overrides = RunFolder(run.folder).read_overrides()
    ignored = NO_CHANGE.difference(kept)
    changes = (
        text for text in overrides if text.partition("=")[0] not in ignored and text not in (AS_FILES, *QUIET)
    )
    roots = [unquote(text.partition("=")[2]) for text in overrides if text.startswith("data.root=")]
    images = [AS_FILES] * (AS_FILES in overrides) + [f"data.root={Path(root).name}" for root in roots]
    return sorted(changes), images
