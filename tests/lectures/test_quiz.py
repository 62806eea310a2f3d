"""The quizzes: every answer is computed, and the terminal explains each wrong one."""

import ast
import io
import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine import quiz
from intro_dl.lectures.engine.claims import all_claims
from intro_dl.lectures.engine.quiz import Choice, Problem, all_questions, question, questions, shown
from intro_dl.lectures.engine.quiz_command import main, parse
from intro_dl.runs.program import run_script
from tests.conftest import ROOT

QUESTIONS = {each.id: each for each in all_questions()}
SEEDS = range(20)


@cache
def problems(id):
    """Compute a question with several seeds, once for all tests."""
    return [QUESTIONS[id].compute(seed) for seed in SEEDS]


# The questions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lecture", LECTURES)
def test_every_lecture_has_at_least_eight_questions(lecture):
    assert len(questions(lecture)) >= 8


@pytest.mark.parametrize("id", QUESTIONS)
def test_the_choices_of_a_question_look_different_with_every_seed(id):
    for seed, problem in enumerate(problems(id)):
        choices = [shown(problem.right), *(shown(choice.value) for choice in problem.wrong)]
        assert 3 <= len(choices) <= len(quiz.LETTERS), seed
        assert len(set(choices)) == len(choices), (seed, choices)
        assert not any("nan" in choice or "tensor" in choice for choice in choices), (seed, choices)


@pytest.mark.parametrize("id", QUESTIONS)
def test_the_right_answer_is_the_same_in_a_second_way(id):
    for problem in problems(id):
        assert problem.again is not None
        assert shown(problem.again) == shown(problem.right)


@pytest.mark.parametrize("lecture", LECTURES)
def test_no_answer_is_typed(lecture):
    file = ROOT / "intro_dl" / "lectures" / f"lecture_{lecture}" / "quiz.py"
    calls = [
        each for each in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(each, ast.Call)
    ]
    values = [each.args[0] for each in calls if getattr(each.func, "id", "") == "Choice"]
    values += [word.value for each in calls for word in each.keywords if word.arg in ("right", "again")]
    assert len(values) >= 4 * len([each for each in QUESTIONS.values() if each.lectures[0] == lecture])
    assert not [ast.unparse(value) for value in values if not any(map(computes, ast.walk(value)))]


def computes(node):
    """Return whether a part of an expression is a name or a call: numbers alone are typed."""
    return isinstance(node, ast.Name | ast.Call)


@pytest.mark.parametrize("id", QUESTIONS)
def test_every_text_is_a_sentence(id):
    for problem in problems(id):
        assert problem.text.endswith("?")
        assert not re.search(r"{\w+}", problem.text), "a placeholder was not filled in"
        for sentence in (problem.because, *(choice.misconception for choice in problem.wrong)):
            assert not re.search(r"{\w+}", sentence), sentence
            assert sentence.endswith(".") and len(sentence.split()) >= 6, sentence
        reasons = [choice.misconception for choice in problem.wrong]
        assert len(set(reasons)) == len(reasons)


@pytest.mark.parametrize("id", QUESTIONS)
def test_a_question_belongs_to_a_claim_of_its_lectures_and_to_one_of_its_slides(id):
    each = QUESTIONS[id]
    (claim,) = [claim for claim in all_claims() if claim.id == each.claim]
    assert set(each.lectures) <= set(claim.lectures)
    assert each.slide in claim.slide
    assert each.module == f"intro_dl.lectures.lecture_{each.lectures[0]}.quiz"


def test_the_place_of_the_right_answer_cannot_be_guessed(monkeypatch):
    monkeypatch.setattr(
        quiz.Question, "compute", lambda self, seed: problems(self.id)[seed]
    )  # computed above
    posed = [each for seed in SEEDS for each in questions(seed=seed)]
    for choices in (4, 5):
        places = Counter(each.right.letter for each in posed if len(each.answers) == choices)
        expected = places.total() / choices
        assert expected > 30
        assert all(0.7 < places[letter] / expected < 1.3 for letter in quiz.LETTERS[:choices]), places


def test_the_same_seed_asks_the_same_and_another_one_something_else():
    assert questions("000", seed=1) == questions("000", seed=1)
    assert questions("000", seed=1) != questions("000", seed=2)


def test_without_a_lecture_each_question_comes_once():
    assert [posed.id for posed in questions()] == list(QUESTIONS)


def test_two_modules_cannot_have_a_question_of_one_name(monkeypatch):
    monkeypatch.setattr(quiz, "_REGISTRY", dict(quiz._REGISTRY))
    function = next(iter(QUESTIONS.values())).function
    register = question(lectures=["000"], slide="", claim="N1")
    register(function)  # the module was loaded again

    def other(draw):
        raise NotImplementedError

    other.__name__ = function.__name__
    with pytest.raises(ValueError, match=f"Duplicate question {function.__name__}, in "):
        register(other)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00247262, "0.002473"),
        (2433.33, "2,433"),
        (14, "14"),
        ([0.123456, -1.0], "[0.1235, -1]"),
        ("it", "it"),
    ],
)
def test_numbers_are_shown_with_four_digits(value, text):
    assert shown(value) == text


# In the terminal -------------------------------------------------------------------------------------------


def two_plus_two(draw):
    return Problem(
        "How much is 2 + 2?",
        right=4,
        wrong=[
            Choice(22, "This writes the digits side by side."),
            Choice(0, "This subtracts instead of adding."),
        ],
        because="Count on from 2: 3, 4.",
    )


@pytest.fixture
def sums(monkeypatch):
    """Ask how much 2 + 2 is, three times; return the letters of the right answers, and a wrong one."""
    monkeypatch.setattr(quiz, "_REGISTRY", {})
    for name in ("first", "second", "third"):
        two_plus_two.__name__ = name
        question(lectures=["000"], slide=f"The {name} slide", claim="N1")(two_plus_two)
    monkeypatch.setattr(quiz, "all_questions", lambda: list(quiz._REGISTRY.values()))
    posed = questions("000")
    wrong = next(answer.letter for answer in posed[0].answers if answer.text == "22")
    return [each.right.letter for each in posed], wrong


@pytest.fixture
def answer(monkeypatch, capsys):
    """Answer the questions with these lines; return the exit code and what was printed."""

    def run(*lines, arguments=("lecture=000",)):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        code = run_script("", main, list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_right_answers_are_counted_and_explained(sums, answer):
    right, _ = sums
    code, out, err = answer(*(letter.lower() for letter in right))
    assert code == 0 and not err
    assert out.count("Right. Count on from 2: 3, 4.") == 3 and "1/3  The first slide" in out
    assert out.rstrip().endswith("Score: 3 of 3")


def test_a_wrong_answer_gets_its_misconception_the_right_one_and_what_to_read(sums, answer):
    right, wrong = sums
    _, out, _ = answer(wrong, *right[1:])
    assert "Wrong. This writes the digits side by side." in out
    assert f"Right is {right[0]}, 4: Count on from 2: 3, 4." in out
    assert "More: intro-dl lectures id=N1" in out
    end = out[out.index("Score: ") :]
    assert end.startswith("Score: 2 of 3") and "The first slide: intro-dl lectures id=N1" in end
    assert "The second slide" not in end


def test_a_mistyped_answer_is_asked_for_again(sums, answer):
    right, _ = sums
    code, out, _ = answer("x", "", "E", right[0], "q")
    assert code == 0 and out.count("Type A, B or C, or q to quit.") == 3
    assert "Score: 1 of 1 (2 not answered)" in out


@pytest.mark.parametrize("end", [[], ["q"], ["Quit"]])
def test_q_or_the_end_of_the_input_ends_with_the_score_so_far(end, sums, answer):
    right, _ = sums
    code, out, err = answer(right[0], *end)
    assert code == 0 and not err and out.rstrip().endswith("Score: 1 of 1 (2 not answered)")


def test_ctrl_c_ends_with_the_score_so_far(sums, answer, monkeypatch):
    def interrupted(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    code, out, err = answer()
    assert code == 130 and out.rstrip().endswith("Score: 0 of 0 (3 not answered)") and err == "Interrupted.\n"


def test_a_narrow_terminal_keeps_every_word(answer, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    _, out, _ = answer(*"AAAAAAAAAAAAAAAAAAAA")
    assert "\x1b" not in out and "Score: " in out
    flat = " ".join(out.split())
    for posed in questions("000"):
        assert " ".join(posed.text.split()) in flat, posed.id


# For instructors -------------------------------------------------------------------------------------------


def test_json_has_every_question_with_its_answers(capsys):
    assert main(["lecture=003", "format=json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in found] == [posed.id for posed in questions("003")]
    for each in found:
        assert sum(answer["right"] for answer in each["answers"]) == 1
        assert all(answer["right"] or answer["misconception"] for answer in each["answers"])


def test_markdown_has_every_question_with_its_answers(capsys):
    assert main(["lecture=000", "format=markdown"]) == 0
    page = capsys.readouterr().out
    assert len(re.findall(r"^## \d+\. ", page, re.MULTILINE)) == len(questions("000"))
    assert page.count("**Right.**") == len(questions("000"))
    assert "w\\_0" in page and "`intro-dl lectures id=N1`" in page


# Mistakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lectre=004"], "lectre. Did you mean lecture? Available: format, lecture, seed."),
        (["lecture=4"], "lecture=4. Did you mean 004? Available: 000, 001, 002, 003, 004."),
        (["seed=-1"], "Invalid seed=-1: choose "),
        (["format=md"], "Unknown format=md."),
        (["002"], "Cannot read the argument '002': write key=value, e.g. lecture=002."),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_1(arguments, says, capsys):
    assert run_script("", main, arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("Error: ") and says in printed.err and printed.err.count("\n") == 1
    assert printed.out == ""


def test_arguments_are_read():
    assert parse(["lecture=004", "seed=3"]) == {"lecture": "004", "seed": 3, "format": "terminal"}
    assert parse([]) == {"lecture": None, "seed": 0, "format": "terminal"}


def test_a_mistake_is_answered_before_torch_is_loaded():
    code = (
        "import sys; from intro_dl.lectures.engine.quiz_command import main; "
        "from intro_dl.runs.program import run_script; "
        "assert run_script('', main, ['lecture=4']) == 1; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
