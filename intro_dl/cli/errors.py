"""Explain an error in one sentence: what is wrong, and what to do. Does not import torch."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

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

from intro_dl import configs
from intro_dl.cli.help_text import GROUPS, describe
from intro_dl.config.names import closest, nearest
from intro_dl.config.override_syntax import quote
from intro_dl.config.words import INSTEAD, KEYS
from intro_dl.runs import program
from intro_dl.runs.files import explain_os_error, shown_path

TYPES = {"Integer": "an integer", "bool": "true or false"}  # types of the root keys, as OmegaConf names them
PLUGINS = ("submitit_local", "submitit_slurm")  # Hydra's launchers


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
        return cannot_read(error.override, overrides)
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
        group, name = file.rsplit("/", 1)  # hydra/launcher=submitit_slurm
        if name in PLUGINS:
            return f'{group}={name} needs an extra: run pip install -e ".[sweep]".'
    if found := INSTEAD.get(f"{group}={name}".lower()):
        return f"Unknown {group}={name}. Instead, {found}."
    options = list(describe(group)) or error.options or []
    if inside := [option for option in options if option.startswith(f"{name}/")]:
        return f"{group}={name} is a directory: choose one of {', '.join(inside)}."
    return f"Unknown {group}={name}.{nearest(name, options)}"


def cannot_read(argument: str, arguments: Sequence[str]) -> str:
    """Return the message about an argument that is not an override.

    Args:
        argument: the argument.
        arguments: the whole command line. The shell splits `model.hidden=[100, 50]`, `seed=0, 1` and
            `model = lenet`.
    """
    start, joined = f"Cannot read the argument {argument!r}", " ".join(arguments)
    together = re.sub(r"\s*=\s*", "=", re.sub(r"\s+(?=[^\[=]*\])", "", joined))
    together = re.sub(r"\s*,\s+(?!\S*=|-[a-z-])|\s+,(?=\S)", ",", together)
    if together != joined and not any(" " in each for each in arguments):
        return f"{start}: write without spaces: {together}"
    if found := re.fullmatch(r"([\w.]+)(?:==?|:)([^=:,\s]+),?", argument):  # model==lenet, model:lenet
        return f"{start}: write {KEYS.get(found[1], found[1])}={found[2]}."
    groups = [group for group in GROUPS if argument.lower() in describe(group)]
    if groups:  # lenet
        return f"{start}: write {' or '.join(f'{group}={argument.lower()}' for group in groups)}."
    return f"{start}: write key=value, e.g. model=lenet optim.lr=0.01."


def unknown_flag(flag: str, arguments: Sequence[str]) -> str:
    """Return the message about a flag such as --epochs or -e, as other programs have them."""
    key, _, value = flag.lstrip("-").partition("=")
    key = key.replace("-", "_")
    start = f"Unknown flag {flag}."
    if found := INSTEAD.get(key):
        return f"{start} Instead, {found}."
    after = [*arguments, ""][list(arguments).index(flag) + 1] if flag in arguments else ""
    if not value and after and not after.startswith("-") and "=" not in after:
        value = after
    meant = KEYS.get(key, key)
    if value.lower() in describe(meant):
        value = value.lower()
    return f"{start} Write overrides without dashes: {meant}={value or '<value>'}."


def _explain_composition(error: BaseException, overrides: list[str]) -> str:
    text, cause = str(error), str(error.__cause__ or "")
    if match := re.match(r"Ambiguous value for argument '([^']+)'", text):
        key, _, values = match[1].partition("=")
        written = f"{key}=[{values}]" if key in ("callbacks", "logger") else "a list as [1,2]"
        if re.fullmatch(r"\d+,\d+", values) and key != "seed":
            written = f"a decimal point: {key}={values.replace(',', '.')}"
        return f"{match[1]} gives several values: add -m to run them all, or write {written}."
    place = re.match(r"In '([^']+)'", text)
    start = f"{place[1]}.yaml has an unknown key" if place else "Unknown key"
    if match := re.search(r"Could not override '([^']+)'", text):
        typed = {each.lstrip("+~").partition("=")[0]: each for each in overrides}
        option = typed.get(match[1].partition(".")[0])
        if match[1] not in typed and "sweep" in typed and option:  # sweep=depth_skip model=lenet
            return f"{typed['sweep']} sets {match[1]}, which {option} does not have: leave out {option}."
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
    given = (text.lstrip("+~").partition("=") for text in overrides)
    value = next((value for each, _, value in given if each == key), "")
    group, *rest = key.split(".")
    if rest and (having := _options_with(group, rest[0])):  # model=softmax model.activation=relu
        return f" Only these options of {group}= have it: {', '.join(having)}."
    last = rest[-1] if rest else group
    meant = KEYS.get(last) or (not rest and closest(key, list(GROUPS))) or ""
    if found := INSTEAD.get(f"{meant}={value}".lower()):  # network=resnet18
        return f" Instead, {found}."
    for option in (group, meant):  # optim.name=Adam, optimizer=Adam, modle=lenet
        if value.lower() in describe(option):
            return f" Did you mean {option}={value.lower()}?"
    if found := INSTEAD.get(last) or (group not in GROUPS and INSTEAD.get(group)):
        return f" Instead, {found}."
    if rest and rest[0] in describe(group):  # optim.sgd.lr=1
        others = f" {group}.{rest[1]}={value}" if len(rest) > 1 else ""
        return f" Did you mean {group}={rest[0]}{others}?"
    if meant and meant != key and meant not in GROUPS:
        return f" Did you mean {meant}?"
    if meant in GROUPS and KEYS.get(last) == meant:  # dataset=imagenet
        return f" Write {meant}=<option>.{nearest(value, list(describe(meant)))}"
    return nearest(key, _known_keys(overrides))


def _options_with(group: str, key: str) -> list[str]:
    """Return the options of a group whose yaml has a key."""
    having = []
    for name in describe(group):
        file = Path(configs.__file__).parent / group / f"{name}.yaml"
        if key in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}):
            having.append(name)
    return having


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".")


def _known_keys(overrides: list[str]) -> list[str]:
    """Return every key that the command line could set, given the groups that it chooses."""
    choices = [text for text in overrides if text.partition("=")[0] in GROUPS]
    for place, text in enumerate(overrides):  # the user's own options
        flag, _, folder = text.partition("=")
        if flag in ("--config-dir", "-cd"):
            folder = folder or "".join(overrides[place + 1 : place + 2])
            choices.append(f"hydra.searchpath=[{quote(f'file://{os.path.abspath(folder)}')}]")
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
