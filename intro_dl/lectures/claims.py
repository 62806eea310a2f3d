"""A claim is a short function that computes what a slide says, and compares.

@claim("N14", lectures=["004"], slide="1D convolution", says="(0, 0, 1, 2) * (-1, 1) = (0, 1, 1)",
       kind="holds")
def convolution_1d() -> Outcome:
    signal, kernel = torch.tensor([0.0, 0.0, 1.0, 2.0]), torch.tensor([-1.0, 1.0])
    return Outcome([Check("the sliding product", conv1d(signal, kernel), torch.tensor([0.0, 1.0, 1.0]))])
"""

import importlib
import math
import pkgutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from intro_dl.lectures.ids import ALL_IDS, LECTURES
from intro_dl.results.evidence import MissingResult

Kind = Literal["holds", "erratum", "measured", "cited"]
Verdict = Literal["holds", "erratum", "measured", "cited", "waiting", "fails", "open"]


@dataclass(frozen=True)
class Check:
    """One comparison: what was computed against what it should be.

    Args:
        what: what is compared, in words: "g(1 + 3 x1 - 2 x2) at x = (-1, 2)".
        measured: the computed number, tensor, truth value, text, or tuple of them.
        expected: what the slide says, or the right value computed in another way; of the same type.
        tolerance: the largest absolute difference at which numbers count as equal.
        differ: the two must differ by more than the tolerance, as in the proof of an erratum.
    """

    what: str
    measured: Any
    expected: Any
    tolerance: float = 0.0
    differ: bool = False

    @property
    def distance(self) -> float:
        """The largest absolute difference; NaN if the two cannot be compared; 0 or infinity for texts."""
        measured, expected = _as_tensor(self.measured), _as_tensor(self.expected)
        if measured is None or expected is None:
            if type(self.measured) is not type(self.expected):
                return float("nan")
            return 0.0 if self.measured == self.expected else float("inf")
        if measured.shape != expected.shape or measured.numel() == 0:
            return float("nan")
        difference = (measured - expected).abs()
        return difference.masked_fill(measured == expected, 0.0).max().item()  # infinity equals infinity

    @property
    def holds(self) -> bool:
        """Whether the comparison comes out as it should. NaN never holds, and shapes must match."""
        return self.distance > self.tolerance if self.differ else self.distance <= self.tolerance


def within(what: str, measured: float, low: float = -math.inf, high: float = math.inf) -> Check:
    """A check that a number lies in [low, high]: what is expected is the nearest number that does."""
    bounds = [f"at least {low:,}"] * (low > -math.inf) + [f"at most {high:,}"] * (high < math.inf)
    return Check(f"{what} ({', '.join(bounds)})", measured, min(max(measured, low), high))


def _as_tensor(value: Any) -> Tensor | None:
    """Numbers, truth values, and lists of them as a float64 tensor; None for everything else."""
    if isinstance(value, Tensor):
        return value.detach().cpu().double()
    if isinstance(value, int | float):
        return torch.tensor(value, dtype=torch.float64)
    if isinstance(value, list | tuple) and value and all(isinstance(item, int | float) for item in value):
        return torch.tensor(value, dtype=torch.float64)
    return None


@dataclass(frozen=True)
class Outcome:
    """What came out of a claim: comparisons, and the working to print.

    Args:
        checks: the comparisons; the claim stands if all of them hold.
        working: lines that `scripts/lectures.py id=N18` prints, step by step.
        waiting: for a measured claim, which result does not exist yet.
    """

    checks: Sequence[Check]
    working: Sequence[str] = ()
    waiting: str | None = None


@dataclass(frozen=True)
class Claim:
    """What a slide says, and the function that computes it.

    Args:
        id: the ID in the list of claims, e.g. "N18".
        lectures: the decks that show it, e.g. ("000", "003").
        slide: the slide's title.
        says: what the slide says.
        kind: holds, erratum (the slide is wrong), measured (needs a training run), cited (not executable).
        function: computes the outcome.
        module: where it is written; the files of a lecture are in slide order.
    """

    id: str
    lectures: tuple[str, ...]
    slide: str
    says: str
    kind: Kind
    function: Callable[[], Outcome]
    module: str = ""

    def run(self) -> "Result":
        """Compute the claim with its own random seed; an exception becomes a failing verdict.

        A result that is not there yet (`MissingResult`) lets a measured claim wait.
        """
        start = time.perf_counter()
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                torch.manual_seed(0)
                outcome = self.function()
            error = _fault(self.kind, outcome)
        except MissingResult as missing:
            outcome = Outcome([], waiting=str(missing))
            error = _fault(self.kind, outcome)
        except Exception as exception:
            outcome, error = Outcome([]), f"{type(exception).__name__}: {exception}"
        return Result(self, outcome, error, time.perf_counter() - start)


@dataclass(frozen=True)
class Result:
    """A claim that was run: its outcome, or why there is none, and the seconds it took."""

    claim: Claim
    outcome: Outcome
    error: str | None
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """One word: the claim's kind if everything holds, else fails or waiting."""
        if self.error is not None or not all(check.holds for check in self.outcome.checks):
            return "fails"
        return "waiting" if self.outcome.waiting else self.claim.kind


def _fault(kind: Kind, outcome: Any) -> str | None:
    """Why an outcome proves nothing, whatever its checks say; None if it may prove something."""
    if not isinstance(outcome, Outcome):
        return f"the claim returned {type(outcome).__name__}, not an Outcome"
    if outcome.waiting and kind != "measured":
        return f"a claim of kind {kind} cannot wait for a result"
    if kind != "cited" and not outcome.checks and not outcome.waiting:
        return "the claim compares nothing"
    if kind == "erratum" and not any(check.differ for check in outcome.checks):
        return "an erratum must show that the slide's version and the right one differ"
    return None


_REGISTRY: dict[str, Claim] = {}


def claim(
    id: str, *, lectures: Sequence[str], slide: str, says: str, kind: Kind
) -> Callable[[Callable[[], Outcome]], Callable[[], Outcome]]:
    """Register the function below as the claim `id`. The function stays callable.

    Raises:
        ValueError: if the ID, a lecture or the kind is unknown, or the ID is taken.
    """

    def register(function: Callable[[], Outcome]) -> Callable[[], Outcome]:
        _register(Claim(id, tuple(lectures), slide, says, kind, function, function.__module__))
        return function

    return register


def cite(id: str, *, lectures: Sequence[str], slide: str, says: str, reason: str) -> None:
    """Register a claim that cannot be executed, with the reason."""
    module = sys._getframe(1).f_globals["__name__"]  # of the caller: there is no function to ask
    _register(Claim(id, tuple(lectures), slide, says, "cited", lambda: Outcome([], [reason]), module))


def _register(new: Claim) -> None:
    if new.id not in ALL_IDS:
        raise ValueError(f"There is no claim {new.id} in intro_dl/lectures/ids.py. Add it there first.")
    if not new.lectures or not set(new.lectures) <= LECTURES.keys():
        raise ValueError(f"{new.id} names the lectures {new.lectures}. Choose from {', '.join(LECTURES)}.")
    if new.kind not in get_args(Kind):
        raise ValueError(f"{new.id} is of kind {new.kind}. Choose from {', '.join(get_args(Kind))}.")
    old = _REGISTRY.get(new.id)
    if old is not None and _origin(old) != _origin(new):
        raise ValueError(f"{new.id} is claimed twice: by {_origin(old)} and {_origin(new)}. Number one anew.")
    _REGISTRY[new.id] = new


def _origin(of: Claim) -> str:
    """Where a claim was written, so that a reloaded module may register its claims again."""
    return f"{of.module}.{of.function.__name__} ({of.says})"


def all_claims() -> tuple[Claim, ...]:
    """Every claim of every lecture, once, in slide order: lecture 000 first, each file from top to bottom."""
    import intro_dl.lectures as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    for name in names:
        if name.startswith("lecture_"):
            importlib.import_module(f"intro_dl.lectures.{name}")
    # Sorting is stable: within a file the order is that of definition, whichever file was imported first.
    return tuple(sorted(_REGISTRY.values(), key=lambda each: (min(each.lectures), each.module)))


def open_ids() -> tuple[str, ...]:
    """The IDs that no claim covers yet."""
    covered = {each.id for each in all_claims()}
    return tuple(id for id in ALL_IDS if id not in covered)
