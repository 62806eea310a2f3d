"""A lecturer gets through every lecture, and each live training shows what the text says.

test_claims.py runs every demo to its end, where the claims are computed once.
"""

import io
import re
import subprocess
import sys

import pytest

import intro_dl
from intro_dl.config.compose import composed
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine import claims, demo, hall
from intro_dl.lectures.engine.claims import Check, Claim, Outcome
from intro_dl.lectures.engine.command import main
from intro_dl.lectures.engine.formulas import plain
from intro_dl.lectures.engine.hall import Step, all_seconds, all_steps
from intro_dl.lectures.engine.trainings import EVENTS, Training, all_trainings
from tests.conftest import ROOT
from tests.lectures.test_claims import CLAIMS

SLOW = ("perceptron_never_stops", "shuffled_labels")  # 3 to 5 seconds each, the others 1 to 2
RUNS = [
    pytest.param(name, extra, marks=[pytest.mark.slow] * (name in SLOW), id=f"{name}: {extra}")
    for name, training in all_trainings().items()
    for extra in training.runs
]

STEP = Step("How much is 1 + 1?", "It is 2.", '"3." It is 2.', r"\frac{1}{2}")
TRAINING = Training(
    "A run", "N2", "Does it?", "learned", "data=xor", {"seed=0": "yes", "seed=1": "no"}, "Both.", ""
)


def right() -> Outcome:
    return Outcome([Check("1 + 1", 2, 2)])


class Keys(io.StringIO):
    """What a lecturer types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def small(monkeypatch):
    """Use two claims and a training, and return the commands that were trained."""
    trained: list[str] = []

    def use(second=right, event=lambda self, folder: self.runs[trained[-1].split()[-1]]):
        found = (
            Claim("N1", ("004",), "The [first] slide", "1 + 1 = [2]", "holds", right),
            Claim("N2", ("004",), "The second slide", "1 + 1 = 2", "holds", second),
        )
        monkeypatch.setattr(claims, "all_claims", lambda: found)
        monkeypatch.setattr(demo, "all_claims", lambda: found)
        monkeypatch.setattr(demo, "all_steps", lambda: {"N1": STEP, "N2": STEP})
        monkeypatch.setattr(demo, "all_trainings", lambda: {"a_run": TRAINING})
        monkeypatch.setattr(demo, "run_training", lambda command, folder: trained.append(command))
        monkeypatch.setattr(Training, "event", event)
        return trained

    return use


@pytest.fixture
def type_keys(monkeypatch, capsys):
    """Show lecture 004 to a lecturer who types these lines; return the exit code and what was printed."""

    def run(*lines: str, more=()) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", Keys("".join(f"{line}\n" for line in lines)))
        code = main(["format=demo", "lecture=004", *more])
        return code, capsys.readouterr().out

    return run


# Every lecture ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lecture", LECTURES)
def test_every_lectures_demo_runs_live_to_its_end(lecture, tmp_path):
    arguments = ["format=demo", f"lecture={lecture}", "wait=false"]
    command = [sys.executable, ROOT / "scripts" / "lectures.py", *arguments]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
    assert f"That was lecture {lecture}" in ended.stdout
    assert not any(tmp_path.iterdir())


# Trainings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "extra"), RUNS)
def test_a_training_shows_its_event(name, extra, tmp_path):
    training = all_trainings()[name]
    overrides = [*training.command.split(), *extra.split(), "logger=none", f"run_dir={tmp_path / 'run'}"]
    if training.runs[extra].startswith("the loss overflows"):
        with pytest.raises(ValueError, match="loss became"):
            intro_dl.train(*overrides)
    else:
        intro_dl.train(*overrides)
    assert training.event(tmp_path / "run") == training.runs[extra]


@pytest.mark.parametrize("name", all_trainings())
def test_a_training_has_its_texts_and_its_claim_and_needs_no_download(name):
    training = all_trainings()[name]
    (file,) = [
        each
        for each in (ROOT / "intro_dl/lectures").glob("lecture_*/*.yaml")
        if f"\n{name}:" in each.read_text()
    ]
    assert CLAIMS[training.after].module.startswith(f"intro_dl.lectures.{file.parent.name}.")
    assert training.ask.endswith("?") and training.see and training.mistaken.startswith('"')
    assert training.finds in EVENTS and training.runs
    for extra in training.runs:
        config = composed(*training.command.split(), *extra.split())
        assert "root" not in config.data and config.trainer.accelerator == "cpu"


def test_a_run_that_fails_is_said(tmp_path):
    (training,) = [each for name, each in all_trainings().items() if name == "xor_stuck"]
    assert training.event(tmp_path).startswith("the run did not complete: it has no result.json")


# The keys of the lecturer ----------------------------------------------------------------------------------


def test_a_step_asks_before_it_computes_and_answers_afterwards(small, type_keys):
    trained = small()
    code, out = type_keys(*[""] * 8)
    assert code == 0
    before = ["Step 1 of 3: N1", "The [first] slide", "1 + 1 = [2]", "1/2", STEP.ask, "[Enter: compute]"]
    after = ["1 + 1: 2", "✓ holds", STEP.see, STEP.mistaken, "lectures id=N1", "[Enter: next]", "Step 2 of 3"]
    runs = ["data=xor seed=0", "[Enter: train", "yes", "data=xor seed=1", "[Enter: train", "no"]
    order = [*before, *after, "Step 3 of 3", "Does it?", *runs, "Both.", "That was lecture 004."]
    for text in order:
        assert text in out
        out = out.partition(text)[2]
    assert trained == ["data=xor seed=0", "data=xor seed=1"]


@pytest.mark.parametrize("lines", [["q"], ["", "q"], ["Q "], []], ids=["q", "after a step", "Q", "Ctrl-D"])
def test_q_and_the_end_of_the_input_stop(lines, small, type_keys):
    small()
    code, out = type_keys(*lines)
    assert code == 0 and out.endswith("\nStopped at step 1 of 3.\n")


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        (["s"], "2"),
        (["s", "b"], "1"),
        (["b"], "1"),
        (["3"], "3"),
        (["", "3"], "3"),
        (["4"], "1"),
        (["x"], "1"),
    ],
)
def test_keys_skip_go_back_and_jump(lines, last, small, type_keys):
    small()
    code, out = type_keys(*lines, "q")
    assert code == 0 and out.endswith(f"\nStopped at step {last} of 3.\n")
    assert ("There is no key" in out) == (lines[-1] in ("4", "x"))


def test_skipping_the_last_step_ends_the_lecture(small, type_keys):
    small()
    code, out = type_keys("3", "s")
    assert code == 0 and out.endswith("That was lecture 004.\n")


def test_id_shows_the_steps_of_these_claims(small, type_keys):
    small()
    assert "Stopped at step 1 of 1." in type_keys("q", more=["id=N1"])[1]
    assert "Stopped at step 1 of 2." in type_keys("q", more=["id=N2"])[1]
    with pytest.raises(ValueError, match="Unknown id=N3"):
        type_keys("q", more=["id=N3"])


def test_a_claim_without_a_step_is_said(small, type_keys, monkeypatch):
    small()
    monkeypatch.setattr(demo, "all_steps", lambda: {})
    with pytest.raises(ValueError, match="N1 has no step in lecture=004"):
        type_keys("q", more=["id=N1"])


def test_a_long_step_says_its_seconds_before_it_begins(small, type_keys, monkeypatch):
    small()
    monkeypatch.setattr(demo, "all_seconds", lambda: {"N1": 100.0})
    out = type_keys("q")[1]
    assert out.index("This step takes about 100 seconds.") < out.index("[Enter: compute]")
    assert "takes about" not in type_keys("s", "q")[1].partition("Step 2")[2]


def interrupt():
    raise KeyboardInterrupt


def lightning_was_interrupted():
    raise SystemExit(1)


@pytest.mark.parametrize("ending", [interrupt, lightning_was_interrupted])
def test_ctrl_c_in_a_claim_stops_with_a_sentence(ending, small, type_keys):
    small(second=ending)
    code, out = type_keys("2", "")
    assert code == 130 and out.endswith("\nStopped at step 2 of 3.\n")


def test_ctrl_c_in_a_training_stops_with_a_sentence(small, type_keys, monkeypatch):
    small()
    monkeypatch.setattr(demo, "run_training", lambda command, folder: interrupt())
    code, out = type_keys("3", "")
    assert code == 130 and out.endswith("\nStopped at step 3 of 3.\n")


def test_what_is_not_as_expected_is_the_exit_code(small, type_keys):
    small(second=lambda: Outcome([Check("1 + 1", 2, 3)]), event=lambda self, folder: "yes")
    code, out = type_keys(*[""] * 8)
    assert code == 1 and "1 + 1: 2, expected 3" in out and "Expected   no." in out
    assert out.endswith("Not as expected: step 2, 3.\n")


# Seconds and formulas --------------------------------------------------------------------------------------


def test_every_claim_has_its_seconds():
    assert set(all_seconds()) == set(CLAIMS), (
        "python scripts/lectures.py format=markdown out=docs/LECTURES.md"
    )


def test_writing_the_page_of_the_docs_writes_the_seconds(small, tmp_path, monkeypatch, capsys):
    small()
    seconds, page = tmp_path / "seconds.json", tmp_path / "LECTURES.md"
    monkeypatch.setattr("intro_dl.lectures.engine.command.ALL", page)
    monkeypatch.setattr(hall, "SECONDS", seconds)
    for arguments in (
        ["format=markdown", f"out={tmp_path / 'x.md'}"],
        ["format=markdown", "id=N1", f"out={page}"],
    ):
        assert main(arguments) == 0 and not seconds.exists()
    assert main(["format=markdown", f"out={page}"]) == 0
    assert seconds.read_text() == '{\n  "N1": 0.0,\n  "N2": 0.0\n}\n'


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"z = \sin(x_1) + x_1 x_2", "z = sin(x_1) + x_1 x_2"),
        (r"\frac{e^{\frac{a}{2}}}{1 + e^{-a}}", "e^(a/2)/(1 + e^-a)"),
        (r"\frac{\partial J(\theta)}{\partial \mathbf{w}}", "∂J(θ)/∂w"),
        (r"-\frac1{n} \sum_{i=1}^n y^{(i)}", "-1/n Σ_(i=1)^n y^(i)"),
        (r"w \in \{0, 1\}^d, \mathbb{R}^{d \times m}", "w ∈ {0, 1}^d, R^(d × m)"),
        (r"\hat{y} = \operatorname*{arg\,max}_k \sqrt{\frac12}", "y = arg max_k √(1/2)"),
        (r"{{ \frac{a}", "fraca"),
    ],
)
def test_a_formula_is_plain_text(tex, text):
    assert plain(tex) == text


@pytest.mark.parametrize("id", [id for id, step in all_steps().items() if step.tex])
def test_no_formula_of_a_step_keeps_its_tex(id):
    assert not re.search(r"\\|frac|math[a-z]+|text", plain(all_steps()[id].tex))
