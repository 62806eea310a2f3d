"""`intro-dl`, `python -m intro_dl` and scripts/: one table of commands, texts name the word typed."""

import re
import shlex
import subprocess
import sys

import pytest

from intro_dl.cli.commands import COMMANDS, main
from intro_dl.runs.program import as_typed, tell, typed_command
from tests.conftest import ROOT

SCRIPT = str(ROOT / "scripts" / "train.py")


@pytest.fixture
def started_as(monkeypatch, tmp_path):
    """Let this process look as if it had been started as `program`, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return lambda program: monkeypatch.setattr(sys, "argv", [program])


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        ("/env/bin/intro-dl", "intro-dl sample"),
        ("C:\\env\\Scripts\\intro-dl.exe", "intro-dl sample"),
        (str(ROOT / "intro_dl" / "__main__.py"), "python -m intro_dl sample"),
        (SCRIPT, f"python {shlex.quote(str(ROOT / 'scripts' / 'sample.py'))}"),
        (str(ROOT / "docs" / "make_tutorial.py"), "intro-dl sample"),
        ("experiment.py", "intro-dl sample"),  # the user's own
        ("", "intro-dl sample"),  # Python's prompt
    ],
)
def test_texts_name_the_command_as_it_was_typed(program, typed, started_as, capsys):
    started_as(program)
    assert typed_command("sample") == typed
    tell("Name one run, e.g. intro-dl sample <run>.")
    assert capsys.readouterr().err == f"Name one run, e.g. {typed} <run>.\n"
    assert main(["sample", "--help"]) == 0
    assert f"\n{typed} outputs/char_lstm/<time> " in capsys.readouterr().out


def test_a_script_started_by_a_relative_path_is_named_by_it(started_as, monkeypatch):
    started_as("../scripts/train.py")
    monkeypatch.chdir(ROOT / "docs")
    assert typed_command("predict") == "python ../scripts/predict.py"


def test_a_path_with_the_words_of_a_command_stays_as_it_is(started_as):
    started_as(SCRIPT)
    for text in ("'my intro-dl'", "/home/intro-dl/x", "intro-dl.txt"):
        assert as_typed(text) == text


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_alone_and_with_help_each_command_is_one_line(words, started_as, monkeypatch, capsys):
    started_as("intro-dl")
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert not err and re.findall(r"^intro-dl (\w+)", out, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian", "model=lenet"], "Unknown command trian. Did you mean train?"),
        (["qqq"], "Unknown command qqq. Available: train, evaluate"),
        (["model=lenet"], "model=lenet is not a command. Name one first, e.g. intro-dl train model=lenet."),
        (["-m", "seed=1,2"], "-m is not a command."),
    ],
)
def test_unknown_command_is_one_sentence(words, said, started_as, capsys):
    started_as("intro-dl")
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {said}")


def test_scripts_and_the_table_have_the_same_commands():
    for name in COMMANDS:
        assert f'main(["{name}", *sys.argv[1:]])' in (ROOT / "scripts" / f"{name}.py").read_text()
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == {*COMMANDS, "drift"}


def test_help_and_typing_mistakes_do_not_import_torch(tmp_path):
    program = (
        "import sys; from intro_dl.cli.commands import COMMANDS, main\n"
        "for name in COMMANDS: main([name, '--help'])\n"
        "main([]); main(['trian'])\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("words", [["-m", "intro_dl"], [SCRIPT]])
def test_each_way_to_start_is_the_same_command(words, tmp_path):
    words = [*words, "train"] if words == ["-m", "intro_dl"] else words
    done = subprocess.run(
        [sys.executable, *words, "modle=lenet"], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 1 and done.stderr == "Error: Unknown key modle. Did you mean model=lenet?\n"


@pytest.mark.parametrize("inside", ["script", "directory"])
def test_a_checkout_whose_package_is_not_used_is_named(inside, started_as, tmp_path, monkeypatch, capsys):
    (tmp_path / "other" / "intro_dl" / "cli").mkdir(parents=True)
    started_as(str(tmp_path / "other" / "scripts" / "train.py") if inside == "script" else "intro-dl")
    (tmp_path / "other" / "scripts").mkdir()
    if inside == "directory":
        monkeypatch.chdir(tmp_path / "other")
    assert main(["train", "--version"]) == 0
    out, err = capsys.readouterr()
    assert str(ROOT / "intro_dl") in out and str(ROOT / "intro_dl") in err
    assert f"not the checkout {tmp_path / 'other'}. For that one: pip install -e " in err


def test_own_option_with_the_name_of_one_of_ours_is_refused(train, tmp_path):
    (tmp_path / "own" / "model").mkdir(parents=True)
    lenet = (ROOT / "configs" / "model" / "lenet.yaml").read_text()
    (tmp_path / "own" / "model" / "lenet.yaml").write_text(lenet)
    assert train("--config-dir", "own", "--cfg", "job").code == 0  # a copy
    (tmp_path / "own" / "model" / "lenet.yaml").write_text(f"{lenet}dropout: 0.5\n")
    for flag in (["--config-dir", "own"], ["--config-dir=own"], ["-cd", "own"]):
        answer = train(*flag, "model=lenet", "--cfg", "job")
        assert answer.code == 1 and "own/model/lenet.yaml has the name of an option of intro_dl" in answer.err
