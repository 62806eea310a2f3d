"""`intro-dl figures`: what it writes, and what it refuses before it draws anything."""

import subprocess
import sys

import pytest

from intro_dl.figures import catalog, command
from intro_dl.figures.catalog import all_scripts, figures_of
from intro_dl.figures.command import main

GOOD = '''"""G1: A line.

Lecture 000; slide "A slide that wraps
over lines". Claims F1,
F2.
"""

# %% What the slide shows
import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, shows

# %% Draw
figure, axes = canvas()
axes.plot([0, 1])

# %% The property
shows("the line rises", "0 to 1", {holds})
plt.show()
'''


def test_a_figure_is_written_with_what_it_shows(tmp_path, capsys):
    assert main(["id=g34", f"out={tmp_path}", "width=400"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["g34_logistic_unit.png"]
    assert "G34 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["id=G99"], "Unknown id=G99"),
        (["id=f5"], "Did you mean G5?"),
        (["id=G1", "format=gif"], "G1 cannot be a gif"),
        (["lecture=001", "format=gif"], "cannot be a gif"),
        (["id=G1", "table=figures.md"], "leave out id="),
        (["format=bmp"], "Unknown format=bmp"),
        (["width=5"], "Invalid width=5"),
        (["width=900", "format=pdf"], "leave out width="),
        (["out=file"], "out=file is a file"),
        (["table=folder"], "table=folder is a directory"),
        (["id=G38", "lecture=001"], "G38 is not in lecture=001"),
        (["help"], "Cannot read the argument 'help'"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_drawn(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(command, "_draw", None)
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        main(arguments)


@pytest.fixture
def own_scripts(tmp_path, monkeypatch):
    """Return a function that makes a lecture of these scripts."""

    def write(**texts):
        folder = tmp_path / "scripts" / "lecture_000"
        folder.mkdir(parents=True)
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(catalog, "FOLDER", tmp_path / "scripts")
        all_scripts.cache_clear()

    yield write
    all_scripts.cache_clear()


def test_one_figure_that_fails_is_told_and_the_others_are_drawn(tmp_path, own_scripts, capsys):
    false = GOOD.replace("G1", "G2").format(holds=False)
    broken = GOOD.replace("G1", "G3").format(holds="no_such_name")
    own_scripts(g01_good=GOOD.format(holds=True), g02_false=false, g03_broken=broken)
    assert main([f"out={tmp_path / 'out'}"]) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["g01_good.png"]
    errors = capsys.readouterr().err
    assert "G2: This does not hold: the line rises: 0 to 1" in errors
    assert "G3: NameError" in errors
    assert [script.id for script in figures_of("F2")] == ["G1", "G2", "G3"]


def test_a_script_runs_alone_and_shows_a_picture_whose_property_no_longer_holds(tmp_path):
    script = tmp_path / "g01_own.py"
    script.write_text(GOOD.format(holds=False), encoding="utf-8")
    for path in (script, all_scripts()["G34"].path):
        run = subprocess.run(
            [sys.executable, "-W", "ignore", str(path)],
            env={"MPLBACKEND": "agg", "PATH": ""},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert run.returncode == 0, run.stderr
        assert "This does not hold: the line rises" in run.stdout or path != script
