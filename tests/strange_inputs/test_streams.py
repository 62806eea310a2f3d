"""Printing never costs a result: other encodings, closed streams, full disks, signals while imports run."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from intro_dl.runs import program
from intro_dl.runs.program import printable, run_program, run_script
from intro_dl.runs.signals import Terminated
from tests.conftest import ROOT

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ASCII = {"PYTHONIOENCODING": "ascii"}


def script(name, *arguments, cwd, environment=(), shell="", **more):
    """Run a script in a shell that changes its streams, e.g. `>&-`."""
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, arguments)]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    environment = os.environ | dict(environment) | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, timeout=300, **more)


@pytest.fixture
def output(monkeypatch):
    """Give the process a stdout of another encoding; return what was written to it."""

    def made(encoding):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
        return written

    return made


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", b"1 * 2 +- 3 \\u00e9 \\ud83d\\ude42 \\udcff"),
        ("latin-1", b"1 * 2 \xb1 3 \xe9 \\ud83d\\ude42 \\udcff"),
        ("cp1252", b"1 \x95 2 \xb1 3 \xe9 \\ud83d\\ude42 \\udcff"),
        ("utf-8", "1 • 2 ± 3 é 🙂 ".encode() + b"\\udcff"),
    ],
)
def test_what_the_terminal_lacks_is_spelled_out(output, encoding, shown):
    written = output(encoding)
    assert run_program(lambda: print("1 • 2 ± 3 é 🙂 \udcff", end="")) == 0
    assert written.getvalue() == shown


def test_control_characters_of_a_name_do_not_steer_the_terminal(capsys):
    assert printable("a\x1b[2Jb\r\x9b\u202ec\n\té") == "a\\u001b[2Jb\\r\\u009b\\u202ec\n\té"

    def fail():
        raise ValueError("bad\x1b]0;title\x07.png is broken")

    assert run_program(fail) == 1
    assert capsys.readouterr().err == "Error: bad\\u001b]0;title\\u0007.png is broken\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device", "out.csv"), "The disk or your quota is full (out.csv)"),
        (OSError(36, "File name too long", "xxx"), "A name is too long for this system (xxx)"),
        (OSError(40, "Too many levels of symbolic links", "xxx"), "Too many levels of symbolic links (xxx)"),
        (RecursionError("maximum recursion depth exceeded"), "The input is nested too deeply."),
        (MemoryError(), "There is not enough memory."),
        (RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"), "There is not enough memory."),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
            "There is not enough memory.",
        ),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "A file is not UTF-8 text"),
        (KeyError("x"), "'x'. HYDRA_FULL_ERROR=1 shows the traceback."),
        (ValueError("Name a run."), "Name a run."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_of_a_program_is_one_sentence(error, sentence, capsys, monkeypatch):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.delenv(program.FULL_ERROR, raising=False)

    def fail():
        raise error

    assert run_program(fail) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ") and sentence in line


def test_traceback_is_shown_on_demand(monkeypatch):
    monkeypatch.delenv(program.FULL_ERROR, raising=False)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ZeroDivisionError):
        run_program(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [(KeyboardInterrupt(), 130, "Interrupted."), (Terminated(), 143, "Received SIGTERM.")],
)
def test_interruption_is_named_and_has_its_exit_code(stop, code, said, capsys):
    def work():
        raise stop

    assert run_program(work) == code
    assert capsys.readouterr().err == f"{said}\n"


def test_sigterm_that_a_library_hides_is_still_what_ended_the_program(capsys):
    def work():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except KeyboardInterrupt:
            raise RuntimeError("a worker is missing") from None

    assert run_program(work) == 143
    assert capsys.readouterr().err == "Received SIGTERM.\n"


@pytest.mark.parametrize(
    ("terminal", "said"), [(True, "Loading PyTorch ...\n"), (False, "")], ids=["terminal", "pipe"]
)
def test_what_takes_the_first_seconds_is_said_on_a_terminal(terminal, said, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    program.say_loading()
    assert capsys.readouterr().err == said


def test_version_is_that_of_the_package(capsys):
    from intro_dl import __version__

    assert run_script("doc", lambda arguments: 1, ["--version"]) == 0
    assert capsys.readouterr().out == f"intro_dl {__version__} in {ROOT / 'intro_dl'}\n"


def test_training_needs_no_open_streams_and_no_utf8(tmp_path):
    small = ("model=softmax", "trainer=smoke", "run_dir=run")
    done = script("train", *small, cwd=tmp_path, environment=C_LOCALE, shell=">&- 2>&- <&-")
    assert done.returncode == 0
    assert json.loads((tmp_path / "run" / "result.json").read_bytes())["status"] == "completed"
    done = script("compare", "run", cwd=tmp_path, environment=C_LOCALE)  # which does not wait for torch
    assert done.returncode == 0 and b"loss/val" in done.stdout and done.stdout.isascii() and not done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("environment", [ASCII, C_LOCALE], ids=["ascii", "C"])
def test_every_script_runs_in_every_locale(environment, tmp_path, trained_run):
    run = trained_run("model=softmax", "trainer.max_epochs=1")
    text = trained_run("model=char_rnn", "model.hidden_size=8", "trainer=smoke")
    photo = tmp_path / "größe.png"
    photo.write_bytes((ROOT / "docs" / "first_run.png").read_bytes())
    commands = [
        ("train", "trainer=smoke", "run_dir=run"),
        ("train", "--help"),
        ("evaluate", run, "out=evaluation"),
        ("predict", run, photo),
        ("export", run, "format=safetensors", "out=export"),
        ("sample", text, "length=20"),
        ("compare", run, "out=compare"),
        ("lectures", "lecture=000"),
        ("results", "--help"),
    ]
    for command in commands:
        done = script(*command, cwd=tmp_path, environment=environment)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout.isascii() and b"Traceback" not in done.stderr, command


@pytest.mark.parametrize("name", ["train", "evaluate"])
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_while_imports_run_shows_no_traceback(name, stop, tmp_path):
    command = [sys.executable, "-X", "importtime", str(ROOT / "scripts" / f"{name}.py"), "run_dir=run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8")
    lines = []
    for line in process.stderr:
        if lines and "intro_dl.cli.commands" in lines[-1]:  # the frame stands, and imports the rest
            process.send_signal(stop)
        lines.append(line)
    process.stderr.close()
    assert process.wait() == 128 + stop
    assert not [line for line in lines if "Traceback" in line or "Error" in line]
    assert [line for line in lines if not line.startswith("import time")] in (
        ["Interrupted.\n"],
        ["Received SIGTERM.\n"],
    )


def test_output_to_a_full_disk_is_said(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    done = script("lectures", "--help", cwd=tmp_path, shell="> /dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("Error: The disk or your quota is full")


def test_reader_that_leaves_early_is_no_error(tmp_path):
    done = script("lectures", "--help", cwd=tmp_path, shell="| true")
    assert not done.stderr
