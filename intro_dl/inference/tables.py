"""Tables on the screen and in files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intro_dl.runs.files import shown_path


def write_csv(file: Path, rows: list[dict[str, Any]], names: list[str] | None = None) -> None:
    """Write rows with a header, their names or those given (needed where there may be no row)."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names or list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def print_report(report: Mapping[str, Any], folder: Path) -> None:
    """What an evaluation found, on the screen."""
    unit = report.get("target", {}).get("unit")
    rows = [
        ("model", f"{report['model']}, {report['weights']} weights"),
        ("data", f"{report['data']}, {report['split']} split, n = {report['n']:,}"),
    ]
    for name, value in report["numbers"].items():
        in_unit = f" {unit}" if unit and name in ("absolute_error", "root_mean_squared_error") else ""
        rows.append((name.replace("_", " "), f"{value:.4f}{in_unit}"))
    rows += [("note", remark) for remark in report["notes"]]
    for name, value in rows:
        print(f"{name:<28} {value}")
    for title, lines in _tables(report):
        print(f"\n{title}")
        print("\n".join(lines))
    written = ", ".join(sorted(file.name for file in folder.iterdir() if file.is_file()))
    print(f"\nWritten to {shown_path(str(folder))}: {written}")


def _tables(report: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The titles and the lines of what is shown below the numbers."""
    tables = []
    if "classes" in report:
        rows = [
            [
                row["class"],
                _share(row["precision"]),
                _share(row["recall"]),
                f"{row['n']:,}",
                f"{row['predicted']:,}",
            ]
            for row in report["classes"]
        ]
        tables.append(("By class", aligned([["class", "precision", "recall", "n", "predicted"], *rows])))
        names = [row["class"] for row in report["classes"]]
        if len(names) <= 20:
            counts = [
                [name, *map(str, row)] for name, row in zip(names, report["confusion_matrix"], strict=True)
            ]
            title = "Confusion matrix: true class by row, predicted class by column"
            tables.append((title, aligned([["", *names], *counts])))
    if "characters" in report:
        rows = [
            [repr(row["character"]), f"{row['n']:,}", f"{row['bits']:.2f}", _share(row["accuracy"])]
            for row in report["characters"][:12]
        ]
        tables.append(("The commonest characters", aligned([["character", "n", "bits", "accuracy"], *rows])))
    if "largest_errors" in report:
        header = list(report["largest_errors"][0])
        rows = [[f"{value:.4g}" for value in row.values()] for row in report["largest_errors"]]
        tables.append(("The largest errors", aligned([header, *rows])))
    if "reliability" in report:
        rows = [
            [
                f"{row['from']:.1f} to {row['to']:.1f}",
                f"{row['n']:,}",
                f"{row['confidence']:.3f}",
                f"{row['accuracy']:.3f}",
            ]
            for row in report["reliability"]
        ]
        title = (
            "Reliability: how often it is right when it is so sure. The expected calibration error is\n"
            "the mean of |accuracy - confidence| over the bins, each weighted by its n."
        )
        tables.append((title, aligned([["probability", "n", "confidence", "accuracy"], *rows])))
    return tables


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the first column to the left and the others to the right, each as wide as it must be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
