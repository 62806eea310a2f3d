"""Whether the keys of a config are what its class takes; if not, the sentence to say so."""

import inspect
import types
import typing
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from intro_dl.config.origin import unknown_key
from intro_dl.config.targets import class_of

OWN_KEYS = {"trainer": ("compile", "if_slower")}  # of a group, which are not its class's but the training's


def check_arguments(node: DictConfig, group: str, given: dict[str, Any] | None = None) -> None:
    """Refuse keys that the node's class does not take, and values of the wrong type.

    Args:
        node: a config with a `_target_`.
        group: where the node stands in the config, e.g. "model"; for the message.
        given: arguments that the code adds.
    """
    target = class_of(node, group)
    parameters = dict(inspect.signature(target).parameters)
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    names = [name for name in parameters if name not in (given or {})]
    for key, value in OmegaConf.to_container(node, resolve=True).items():
        if key.startswith("_") or key in OWN_KEYS.get(group, ()):
            continue
        if key not in parameters and not open_ended:
            raise ValueError(f"{unknown_key(f'{group}.{key}')}{nearest(key, names)}")
        if key in hints and not fits(value, hints[key]):
            shown = "null" if value is None else value
            raise ValueError(f"{group}.{key}={shown} has the wrong type: it must be {describe(hints[key])}.")


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain config value can be passed where `hint` is asked for. Unknown hints accept all."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is str or hint is Path:
        return isinstance(value, str)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        elements = [argument for argument in arguments if argument is not Ellipsis]
        return isinstance(value, list | tuple) and all(
            any(fits(item, element) for element in elements) for item in value
        )
    return True


def describe(hint: Any) -> str:
    """A type hint in words."""
    words = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        type(None): "null",
    }
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if typing.get_origin(hint) is typing.Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if arguments:
        return f"a list like [1, 2], each {describe(arguments[0])}"
    return words.get(hint, getattr(hint, "__name__", str(hint)))


def closest(name: str, options: Sequence[str]) -> str | None:
    """The option that is meant by a name with a mistake in it, or in the wrong group."""
    group, _, last = name.lower().rpartition(".")

    def words(option: str) -> list[str]:
        return option.rpartition(".")[-1].split("_")

    parts = [option for option in options if option.rpartition(".")[0] == group and last in words(option)]
    close = get_close_matches(name.lower(), parts, n=1, cutoff=0.0)  # data.size for data.image_size
    likeness = 0.6 if len(name) > 4 else 0.5  # of few letters, one is much
    close += get_close_matches(name.lower(), options, n=1, cutoff=likeness)
    close += [option for option in options if option.rpartition(".")[-1] == last]
    return close[0] if close else None


def nearest(name: str, options: Sequence[str]) -> str:
    """ " Did you mean ...? Available: ...", for a name that is none of `options`."""
    close, group = closest(name, options), name.rpartition(".")[0]
    guess = f" Did you mean {close}?" if close else ""
    siblings = [option for option in options if option.rpartition(".")[0] == group]
    siblings = siblings or [option for option in options if "." not in option]
    return f"{guess} Available: {', '.join(sorted(siblings)) or 'none'}."
