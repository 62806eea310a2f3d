"""What was measured of a recipe, as a line in the head of its yaml."""

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from intro_dl.results.page import BY_VALIDATION, numbers, percent

LINE = re.compile(r"^# (Measured|Not measured).*$", re.MULTILINE)


def header_line(summary: dict | None) -> str:
    """The comment for a recipe with this summary; None for one that was not measured."""
    if summary is None:
        return "# Not measured yet; RESULTS.md will say."
    seconds = statistics.median(numbers(summary, "seconds"))
    cost = f"{seconds:,.0f} s a run" + f" on {summary['machine']}" * bool(summary["machine"])
    right = f"{percent(summary, BY_VALIDATION)} % of {summary['test_images']:,} test images right"
    runs = len(summary["runs"])
    over = f"over {runs} seeds" if runs > 1 else "in one run"
    return f"# Measured: {right}, {over}; {cost}. More: RESULTS.md."


def write_headers(experiments: Path, summaries: dict[str, dict]) -> Iterator[Path]:
    """Bring the line up to date in each yaml of the folder that has one; those that changed."""
    for path in sorted(experiments.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        new = LINE.sub(header_line(summaries.get(path.stem)), text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            yield path
