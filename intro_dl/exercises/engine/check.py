"""Compare a student's results with the solution, and name the mistake if it is a known one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from intro_dl.exercises.engine.apart import (
    NOT_CALLED,
    NOT_WRITTEN,
    OF_THE_FILE,
    Answer,
    answers,
    in_float64,
    message_of,
)
from intro_dl.exercises.engine.exercise import Case, Exercise, Mistake
from intro_dl.exercises.engine.rules import violation

SEEDS = (0, 1, 2)  # of the inputs: a result typed from the message of one seed fails with the next
SHORT = 12  # numbers of a tensor that a message shows


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
        if problem and problem.startswith(OF_THE_FILE):
            return Verdict(False, problem)
        if problem == NOT_WRITTEN:
            return Verdict(False, f"{case.function} {problem}", case.function)
        if problem:
            name, hint = _known_mistake(exercise, case.function, cases, found)
            return Verdict(False, f"{shown_call(case)} {problem}", case.function, name, hint)
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

    Without one, return the only mistake that explains what is wrong with one of the returned values. Calls
    after one that did not end say nothing: another function may have an endless loop.
    """
    calls = [
        (case, answer)
        for case, answer in zip(cases, found, strict=True)
        if case.function == function and answer.error != NOT_CALLED
    ]
    known = [each for each in exercise.mistakes if each.replaces == function]
    for each in known:
        if all(_same(answer, each.function, case) for case, answer in calls):
            return each.name, each.hint
    wrong = [(case, each) for case, each in calls if each.error or _problem(exercise, case, each.value)]
    if wrong[0][1].error:
        return "", ""
    valued = [(case, each.value) for case, each in wrong if not each.error]
    right = [in_float64(exercise.functions[function], case.args) for case, _ in valued]
    if all(case.judge is None for case, _ in valued):
        if found_one := _explanation(known, valued, right):
            return found_one.name, found_one.hint
        if _in_another_order([value for _, value in valued], right):
            return "another_order", "The values are right, but in another order than the docstring asks for."
    return "", ""


def _explanation(
    mistakes: Sequence[Mistake], wrong: Sequence[tuple[Case, Any]], right: Sequence[Any]
) -> Mistake | None:
    """Return the only mistake that gives all wrong numbers of one of the returned values.

    The student may have made a second mistake in another value, or treat some inputs rightly.
    """
    results: list[tuple[Mistake, list[list[Any]]]] = []
    for each in mistakes:
        try:
            results.append((each, [_parts(in_float64(each.function, case.args)) for case, _ in wrong]))
        except Exception:  # this mistake raises an error, the student's function does not
            continue
    given, expected = ([_parts(value) for value in values] for values in ([v for _, v in wrong], right))
    for number in range(len(expected[0])):
        found = [
            each
            for each, theirs in results
            if all(len(parts) > number for parts in (*given, *expected, *theirs))
            and _explains(*([parts[number] for parts in calls] for calls in (given, expected, theirs)))
        ]
        if len(found) == 1:
            return found[0]
    return None


def _explains(given: Sequence[Any], expected: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether every wrong number of one value, in all calls, is that of a mistake.

    A single whole number, such as a count that is 0, may agree by chance and is not enough.
    """
    seen: set[Any] = set()
    for value, right, wrong in zip(given, expected, theirs, strict=True):
        if difference(value, right, 1e-9) is None:
            continue
        if not all(isinstance(each, Tensor | bool | int | float) for each in (value, right, wrong)):
            return False
        value, right, wrong = (_tensor(each) for each in (value, right, wrong))
        if not value.dtype == right.dtype == wrong.dtype or not value.shape == right.shape == wrong.shape:
            return False
        value, right, wrong = value.double(), right.double(), wrong.double()
        differs = ~torch.isclose(value, right, 1e-9, 1e-9, equal_nan=True)
        if not torch.isclose(value[differs], wrong[differs], 1e-9, 1e-9, equal_nan=True).all():
            return False
        seen.update(value[differs].tolist())
    return len(seen) > 1 or any(number % 1 != 0 for number in seen)


def _in_another_order(given: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Whether one order of the returned values makes all calls right."""
    several = isinstance(expected[0], list | tuple) and 1 < len(expected[0]) <= 5
    if not several or any(not isinstance(v, list | tuple) or len(v) != len(expected[0]) for v in given):
        return False
    return any(
        all(difference([v[i] for i in order], r, 1e-9) is None for v, r in zip(given, expected, strict=True))
        for order in permutations(range(len(expected[0])))
    )


def _parts(value: Any) -> list[Any]:
    """Return the returned values one by one; a list of numbers is one value."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, list) and value and all(isinstance(each, bool | int | float) for each in value):
        return [torch.tensor(value, dtype=torch.float64)]
    if isinstance(value, list | tuple):
        return [part for each in value for part in _parts(each)]
    return [value]


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
        return "returns None. Does every path through the function end with return?"
    if isinstance(expected, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            given = f"{len(value)} values" if isinstance(value, list | tuple) else _kind(value)
            return f"returns {given}, but {len(expected)} values are expected."
        parts = [difference(*pair, tolerance) for pair in zip(value, expected, strict=True)]
        return next(
            (f"{part[:-1]} (the {_ordinal(n)} result)." for n, part in enumerate(parts, 1) if part), None
        )
    if isinstance(expected, dict):
        if not isinstance(value, dict) or value.keys() != expected.keys():
            return f"must return a dictionary with the keys {', '.join(map(str, expected))}."
        parts = {key: difference(value[key], expected[key], tolerance) for key in expected}
        return next((f"{part[:-1]} (key {key})." for key, part in parts.items() if part), None)
    if isinstance(expected, str) or isinstance(value, str):
        return None if value == expected else f"returns {value!r:.100}, but {expected!r} is expected."
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
        how = (
            " Make new tensors with dtype=x.dtype, where x is the input." if right.is_floating_point() else ""
        )
        return f"returns {got.dtype}, but {right.dtype} is expected.{how}"
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


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(0 if number % 100 in (11, 12, 13) else number % 10, "th")
    return f"{number}{ending}"


def shown_call(case: Case) -> str:
    """Return a call as a student would type it; long tensors are shown by their shape."""
    return f"{case.function}({', '.join(map(_shown, case.args))})"


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        if value.numel() > SHORT:
            return f"<tensor {tuple(value.shape)}>"
        return _shown(value.tolist())
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_shown, value[:SHORT])) + (", …" if len(value) > SHORT else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_shown(each)}' for key, each in value.items())}}}"
    return repr(float(f"{value:.6g}") if isinstance(value, float) else value)


def _number(value: Tensor) -> str:
    return f"{value.item():.6g}"


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return {bool: "True or False", int: "an integer", float: "a number", str: "a string"}.get(
        type(value), f"a {type(value).__name__}"
    )
