"""Show results in a terminal, and write them into a directory."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import track

from intro_dl.runs.files import shown_path
from intro_dl.runs.program import printable

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

MOST_ROWS = 20  # limit for a table, and for columns of a confusion matrix: more do not fit on a terminal
TITLES = {
    "classes": "By class",
    "confusion_matrix": "Confusion matrix: true class by row, predicted class by column",
    "characters": "Most frequent characters",
    "words": "Most frequent words",
    "largest_errors": "Largest errors",
    "reliability": (
        "Reliability: accuracy at each confidence level. The expected calibration error is the mean of\n"
        "|accuracy - confidence| over the levels, weighted by n."
    ),
}


def make_directory(folder: Path, names: Iterable[str] = (), ours: str = "") -> None:
    """Make a directory for results.

    Args:
        names: files that will be written into it.
        ours: the file that shows that files of these names are results too, and may be replaced.

    Raises:
        ValueError: if it cannot be made, e.g. because it is a file, or it has other files of these names.
    """
    taken = [name for name in names if (folder / name).exists()]
    if taken and not (folder / ours).is_file():
        raise ValueError(
            f"{folder} already has a {taken[0]} from elsewhere: name another directory with out=."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise ValueError(
            f"Cannot make the directory {folder}: {reason}. Name another one with out=."
        ) from error


def inside(run: Path, name: str) -> Path:
    """Return the directory `name` of a run.

    Raises:
        ValueError: if it is elsewhere: the folder of somebody else may hold a link instead.
    """
    folder = run / name
    if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(run)):
        raise ValueError(f"{folder} is a link out of the run: remove it, or name a directory with out=.")
    return folder


def print_report(report: Mapping[str, Any], folder: Path) -> None:
    """Print the content of an evaluation.json, and which files are in `folder`."""
    import pandas as pd  # here: a mistyped option is reported before it is imported

    unit = report.get("target", {}).get("unit")
    rows = [
        ("model", f"{report['model']}, {report['weights']} weights"),
        ("data", f"{report['data']}, {report['split']} split, n = {report['n']:,}"),
        ("read", report["read"]),
    ]
    for name, value in report["numbers"].items():
        in_unit = f" {unit}" if unit and name in ("absolute_error", "root_mean_squared_error") else ""
        rows.append((name.replace("_", " "), f"{value:.4f}{in_unit}"))
        if name == report.get("leading"):
            rows += [(f"  {rival}", f"{number:.4f}") for rival, number in report.get("rivals", {}).items()]
    for name, value in rows + [("note", note) for note in report["notes"]]:
        print(printable(f"{name:<28} {value}"))
    for name, title in TITLES.items():
        table = report.get(name)
        if table and not (name == "confusion_matrix" and len(table) > MOST_ROWS):
            print(f"\n{title}\n{aligned(pd.DataFrame(table[:MOST_ROWS]))}")
    written = ", ".join(sorted(file.name for file in folder.iterdir() if file.is_file()))
    print(f"\nWritten to {shown_path(folder)}: {written}")


def aligned(table: "pd.DataFrame") -> str:
    """Return a table as aligned columns; the first column names the rows."""
    first = table.columns[0]
    table = table.set_index(first).rename_axis(index=None, columns=first)
    return printable(table.to_string(na_rep="-", float_format="{:.3f}".format))


def tracked(items: Iterable[T], what: str) -> Iterable[T]:
    """Show the progress through items on a terminal."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # older releases of rich print an empty line even if disabled
    return track(items, what, console=console, transient=True, disable=console.quiet)
