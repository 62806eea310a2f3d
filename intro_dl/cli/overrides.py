"""Reorder and quote the arguments of a command for Hydra. Does not import torch."""

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf

from intro_dl import configs
from intro_dl.cli.errors import cannot_read, unknown_flag
from intro_dl.cli.help_text import GROUPS
from intro_dl.config.override_syntax import quote, scheduler_by_name
from intro_dl.config.words import INSTEAD
from intro_dl.runs.files import typed_path
from intro_dl.runs.folder import DATA_PATHS

WITH_VALUE = "--cfg -c --package -p --config-path -cp --config-name -cn --config-dir -cd --info -i".split()
# Quoted, since Hydra would interpret spaces, commas and equal signs in a path.
PATHS = ("resume", "own_code", *DATA_PATHS, "run_dir", "hydra.run.dir", "hydra.sweep.dir")
HYDRA_KEYS = [each.name for each in fields(HydraConf)]
NO_GROUP = re.compile(r"^(experiment|sweep)=null$")  # ~experiment in Hydra


def for_hydra(arguments: Sequence[str]) -> list[str]:
    """Return the arguments for Hydra: flags last, paths in quotes, ~experiment for experiment=null.

    Raises:
        ValueError: for an argument that cannot be read.
    """
    arguments = flags_last(quote_paths(arguments))
    return [NO_GROUP.sub(r"~\1", scheduler_by_name(argument)) for argument in arguments]


def flags_last(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with flags after overrides `key=value`, so that -m may stand anywhere.

    Raises:
        ValueError: for an unknown flag, or one without its value.
    """
    flags, words = [], []
    for place, argument in enumerate(arguments):
        is_value = place > 0 and arguments[place - 1] in WITH_VALUE and "=" not in argument
        (flags if argument.startswith("-") or is_value else words).append(argument)
    parser = get_args_parser()
    parser.error = _refuse  # instead of printing the usage of Hydra and exiting
    known, unknown = parser.parse_known_args(flags)
    if known.experimental_rerun:  # it reads a pickle, which can execute code; also when abbreviated
        unknown.append("--experimental-rerun")
    if unknown:
        raise ValueError(unknown_flag(unknown[0], arguments))
    if known.config_dir:
        _check_own_options(Path(known.config_dir))
    return [*words, *flags]  # flags last: --info would take the word after it for its value


def _check_own_options(folder: Path) -> None:
    """Check that no file has the name of one of our options: Hydra would read ours without a word."""
    ours = Path(configs.__file__).parent
    for option in sorted(ours.rglob("*.yaml")):
        path = folder / option.relative_to(ours)
        if path.is_file() and path.read_bytes() != option.read_bytes():
            raise ValueError(f"{path} has the name of an option of intro_dl: rename it, e.g. my_{path.name}.")


def _refuse(message: str) -> NoReturn:
    raise ValueError(f"Cannot read the flags: {message}. --help shows how to write a command.")


def quote_paths(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with quotes around paths, and with Hydra's keys for `run_dir=`."""

    def quoted(argument: str) -> str:
        key, separator, value = argument.partition("=")
        if not key.strip("+~ "):
            raise ValueError(cannot_read(argument, arguments))
        if key in GROUPS and (found := INSTEAD.get(argument)):
            raise ValueError(f"Invalid {argument}: {found}.")
        if key in GROUPS and value.startswith("["):
            several = {"callbacks": "[doctor,visualize]", "logger": "[tensorboard,csv]"}.get(key)
            if not several or not all(name.strip().isidentifier() for name in value[1:-1].split(",")):
                several = f", or several of {key}={several}" if several else ""
                raise ValueError(f"Invalid {argument}: choose one option of {key}={several}.")
        parts = key.lstrip("+~").split(".")
        if key.startswith("+") and parts[0] == "hydra" and len(parts) > 1 and parts[1] not in HYDRA_KEYS:
            raise ValueError(f"Unknown key hydra.{parts[1]}. --cfg hydra lists the keys of Hydra.")
        if not separator or key.lstrip("+") not in PATHS or value == "null":
            return argument
        if not value.strip("'\" "):
            raise ValueError(f"{key}= needs a path: write {key}=<path>, or leave it out.")
        typed = typed_path(value)  # many shells do not expand ~ after =
        return f"{key}={quote(value if value[0] != '~' else str(typed))}"

    words = [quoted(argument) for argument in arguments]
    places = [word.removeprefix("run_dir=") for word in words if word.startswith("run_dir=")]
    where = [f"hydra.{kind}.dir={place}" for place in places for kind in ("run", "sweep")]
    return [word for word in words if not word.startswith("run_dir=")] + where
