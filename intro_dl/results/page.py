"""RESULTS.md, from what results/*.json hold."""

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from math import hypot, sqrt
from pathlib import Path
from typing import Any

from intro_dl.results.recipes import ABLATIONS, CIFAR10, MNIST, WHOLE_BAG, Recipe, seeds_of

BY_VALIDATION, LAST, HIGHEST = "accuracy/test", "accuracy/test/last", "accuracy/test/highest"
LEAST_LOSS = "accuracy/test/least_loss"
TRAIN = "accuracy/train"
ALL_TEST_IMAGES = 10_000  # of MNIST, and of CIFAR-10

INTRODUCTION = """\
# Results

Every recipe below was trained with n seeds. `python scripts/results.py` writes this page from the small
files in [results/](results/), without training; no number here was typed, but for those of the slides.

The test accuracy, in percent, depends on who chooses the epoch:

- **best on validation**: the epoch with the highest accuracy on the validation images. The test images decide
  nothing, so this is the number to quote, and what [the lectures' claims](docs/LECTURES.md) read.
- **last epoch**: nobody chooses.
- **best on test**: the highest of all epochs, as on the slides. It flatters: the largest of many noisy
  numbers is larger than what new images will see, and the test images have chosen it themselves. Here it lies
  above the number to quote by {least:.2f} to {most:.2f} points.
- **least loss**: the epoch with the smallest loss on the validation images. This is what a run keeps in
  `best.ckpt` and reports, unless `monitor=accuracy/val mode=max`. A net that overfits grows surer of its
  mistakes: its loss is smallest before its accuracy is highest, so the steps were still large.

± is the standard deviation over the n seeds, with n - 1: how far a single run may be from the mean; one run
has none. The test images are a sample too: {images:,} of them leave a standard error of {error:.2f} points at
98 %. Seconds are medians of whole runs, on machines that did other work as well: they are upper bounds."""


def read_summaries(results: Path) -> dict[str, dict]:
    """What is in the files of results/, by name, e.g. "mnist_mlp" or "ablation/no_dropout".

    Raises:
        ValueError: if a file is damaged.
    """
    names = [each.name for each in (*MNIST, *CIFAR10, *ABLATIONS)]
    found = {}
    for name in dict.fromkeys(names):
        path = results / f"{name}.json"
        if path.is_file():
            try:
                found[name] = json.loads(path.read_text(encoding="utf-8"))
                if len(found[name]["runs"]) < min(2, seeds_of(name)):
                    raise ValueError
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{path.relative_to(results.parent)} is cut short, or has too few runs: add its sweep "
                    "again with python scripts/results.py <sweep>."
                ) from error
    return found


def page(summaries: dict[str, dict]) -> str:
    """The whole of RESULTS.md.

    Raises:
        ValueError: if there are no results.
    """
    if not summaries:
        raise ValueError("There are no results yet: add a sweep with python scripts/results.py <sweep>.")
    parts = [
        _introduction(summaries),
        "## The ladder: MNIST",
        _table(MNIST, summaries, LADDER),
        *_cifar10(summaries),
        *_tricks(summaries),
        "## How each was made",
        _commands(summaries),
    ]
    return "\n\n".join(parts) + "\n"


def percent(summary: dict, name: str) -> str:
    """Mean and standard deviation over the runs, e.g. "98.20 ± 0.11"; of one run, its number."""
    values = numbers(summary, name)
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{deviation}"


def mean(summary: dict, name: str) -> float:
    """The mean over the runs, accuracies in percent."""
    return statistics.fmean(numbers(summary, name))


def numbers(summary: dict, name: str) -> list[float]:
    """One number of each run, accuracies in percent."""
    return [run[name] * (100 if name.startswith("accuracy") else 1) for run in summary["runs"]]


def standard_error(percent: float, images: int) -> float:
    """How far an accuracy on so many images may be off by their choice alone, in percent."""
    return sqrt(percent * (100 - percent) / images)


Column = tuple[str, Callable[[Recipe, dict], str]]
RULES: list[Column] = [
    ("best on validation", lambda recipe, summary: f"**{percent(summary, BY_VALIDATION)}**"),
    ("last epoch", lambda recipe, summary: percent(summary, LAST)),
    ("best on test", lambda recipe, summary: percent(summary, HIGHEST)),
    ("least loss", lambda recipe, summary: percent(summary, LEAST_LOSS)),
]
COST: list[Column] = [
    ("n", lambda recipe, summary: str(len(summary["runs"]))),
    ("epochs", lambda recipe, summary: _values(summary, "epochs")),
    ("parameters", lambda recipe, summary: f"{summary['runs'][0]['parameters']:,}"),
    ("seconds", lambda recipe, summary: f"{statistics.median(numbers(summary, 'seconds')):,.0f}"),
]
LADDER: list[Column] = [("slide", lambda recipe, summary: recipe.slide), *RULES, *COST]
DEPTH: list[Column] = [
    ("training images", lambda recipe, summary: percent(summary, TRAIN)),
    *RULES,
    *COST,
]


def _introduction(summaries: dict[str, dict]) -> str:
    gains = [mean(each, HIGHEST) - mean(each, BY_VALIDATION) for each in summaries.values()]
    error = standard_error(98, ALL_TEST_IMAGES)
    return INTRODUCTION.format(least=min(gains), most=max(gains), images=ALL_TEST_IMAGES, error=error)


def _table(recipes: Sequence[Recipe], summaries: dict[str, dict], columns: Sequence[Column]) -> str:
    rows = [
        [f"`{recipe.name}`", recipe.what, *(show(recipe, summaries[recipe.name]) for _, show in columns)]
        for recipe in recipes
        if recipe.name in summaries
    ]
    missing = [f"`{recipe.name}`" for recipe in recipes if recipe.name not in summaries]
    text = _markdown(["recipe", "what", *(name for name, _ in columns)], rows, words=2) if rows else ""
    if missing:
        text += "\n\n" * bool(rows) + f"Not measured yet: {', '.join(missing)}."
    return text


def _cifar10(summaries: dict[str, dict]) -> list[str]:
    measured = [summaries[recipe.name] for recipe in CIFAR10 if recipe.name in summaries]
    text = (
        "Does depth help, and do skips let it? The accuracy on the training images (of the last epoch, "
        "augmented) tells a net that cannot be trained from one that overfits."
    )
    images = min((summary["test_images"] for summary in measured), default=ALL_TEST_IMAGES)
    if images < ALL_TEST_IMAGES:
        error = max(standard_error(mean(summary, BY_VALIDATION), images) for summary in measured)
        text += (
            f" Tested on the first {images:,} of the {ALL_TEST_IMAGES:,} test images, whose choice alone "
            f"leaves a standard error of {error:.1f} points."
        )
    return ["## CIFAR-10: depth, with skips and without", text, _table(CIFAR10, summaries, DEPTH)]


def _tricks(summaries: dict[str, dict]) -> list[str]:
    measured = [ablation for ablation in ABLATIONS if ablation.name in summaries]
    if WHOLE_BAG not in summaries or not measured:
        return []
    whole = summaries[WHOLE_BAG]
    rows = [["nothing: the whole bag", *_accuracies(whole), ""]]
    for ablation in measured:
        less = summaries[ablation.name]
        gain, error = difference(numbers(whole, BY_VALIDATION), numbers(less, BY_VALIDATION))
        rows.append([ablation.without, *_accuracies(less), f"{gain:+.2f} ± {error:.2f}"])
    text = (
        f"`{WHOLE_BAG}` less one trick at a time. What a trick buys is the difference of the means best on "
        "validation, in points, here ± its standard error: a gain within twice its error has not been shown."
    )
    head = ["without", "best on validation", "last epoch", "n", "what it buys"]
    return ["## Which trick buys what", text, _markdown(head, rows, words=1)]


def _accuracies(summary: dict) -> list[str]:
    return [percent(summary, BY_VALIDATION), percent(summary, LAST), str(len(summary["runs"]))]


def difference(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """How much larger the first mean is, and the standard error of that: (mean, error)."""
    variances = [statistics.variance(values) / len(values) for values in (first, second)]
    return statistics.fmean(first) - statistics.fmean(second), hypot(*map(sqrt, variances))


def _commands(summaries: dict[str, dict]) -> str:
    rows = []
    for name, summary in summaries.items():
        runs = summary["runs"]
        versions = dict.fromkeys(_versions(run) for run in runs)
        commits = dict.fromkeys(run["commit"][:9] if run["commit"] else "unknown" for run in runs)
        rows.append(
            [f"`{name}`", f"`{summary['command']}`", _where(summary), ", ".join(versions), ", ".join(commits)]
        )
    return _markdown(["results", "command", "on", "torch, Lightning", "commit"], rows, words=5)


def _where(summary: dict) -> str:
    device, threads = _values(summary, "device"), _values(summary, "threads")
    place = f"{device}, {threads} thread{'s' * (threads != '1')}"
    return f"{summary['machine']} ({place})" if summary["machine"] else place


def _versions(run: dict[str, Any]) -> str:
    return ", ".join(run["versions"][name] for name in ("torch", "pytorch_lightning"))


def _values(summary: dict, name: str) -> str:
    """What the runs have, once each: usually all the same."""
    return ", ".join(str(value) for value in dict.fromkeys(run[name] for run in summary["runs"]))


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]], words: int) -> str:
    """A table; the first `words` columns are text, the others are numbers and stand right."""
    sides = [":---"] * words + ["---:"] * (len(head) - words)
    lines = [head, sides, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
