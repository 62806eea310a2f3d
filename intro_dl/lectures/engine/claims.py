"""A claim is a short function that computes what a slide says and compares.

For example::

    @claim("N14", lectures=["004"], slide="1D convolution", says="(0, 0, 1, 2) * (-1, 1) = (0, 1, 1)",
           kind="holds")
    def convolution_1d() -> Outcome:
        signal, kernel = torch.tensor([0.0, 0.0, 1.0, 2.0]), torch.tensor([-1.0, 1.0])
        return Outcome([Check("the sliding product", conv1d(signal, kernel), torch.tensor([0.0, 1.0, 1.0]))])
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, get_args

import torch
from torch import Tensor

from intro_dl.lectures import LECTURES
from intro_dl.results.evidence import MissingResult

Kind = Literal["holds", "erratum", "measured", "not reproduced", "cited"]
Verdict = Literal["holds", "erratum", "measured", "not reproduced", "cited", "waiting", "fails"]


@dataclass(frozen=True)
class Check:
    """One comparison: a computed value against the expected value.

    Args:
        what: what is compared, in words: "g(1 + 3 x1 - 2 x2) at x = (-1, 2)".
        measured: the computed number, tensor, truth value, string, or list of them.
        expected: what the slide says, or the right value computed in another way; of the same type.
        tolerance: the largest absolute difference at which numbers count as equal.
        differ: the two must differ by more than the tolerance, as in the proof of an erratum.
    """

    what: str
    measured: object
    expected: object
    tolerance: float = 0.0
    differ: bool = False

    @property
    def distance(self) -> float:
        """Return the largest absolute difference, for strings 0 or infinity.

        It is NaN if the two cannot be compared.
        """
        measured, expected = _as_tensor(self.measured), _as_tensor(self.expected)
        if measured is None or expected is None:
            if type(self.measured) is not type(self.expected):
                return math.nan
            return 0.0 if self.measured == self.expected else math.inf
        if measured.shape != expected.shape or measured.numel() == 0:
            return math.nan
        difference = (measured - expected).abs()
        return difference.masked_fill(measured == expected, 0.0).max().item()  # infinity equals infinity

    @property
    def holds(self) -> bool:
        """Whether the comparison comes out as it should. NaN never holds, and shapes must match."""
        return self.distance > self.tolerance if self.differ else self.distance <= self.tolerance


def within(what: str, measured: float, low: float = -math.inf, high: float = math.inf) -> Check:
    """Check that a number lies in [low, high]: the expected value is the nearest number that does."""
    bounds = [f"at least {low:,}"] * (low > -math.inf) + [f"at most {high:,}"] * (high < math.inf)
    return Check(f"{what} ({', '.join(bounds)})", measured, min(max(measured, low), high))


def _as_tensor(value: object) -> Tensor | None:
    """Return numbers, truth values, and lists of them as a float64 tensor; None for everything else."""
    if isinstance(value, Tensor):
        return value.detach().cpu().double()
    numbers = value if isinstance(value, list | tuple) and value else [value]
    if all(isinstance(number, int | float) for number in numbers):
        return torch.tensor(value, dtype=torch.float64)
    return None


@dataclass(frozen=True)
class Outcome:
    """The result of a claim's function.

    Args:
        checks: the comparisons; the claim stands if all of them hold.
        working: lines that `scripts/lectures.py id=N18` prints, step by step.
    """

    checks: Sequence[Check]
    working: Sequence[str] = ()


@dataclass(frozen=True)
class Claim:
    """What a slide says, and the function that computes it.

    Args:
        id: a letter for the kind of claim and a number, e.g. "N18".
        lectures: the lectures that show it, e.g. ("000", "003").
        slide: the slide's title.
        says: what the slide says. For an erratum: its text as printed.
        kind: holds, erratum (the slide is wrong), measured (on a training run), not reproduced (its training
            runs do not reach the slide's number), cited (not executable).
        function: computes the outcome.
        module: the module that defines it.
        right: the text to paste in place of `says`, for an erratum only.
    """

    id: str
    lectures: tuple[str, ...]
    slide: str
    says: str
    kind: Kind
    function: Callable[[], Outcome]
    module: str = ""
    right: str = ""

    def run(self, seed: int = 0) -> "Result":
        """Compute the claim with a random seed. An exception becomes the verdict "fails".

        A measured claim whose results do not exist yet (`MissingResult`) gets the verdict "waiting".
        """
        start = time.perf_counter()
        outcome, error, waiting = Outcome([]), None, None
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                torch.manual_seed(seed)
                outcome = self.function()
            error = _fault(self.kind, outcome)
        except MissingResult as missing:
            waiting = str(missing)
            if self.kind not in ("measured", "not reproduced"):
                error = f"a claim of kind {self.kind} cannot wait for a result"
        except Exception as exception:
            error = f"{type(exception).__name__}: {exception}"
        return Result(self, outcome, error, waiting, time.perf_counter() - start)


@dataclass(frozen=True)
class Result:
    """A claim that was run: its outcome, why it fails or what it waits for, and the seconds it took."""

    claim: Claim
    outcome: Outcome
    error: str | None
    waiting: str | None
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Return the claim's kind if everything holds, else "fails" or "waiting"."""
        if self.error is not None or not all(check.holds for check in self.outcome.checks):
            return "fails"
        return "waiting" if self.waiting else self.claim.kind


def _fault(kind: Kind, outcome: object) -> str | None:
    """Return why an outcome proves nothing, whatever its checks say; None if it may prove something."""
    if not isinstance(outcome, Outcome):
        return f"the claim returned {type(outcome).__name__}, not an Outcome"
    if kind != "cited" and not outcome.checks:
        return "the claim compares nothing"
    if kind == "erratum" and not any(check.differ for check in outcome.checks):
        return "an erratum must show that the slide's version and the right one differ"
    if kind == "not reproduced" and not any(check.differ for check in outcome.checks):
        return "the claim must show that the slide's number and the measured one differ"
    return None


_REGISTRY: dict[str, Claim] = {}


def claim(
    id: str, *, lectures: Sequence[str], slide: str, says: str, kind: Kind, right: str = ""
) -> Callable[[Callable[[], Outcome]], Callable[[], Outcome]]:
    """Register the decorated function as the claim `id`. The function can still be called.

    Raises:
        ValueError: if a lecture or the kind is unknown, the ID is taken, or an erratum lacks `right`, which
            only errata have.
    """

    def register(function: Callable[[], Outcome]) -> Callable[[], Outcome]:
        _register(Claim(id, tuple(lectures), slide, says, kind, function, function.__module__, right))
        return function

    return register


def cite(id: str, *, lectures: Sequence[str], slide: str, says: str, reason: str) -> None:
    """Register a claim that cannot be executed, with the reason."""
    module = sys._getframe(1).f_globals["__name__"]  # the caller's: there is no function to ask
    _register(Claim(id, tuple(lectures), slide, says, "cited", lambda: Outcome([], [reason]), module))


def _register(new: Claim) -> None:
    for name, values, known in [
        ("lectures", new.lectures or [""], tuple(LECTURES)),
        ("kind", [new.kind], get_args(Kind)),
    ]:
        if not set(values) <= set(known):
            given = ", ".join(values)
            raise ValueError(f"Invalid {name}={given} of claim {new.id}: choose from {', '.join(known)}.")
    if (new.kind == "erratum") != bool(new.right):
        raise ValueError(
            f"Invalid right={new.right!r} of claim {new.id}: an erratum needs it, no other claim does."
        )
    old = _REGISTRY.get(new.id)
    # A reloaded module may register its claims again.
    if old is not None and (old.module, old.says) != (new.module, new.says):
        raise ValueError(f"Duplicate claim {new.id}, in {old.module} and {new.module}: choose another id.")
    _REGISTRY[new.id] = new


def all_claims() -> tuple[Claim, ...]:
    """Return every claim once: lecture by lecture, part by part, each file from top to bottom."""
    found: list[Claim] = []
    for lecture in LECTURES:
        package = import_module(f"intro_dl.lectures.lecture_{lecture}")
        for part in package.PARTS:
            module = import_module(f"{package.__name__}.{part}").__name__
            found += [each for each in _REGISTRY.values() if each.module == module]
    return tuple(found)


def in_slide_order(claims: Iterable[Claim], lecture: str) -> list[Claim]:
    """Return those claims that a lecture shows, in the order of its slides: `CLAIMS` of its package."""
    order = import_module(f"intro_dl.lectures.lecture_{lecture}").CLAIMS
    place = {id: number for number, id in enumerate(order)}
    return sorted(
        (each for each in claims if lecture in each.lectures), key=lambda each: place.get(each.id, len(place))
    )
