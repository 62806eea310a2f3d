"""The steps of the lectures belong to claims, in slide order, and nothing that is shown lacks one.

test_claims.py compares the numbers in them, where the claims are computed once.
"""

import pytest

from intro_dl.figures.catalog import figures_of
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.hall import all_steps, read_steps
from tests.lectures.test_claims import CLAIMS


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
