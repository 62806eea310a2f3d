"""A question is a short function that computes the right answer, and each wrong answer by a usual mistake.

For example::

    @question(lectures=["004"], slide="Padding", claim="N16")
    def padded_size(draw: Random) -> Problem:
        size = draw.choice([28, 32])
        image = torch.zeros(1, 1, size, size)
        return Problem(
            f"A 3x3 kernel slides over {size}x{size} pixels with a frame of 1 zero. How tall is the output?",
            right=F.conv2d(image, torch.zeros(1, 1, 3, 3), padding=1).shape[2],
            wrong=[Choice(size - 3 + 1, "That forgets the frame, which adds a row at each side.")],
            because=f"{size} + 2 - 3 + 1 = {size}.",
        )
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random

import torch
from torch import Tensor

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.report import show

LETTERS = "ABCDE"
DIGITS = 4  # significant digits of a number in a choice


@dataclass(frozen=True)
class Choice:
    """A wrong answer.

    Args:
        value: computed as a student would who has the misconception.
        misconception: a sentence that says which idea leads to this value, and why it is wrong.
    """

    value: object
    misconception: str


@dataclass(frozen=True)
class Problem:
    """What the function of a question returns.

    Args:
        text: the question, in plain text with formulas as in the claims (x_1, theta, e^-z).
        right: the right answer: a number, a tensor, a list of numbers, or a string.
        wrong: two to four wrong answers.
        because: how one gets the right answer, in a sentence or two.
        again: the right answer, computed in a second way; None if there is none. A test compares.
        tex: the formula of the question for KaTeX, without dollar signs; empty if there is none.
    """

    text: str
    right: object
    wrong: Sequence[Choice]
    because: str
    again: object = None
    tex: str = ""


@dataclass(frozen=True)
class Answer:
    """One choice as it is shown. The right one has no misconception."""

    letter: str
    text: str
    right: bool
    misconception: str


@dataclass(frozen=True)
class Posed:
    """A question with its numbers drawn and its answers in random order."""

    id: str
    lectures: tuple[str, ...]
    slide: str
    claim: str
    text: str
    tex: str
    answers: tuple[Answer, ...]
    because: str

    @property
    def right(self) -> Answer:
        """Return the right answer."""
        return next(answer for answer in self.answers if answer.right)


@dataclass(frozen=True)
class Question:
    """A question and where it belongs.

    Args:
        id: the name of its function.
        lectures: the lectures that ask it, e.g. ("000", "003").
        slide: the slide's title, as in the claim.
        claim: the id of the claim that shows more, e.g. "N11".
        function: draws the numbers from the generator, and computes the answers.
        module: the module that defines it.
    """

    id: str
    lectures: tuple[str, ...]
    slide: str
    claim: str
    function: Callable[[Random], Problem]
    module: str

    def compute(self, seed: int = 0) -> Problem:
        """Compute the answers; another seed may draw other numbers."""
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            return self.function(Random(f"{self.id} {seed}"))

    def pose(self, seed: int = 0) -> Posed:
        """Compute the answers and shuffle them."""
        problem = self.compute(seed)
        choices = [(shown(problem.right), True, "")]
        choices += [(shown(choice.value), False, choice.misconception) for choice in problem.wrong]
        Random(f"order of {self.id} {seed}").shuffle(choices)
        answers = tuple(Answer(letter, *choice) for letter, choice in zip(LETTERS, choices, strict=False))
        return Posed(
            self.id,
            self.lectures,
            self.slide,
            self.claim,
            problem.text,
            problem.tex,
            answers,
            problem.because,
        )


_REGISTRY: dict[str, Question] = {}


def question(
    *, lectures: Sequence[str], slide: str, claim: str
) -> Callable[[Callable[[Random], Problem]], Callable[[Random], Problem]]:
    """Register the decorated function as a question; its name is the id.

    Raises:
        ValueError: if another module has a question of this name.
    """

    def register(function: Callable[[Random], Problem]) -> Callable[[Random], Problem]:
        new = Question(function.__name__, tuple(lectures), slide, claim, function, function.__module__)
        old = _REGISTRY.setdefault(new.id, new)
        if old.module != new.module:
            raise ValueError(f"Duplicate question {new.id}, in {old.module} and {new.module}: rename one.")
        _REGISTRY[new.id] = new
        return function

    return register


def all_questions() -> list[Question]:
    """Return every question once: lecture by lecture, each file from top to bottom."""
    modules = [import_module(f"intro_dl.lectures.lecture_{lecture}.quiz").__name__ for lecture in LECTURES]
    return [each for module in modules for each in _REGISTRY.values() if each.module == module]


def questions(lecture: str | None = None, seed: int = 0) -> list[Posed]:
    """Return the questions of a lecture (None: of all lectures, each once) with their answers.

    Does not train: it takes less than a second after torch is imported. `dataclasses.asdict` makes each of
    them ready for JSON.
    """
    return [each.pose(seed) for each in all_questions() if lecture is None or lecture in each.lectures]


def shown(value: object) -> str:
    """Return an answer as text, with four significant digits: 0.002473, 14, [0.5, -1]."""
    if isinstance(value, Tensor):
        value = value.detach().tolist()
    if isinstance(value, list | tuple):
        value = [_rounded(each) for each in value]
    return show(_rounded(value))


def _rounded(value: object) -> object:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
