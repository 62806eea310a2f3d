"""The command line of the scripts that use a trained run: words such as folders, and options `key=value`.

Free of torch, so that a typing mistake is answered at once.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intro_dl.config.arguments import nearest
from intro_dl.runs.signals import INTERRUPTED


@dataclass(frozen=True)
class Option:
    """What may stand behind `key=`.

    Args:
        read: makes the value of its text; raises ValueError if it cannot.
        wanted: what would do, for the message, e.g. "a whole number above 0".
        default: the value where the option is not given.
    """

    read: Callable[[str], Any]
    wanted: str
    default: Any = None


def one_of(*names: str) -> Option:
    """One of some names, by default the first."""
    return Option(lambda text: _known(text, names), "", names[0])


def several_of(*names: str, default: Sequence[str]) -> Option:
    """A list of names with commas between them, each taken once."""
    return Option(
        lambda text: list(dict.fromkeys(_known(each, names) for each in text.split(","))), "", default
    )


def whole(least: int, default: int | None) -> Option:
    """A whole number of at least `least`."""
    return Option(lambda text: _at_least(int(text), least), f"a whole number of at least {least}", default)


def path(default: Path | None = None) -> Option:
    """A file or a folder, `~` understood."""
    return Option(lambda text: Path(text).expanduser(), "a path", default)


def read_options(
    arguments: Sequence[str], options: Mapping[str, Option], open_groups: Sequence[str] = ()
) -> tuple[list[str], dict[str, Any]]:
    """Tell words from options.

    Args:
        arguments: as typed. What exists as a file or folder is a word, even with a `=` in its name.
        options: by key.
        open_groups: groups whose keys are known only later, e.g. "data": `data.root=x` is returned as text.

    Returns:
        The words, and the value of every option, those not given with their defaults.

    Raises:
        ValueError: for an unknown key, one given twice, or a value that makes no sense.
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
            raise ValueError(f"There is no key {key}.{nearest(key, list(options))}")
        given[key] = _read(key, text, options[key])
    return words, {key: option.default for key, option in options.items()} | given


def _read(key: str, text: str, option: Option) -> Any:
    if not text:
        raise ValueError(f"{key}= has no value. Give it one, or leave it out.")
    try:
        return option.read(text)
    except _NoSuchName as error:
        raise ValueError(
            f"There is no {key}={error.name}.{nearest(error.name, list(error.names))}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{key}={text} does not make sense: it must be {option.wanted}.") from error


class _NoSuchName(ValueError):
    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(name)
        self.name, self.names = name, names


def _known(text: str, names: Sequence[str]) -> str:
    if text.strip() not in names:
        raise _NoSuchName(text.strip(), names)
    return text.strip()


def _at_least(number: int, least: int) -> int:
    if number < least:
        raise ValueError
    return number


def run_script(doc: str, command: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Run a script's command and return its exit code; errors are one sentence on stderr, and 1.

    Args:
        doc: the script's docstring, shown for --help.
        command: gets the arguments; raises ValueError with a sentence for the user.
    """
    if {"-h", "--help"} & set(arguments):
        print(doc.strip())
        return 0
    try:
        code = command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except ValueError as error:
        print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
