"""Read the command line of a script: words (such as the folder of a run) and options `key=value`.

Does not import torch, so that a typing mistake is reported at once.
"""

import os
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from intro_dl.config.arguments import describe, fits
from intro_dl.config.names import nearest
from intro_dl.runs.files import typed_path


@dataclass(frozen=True)
class Option:
    """The values that may follow `key=`.

    Args:
        type: int, float, str, Path, a `Literal` of names, one of config/types.py, or a list of these,
            written with commas.
        default: the value if the option is not given.
    """

    type: Any
    default: Any = None


def one_of(*names: str) -> Option:
    """Return an option for one of these names; the first is the default."""
    return Option(Literal[names], names[0])  # pyrefly: ignore[not-a-type]  known at run time


def several_of(*names: str, default: Sequence[str]) -> Option:
    """Return an option for a list of these names."""
    return Option(list[Literal[names]], default)  # pyrefly: ignore[not-a-type]  known at run time


def path() -> Option:
    """Return an option for a file or directory; `~` is expanded."""
    return Option(Path)


def read_options(
    arguments: Sequence[str], options: Mapping[str, Option], open_groups: Sequence[str] = ()
) -> tuple[list[str], dict[str, Any]]:
    """Separate words from options.

    Args:
        arguments: the command line. The name of an existing file or directory is a word, even with a `=`.
        options: the options of the script by key.
        open_groups: groups whose keys are checked later, e.g. "data": `data.root=x` is returned as a string.

    Returns:
        The words, and the value of every option; options not given have their defaults.

    Raises:
        ValueError: for an unknown key, a key given twice, or an invalid value.
    """
    words: list[str] = []
    given: dict[str, Any] = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals or "/" in key or os.path.lexists(argument):
            words.append(argument)
            continue
        if key in given:
            raise ValueError(f"{key}= is given twice: keep one.")
        group, dot, _ = key.partition(".")
        if dot and group in open_groups:
            given[key] = text
            continue
        if key not in options:
            raise ValueError(f"Unknown key {key}.{nearest(key, list(options))}")
        if not text:
            raise ValueError(f"{key}= needs a value: add one, or leave it out.")
        given[key] = _read(key, text, options[key].type)
        if not fits(given[key], options[key].type):
            raise ValueError(f"Invalid {key}={text}: choose {describe(options[key].type)}.")
    return words, {key: option.default for key, option in options.items()} | given


def _read(key: str, text: str, kind: Any) -> Any:
    """Convert the text of an option. Invalid text is returned unchanged, and no range accepts it."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _read(key, text, arguments[0])
    if origin is list:  # each element once
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return list(dict.fromkeys(_read(key, part, arguments[0]) for part in parts))
    if origin is Literal and text not in arguments:
        raise ValueError(f"Unknown {key}={text}.{nearest(text, arguments)}")
    if kind is Path:
        return typed_path(text)
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text
