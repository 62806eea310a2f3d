"""A sample of the random command lines; CONTRIBUTING names the command for a thousand."""

import signal

import pytest

from tests import fuzz_command_lines
from tests.fuzz_command_lines import Fuzzer, fuzz, summary


@pytest.mark.parametrize(("seed", "lines"), [(0, 20), pytest.param(1, 80, marks=pytest.mark.slow)])
def test_random_command_lines_run_or_are_refused_in_a_sentence(seed, lines, tmp_path):
    answers = list(fuzz(range(lines), seed, Fuzzer(tmp_path)))
    assert not [f"{answer.command}: {answer.problem}" for answer in answers if answer.problem]
    assert "went wrong" in summary(answers, seed)
    assert 0 < sum(answer.code == 0 for answer in answers) < lines  # both kinds


def test_the_fuzzer_finds_what_it_looks_for(tmp_path):
    script = tmp_path / "broken.py"
    fuzzer = Fuzzer(tmp_path / "sandbox", script, seconds=1)
    for program, found in {
        "1 / 0": "it ended with a traceback",
        "import time; time.sleep(3)": "it took more than",
        "open('../here', 'w').close()": "it wrote",
        "import os; os.mkdir('../there')": "it left",
        "raise SystemExit(1)": "with 0 sentences",
        "import socket; socket.create_connection(('127.0.0.1', 9))": "there is no network here",
    }.items():
        script.write_text(program)
        assert found in fuzzer.run(0, []).problem
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


CRASHES = {
    "import os; os._exit(3)": "it ended the process, with exit code 3",
    "import signal, time; signal.pthread_sigmask(0, [14]); time.sleep(99)": "could not be interrupted",
}


@pytest.mark.parametrize("program", CRASHES)
def test_what_crashes_or_blocks_the_process_is_named_and_the_next_line_runs(program, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_command_lines, "GRACE", 6)
    script = tmp_path / "broken.py"
    script.write_text(
        f"from pathlib import Path\nif not Path('{tmp_path}/once').exists():\n"
        f"    Path('{tmp_path}/once').touch(); {program}"
    )
    (tmp_path / "sandbox").mkdir()
    first, second = fuzz_command_lines.fuzz_from_outside(range(2), 0, tmp_path / "sandbox", script, seconds=1)
    assert CRASHES[program] in first.problem
    assert (second.number, second.problem) == (1, "")
