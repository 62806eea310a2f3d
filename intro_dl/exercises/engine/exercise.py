"""An exercise: the task, the student's functions, calls that check them, and known mistakes with their hints.

One file has all of it. The student gets its upper part, with the solution cut out::

    \"\"\"The sigmoid.

    Lecture 000; slide "Common Activation Functions". Claims F2.

    What to write, in a few lines.
    \"\"\"

    def sigmoid(z: Tensor) -> Tensor:
        \"\"\"Return g(z), shaped as z.\"\"\"
        # solution
        return 1 / (1 + torch.exp(-z))
        # end of solution

    # The student's file ends here.

    def cases(generator): ...            calls, with inputs drawn from the generator
    @mistake("sigmoid", "hint") ...      a wrong body for one of the functions
    HINTS = ("...", "...")               for those who ask
    FORBIDDEN = ("sigmoid", "autograd")  names that would solve the exercise
"""

import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from intro_dl.config.names import closest

FOLDER = Path(__file__).parent.parent
MODULES = ("collections", "dataclasses", "functools", "itertools", "math", "torch", "typing")  # to import
END = "# The student's file ends here."
SOLUTION = re.compile(r"^( *)# solution\n.*?^ *# end of solution\n", re.DOTALL | re.MULTILINE)
HEAD = re.compile(
    r'(?P<title>.+?)\.\n\nLecture (?P<lecture>\d+);\s+slides?\s+(?P<slides>".+?")\.'
    r"(\s+Claims?\s+(?P<claims>[A-Z]\d[\w,\s]*)\.)?\n\n(?P<task>.+)\Z",
    re.DOTALL,
)


@dataclass(frozen=True)
class Case:
    """One call of a student's function.

    Args:
        function: its name.
        args: tensors, numbers, strings, and lists, tuples and dictionaries of them.
        judge: returns what is wrong with a result, in a sentence that begins with a verb ("is negative"), or
            None. Without it the result must equal that of the solution.
        tolerance: largest relative or absolute difference of two equal numbers.
    """

    function: str
    args: tuple[Any, ...]
    judge: Callable[[Any], str | None] | None = None
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Mistake:
    """A wrong body for the function `replaces`, and the hint that it draws: why it is wrong."""

    name: str
    replaces: str
    hint: str
    function: Callable[..., Any]


def mistake(replaces: str, hint: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark the decorated function as a mistake in place of the student's function `replaces`."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.mistake = Mistake(function.__name__, replaces, hint, function)  # pyrefly: ignore
        return function

    return mark


@dataclass(frozen=True)
class Exercise:
    """An exercise and its module.

    Args:
        name: of its file, e.g. "sigmoid".
        lecture: e.g. "000".
        title, slides, claims, task: from the head of the file.
    """

    name: str
    lecture: str
    title: str
    slides: str
    claims: tuple[str, ...]
    task: str
    module: ModuleType

    @cached_property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that the student writes, with their solutions, by name."""
        parts = re.split(r"^(?=def )", self.stub, flags=re.MULTILINE)[1:]
        names = [part[len("def ") : part.index("(")] for part in parts if "NotImplementedError" in part]
        return {name: getattr(self.module, name) for name in names}

    @property
    def stub(self) -> str:
        """The file that the student gets, with an error in the place of each solution."""
        upper, _, _ = inspect.getsource(self.module).partition(END)
        head, end, rest = upper.partition('\n"""\n')
        limits = "\n".join(textwrap.wrap(self.limits, 100, initial_indent="# ", subsequent_indent="# "))
        upper = f"{head}{end}\n{limits}\n{rest}"
        return SOLUTION.sub(r'\1raise NotImplementedError("Write this function.")\n', upper).rstrip() + "\n"

    @property
    def solution(self) -> str:
        """The same file with the solutions."""
        upper, _, _ = inspect.getsource(self.module).partition(END)
        return re.sub(r"^ *# (end of )?solution\n", "", upper, flags=re.MULTILINE).rstrip() + "\n"

    @property
    def mistakes(self) -> list[Mistake]:
        """The known mistakes, in the order of the file."""
        found = [getattr(each, "mistake", None) for each in vars(self.module).values()]
        return [each for each in found if isinstance(each, Mistake)]

    @property
    def hints(self) -> Sequence[str]:
        """General hints, from a nudge to nearly the answer."""
        return self.module.HINTS

    @property
    def forbidden(self) -> Sequence[str]:
        """Names of torch that would solve the exercise, or that it is not about."""
        return getattr(self.module, "FORBIDDEN", ())

    @property
    def limits(self) -> str:
        """Which modules a file may import, and which names it must not use, in a sentence."""
        names = ", ".join(each for each in self.forbidden if not each.startswith("_"))
        return f"Import only {', '.join(MODULES)}." + (f" Not allowed here: {names}." if names else "")

    @property
    def seconds(self) -> float:
        """The time limit of one check, with all its calls."""
        return getattr(self.module, "SECONDS", 5.0)

    def cases(self, seed: int) -> list[Case]:
        """Return the calls with inputs drawn from this seed, in float64."""
        return self.module.cases(torch.Generator().manual_seed(seed))


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return the exercises by name, in the order of the lectures and their slides."""
    found = {}
    for folder in sorted(FOLDER.glob("lecture_*")):
        package = import_module(f"intro_dl.exercises.{folder.name}")
        for name in package.EXERCISES:
            found[name] = _read(name, import_module(f"{package.__name__}.{name}"))
    return found


def find(name: str) -> Exercise:
    """Return the exercise of this name.

    Raises:
        ValueError: for an unknown name; the message has the nearest one.
    """
    known = all_exercises()
    if name not in known:
        close = closest(name, list(known))
        guess = f" Did you mean {close}?" if close else ""
        raise ValueError(f"Unknown exercise {name}.{guess} `intro-dl exercises status` lists all of them.")
    return known[name]


def _read(name: str, module: ModuleType) -> Exercise:
    head = HEAD.match(inspect.getdoc(module) or "")
    if head is None:
        raise ValueError(
            f'{module.__name__} must begin with """Title.\n\nLecture 000; slide "...". Claims F2.'
        )
    claims = tuple((head["claims"] or "").replace(",", " ").split())
    title, slides = (" ".join(head[part].split()) for part in ("title", "slides"))
    return Exercise(name, head["lecture"], title, slides, claims, head["task"].strip(), module)
