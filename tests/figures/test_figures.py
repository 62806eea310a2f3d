"""Every figure is drawn without a screen, in both themes, and shows what it says."""

import ast

import matplotlib.pyplot as plt
import pytest

from intro_dl.figures.catalog import all_scripts, drawn
from intro_dl.figures.command import SECONDS
from intro_dl.figures.engine.layout import faults
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import all_claims
from intro_dl.runs.files import read_json

seconds = read_json(SECONDS) if SECONDS.is_file() else {}
QUICK = 1.0  # seconds that a figure may take in the default suite


def scripts():
    for id, script in all_scripts().items():
        yield pytest.param(script, id=id, marks=[pytest.mark.slow] if seconds.get(id, 0.0) > QUICK else [])


@pytest.mark.parametrize("script", [*scripts()])
def test_a_figure_shows_its_property_and_no_text_overlaps(script):
    with drawn(script) as drawing:
        assert faults(drawing.figure) == []
        assert drawing.shown
        assert len(plt.get_fignums()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("script", [*all_scripts().values()], ids=[*all_scripts()])
def test_a_figure_has_a_dark_theme(script):
    with drawn(script, "dark") as drawing:
        assert faults(drawing.figure) == []
        page = drawing.figure.get_facecolor()[:3]
        assert max(page) < 0.2
        for axes in drawing.figure.axes:
            assert max(axes.get_facecolor()[:3]) < 0.2 or axes.get_facecolor()[3] == 0


@pytest.mark.parametrize("script", [*all_scripts().values()], ids=[*all_scripts()])
def test_a_script_is_one_page_in_cells(script):
    text = script.path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    assert text.count("\n# %% ") >= 3
    assert text.endswith("plt.show()\n")
    assert set(script.lectures) <= set(LECTURES) and script.lectures[0] == script.path.parent.name[-3:]
    nodes = ast.walk(ast.parse(text))
    calls = [getattr(node.func, "id", "") for node in nodes if isinstance(node, ast.Call)]
    assert "shows" in calls


def test_the_figures_name_claims_that_exist():
    known = {claim.id for claim in all_claims()}
    named = {(script.id, claim) for script in all_scripts().values() for claim in script.claims}
    assert {pair for pair in named if pair[1] not in known} == set()
