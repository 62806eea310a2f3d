"""What a figure shows, checked: `intro-dl figures` does not draw a picture whose property does not hold."""

from dataclasses import dataclass, field
from typing import Any

from intro_dl.results.evidence import RESULTS
from intro_dl.runs.files import read_json


@dataclass
class Shown:
    """The properties that scripts have checked since `lines` was last emptied: (property, measured value).

    Args:
        strict: whether one that does not hold ends the script. Who runs a script alone, with other numbers,
            sees the picture all the same.
    """

    lines: list[tuple[str, str]] = field(default_factory=list)
    strict: bool = False


SHOWN = Shown()


def shows(what: str, measured: str, holds: bool) -> None:
    """Check what a figure shows, and print it with the measured value.

    Args:
        what: the property in words, e.g. "each step of gradient descent lowers J".
        measured: the numbers behind it, e.g. "60 of 60 steps, from 7.1 to 0.02".
        holds: whether the property holds.

    Raises:
        AssertionError: if it does not, and `intro-dl figures` or a test runs the script.
    """
    if not holds and SHOWN.strict:
        raise AssertionError(f"This does not hold: {what}: {measured}")
    SHOWN.lines.append((what, measured))
    print(f"{what}: {measured}" if holds else f"This does not hold: {what}: {measured}")


def measured(name: str, command: str) -> Any:
    """Return the content of results/figures/<name>.json, which took too long to measure while drawing.

    Args:
        name: e.g. "g06".
        command: what measures it, for the error message.

    Raises:
        FileNotFoundError: if the file does not exist.
    """
    path = RESULTS / "figures" / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"results/figures/{name}.json does not exist. Measure it with: {command}")
    return read_json(path)
