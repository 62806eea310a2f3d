"""Find the numbers in a sentence, and those that a claim computes."""

import re

from intro_dl.lectures.engine.claims import Outcome
from intro_dl.lectures.engine.report import show

NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:e[-−+]?\d+)?")


def numbers(text: str) -> list[tuple[float, float]]:
    """Return each number of a sentence and half a unit of its last digit. "-0.23" is -0.23 ± 0.005."""
    found = []
    for written in NUMBER.findall(text):
        plain = written.replace(",", "").replace("−", "-").rstrip(".")
        digits, _, exponent = plain.partition("e")
        places = len(digits.partition(".")[2])
        found.append((float(plain), 0.5 * 10.0 ** (int(exponent or 0) - places)))
    return found


def computed(outcome: Outcome) -> list[float]:
    """Return every number that a claim computes or compares with, as numbers or in words."""
    values = []
    for check in outcome.checks:
        for value in (check.measured, check.expected):
            if hasattr(value, "flatten"):
                values += value.detach().flatten().tolist()
            else:
                values += [number for number, _ in numbers(show(value))]
                values += [value] if isinstance(value, float) else []
        values += [number for number, _ in numbers(check.what)]
    return values + [number for line in outcome.working for number, _ in numbers(line)]
