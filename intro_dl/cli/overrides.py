"""The words of a command, put in order and in quotes before Hydra reads them. Free of torch."""

import os
import re
from collections.abc import Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from intro_dl.cli.errors import cannot_read, key_of
from intro_dl.cli.help_text import GROUPS
from intro_dl.config.override_syntax import quote, scheduler_by_name

WITH_VALUE = "--cfg -c --package -p --config-path -cp --config-name -cn --config-dir -cd --info -i".split()
# Of these, Hydra would read spaces, commas and equal signs in a folder's name as its own.
PATHS = ("resume", "data.root", "data.path", "run_dir")
NO_GROUP = re.compile(r"^(experiment|sweep)=null$")  # Hydra: ~experiment
REFUSED = ("--experimental-rerun",)  # it reads a pickle, which could execute anything


def for_hydra(arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra wants them: flags first, paths in quotes, a group taken away by a tilde.

    Raises:
        ValueError: for what cannot be read.
    """
    arguments = flags_first(quote_paths(arguments))
    return [NO_GROUP.sub(r"~\1", scheduler_by_name(argument)) for argument in arguments]


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
            f"There is no flag {unknown[0]}. Changes are written without dashes: "
            f"{key_of(key)}={value or '<value>'}."
        )
    return [*flags, *words]


def _refuse(message: str) -> NoReturn:
    raise ValueError(f"Cannot read the flags: {message}. --help shows how a command is written.")


def quote_paths(arguments: Sequence[str]) -> list[str]:
    """The arguments with quotes around paths, and `run_dir=` as the keys that Hydra has for it."""

    def quoted(argument: str) -> str:
        key, separator, value = argument.partition("=")
        if not key.strip("+~ "):
            raise ValueError(cannot_read(argument))
        names = value.strip("[] ").split(",") if value.startswith("[") else []
        if key in GROUPS and not all(name.strip().isidentifier() for name in names):
            raise ValueError(f"{argument} does not make sense: choose one option of {key}=.")
        if not separator or key not in PATHS or value == "null":
            return argument
        if not value.strip("'\" "):
            raise ValueError(f"{key}= names nothing: write {key}=<path>, or leave it out.")
        return f"{key}={quote(os.path.expanduser(value))}"  # many shells leave the ~ behind = alone

    words = [quoted(argument) for argument in arguments]
    places = [word.removeprefix("run_dir=") for word in words if word.startswith("run_dir=")]
    # Where the folder of a run comes from, and that of a sweep, which has the runs in it.
    where = [f"hydra.{kind}.dir={place}" for place in places for kind in ("run", "sweep")]
    return [word for word in words if not word.startswith("run_dir=")] + where
