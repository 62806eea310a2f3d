"""What went wrong, in one sentence that a student can read. Free of torch, so that it is said at once."""

import linecache
import re
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from types import FrameType

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
from intro_dl.config.arguments import closest, nearest
from intro_dl.runs.files import explain_os_error, shown_path

# What other programs call our keys.
OTHER_NAMES = {
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
KINDS = {"Integer": "a whole number", "Float": "a number", "bool": "true or false", "String": "a text"}
INSTALL = "pip install -e '.[sweep]'"
ENGINES = ("joblib", "submitit_local", "submitit_slurm")  # Hydra's plugins of the extra


def explain(error: BaseException, overrides: list[str]) -> str:
    """One sentence, in the user's words, about what is wrong and what to do."""
    return re.sub(r"(\S{60})\S{200,}", r"\1...", _explain(error, overrides))  # a word of a page


def _explain(error: BaseException, overrides: list[str]) -> str:
    if isinstance(error, MissingConfigException):
        group, slash, name = str(error.missing_cfg_file).partition("/")
        if not slash:  # --config-path, --config-name
            return f"{_first_line(str(error))}. --help shows how a command is written."
        if group == "hydra":
            group, name = str(error.missing_cfg_file).rsplit("/", 1)  # hydra/launcher=joblib
            if name in ENGINES:
                return f"{group}={name} comes with an extra: in the project's folder, {INSTALL}."
        ours = describe(group)  # with those in folders, which Hydra leaves out
        if inside := [option for option in ours if option.startswith(f"{name}/")]:
            return f"{group}={name} is a folder: choose one of {', '.join(inside)}."
        folder = name.rpartition("/")[0]
        options = [option for option in ours if folder and option.startswith(f"{folder}/")] or [
            *dict.fromkeys([*(error.options or []), *ours]),
            *(["null"] if group in ("experiment", "sweep") else []),
        ]
        return f"There is no {group}={name}.{nearest(name, options)}"
    if isinstance(error, OverrideParseException):
        return cannot_read(error.override)
    if isinstance(error, InstantiationException) and error.__cause__:
        return _explain(error.__cause__, overrides)
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        file, problem = shown_path(mark.name), error.problem or "it cannot be read"
        return f"{file} is no valid yaml: {problem} in line {mark.line + 1}."
    if reason := explain_os_error(error):
        return reason
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_composition(error, overrides)
    text = " ".join(str(error).split())
    if is_for_the_user(error):
        return text
    kind = f"{type(error).__name__}{_where(error)}"
    return f"{kind}: {text.rstrip('.')}. HYDRA_FULL_ERROR=1 shows where it came from."


def _where(error: BaseException) -> str:
    """The innermost line of this package, e.g. of a student's own model; empty if there is none."""
    ours = [place for place in traceback.walk_tb(error.__traceback__) if _is_ours(place[0])]
    return f" in {shown_path(ours[-1][0].f_code.co_filename)}, line {ours[-1][1]}" if ours else ""


def _is_ours(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").startswith("intro_dl.")


def key_of(name: str) -> str:
    """The key that is meant by a name, which other programs have for it or is nearly one; else the name."""
    return OTHER_NAMES.get(name) or closest(name, [*GROUPS, *_known_keys([])]) or name


def is_for_the_user(error: BaseException | None) -> bool:
    """Whether it is a mistake in the command, said in a sentence by this package or a library.

    Python's own ValueError, e.g. of too many values to unpack in a student's model, is none.
    """
    if not isinstance(error, ValueError):
        return type(error).__name__ == "MisconfigurationException"  # Lightning's
    places = list(traceback.walk_tb(error.__traceback__))
    if not places or not _is_ours(places[-1][0]):
        return True
    line = linecache.getline(places[-1][0].f_code.co_filename, places[-1][1])
    return not line or "raise" in line


def cannot_read(argument: str) -> str:
    """What to say of a word that is no change."""
    return f"Cannot read the argument {argument!r}: write key=value, e.g. model=lenet optim.lr=0.01."


def _explain_composition(error: BaseException, overrides: list[str]) -> str:
    text = str(error)
    cause = str(error.__cause__ or "")
    if match := re.match(r"Ambiguous value for argument '([^']+)'", text):
        key, _, values = match[1].partition("=")
        written = f"{key}=[{values}]" if key == "callbacks" else "a list as [1,2]"
        return f"{match[1]} names several values: add -m to run them all, or write {written}."
    if match := re.match(r"(?:In '([^']+)': )?Could not override '([^']+)'", text):
        file, key = match.groups()
        if file:
            return f"{file}.yaml overrides {key}, which is no group.{nearest(key, list(GROUPS))}"
        return f"There is no key {key}.{_guess(key, overrides)}"
    if match := re.match(r"Error merging override (.+)", text):
        if wanted := re.search(r"(?:could not be converted to|is not a valid) (\w+)", cause):
            return f"{match[1]} does not make sense: it must be {KINDS.get(wanted[1], wanted[1])}."
        return f"{match[1]} does not make sense: {_first_line(cause)}."
    if match := re.match(r"Missing mandatory value: (\w+)", text):
        return f"The group {match[1]} is missing. Choose one: {match[1]}=<option>."
    if match := re.search(r"Key '([^']+)' (?:is not in struct|not in '\w+')", text):
        key, place = match[1], re.match(r"In '([^']+)'", text)
        if place and key == place[1].partition("/")[0]:
            return f"{place[1]}.yaml must begin with # @package _global_: its keys are those of a run."
        where = f"{place[1]}.yaml has an unknown key" if place else "There is no key"
        return f"{where} {key}.{_guess(key, overrides)}"
    return " ".join(text.split())


def _guess(key: str, overrides: list[str]) -> str:
    if key.startswith("hydra."):
        return " --cfg hydra shows those of Hydra."
    return _meant(key, overrides) or nearest(key, _known_keys(overrides))


def _meant(key: str, overrides: list[str]) -> str:
    """ " Did you mean ...?" for a key with another name elsewhere, or an option in place of a key."""
    group, _, name = key.rpartition(".")
    value = next(
        (text.partition("=")[2] for text in overrides if text.lstrip("+~").startswith(f"{key}=")), ""
    )
    if meant := OTHER_NAMES.get(name):
        return f" Did you mean {meant}={value}?" if meant in GROUPS and value else f" Did you mean {meant}?"
    for each in GROUPS:
        options = describe(each)
        if not group and value in options and get_close_matches(key, [each]):
            return f" Did you mean {each}={value}?"
        if key.startswith(f"{each}.") and (option := key.split(".")[1]) in options:
            rest = key.split(".")[2:]
            return f" Did you mean {each}={option}{f' {each}.{rest[0]}={value}' if rest else ''}?"
    return ""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".")


def _known_keys(overrides: list[str]) -> list[str]:
    """Every key that the command line could have set, given the groups that it chose."""
    choices = [text for text in overrides if re.fullmatch(r"\w+=\w+", text)]
    GlobalHydra.instance().clear()
    with initialize_config_module("intro_dl.configs", version_base="1.3"):
        try:
            cfg = compose("train", choices)
        except (HydraException, OmegaConfBaseException):
            cfg = compose("train")
    return list(_keys(OmegaConf.to_container(cfg, resolve=False), ""))


def _keys(node: dict, prefix: str) -> Iterator[str]:
    for key, value in node.items():
        if not key.startswith("_"):
            yield prefix + key
            if isinstance(value, dict):
                yield from _keys(value, f"{prefix}{key}.")
