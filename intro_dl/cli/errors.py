"""Explain an error in one sentence: what is wrong, and what to do. Does not import torch."""

import re
from collections.abc import Iterator

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from intro_dl.cli.help_text import GROUPS, describe
from intro_dl.config.names import closest, nearest
from intro_dl.config.schema import INSTEAD
from intro_dl.runs import program
from intro_dl.runs.files import explain_os_error, shown_path

OTHER_NAMES = {  # names of our keys in other programs
    "lr": "optim.lr",
    "learning_rate": "optim.lr",
    "rate": "optim.lr",
    "epochs": "trainer.max_epochs",
    "num_epochs": "trainer.max_epochs",
    "bs": "data.batch_size",
    "device": "trainer.accelerator",
    "optimizer": "optim",
    "dataset": "data",
    "random_seed": "seed",
    "dropout": "regularization.dropout",
    "weight_decay": "regularization.weight_decay",
}
TYPES = {"Integer": "an integer", "bool": "true or false"}  # types of the root keys, as OmegaConf names them
PLUGINS = ("joblib", "submitit_local", "submitit_slurm")  # Hydra's launchers


def explain(error: BaseException, overrides: list[str]) -> str:
    """Return one sentence about an error.

    Args:
        error: the exception.
        overrides: the command line, for suggestions.
    """
    return program.shortened(_explain(error, overrides))


def _explain(error: BaseException, overrides: list[str]) -> str:
    if isinstance(error, MissingConfigException):
        return _explain_unknown_option(error)
    if isinstance(error, OverrideParseException):
        return cannot_read(error.override)
    if isinstance(error, InstantiationException) and error.__cause__:
        return _explain(error.__cause__, overrides)
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        problem = error.problem or "it cannot be read"
        return f"{shown_path(mark.name)} is not valid YAML: {problem} in line {mark.line + 1}."
    if isinstance(error, HydraException | OmegaConfBaseException) and not explain_os_error(error):
        return _explain_composition(error, overrides)
    return program.explain(error)


def _explain_unknown_option(error: MissingConfigException) -> str:
    file = str(error.missing_cfg_file)
    group, slash, name = file.partition("/")
    if not slash:  # --config-path, --config-name
        return f"{_first_line(str(error))}. --help shows how to write a command."
    if group == "hydra":
        group, name = file.rsplit("/", 1)  # hydra/launcher=joblib
        if name in PLUGINS:
            return f'{group}={name} needs an extra: run pip install -e ".[sweep]" in the project directory.'
    options = list(describe(group)) or error.options or []
    if inside := [option for option in options if option.startswith(f"{name}/")]:
        return f"{group}={name} is a directory: choose one of {', '.join(inside)}."
    return f"Unknown {group}={name}.{nearest(name, options)}"


def cannot_read(argument: str) -> str:
    """Return the message about an argument that is not an override."""
    return f"Cannot read the argument {argument!r}: write key=value, e.g. model=lenet optim.lr=0.01."


def _explain_composition(error: BaseException, overrides: list[str]) -> str:
    text, cause = str(error), str(error.__cause__ or "")
    if match := re.match(r"Ambiguous value for argument '([^']+)'", text):
        key, _, values = match[1].partition("=")
        written = f"{key}=[{values}]" if key in ("callbacks", "logger") else "a list as [1,2]"
        return f"{match[1]} gives several values: add -m to run them all, or write {written}."
    place = re.match(r"In '([^']+)'", text)
    start = f"{place[1]}.yaml has an unknown key" if place else "Unknown key"
    if match := re.search(r"Could not override '([^']+)'", text):
        return f"{start} {match[1]}.{_guess(match[1], overrides)}"
    if match := re.match(r"Error merging override (.+)", text):
        wanted = re.search(r"(?:could not be converted to|is not a valid) (\w+)", cause)
        reason = f"choose {TYPES[wanted[1]]}" if wanted and wanted[1] in TYPES else _first_line(cause)
        return f"Invalid {match[1]}: {reason}."
    if match := re.match(r"Missing mandatory value: (\w+)", text):
        return f"The group {match[1]} is missing. Choose an option: {match[1]}=<option>."
    if match := re.search(r"Key '([^']+)' (?:is not in struct|not in '\w+')", text):
        if place and match[1] == place[1].partition("/")[0]:
            return f"{place[1]}.yaml must begin with # @package _global_: its keys are those of a run."
        return f"{start} {match[1]}.{_guess(match[1], overrides)}"
    return " ".join(text.split())


def _guess(key: str, overrides: list[str]) -> str:
    """Return " Did you mean ...?" for an unknown key."""
    if key.startswith("hydra."):
        return " --cfg hydra lists the keys of Hydra."
    if found := INSTEAD.get(key.removeprefix("trainer.")):  # one of Lightning's switches
        return f" Instead, {found}."
    given = (text.lstrip("+~").partition("=") for text in overrides)
    value = next((value for each, _, value in given if each == key), "")
    parts = key.split(".")
    if parts[0] in GROUPS and len(parts) > 1 and parts[1] in describe(parts[0]):  # optim.sgd.lr=1
        rest = f" {parts[0]}.{parts[2]}={value}" if len(parts) > 2 else ""
        return f" Did you mean {parts[0]}={parts[1]}{rest}?"
    meant = OTHER_NAMES.get(parts[-1]) or (len(parts) == 1 and closest(key, list(GROUPS)))
    if meant in GROUPS and value in describe(meant):  # modle=lenet
        return f" Did you mean {meant}={value}?"
    if meant and meant not in GROUPS:
        return f" Did you mean {meant}?"
    return nearest(key, _known_keys(overrides))


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".")


def _known_keys(overrides: list[str]) -> list[str]:
    """Return every key that the command line could set, given the groups that it chooses."""
    choices = [text for text in overrides if text.partition("=")[0] in GROUPS]
    GlobalHydra.instance().clear()
    with initialize_config_module("intro_dl.configs", version_base="1.3"):
        try:
            cfg = compose("train", choices)
        except (HydraException, OmegaConfBaseException):
            cfg = compose("train")
    return list(_keys(OmegaConf.to_container(cfg, resolve=False), ""))


def _keys(node: object, prefix: str) -> Iterator[str]:
    for key, value in node.items() if isinstance(node, dict) else ():
        if not key.startswith("_"):
            yield prefix + key
            yield from _keys(value, f"{prefix}{key}.")
