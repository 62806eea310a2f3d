"""Compare a student's results with the solution, and name the mistake if it is a known one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from intro_dl.exercises.engine.apart import NOT_CALLED, NOT_WRITTEN, Answer, answers, in_float64, message_of
from intro_dl.exercises.engine.exercise import Case, Exercise
from intro_dl.exercises.engine.rules import violation

SEEDS = (0, 1, 2)  # of the inputs: a result typed from the message of one seed fails with the next
SHORT = 6  # numbers of a tensor that a message shows


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Args:
        passed: whether every call gave what it should.
        message: what is wrong first, in a sentence.
        check: the function whose call failed; empty if the file breaks a rule.
        mistake: the name of the known mistake, or empty.
        hint: what the mistake's author got wrong, or empty.
    """

    passed: bool
    message: str = ""
    check: str = ""
    mistake: str = ""
    hint: str = ""


def check(exercise: Exercise, text: str, seeds: Sequence[int] = SEEDS) -> Verdict:
    """Check a student's file: its rules, then its functions on inputs drawn from each seed."""
    if problem := violation(text, exercise):
        return Verdict(False, problem)
    cases = [case for seed in seeds for case in exercise.cases(seed)]
    found = answers(text, [(case.function, case.args) for case in cases], exercise.seconds)
    return verdict(exercise, cases, found)


def verdict(exercise: Exercise, cases: Sequence[Case], found: Sequence[Answer]) -> Verdict:
    """Compare answers with the solution's, in order; explain the first that is wrong."""
    for case, answer in zip(cases, found, strict=True):
        problem = answer.error or _problem(exercise, case, answer.value)
        if problem:
            unfinished = problem == NOT_WRITTEN
            message = f"{case.function if unfinished else shown_call(case)} {problem}"
            name, hint = _known_mistake(exercise, case.function, cases, found)
            return Verdict(False, message, case.function, name, hint)
    return Verdict(True)


def _problem(exercise: Exercise, case: Case, value: Any) -> str | None:
    if case.judge is not None:
        try:
            return case.judge(value)
        except Exception:  # the judge expects another kind of result
            expected = in_float64(exercise.functions[case.function], case.args)
            return difference(value, expected, math.inf) or "returns something that the check cannot read."
    return difference(value, in_float64(exercise.functions[case.function], case.args), case.tolerance)


def _known_mistake(
    exercise: Exercise, function: str, cases: Sequence[Case], found: Sequence[Answer]
) -> tuple[str, str]:
    """Return name and hint of the mistake that gives the same results in all calls of the function.

    Calls after one that did not end say nothing: another function may have an endless loop.
    """
    calls = [
        (case, answer)
        for case, answer in zip(cases, found, strict=True)
        if case.function == function and answer.error != NOT_CALLED
    ]
    for each in exercise.mistakes:
        if each.replaces == function and all(_same(answer, each.function, case) for case, answer in calls):
            return each.name, each.hint
    return "", ""


def _same(answer: Answer, wrong: Callable[..., Any], case: Case) -> bool:
    """Whether an answer is that of a wrong function, which may also raise the same error."""
    try:
        value = in_float64(wrong, case.args)
    except Exception as error:
        given = answer.error or ""
        return given.startswith(f"raises {type(error).__name__}") and given.endswith(f": {message_of(error)}")
    if value is None or answer.error is not None:
        return False
    return difference(answer.value, value, max(case.tolerance, 1e-9)) is None


def difference(value: Any, expected: Any, tolerance: float) -> str | None:
    """Return how a result differs from the expected one, in a sentence; None if it does not.

    Args:
        value: of the student.
        expected: a tensor, number, string, or a list, tuple or dictionary of them.
        tolerance: largest relative or absolute difference of two equal numbers.
    """
    if value is None:
        return "returns nothing. Write return."
    if isinstance(expected, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            given = f"{len(value)} values" if isinstance(value, list | tuple) else _kind(value)
            return f"returns {given}, but {len(expected)} values are expected."
        parts = [difference(*pair, tolerance) for pair in zip(value, expected, strict=True)]
        return next((f"{part[:-1]} (value {n})." for n, part in enumerate(parts, 1) if part), None)
    if isinstance(expected, dict):
        if not isinstance(value, dict) or value.keys() != expected.keys():
            return f"must return a dictionary with the keys {', '.join(map(str, expected))}."
        parts = {key: difference(value[key], expected[key], tolerance) for key in expected}
        return next((f"{part[:-1]} (key {key})." for key, part in parts.items() if part), None)
    if isinstance(expected, str) or isinstance(value, str):
        return None if value == expected else f"returns {value!r}, but {expected!r} is expected."
    return _difference_of_numbers(value, expected, tolerance)


def _difference_of_numbers(value: Any, expected: Any, tolerance: float) -> str | None:
    if not isinstance(value, Tensor | bool | int | float):
        return f"returns {_kind(value)}, but {_kind(expected)} is expected."
    if isinstance(expected, Tensor) and expected.ndim and not isinstance(value, Tensor):
        return f"returns {_kind(value)}, but {_kind(expected)} is expected."
    got, right = _tensor(value), _tensor(expected)
    if got.shape != right.shape and not (got.numel() == right.numel() == 1):
        return f"returns the shape {tuple(got.shape)}, but {tuple(right.shape)} is expected."
    if isinstance(value, Tensor) and isinstance(expected, Tensor) and got.dtype != right.dtype:
        return f"returns {got.dtype}, but {right.dtype} is expected."
    got, right = got.double().reshape(right.shape), right.double()
    wrong = ~torch.isclose(got, right, tolerance, tolerance, equal_nan=True)
    if not wrong.any():
        return None
    place = tuple(wrong.nonzero()[0].tolist())
    where = f" at {list(place)}" if place else ""
    given, wanted = (_number(each[place]) for each in (got, right))
    if given == wanted:  # they differ only in later digits
        given, wanted = (repr(each[place].item()) for each in (got, right))
    return f"is {given}{where}, but {wanted} is expected."


def _tensor(value: Any) -> Tensor:
    """Return a number as a tensor; a Python float has the digits of float64."""
    return value.detach() if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def shown_call(case: Case) -> str:
    """Return a call as a student would type it; long tensors are shown by their shape."""
    return f"{case.function}({', '.join(map(_shown, case.args))})"


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        if value.numel() > SHORT:
            return f"<tensor {tuple(value.shape)}>"
        return str(
            [[round(x, 4) for x in row] for row in value.tolist()] if value.ndim == 2 else _rounded(value)
        )
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_shown, value[:SHORT])) + (", …" if len(value) > SHORT else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_shown(each)}' for key, each in value.items())}}}"
    return repr(value)


def _rounded(value: Tensor) -> Any:
    return [round(x, 4) for x in value.tolist()] if value.ndim == 1 else value.tolist()


def _number(value: Tensor) -> str:
    return f"{value.item():.6g}"


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return {bool: "True or False", int: "an integer", float: "a number", str: "a string"}.get(
        type(value), f"a {type(value).__name__}"
    )
