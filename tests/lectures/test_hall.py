"""The steps of the lectures belong to claims, and claim nothing that is not computed."""

import re

import pytest

from intro_dl.figures.catalog import figures_of
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Outcome
from intro_dl.lectures.engine.hall import all_steps, read_steps
from intro_dl.lectures.engine.report import show
from tests.lectures.test_claims import CLAIMS, result_of

NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:e[-−]?\d+)?")


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


@pytest.mark.parametrize("lecture", LECTURES)
def test_every_step_belongs_to_a_claim_of_its_lecture(lecture):
    for id, step in read_steps(lecture).items():
        assert CLAIMS[id].module.startswith(f"intro_dl.lectures.lecture_{lecture}."), id
        assert step.ask.endswith("?") and step.see and step.mistaken.startswith('"'), id


@pytest.mark.parametrize("lecture", LECTURES)
def test_the_steps_of_a_lecture_stand_in_slide_order(lecture):
    steps = read_steps(lecture)
    assert list(steps) == [id for id in CLAIMS if id in steps]


def test_every_claim_with_a_figure_has_a_step():
    shown = [each.id for each in CLAIMS.values() if each.kind != "cited" and figures_of(each.id)]
    assert [id for id in shown if id not in all_steps()] == []


def test_every_erratum_has_a_step():
    errata = [each.id for each in CLAIMS.values() if each.kind == "erratum"]
    assert [id for id in errata if id not in all_steps()] == []


@pytest.mark.parametrize("id", all_steps())
def test_the_claim_computes_every_number_that_one_sees(id):
    result = result_of(id)
    if result.waiting:  # e.g. for the files of MNIST
        pytest.skip(result.waiting)
    values = computed(result.outcome)
    unknown = [
        number
        for number, half in numbers(all_steps()[id].see)
        if not any(abs(abs(value) - abs(number)) <= half * 1.001 for value in values)
    ]
    assert not unknown, f"{id}: the claim computes none of {unknown}"
