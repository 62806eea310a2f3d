"""The measured result of an experiment, as a line in the head of its yaml file."""

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from intro_dl.results.page import BEST_ON_VALIDATION, Summary, numbers, percent

LINE = re.compile(r"^# (Measured|Not measured).*$", re.MULTILINE)


def header_line(summary: Summary | None) -> str:
    """Return the comment for an experiment with this summary; None if it was not measured."""
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
        new = LINE.sub(header_line(summaries.get(path.stem)), text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            yield path
