"""The command `python scripts/compare.py`: its arguments and what it writes."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import MaxLen, MinLen
from rich.console import Console

from intro_dl.compare.table import (
    Comparison,
    by_task,
    cell,
    compare,
    screen,
    write_csv,
    write_markdown,
)
from intro_dl.config.options import Option, path, read_options, run_script
from intro_dl.runs.files import shown_path
from intro_dl.runs.record import Run, read_runs
from intro_dl.runs.sweep import SweepFolder

OPTIONS = {
    "by": Option(Annotated[list[str], MinLen(1), MaxLen(2)], []),  # a key for a plot, or two for a grid
    "metric": Option(str, "loss/val"),
    "out": path(),
}


def main(arguments: Sequence[str]) -> int:
    """Compare, print and write; 0, or ValueError with a sentence, also if every run diverged."""
    words, options = read_options(arguments, OPTIONS)
    if not words:
        raise ValueError("Name the folders to compare, e.g. python scripts/compare.py outputs/lenet.")
    folders = [Path(word).expanduser() for word in words]
    out = options["out"] or (folders[0] if len(folders) == 1 else Path("outputs/compare"))
    comparison = report(folders, options["by"], options["metric"], out)
    if comparison.all_diverged:
        raise ValueError(what_to_try(comparison))
    return 0


def end_of_sweep(arguments: Sequence[str]) -> int:
    """`main` for the folder of a sweep; where its jobs have different tasks, a table for each task."""
    folder = Path(arguments[0])
    runs = read_runs([folder])
    tasks = by_task(runs)
    if len(tasks) < 2:
        return main(arguments)
    print("The jobs have different tasks, and a table each:")
    codes = []
    for names, same in tasks.items():
        out = folder / ("_".join(sorted(names - {"loss"})) or "loss")
        codes.append(run_script("", main, [*(str(run.folder) for run in same), f"out={out}"]))
    compared = [run for same in tasks.values() for run in same]
    for run in runs:
        if run not in compared:
            print(f"{shown_path(run.folder)} is {run.status} and not compared: {run.reason}")
    if advice := how_to_finish(folder, runs):
        print(advice)
    return max(codes)


def report(folders: Sequence[Path], by: Sequence[str], metric: str, out: Path) -> Comparison:
    """Print the table of the runs and write it, with its plot.

    Args:
        folders: of runs, or of sweeps.
        by: the keys on the axes of the plot; none lets it choose.
        metric: decides the order of the rows.
        out: the folder for compare.csv, compare.md and compare.png.

    Raises:
        ValueError: if there is nothing that could be compared.
    """
    runs = read_runs(folders)
    comparison = compare(runs, metric)
    from intro_dl.compare.plots import plot  # matplotlib takes a second: only once there is something to draw

    picture = out / "compare.png"
    out.mkdir(parents=True, exist_ok=True)
    drawn = plot(comparison, picture, by)
    write_csv(comparison, out / "compare.csv")
    write_markdown(comparison, out / "compare.md", picture if drawn else None)

    # In a pipe or a file, a table is as wide as it needs to be.
    console = Console(width=None if sys.stdout.isatty() else 10_000)
    console.print(screen(comparison))
    lines = list(comparison.notes)
    lines += filter(None, (how_to_finish(folder, runs) for folder in folders))
    written = ["compare.csv", "compare.md", *(["compare.png"] if drawn else [])]
    lines.append(f"Written to {shown_path(out)}: {', '.join(written)}")
    lines.append(f"Curves: tensorboard {all_curves(folders)}")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return comparison


def all_curves(folders: Sequence[Path]) -> str:
    """TensorBoard's option for all folders: the one above them, unless that is the user's or a higher one."""
    whole = [folder.resolve() for folder in folders]
    above = Path(os.path.commonpath(whole))
    if len(whole) > 1 and Path.cwd().is_relative_to(above) and not any("," in str(each) for each in whole):
        return f"--logdir_spec {shlex.quote(','.join(f'{each.name}:{shown_path(each)}' for each in whole))}"
    return f"--logdir {shlex.quote(shown_path(above))}"


def what_to_try(comparison: Comparison) -> str:
    """A sentence for the case that every run diverged."""
    runs = comparison.runs
    which = f"All {len(runs)} runs" if len(runs) > 1 else "The only run"
    rates = [run.settings.get("optim.lr") for run in runs]
    rates = [rate for rate in rates if isinstance(rate, int | float)]
    if not rates:
        return f"{which} diverged."
    return (
        f"{which} diverged; the smallest optim.lr tried was {cell(float(min(rates)))}. "
        f"Try smaller ones, e.g. optim.lr={min(rates) / 10:g}."
    )


def how_to_finish(folder: Path, runs: list[Run]) -> str | None:
    """How to go on with a sweep that was stopped: some of its jobs are unfinished, or have not begun."""
    sweep = SweepFolder(folder)
    planned = sweep.planned_jobs()
    if planned is None:
        return None
    own = [run for run in runs if run.folder.is_relative_to(folder.resolve())]
    missing = planned - len(sweep.jobs())
    unfinished = sum(run.status in ("unfinished", "interrupted", "damaged") for run in own)
    refused = [run for run in own if run.result.refused]
    failed = [run for run in own if run.status == "failed" and run not in refused]
    if refused and missing <= 0 and not unfinished and not failed:
        return (
            f"Refused before training: {len(refused)} of the sweep's {planned} jobs. Begin another sweep "
            f"with what is advised above; where the command was right, go on with: {sweep.resume_command()}"
        )
    if failed and missing <= 0 and not unfinished:  # they would fail again
        return (
            f"{len(failed)} of the sweep's jobs failed: {failed[0].reason} If the command was right and the "
            f"cause is gone, run them again with: {sweep.resume_command()}"
        )
    unfinished += len(failed)
    if missing <= 0 and not unfinished:
        return None
    what = [f"{unfinished} of its jobs did not finish"] * bool(unfinished)
    what += [f"{missing} of {planned} have not begun"] * (missing > 0)
    return f"The sweep is not whole: {', '.join(what)}. Go on with: {sweep.resume_command()}"
