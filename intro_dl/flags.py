"""The words of a command that begin with a dash, put in order before Hydra reads them."""

from collections.abc import Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser

WITH_VALUE = (
    "--cfg",
    "-c",
    "--package",
    "-p",
    "--config-path",
    "-cp",
    "--config-name",
    "-cn",
    "--config-dir",
)
WITH_VALUE += ("-cd", "--info", "-i")
REFUSED = ("--experimental-rerun",)  # it reads a pickle, which could execute anything


def flags_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with flags before changes `key=value`, as Hydra wants them: -m may stand anywhere.

    Raises:
        ValueError: for a flag that does not exist, or lacks its value.
    """
    flags, words = [], []
    for place, argument in enumerate(arguments):
        is_value = place > 0 and arguments[place - 1] in WITH_VALUE and "=" not in argument
        (flags if argument.startswith("-") or is_value else words).append(argument)
    if flags and flags[-1] in ("--info", "-i"):
        flags.append("all")  # or Hydra would take the first change for its value
    parser = get_args_parser()
    parser.error = _refuse  # instead of printing how Hydra is used, and ending the process
    known, unknown = parser.parse_known_args(flags)
    unknown += [flag for flag in flags if flag.partition("=")[0] in REFUSED]
    if unknown:
        key, _, value = unknown[0].lstrip("-").partition("=")
        raise ValueError(
            f"There is no flag {unknown[0]}. Changes are written without dashes: {key}={value or '<value>'}."
        )
    return [*flags, *words]


def _refuse(message: str) -> NoReturn:
    raise ValueError(f"Cannot read the flags: {message}. --help shows how a command is written.")
