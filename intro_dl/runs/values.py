"""Check plain values, such as those of a config, a JSON file or a checkpoint, against type hints."""

import math
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union

LARGEST = 2**53  # an integer that torch, and a float, can hold


def fits(value: Any, hint: Any) -> bool:
    """Return whether a plain value has the type and the range of `hint`; unknown hints accept everything."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return fits(value, arguments[0]) and _within(value, limits(arguments[1:]))
    if origin in (Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is Literal:
        return value in arguments
    if hint in (int, float):
        right = isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
        return right and (hint is float or abs(value) <= LARGEST)
    if hint is Path:
        return isinstance(value, str | Path)
    if typing.is_typeddict(hint):
        return isinstance(value, dict) and misfit(value, hint) is None
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key_hint, value_hint = arguments
        return isinstance(value, dict) and all(
            fits(key, key_hint) and fits(entry, value_hint) for key, entry in value.items()
        )
    if isinstance(origin, type) and issubclass(origin, Sequence):
        if not isinstance(value, list | tuple):
            return False
        if origin is tuple and Ellipsis not in arguments:
            return len(value) == len(arguments) and all(map(fits, value, arguments))
        return all(fits(item, arguments[0]) for item in value)
    if isinstance(hint, type) and hint is not Any:
        return isinstance(value, hint)
    return True


def misfit(value: Mapping[str, Any], hint: Any) -> str | None:
    """Return the first entry of a mapping that does not fit a TypedDict, as "name=value", else None.

    Other entries are allowed: a later version may write more.
    """
    for name, entry_hint in typing.get_type_hints(hint, include_extras=True).items():
        if name not in value and name in hint.__required_keys__:
            return f"{name} is missing"
        if name in value and not fits(value[name], entry_hint):
            return f"{name}={shown(value[name])}"
    return None


def limits(metadata: Sequence[Any]) -> dict[str, Any]:
    """Return e.g. {"gt": 0, "max_length": 100} of [Gt(0), MaxLen(100)]."""
    names = ("gt", "ge", "lt", "le", "min_length", "max_length")
    return {name: getattr(each, name) for each in metadata for name in names if hasattr(each, name)}


def _within(value: Any, limits: Mapping[str, Any]) -> bool:
    if isinstance(value, str | list | tuple):
        return limits.get("min_length", 0) <= len(value) <= limits.get("max_length", math.inf)
    if abs(value) > sys.float_info.max or math.isnan(value):
        return False
    within = limits.get("ge", -math.inf) <= value <= limits.get("le", math.inf)
    return within and limits.get("gt", -math.inf) < value < limits.get("lt", math.inf)


def shown(value: Any) -> str:
    """Return a value as the command line writes it, shortened."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
