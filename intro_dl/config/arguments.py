"""Check config values against type hints, and name what would be accepted.

One checker serves the constructors that a config names, the root keys (schema.py) and the options of the
scripts (options.py). Ranges are written in the types, see types.py.
"""

import inspect
import math
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast

from omegaconf import DictConfig, OmegaConf

from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of

OWN_KEYS = {  # not passed to the class
    "trainer": ("compile", "if_slower", "fast_dev_run", "overfit_batches", "max_time", "threads"),
    "scheduler": ("interval",),
}
LARGEST = 2**53  # an integer that torch, and a float, can hold
NOUNS = {
    int: "integer",
    float: "number",
    str: "string",
    Path: "path",
    dict: "mapping",
    bool: "true or false",
    type(None): "null",
}


def check_arguments(node: DictConfig, group: str) -> None:
    """Check the keys and values of a node against the constructor of its `_target_`.

    Args:
        node: a config with a `_target_`.
        group: its place in the config, e.g. "model", for the message.

    Raises:
        ValueError: for an unknown key, or a value of the wrong type or out of range.
    """
    target = class_of(node, group)
    parameters = inspect.signature(target).parameters
    call = target.__init__ if inspect.isclass(target) else target
    hints = typing.get_type_hints(call, include_extras=True)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    values = cast(dict[str, Any], OmegaConf.to_container(node, resolve=True))
    for key, value in values.items():
        if key.startswith("_") or key in OWN_KEYS.get(group, ()):
            continue
        if key not in parameters and not open_ended:
            names = [name for name, each in parameters.items() if each.default is not each.empty]
            raise ValueError(f"Unknown key {group}.{key}.{nearest(key, names)}")
        if key in hints:
            check_value(f"{group}.{key}", value, hints[key])


def check_value(key: str, value: Any, hint: Any) -> None:
    """Check one value.

    Raises:
        ValueError: e.g. "Invalid model.dropout=2: choose a number in [0, 1)."
    """
    if not fits(value, hint):
        smaller = ", but a smaller one" if isinstance(value, int) and abs(value) > LARGEST else ""
        raise ValueError(f"Invalid {key}={shown(value)}: choose {describe(hint)}{smaller}.")


def fits(value: Any, hint: Any) -> bool:
    """Return whether a plain value has the type and the range of `hint`; unknown hints accept everything."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return fits(value, arguments[0]) and _within(value, _limits(arguments[1:]))
    if origin in (Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is Literal:
        return value in arguments
    if hint in (int, float):
        right = isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
        return right and abs(value) <= (LARGEST if hint is int else sys.float_info.max)  # false for nan
    if hint is Path:
        return isinstance(value, str | Path)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        if not isinstance(value, list | tuple):
            return False
        if origin is tuple and Ellipsis not in arguments:
            return len(value) == len(arguments) and all(map(fits, value, arguments))
        return all(fits(item, arguments[0]) for item in value)
    if isinstance(hint, type) and hint is not Any:
        return isinstance(value, hint)
    return True


def _limits(metadata: Sequence[Any]) -> dict[str, Any]:
    """Return e.g. {"gt": 0, "max_length": 100} of [Gt(0), MaxLen(100)]."""
    names = ("gt", "ge", "lt", "le", "min_length", "max_length")
    return {name: getattr(each, name) for each in metadata for name in names if hasattr(each, name)}


def _within(value: Any, limits: Mapping[str, Any]) -> bool:
    if isinstance(value, list | tuple):
        return limits.get("min_length", 0) <= len(value) <= limits.get("max_length", math.inf)
    within = limits.get("ge", -math.inf) <= value <= limits.get("le", math.inf)
    return within and limits.get("gt", -math.inf) < value < limits.get("lt", math.inf)


def describe(hint: Any, plural: bool = False) -> str:
    """Return the values that a type hint accepts, in words, e.g. "an integer of at least 1"."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        plain = [each for each in arguments if not inspect.isclass(each) or each in NOUNS]
        *first, last = dict.fromkeys(describe(each, plural) for each in plain or arguments)
        return f"{', '.join(first)} or {last}" if first else last
    if origin is Literal:
        return f"{'one of ' if len(arguments) > 1 else ''}{', '.join(map(str, arguments))}"
    limits = _limits(arguments[1:]) if origin is Annotated else {}
    if origin is Annotated:
        hint, origin, arguments = arguments[0], typing.get_origin(arguments[0]), typing.get_args(arguments[0])
    if arguments and isinstance(origin, type) and issubclass(origin, Sequence):
        start = "a non-empty list of" if "min_length" in limits else "a list of"
        if "max_length" in limits:
            start += f" at most {limits['max_length']}"
        elif origin is tuple and Ellipsis not in arguments:
            start += f" {len(arguments)}"
        return f"{start} {describe(arguments[0], plural=True)}"
    if hint in (bool, type(None)):
        return NOUNS[hint]
    noun = NOUNS.get(hint) or getattr(hint, "__name__", str(hint))
    noun = f"{noun}s" if plural else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return noun + _describe_range(hint, limits)


def _describe_range(kind: Any, limits: Mapping[str, Any]) -> str:
    if kind is int:
        low = limits["gt"] + 1 if "gt" in limits else limits.get("ge")
        high = limits["lt"] - 1 if "lt" in limits else limits.get("le")
        if low is None:
            return ""
        return f" of at least {low}" if high is None else f" from {low} to {high}"
    low, high = limits.get("gt", limits.get("ge")), limits.get("lt", limits.get("le"))
    if low is None:
        return ""
    if high is None:
        return f" above {low}" if "gt" in limits else f" of at least {low}"
    return f" in {'(' if 'gt' in limits else '['}{low}, {high}{')' if 'lt' in limits else ']'}"


def shown(value: Any) -> str:
    """Return a value as the command line writes it, shortened."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
