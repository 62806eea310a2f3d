"""The command `python scripts/compare.py`: its arguments and what it writes."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import MaxLen, MinLen

from intro_dl.config.options import Option, path, read_options, run_script
from intro_dl.runs.files import shown_path
from intro_dl.runs.record import Run, by_task, read_runs
from intro_dl.runs.result import Status
from intro_dl.runs.sweep import SweepFolder

if TYPE_CHECKING:
    from intro_dl.compare.table import Comparison

OPTIONS = {
    "by": Option(Annotated[list[str], MinLen(1), MaxLen(2)], []),  # one key for a plot, or two for a heat map
    "metric": Option(str, "loss/val"),
    "out": path(),
}


def main(arguments: Sequence[str]) -> int:
    """Compare runs, print the table and write it with its plot; return 0.

    Raises:
        ValueError: if the runs cannot be compared, or all of them diverged.
    """
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
    """Run `main` on the folder of a sweep; once for each task if its jobs have different tasks."""
    folder = Path(arguments[0])
    runs = read_runs([folder])
    tasks = by_task(runs)
    if len(tasks) < 2:
        return main(arguments)
    print("The jobs have different tasks. Each task has its own table:")
    codes = []
    for names, same in tasks.items():
        out = folder / ("_".join(sorted(names - {"loss"})) or "loss")
        codes.append(run_script("", main, [*(str(run.folder) for run in same), f"out={out}"]))
    for run in runs:
        if not run.result.metrics:
            print(f"{shown_path(run.folder)} is {run.status} and not compared: {run.reason}")
    if advice := how_to_finish(folder, runs):
        print(advice)
    return max(codes)


def report(folders: Sequence[Path], by: Sequence[str], metric: str, out: Path) -> "Comparison":
    """Print the table of the runs and write it, with its plot.

    Args:
        folders: of runs, or of sweeps.
        by: the keys on the axes of the plot; empty for a choice that fits.
        metric: decides the order of the rows.
        out: the folder for compare.csv, compare.md and compare.png.

    Raises:
        ValueError: if nothing can be compared.
    """
    runs = read_runs(folders)
    # pandas and matplotlib take a second: import them only once there is something to compare.
    from rich.console import Console

    from intro_dl.compare.table import compare, screen, write_csv, write_markdown

    comparison = compare(runs, metric)
    from intro_dl.compare.plots import plot

    picture = out / "compare.png"
    out.mkdir(parents=True, exist_ok=True)
    drawn = plot(comparison, picture, by)
    write_csv(comparison, out / "compare.csv")
    write_markdown(comparison, out / "compare.md", picture if drawn else None)

    narrow = sys.stdout.isatty()
    console = Console(width=None if narrow else 10_000)  # in a file or pipe, as wide as the table
    console.print(screen(comparison, narrow))
    lines = list(comparison.notes)
    lines += filter(None, (how_to_finish(folder, runs) for folder in folders))
    written = ["compare.csv", "compare.md", *(["compare.png"] if drawn else [])]
    lines.append(f"Written to {shown_path(out)}: {', '.join(written)}")
    lines.append(f"Curves: tensorboard {all_curves(folders)}")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return comparison


def all_curves(folders: Sequence[Path]) -> str:
    """Return TensorBoard's option for all folders: their parent, unless that holds the current directory."""
    resolved = [folder.resolve() for folder in folders]
    above = Path(os.path.commonpath(resolved))
    if (
        len(resolved) > 1
        and Path.cwd().is_relative_to(above)
        and not any("," in str(each) for each in resolved)
    ):
        return (
            f"--logdir_spec {shlex.quote(','.join(f'{each.name}:{shown_path(each)}' for each in resolved))}"
        )
    return f"--logdir {shlex.quote(shown_path(above))}"


def what_to_try(comparison: "Comparison") -> str:
    """Return advice for the case that every run diverged."""
    runs = list(comparison.runs["run"])
    which = f"All {len(runs)} runs" if len(runs) > 1 else "The only run"
    rates = [rate for run in runs if isinstance(rate := run.settings.get("optim.lr"), int | float)]
    if not rates:
        return f"{which} diverged."
    return (
        f"{which} diverged; the smallest optim.lr tried was {min(rates):g}. "
        f"Try a smaller one, e.g. optim.lr={min(rates) / 10:g}."
    )


def how_to_finish(folder: Path, runs: Sequence[Run]) -> str | None:
    """Return how to resume a sweep in which some jobs did not finish or did not start; None if it is done."""
    sweep = SweepFolder(folder)
    planned = sweep.planned_jobs()
    if planned is None:
        return None
    own = [run for run in runs if run.folder.is_relative_to(folder.resolve())]
    missing = planned - len(sweep.jobs())
    unfinished = sum(run.status in (Status.UNFINISHED, Status.INTERRUPTED, Status.DAMAGED) for run in own)
    refused = [run for run in own if run.result.refused]
    failed = [run for run in own if run.status is Status.FAILED and run not in refused]
    resume = sweep.resume_command()
    if missing <= 0 and not unfinished:
        if failed:  # they would fail again
            return (
                f"{len(failed)} of the sweep's jobs failed: {failed[0].reason} If the command was right and "
                f"the cause is fixed, run them again with: {resume}"
            )
        if refused:
            return (
                f"Refused before training: {len(refused)} of the sweep's {planned} jobs. Correct the command "
                f"and start a new sweep. If the command was right, resume with: {resume}"
            )
        return None
    unfinished += len(failed)
    what = [f"{unfinished} of its jobs did not finish"] * bool(unfinished)
    what += [f"{missing} of {planned} did not start"] * (missing > 0)
    return f"The sweep is incomplete: {', '.join(what)}. Resume with: {resume}"
