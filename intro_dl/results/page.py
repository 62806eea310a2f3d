"""Write RESULTS.md and the heads of the experiments from results/*.json."""

import re
import statistics
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Annotated, Any, TypedDict

from annotated_types import MinLen

from intro_dl.results.evidence import (
    BEST_ON_TEST,
    BEST_ON_VALIDATION,
    BEYOND_CHANCE,
    LAST_EPOCH,
    LEAST_LOSS,
    Mean,
)
from intro_dl.results.experiments import (
    ABLATIONS,
    ALL_TRICKS,
    CIFAR10,
    EXPERIMENTS,
    MNIST,
    NO_SLIDE,
    Experiment,
)
from intro_dl.results.recipe import changes_since, told
from intro_dl.results.systems import TABLES, table
from intro_dl.runs.files import in_markdown, read_json, write_whole
from intro_dl.runs.values import fits

Summary = dict[str, Any]  # the content of a file of results/: a `Saved`


class Versions(TypedDict):
    """The libraries that the page names."""

    torch: str
    pytorch_lightning: str


Accuracies = TypedDict(
    "Accuracies",
    {
        "accuracy/test": float,
        "accuracy/test/highest": float,
        "accuracy/test/last": float,
        "accuracy/test/least_loss": float,
        "accuracy/train": float,
    },
)


class SavedRun(Accuracies):
    """The numbers of one run."""

    seed: int
    epochs: int
    parameters: int
    seconds: float
    device: str
    threads: int
    versions: Versions
    commit: str | None


class Saved(TypedDict):
    """The runs of one experiment, see `summary.summarize`."""

    experiment: str
    changes: list[str]
    command: str
    machine: str | None
    test_images: int
    recipe: dict[str, Any]
    runs: Annotated[list[SavedRun], MinLen(1)]


ALL_TEST_IMAGES = 10_000  # in MNIST and in CIFAR-10
WITH_TABLES = ("SYSTEMS.md", "howto/fast_cifar.md")  # pages of docs/
# A table of `systems.TABLES` in these pages, between two marks.
MEASURED = re.compile(r"(<!-- measured: ([^\n]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
HEADER = re.compile(r"^# (Measured|Not measured).*$", re.MULTILINE)  # a line of an experiment's yaml file

INTRODUCTION = """\
# Results

Each experiment below was trained with n seeds. `python scripts/results.py` writes this page from the small
files in [results/](results/), without training. Only the numbers from the slides were typed by hand.

The test accuracy, in percent, depends on how the epoch is chosen:

- **best on validation**: the epoch with the highest accuracy on the validation images. The test images do
  not influence the choice, so quote this number. [The lectures' claims](docs/LECTURES.md) use it.
- **last epoch**: the epoch is not chosen; it is always the last one.
- **best on test**: the highest test accuracy of all epochs, as on the slides. This number is too optimistic:
  the test images also choose the epoch, and the highest of many noisy numbers is higher than the accuracy
  on new images. Here it is {least:.2f} to {most:.2f} points higher
  than best on validation.
- **least loss**: the epoch with the smallest loss on the validation images. By default, a run
  saves this epoch in `best.ckpt` and reports it (`monitor=accuracy/val mode=max` selects the highest accuracy
  instead). A network that overfits becomes more confident in its mistakes: its loss is smallest before its
  accuracy is highest.

± is the standard deviation over the n seeds, with n - 1 in the denominator: the typical distance of one run
from the mean. An experiment with one run has none. The test images are also a sample: with {images:,} of
them, the standard error is {error:.2f} points at 98 %. The seconds are medians of whole runs. The
machines also did other work, so an idle machine is faster.

≠ beside a slide's number: not reproduced. It is more than {beyond} standard errors (± divided by √n) above
best on validation. The slides' numbers are the best on test of single runs."""


ABOUT_SYSTEMS = """\
What each system of the decks must show, and what was measured on the test split with the weights that the run
keeps: mean ± standard error over the seeds. Most bounds were written down before these seeds were trained,
after trials with other seeds; a bound must hold with each seed. [docs/SYSTEMS.md](docs/SYSTEMS.md) describes
the systems, and [docs/howto/fast_cifar.md](docs/howto/fast_cifar.md) the last two tables."""


def read_summaries(results: Path) -> dict[str, Summary]:
    """Return the content of the files of results/ by name, e.g. "mnist_mlp" or "ablation/no_dropout".

    Raises:
        ValueError: if a file is damaged.
    """
    found = {}
    for name in [*EXPERIMENTS, *(each.name for each in ABLATIONS)]:
        path = results / f"{name}.json"
        if path.is_file():
            try:
                found[name] = read_json(path)
                if not fits(found[name], Saved):
                    raise ValueError
            except ValueError as error:
                raise ValueError(
                    f"{path.relative_to(results.parent)} is truncated or damaged: add its sweep again with "
                    "intro-dl results <sweep>."
                ) from error
    return found


def page(summaries: dict[str, Summary], systems: dict[str, Summary] | None = None) -> str:
    """Return the text of RESULTS.md.

    Args:
        summaries: the experiments of MNIST and CIFAR-10, see `read_summaries`.
        systems: the other systems of the decks, see `read_systems`; the page has no section for {}.

    Raises:
        ValueError: if there are no results.
    """
    systems = systems or {}
    if not summaries:
        raise ValueError("There are no results yet: add a sweep with intro-dl results <sweep>.")
    gains = [mean(each, BEST_ON_TEST) - mean(each, BEST_ON_VALIDATION) for each in summaries.values()]
    error = standard_error(98, ALL_TEST_IMAGES)
    parts = [
        INTRODUCTION.format(
            least=min(gains), most=max(gains), images=ALL_TEST_IMAGES, error=error, beyond=BEYOND_CHANCE
        ),
        *_changed(summaries | {f"systems/{name}": summary for name, summary in systems.items()}),
        "## MNIST",
        _table(MNIST, summaries),
        "## CIFAR-10: depth, with and without skips",
        _about_cifar10(summaries),
        _table(CIFAR10, summaries),
        *_ablations(summaries),
        *_systems(systems),
        "## Commands and versions",
        _markdown([_origin(name, summary) for name, summary in summaries.items()], text_columns=5),
    ]
    return "\n\n".join(parts) + "\n"


def percent(summary: Summary, name: str) -> str:
    """Return mean and standard deviation over the runs, e.g. "98.20 ± 0.11"; for one run, its number."""
    values = numbers(summary, name)
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{deviation}"


def mean(summary: Summary, name: str) -> float:
    """Return the mean over the runs, accuracies in percent."""
    return statistics.fmean(numbers(summary, name))


def numbers(summary: Summary, name: str) -> list[float]:
    """Return one number of each run, accuracies in percent."""
    return [run[name] * (100 if name.startswith("accuracy") else 1) for run in summary["runs"]]


def standard_error(percent: float, images: int) -> float:
    """Return the standard error of an accuracy, in percent, that was measured on this number of images."""
    return sqrt(percent * (100 - percent) / images)


def _table(experiments: Sequence[Experiment], summaries: dict[str, Summary]) -> str:
    rows = [_row(each, summaries[each.name]) for each in experiments if each.name in summaries]
    missing = [f"`{each.name}`" for each in experiments if each.name not in summaries]
    parts = [_markdown(rows, text_columns=2)] if rows else []
    parts += [f"Not measured yet: {', '.join(missing)}."] if missing else []
    return "\n\n".join(parts)


def _row(experiment: Experiment, summary: Summary) -> dict[str, str]:
    first = {"experiment": f"`{experiment.name}`", "what": experiment.what}
    if experiment in MNIST:
        first["slide"] = experiment.slide + _not_reproduced(experiment, summary)
    else:
        first["training images"] = percent(summary, "accuracy/train")
    return first | {
        "best on validation": f"**{percent(summary, BEST_ON_VALIDATION)}**",
        "last epoch": percent(summary, LAST_EPOCH),
        "best on test": percent(summary, BEST_ON_TEST),
        "least loss": percent(summary, LEAST_LOSS),
        "n": str(len(summary["runs"])),
        "epochs": _values(summary, "epochs"),
        "parameters": f"{summary['runs'][0]['parameters']:,}",
        "seconds": f"{statistics.median(numbers(summary, 'seconds')):,.0f}",
    }


def _not_reproduced(experiment: Experiment, summary: Summary) -> str:
    """Return a mark if the slide's number is not reproduced; one run cannot tell."""
    values = numbers(summary, BEST_ON_VALIDATION)
    if experiment.slide == NO_SLIDE or len(values) < 2:
        return ""
    return " ≠" * Mean.of(values).is_below(float(experiment.slide))


def _changed(summaries: dict[str, Summary]) -> Iterator[str]:
    """Yield a sentence for each result that its command would not train again."""
    for name, summary in summaries.items():
        if changes := changes_since(summary["recipe"], summary["command"]):
            yield (
                f"**The recipe of `{name}` has changed since its runs** ({in_markdown(told(changes))}): its "
                f"numbers are those of the old recipe. Train it again: `{summary['command']}`"
            )


def _about_cifar10(summaries: dict[str, Summary]) -> str:
    text = (
        "Does depth help, and does it need skips? The accuracy on the training images (last epoch, with "
        "augmentation) shows whether a network cannot be trained or overfits."
    )
    measured = [summaries[each.name] for each in CIFAR10 if each.name in summaries]
    images = min((summary["test_images"] for summary in measured), default=ALL_TEST_IMAGES)
    if images < ALL_TEST_IMAGES:
        error = max(standard_error(mean(summary, BEST_ON_VALIDATION), images) for summary in measured)
        text += (
            f" The networks were tested on the first {images:,} of the {ALL_TEST_IMAGES:,} test images, so "
            f"the standard error of an accuracy is {error:.1f} points."
        )
    return text


def _ablations(summaries: dict[str, Summary]) -> list[str]:
    measured = {each.name: each.without for each in ABLATIONS if each.name in summaries}
    if ALL_TRICKS not in summaries or not measured:
        return []
    whole = Mean.of(numbers(summaries[ALL_TRICKS], BEST_ON_VALIDATION))
    rows = []
    for name, without in ({ALL_TRICKS: "nothing: all tricks"} | measured).items():
        less = summaries[name]
        gain = whole - Mean.of(numbers(less, BEST_ON_VALIDATION))
        rows.append(
            {
                "without": without,
                "best on validation": percent(less, BEST_ON_VALIDATION),
                "last epoch": percent(less, LAST_EPOCH),
                "n": str(len(less["runs"])),
                "gain": f"{gain.value:+.2f} ± {gain.error:.2f}" if name != ALL_TRICKS else "",
            }
        )
    text = (
        f"Each row is `{ALL_TRICKS}` without one trick. The gain of a trick is the difference of the means "
        "(best on validation), in points, ± its standard error. A gain below twice its error may be chance."
    )
    return ["## The gain of each trick", text, _markdown(rows, text_columns=1)]


def _systems(systems: dict[str, Summary]) -> Iterator[str]:
    if systems:
        yield "## Systems"
        yield ABOUT_SYSTEMS
        for name in TABLES:
            yield f"### {name}"
            yield table(name, systems)
        rows = [
            {"results": f"`systems/{name}`", "command": f"`{each['command']}`", "commit": _commits(each)}
            for name, each in systems.items()
        ]
        yield "### Commands of the systems"
        yield _markdown(rows, text_columns=3)


def write_tables(docs: Path, systems: dict[str, Summary]) -> Iterator[Path]:
    """Update the tables in pages of docs/; yield the files that changed."""
    for path in [docs / page for page in WITH_TABLES]:
        if path.is_file() and (new := with_tables(text := path.read_text(encoding="utf-8"), systems)) != text:
            write_whole(path, new)
            yield path


def with_tables(text: str, systems: dict[str, Summary]) -> str:
    """Return a page with the tables of today's results."""
    return MEASURED.sub(lambda found: f"{found[1]}{table(found[2], systems)}{found[3]}", text)


def _origin(name: str, summary: Summary) -> dict[str, str]:
    runs = summary["runs"]
    versions = [f"{run['versions']['torch']}, {run['versions']['pytorch_lightning']}" for run in runs]
    threads = _values(summary, "threads")
    place = f"{_values(summary, 'device')}, {threads} thread{'s' * (threads != '1')}"
    return {
        "results": f"`{name}`",
        "command": f"`{summary['command']}`",
        "on": f"{summary['machine']} ({place})" if summary["machine"] else place,
        "torch, Lightning": ", ".join(dict.fromkeys(versions)),
        "commit": _commits(summary),
    }


def _commits(summary: Summary) -> str:
    return ", ".join(dict.fromkeys((run.get("commit") or "unknown")[:9] for run in summary["runs"]))


def _values(summary: Summary, name: str) -> str:
    """Return the different values that the runs have; usually one."""
    return ", ".join(str(value) for value in dict.fromkeys(run[name] for run in summary["runs"]))


def _markdown(rows: Sequence[dict[str, str]], text_columns: int) -> str:
    """Return a table whose first columns are text, aligned left, and whose other columns are numbers."""
    head = list(rows[0])
    sides = [":---"] * text_columns + ["---:"] * (len(head) - text_columns)
    lines = [head, sides, *([in_markdown(cell) for cell in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def header_line(summary: Summary | None) -> str:
    """Return the comment at the head of an experiment with this summary; None if it was not measured."""
    if summary is None:
        return "# Not measured yet; see RESULTS.md."
    accuracy = f"{percent(summary, BEST_ON_VALIDATION)} % on {summary['test_images']:,} test images"
    runs = len(summary["runs"])
    seeds = f"mean over {runs} seeds" if runs > 1 else "one run"
    cost = f"{statistics.median(numbers(summary, 'seconds')):,.0f} s per run"
    machine = f" on {summary['machine']}" if summary["machine"] else ""
    return f"# Measured: {accuracy}, {seeds}; {cost}{machine}. See RESULTS.md."


def write_headers(folder: Path, summaries: dict[str, Summary]) -> Iterator[Path]:
    """Update the line in each yaml file of the folder that has one; yield the files that changed."""
    for path in sorted(folder.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        new = HEADER.sub(header_line(summaries.get(path.stem)), text)
        if new != text:
            write_whole(path, new)
            yield path
