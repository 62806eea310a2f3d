"""Check config values against type hints, and name what would be accepted.

One checker serves the constructors that a config names, the root keys (schema.py) and the options of the
scripts (options.py). Ranges are written in the types, see types.py.
"""

import inspect
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Union, cast

from omegaconf import DictConfig, OmegaConf

from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of, is_own
from intro_dl.runs.values import LARGEST, fits, limits, shown

OWN_KEYS = {  # not passed to the class
    "trainer": ("compile", "if_slower", "fast_dev_run", "overfit_batches", "max_time", "threads"),
    "scheduler": ("interval",),
}
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
    values = cast(dict[str, Any], OmegaConf.to_container(node, resolve=True))
    own = OWN_KEYS.get(group, ())
    if (
        values and "_target_" not in values
    ):  # an experiment sets scheduler.gamma, and scheduler=none has no keys
        _refuse_set_by_another([f"{group}.{key}" for key in values], option_has_keys=False)
    passed = {key: value for key, value in values.items() if not key.startswith("_") and key not in own}
    target = class_of(node, group)
    from hydra.core.hydra_config import HydraConfig  # here, so that a run can be loaded without Hydra

    typed = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    if any(text.startswith(f"{group}._target_=") for text in typed):  # the other keys are of another class
        keys = inspect.signature(target).parameters
        if foreign := [f"'~{group}.{key}'" for key in passed if key not in keys and "kwargs" not in keys]:
            raise ValueError(
                f"{target.__name__} has other keys than this option of {group}=: add {' '.join(foreign)}."
            )
    check_call(target, passed, group)


def check_call(target: Any, values: Mapping[str, Any], group: str) -> None:
    """Check the arguments of a class or function against its signature.

    Raises:
        ValueError: for an unknown key, or a value of the wrong type or out of range.
    """
    parameters = _parameters(target)
    hints = {} if is_own(target) else _hints(target)  # the values of a user's own class may be anything
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if not open_ended and (unknown := [f"{group}.{key}" for key in values if key not in parameters]):
        names = [name for name, each in parameters.items() if each.default is not each.empty]
        refuse_keys(unknown, names)
    for key, value in values.items():
        if key in hints:
            check_value(f"{group}.{key}", value, hints[key])


def refuse_keys(keys: Sequence[str], names: Sequence[str]) -> NoReturn:
    """Raise the error about unknown keys of one group, whose option has `names`."""
    _refuse_set_by_another(keys)
    raise ValueError(f"Unknown key {keys[0]}.{nearest(keys[0].rpartition('.')[2], names)}")


def _refuse_set_by_another(keys: Sequence[str], option_has_keys: bool = True) -> None:
    """Raise if the user has not typed these keys, because another option sets them."""
    from hydra.core.hydra_config import HydraConfig  # here, so that a run can be loaded without Hydra

    from intro_dl.config.compose import which_sets

    if not HydraConfig.initialized():
        return
    hydra, group = HydraConfig.get(), keys[0].partition(".")[0]
    typed = {text.lstrip("+").partition("=")[0]: text for text in hydra.overrides.task}
    option = typed.get(group, f"{group}={hydra.runtime.choices.get(group)}")
    others = [text for name, text in typed.items() if name in hydra.runtime.choices and name != group]
    own = [each.path for each in hydra.runtime.config_sources if each.schema == "file"]
    keys = [key for key in keys if not any(f"{each}.".startswith(f"{key}.") for each in typed)]
    other, keys = which_sets(keys, option, others, own)
    if other:
        ways = ["add " + " ".join(f"'~{key}'" for key in keys)] if option_has_keys else []
        ways += [f"leave out {option}"] if group in typed else []
        raise ValueError(
            f"{other} sets {' and '.join(keys)}, which {option} does not have: {', or '.join(ways)}."
        )


_parameters = cache(lambda target: inspect.signature(target).parameters)


@cache
def _hints(target: Any) -> dict[str, Any]:
    call = target.__init__ if inspect.isclass(target) else target
    try:
        return typing.get_type_hints(call, include_extras=True)
    except NameError:  # of a class that only a type checker imports
        return {}


def check_value(key: str, value: Any, hint: Any) -> None:
    """Check one value.

    Raises:
        ValueError: e.g. "Invalid model.dropout=2: choose a number in [0, 1)."
    """
    if not fits(value, hint) or (isinstance(value, float) and not math.isfinite(value)):
        smaller = ", but a smaller one" if isinstance(value, int) and abs(value) > LARGEST else ""
        raise ValueError(f"Invalid {key}={shown(value)}: choose {describe(hint)}{smaller}.")


def describe(hint: Any, plural: bool = False) -> str:
    """Return the values that a type hint accepts, in words, e.g. "an integer of at least 1"."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        plain = [each for each in arguments if not inspect.isclass(each) or each in NOUNS]
        *first, last = dict.fromkeys(describe(each, plural) for each in plain or arguments)
        return f"{', '.join(first)} or {last}" if first else last
    if origin is Literal:
        return f"{'one of ' if len(arguments) > 1 else ''}{', '.join(map(str, arguments))}"
    ranges = limits(arguments[1:]) if origin is Annotated else {}
    if origin is Annotated:
        hint, origin, arguments = arguments[0], typing.get_origin(arguments[0]), typing.get_args(arguments[0])
    if arguments and isinstance(origin, type) and issubclass(origin, Sequence):
        start = "a non-empty list of" if "min_length" in ranges else "a list of"
        if "max_length" in ranges:
            start += f" at most {ranges['max_length']}"
        elif origin is tuple and Ellipsis not in arguments:
            start += f" {len(arguments)}"
        return f"{start} {describe(arguments[0], plural=True)}"
    if hint in (bool, type(None)):
        return NOUNS[hint]
    noun = NOUNS.get(hint) or getattr(hint, "__name__", str(hint))
    noun = f"{noun}s" if plural else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return noun + _describe_range(hint, ranges)


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
