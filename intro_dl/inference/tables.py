"""Print the tables of an evaluation and of predictions, and write them as CSV files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intro_dl.runs.files import shown_path

MOST_CLASSES = 20  # a confusion matrix of more is too wide for a terminal


def make_directory(folder: Path) -> None:
    """Make a directory for results.

    Raises:
        ValueError: if it cannot be made, e.g. because it is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise ValueError(
            f"Cannot make the directory {folder}: {reason}. Name another one with out=."
        ) from error


def write_csv(file: Path, rows: list[dict[str, Any]], names: list[str] | None = None) -> None:
    """Write rows below a header: the keys of the first row, or `names` where there may be no row."""
    import pandas as pd  # here: a mistyped option is answered without waiting for it

    pd.DataFrame(rows, columns=names or list(rows[0])).to_csv(file, index=False)


def print_report(report: Mapping[str, Any], folder: Path) -> None:
    """Print the content of an evaluation.json, and which files are in `folder`."""
    unit = report.get("target", {}).get("unit")
    rows = [
        ("model", f"{report['model']}, {report['weights']} weights"),
        ("data", f"{report['data']}, {report['split']} split, n = {report['n']:,}"),
    ]
    for name, value in report["numbers"].items():
        in_unit = f" {unit}" if unit and name in ("absolute_error", "root_mean_squared_error") else ""
        rows.append((name.replace("_", " "), f"{value:.4f}{in_unit}"))
    for name, value in rows + [("note", note) for note in report["notes"]]:
        print(f"{name:<28} {value}")
    for title, table in _tables(report).items():
        header, lines = list(table[0]), [[_shown(value) for value in row.values()] for row in table]
        print(f"\n{title}", *aligned([header, *lines]), sep="\n")
    written = ", ".join(sorted(file.name for file in folder.iterdir() if file.is_file()))
    print(f"\nWritten to {shown_path(folder)}: {written}")


def _tables(report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows to print by their title."""
    tables = {"By class": report.get("classes", [])}
    if len(report.get("confusion_matrix", [])) <= MOST_CLASSES:
        title = "Confusion matrix: true class by row, predicted class by column"
        tables[title] = confusion_rows(report) if "confusion_matrix" in report else []
    characters = report.get("characters", [])[:12]
    tables["Most frequent characters"] = [row | {"character": repr(row["character"])} for row in characters]
    tables["Largest errors"] = report.get("largest_errors", [])
    title = (
        "Reliability: accuracy at each confidence level. The expected calibration error is the mean of\n"
        "|accuracy - confidence| over the levels, weighted by n."
    )
    tables[title] = report.get("reliability", [])
    return {title: rows for title, rows in tables.items() if rows}


def confusion_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row for each true class: how many of its examples were predicted as each class."""
    names = [row["class"] for row in report["classes"]]
    return [
        {"true class": name} | dict(zip(names, counts, strict=True))
        for name, counts in zip(names, report["confusion_matrix"], strict=True)
    ]


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns: the first aligned left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]).rstrip()
        for first, *rest in rows
    ]
