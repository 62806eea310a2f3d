"""The command `python scripts/compare.py`: its arguments, what it writes, and the exit code."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from intro_dl.arguments import nearest
from intro_dl.compare.runs import Run, find_runs, read_runs
from intro_dl.compare.table import (
    Comparison,
    cell,
    compare,
    screen,
    write_csv,
    write_markdown,
)
from intro_dl.results import go_on, shown_path

KEYS = ("by", "metric", "out")


@dataclass
class Arguments:
    """What the command line asks for."""

    folders: list[Path]
    by: list[str]
    metric: str
    out: Path  # folder of compare.csv, compare.md and compare.png


class UsageError(ValueError):
    """The command line cannot be read."""


def parse(arguments: Sequence[str]) -> Arguments:
    """Read folders and `key=value` arguments.

    Raises:
        UsageError: for an unknown key, a missing value, or no folder.
    """
    folders, given = [], {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if Path(argument).exists() or not equals or "/" in key:  # a run's folder may have = in its name
            folders.append(Path(argument))
        elif key not in KEYS:
            raise UsageError(f"There is no key {key}.{nearest(key, list(KEYS))}")
        elif not value:
            raise UsageError(f"{key}= has no value. Give it one, or leave it out.")
        else:
            given[key] = value
    if not folders:
        raise UsageError("Name the folders to compare, e.g. python scripts/compare.py outputs/lenet.")
    by = [key for key in given.get("by", "").split(",") if key]
    if len(by) > 2:
        raise UsageError(f"by={given['by']} names {len(by)} keys: a plot has one, or two for a grid.")
    out = given.get("out", folders[0] if len(folders) == 1 else "outputs/compare")
    return Arguments(folders, by, given.get("metric", "loss/val"), Path(out))


def main(arguments: Sequence[str]) -> int:
    """Compare, print and write; 0, or 1 if there is nothing to compare, or 2 for wrong arguments."""
    try:
        wanted = parse(arguments)
        comparison = report(wanted)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    if comparison.all_diverged:
        print(f"Error: {what_to_try(comparison)}", file=sys.stderr)
        return 1
    return 0


def report(wanted: Arguments) -> Comparison:
    """Print the table of the runs and write it, with its plot, into `wanted.out`.

    Raises:
        ValueError: if there is nothing that could be compared.
    """
    runs = read_runs(wanted.folders)
    comparison = compare(runs, wanted.metric)
    from intro_dl.compare.plots import plot  # matplotlib takes a second: only once there is something to draw

    out, picture = wanted.out, wanted.out / "compare.png"
    out.mkdir(parents=True, exist_ok=True)
    drawn = plot(comparison, picture, wanted.by)
    write_csv(comparison, out / "compare.csv")
    write_markdown(comparison, out / "compare.md", picture if drawn else None)

    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(screen(comparison))
    lines = list(comparison.notes)
    lines += filter(None, (how_to_finish(folder, runs) for folder in wanted.folders))
    written = ["compare.csv", "compare.md", *(["compare.png"] if drawn else [])]
    lines.append(f"Written to {shown_path(out)}: {', '.join(written)}")
    lines.append(f"Curves: tensorboard --logdir {shown_path(wanted.folders[0])}")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return comparison


def what_to_try(comparison: Comparison) -> str:
    """A sentence for the case that every run diverged."""
    runs = [run for row in comparison.rows for run in row.diverged]
    rates = [run.settings.get("optim.lr") for run in runs]
    rates = [rate for rate in rates if isinstance(rate, int | float)]
    if not rates:
        return f"All {len(runs)} runs diverged."
    return (
        f"All {len(runs)} runs diverged; the smallest optim.lr tried was {cell(float(min(rates)))}. "
        f"Try smaller ones, e.g. optim.lr={min(rates) / 10:g}."
    )


def how_to_finish(folder: Path, runs: list[Run]) -> str | None:
    """How to go on with a sweep that was stopped: some of its jobs are unfinished, or have not begun."""
    from intro_dl.sweep import planned_jobs

    planned = planned_jobs(folder)
    if planned is None:
        return None
    own = [run for run in runs if run.folder.is_relative_to(folder.resolve())]
    missing = planned - len(find_runs(folder))
    unfinished = sum(run.status in ("unfinished", "interrupted", "damaged") for run in own)
    failed = [run for run in own if run.status == "failed"]
    if failed and missing <= 0 and not unfinished:  # they would fail again
        return (
            f"{len(failed)} of the sweep's jobs failed: {failed[0].reason} If the command was right and the "
            f"cause is gone, run them again with: {go_on(folder)}"
        )
    unfinished += len(failed)
    if missing <= 0 and not unfinished:
        return None
    what = [f"{unfinished} of its jobs did not finish"] * bool(unfinished)
    what += [f"{missing} of {planned} have not begun"] * (missing > 0)
    return f"The sweep is not whole: {', '.join(what)}. Go on with: {go_on(folder)}"
