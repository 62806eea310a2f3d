"""The command `intro-dl compare`: its arguments and what it writes."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from annotated_types import MaxLen, MinLen

from intro_dl.config.options import Option, path, read_options
from intro_dl.runs.files import shown_path, typed
from intro_dl.runs.folder import named_run
from intro_dl.runs.program import printable, run_script
from intro_dl.runs.record import Run, by_task, read_runs
from intro_dl.runs.sweep import SweepFolder

OPTIONS = {
    "by": Option(Annotated[list[str], MinLen(1), MaxLen(2)], []),  # one key for a plot, or two for a heat map
    "metric": Option(str),
    "out": path(),
}


def main(arguments: Sequence[str]) -> int:
    """Compare runs, print the table and write it with its plot; return 0.

    Raises:
        ValueError: if the runs cannot be compared, or all of them diverged.
    """
    words, options = read_options(arguments, OPTIONS)
    folders = [named_run(word, together=True) for word in words or ["outputs"]]
    out = options["out"] or (folders[0] if len(folders) == 1 else Path("outputs/compare"))
    runs = read_runs(folders)
    # pandas and matplotlib take a second: import them only once there is something to compare.
    from rich.console import Console

    from intro_dl.compare.table import compare, screen, write_csv, write_markdown

    metric, measured = options["metric"], {name for run in runs for name in run.result.metrics}
    if not metric:  # modules of the user's own have their own names
        monitors = [str(run.settings.get("monitor")) for run in runs if "loss/val" not in measured]
        metric = next((name for name in monitors if name in measured), "loss/val")
    comparison = compare(runs, metric)
    from intro_dl.compare.plots import plot

    picture = out / "compare.png"
    out.mkdir(parents=True, exist_ok=True)
    drawn = plot(comparison, picture, options["by"])
    write_csv(comparison, out / "compare.csv")
    write_markdown(comparison, out / "compare.md", picture if drawn else None)

    console = Console(width=None if sys.stdout.isatty() else 10_000)  # a file or pipe has no width
    table, absent = screen(comparison, console.width)
    console.print(table)
    resume = [how_to_finish(folder, runs) for folder in folders]
    for line in [*absent, *comparison.notes, *filter(None, resume)]:
        print(printable(line))
    print(f"Written to {shown_path(out)}: compare.csv, compare.md{', compare.png' * drawn}")
    with suppress(ValueError):  # on Windows, directories on two drives have none in common
        above = os.path.commonpath([folder.resolve() for folder in folders])
        print(f"Curves: tensorboard --logdir {typed(shown_path(above))}")
    if comparison.all_diverged:
        raise ValueError(what_to_try([run for run in runs if run.status.counts]))
    return 0


def end_of_sweep(arguments: Sequence[str]) -> int:
    """Run `main` on the folder of a sweep; once for each task if its jobs have different tasks."""
    folder = Path(arguments[0])
    runs = read_runs([folder])
    tasks = by_task(runs)
    if len(tasks) < 2:
        return main(arguments)
    codes = []
    for names, same in tasks.items():
        out = folder / ("_".join(sorted(names - {"loss"})) or "loss")
        codes.append(run_script("", main, [*(str(run.folder) for run in same), f"out={out}"]))
    if advice := how_to_finish(folder, runs):
        print(advice)
    return max(codes)


def what_to_try(runs: Sequence[Run]) -> str:
    """Return advice for the case that every run diverged."""
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
    refused = sum(run.result.refused for run in own)
    counts = {
        "refused before training": refused,
        "not finished": sum(not run.status.counts for run in own) - refused,
        "not started": planned - len(sweep.jobs()),
    }
    what = ", ".join(f"{number} {name}" for name, number in counts.items() if number > 0)
    if not what:
        return None
    if refused == planned:
        return f"All {planned} jobs of the sweep were refused before training: correct the command."
    advice = "Correct the command and start a new sweep, or resume with" if refused else "Resume with"
    return f"The sweep of {planned} jobs is incomplete: {what}. {advice}: {sweep.resume_command()}"
