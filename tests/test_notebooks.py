"""The notebooks are made from their scripts, and run in an empty directory without a network.

pytest -m slow tests/test_notebooks.py executes them and two figures. It takes minutes and needs the extra
`docs`.
"""

import json
import os
import re
import runpy
import subprocess
import sys
import tomllib

import pytest

from tests.conftest import ROOT

jupytext = pytest.importorskip("jupytext", reason="needs the extra docs")
MAKE = runpy.run_path(str(ROOT / "docs" / "make_notebooks.py"))
SCRIPTS = sorted((ROOT / "docs" / "notebooks").glob("lecture_*.py"))
FIGURES = [
    ROOT / "intro_dl" / "figures" / f"lecture_{name}.py"
    for name in ("000/g01_activations", "001/g18_vanishing_gradient")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
names = {"ids": lambda script: script.stem}

# Python runs this file in the directories of PYTHONPATH when it starts. The hook cannot be removed.
OFFLINE = """
import sys

def refuse(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "", "localhost", "127.0.0.1", "::1"):
        raise OSError(f"the network is blocked: {arguments[0]}")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] != "127.0.0.1":
        raise OSError(f"the network is blocked: {arguments[1]}")

sys.addaudithook(refuse)
"""
DIFFERS = re.compile(r"^(seconds|folder|curves) .*\n|(?<=\d) +\d+\.\d$|[^\n]*\r(?!\n)", re.MULTILINE)


def same_each_time(printed: str) -> str:
    """Return what was printed without seconds, the time of a run in its folder, and the percentage."""
    return re.sub(r"\n\s*\n+", "\n", DIFFERS.sub("", printed)).strip()


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Go to an empty directory; the programs started from now on reach no network."""
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "startup"), str(ROOT)]))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("INTRO_DL_DATA", raising=False)
    return tmp_path / "empty"


def executed(notebook) -> str:
    """Execute a notebook in the current directory, and return what its cells printed."""
    nbclient = pytest.importorskip("nbclient")
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []  # no warnings
    return "".join(output["text"] for output in outputs if output.get("name") == "stdout")


def test_there_is_a_notebook_for_each_lecture():
    assert [script.stem for script in SCRIPTS] == [f"lecture_00{number}" for number in range(5)]


@pytest.mark.parametrize("script", SCRIPTS, **names)
def test_the_notebook_is_the_one_that_its_script_makes(script):
    made = MAKE["notebook"](script, PROJECT)
    stale = "run python docs/make_notebooks.py"
    assert script.with_suffix(".ipynb").read_text(encoding="utf-8") == made, stale
    cells = json.loads(made)["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    assert max(len(cell["source"]) for cell in cells if cell["cell_type"] == "code") <= 25, (
        "one idea per cell"
    )


def test_a_link_to_colab_names_the_release_and_never_a_branch():
    assert MAKE["for_colab"]("lecture_000", {"version": "1.2"})[0] == ""  # as long as there is no address
    project = {"version": "1.2", "urls": {"Repository": "https://github.com/someone/thing"}}
    badge, install = MAKE["for_colab"]("lecture_000", project)
    assert "/github/someone/thing/blob/v1.2/docs/notebooks/lecture_000.ipynb" in badge
    assert "git+https://github.com/someone/thing@v1.2" in install


def test_programs_in_the_offline_directory_reach_no_network(offline):
    program = "import urllib.request; urllib.request.urlopen('http://192.0.2.1', timeout=5)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and "the network is blocked" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, **names)
def test_the_notebook_runs_in_an_empty_directory_and_prints_what_the_script_prints(script, offline):
    printed = executed(jupytext.read(script.with_suffix(".ipynb")))
    done = subprocess.run([sys.executable, script], capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in printed and "━" not in printed  # no codes of a terminal, and no bar
    assert same_each_time(printed) == same_each_time(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("script", FIGURES, **names)
def test_a_figure_runs_as_a_notebook_in_an_empty_directory(script, offline):
    assert executed(jupytext.read(script, fmt="py:percent"))
