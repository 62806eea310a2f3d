"""From the folders of finished runs to one small JSON file for each recipe."""

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from intro_dl.config.names import nearest
from intro_dl.config.override_syntax import scheduler_by_name
from intro_dl.results.recipes import ABLATIONS, CIFAR10, MNIST, WHOLE_BAG, seeds_of
from intro_dl.runs.files import shown_path
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.record import Run, read_runs

# No changes of a recipe: which seed, where the files are, and how the sweep was asked for or goes on.
ELSEWHERE = ("experiment", "seed", "sweep", "resume", "run_dir", "data.root")
AS_FILES = "data=image_folder"  # the recipe's images, each in a file of its own
TEST = "accuracy/test"


def summarize(
    folders: Iterable[Path], seeds: int | None, test_images: int, machine: str | None
) -> dict[str, dict]:
    """What the runs at or below the folders say about each recipe.

    Args:
        folders: of runs or sweeps, of one recipe or several.
        seeds: how many each recipe must have; None for as many as intro_dl/results/recipes.py says.
        test_images: on how many the runs were tested.
        machine: in words, for the reader of the seconds.

    Returns:
        For each file's name, e.g. "mnist_mlp" or "ablation/no_dropout", what it is to hold.

    Raises:
        ValueError: if a run is missing, not finished, of no known recipe, or unlike the others of its recipe.
    """
    groups: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in read_runs(folders):
        if run.status != "completed":
            raise ValueError(
                f"{shown_path(run.folder)} is {run.status}: {run.reason.rstrip('.')}. A mean without it "
                "could flatter: finish it with python scripts/train.py resume=<sweep>, or run it again."
            )
        recipe = run.choices.get("experiment", "none")
        if recipe == "none":
            raise ValueError(
                f"{shown_path(run.folder)} is no run of a recipe (experiment=...), so it has no place in "
                "RESULTS.md: leave it out, or set it beside others with python scripts/compare.py."
            )
        groups[(recipe, *_changes(run))].append(run)
    return {
        file_name(recipe, tuple(changes)): _summary(recipe, changes, runs, seeds, test_images, machine)
        for (recipe, *changes), runs in groups.items()
    }


def file_name(recipe: str, changes: tuple[str, ...]) -> str:
    """Where in results/ the runs of a recipe belong, without .json.

    Raises:
        ValueError: if the recipe, or the changed recipe, has no place in RESULTS.md.
    """
    if not changes:
        names = [each.name for each in (*MNIST, *CIFAR10)]
        if recipe not in names:
            raise ValueError(f"There is no recipe experiment={recipe} in RESULTS.md.{nearest(recipe, names)}")
        return recipe
    for ablation in ABLATIONS:
        if recipe == WHOLE_BAG and set(changes) == set(ablation.changes):
            return ablation.name
    raise ValueError(
        f"The runs of experiment={recipe} were changed by {' '.join(changes)}, which is no ablation in "
        "RESULTS.md: add it to intro_dl/results/recipes.py, or leave these runs out."
    )


def write(summaries: dict[str, dict], results: Path) -> list[Path]:
    """Write each summary to its file, in place of an earlier one."""
    paths = []
    for name, summary in summaries.items():
        path = results / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _summary(
    recipe: str,
    changes: list[str],
    runs: list[Run],
    seeds: int | None,
    test_images: int,
    machine: str | None,
) -> dict[str, Any]:
    wanted = seeds or seeds_of(file_name(recipe, tuple(changes)))
    runs = sorted(runs, key=lambda run: run.seed)
    found = [run.seed for run in runs]
    which = " ".join([recipe, *changes])
    for first, second in zip(runs, runs[1:], strict=False):
        if first.seed == second.seed:
            both = f"{shown_path(first.folder)} and {shown_path(second.folder)}"
            raise ValueError(f"Seed {first.seed} of {which} is there twice, in {both}: name one of them.")
        if key := _difference(first, second):
            raise ValueError(
                f"The runs of {which} differ in more than their seed: {key} is {first.settings.get(key)} in "
                f"{shown_path(first.folder)} and {second.settings.get(key)} in {shown_path(second.folder)}."
            )
    if len(runs) < wanted:
        raise ValueError(
            f"{which} has {len(runs)} of {wanted} seeds ({', '.join(map(str, found))}): train the others, "
            f"or say seeds={len(runs)}."
        )
    return {
        "recipe": recipe,
        "changes": changes,
        "command": _command(runs),
        "machine": machine,
        "test_images": test_images,
        "runs": [_facts(run) for run in runs],
    }


def _facts(run: Run) -> dict[str, Any]:
    """What is kept of a run; the keys of the ways to choose an epoch begin with accuracy/test."""
    if len(run.history) != run.result.epochs:
        raise ValueError(
            f"{shown_path(run.folder)} has {run.result.epochs} epochs, but its history.csv holds "
            f"{len(run.history)}: train it again."
        )
    if any(TEST not in epoch for epoch in run.history):
        raise ValueError(
            f"{shown_path(run.folder)} has no {TEST} in its history: train it with watch_test=true."
        )
    last, least_loss = run.history[-1], run.history[run.result.best_epoch - 1]
    best = max(run.history, key=lambda epoch: epoch["accuracy/val"])  # the first of equals
    accuracies = {
        TEST: best[TEST],
        f"{TEST}/least_loss": least_loss[TEST],
        f"{TEST}/last": last[TEST],
        f"{TEST}/highest": max(epoch[TEST] for epoch in run.history),
        "accuracy/val": best["accuracy/val"],
        "accuracy/train": last["accuracy/train"],
    }
    kept = ("epochs", "parameters", "seconds", "device", "threads", "versions", "commit")
    return (
        {"seed": run.seed}
        | {name: round(value, 6) for name, value in accuracies.items()}  # without the noise of 32 bits
        | {name: getattr(run.result, name) for name in kept}
    )


def _difference(first: Run, second: Run) -> str | None:
    """A key that was set to different values, though the command lines are the same but for the seed."""
    for key in first.settings.keys() | second.settings.keys():
        follows = key in first.derived and first.derived.get(key) == second.derived.get(key)
        if key not in ELSEWHERE and not follows and first.settings.get(key) != second.settings.get(key):
            return key
    return None


def _overrides(run: Run) -> list[str]:
    """The run's command line, word for word; empty if nobody wrote it down."""
    try:
        overrides = RunFolder(run.folder).read_overrides()
    except ValueError as error:
        raise ValueError(
            f"{shown_path(run.folder)} has no whole .hydra/overrides.yaml, so nobody knows its command."
        ) from error
    as_typed = [re.sub(r"^~(\w+)(=null)?$", r"\1=null", text) for text in overrides]  # but for Hydra's ~
    return [scheduler_by_name(text) for text in as_typed]


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _changes(run: Run) -> list[str]:
    """What was changed of the recipe, but for where its images lie."""
    return sorted(text for text in _overrides(run) if _key(text) not in ELSEWHERE and text != AS_FILES)


def _command(runs: list[Run]) -> str:
    """The command that made all of the runs, without the places where it read and wrote."""
    overrides = _overrides(runs[0])
    words = [f"experiment={runs[0].choices['experiment']}", *_changes(runs[0])]
    words += [AS_FILES] * (AS_FILES in overrides)
    for override in overrides:
        if _key(override) == "data.root":  # only its name: the rest is of one machine
            words.append(f"data.root={Path(override.partition('=')[2].strip(chr(39) + chr(34))).name}")
    words.append(f"seed={','.join(str(run.seed) for run in runs)}")
    return " ".join(["python scripts/train.py -m", *map(shlex.quote, words)])
