"""The recipe of a result: the settings of its runs, kept with its numbers and compared with today's."""

import inspect
import shlex
from collections.abc import Mapping
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from intro_dl.config.compose import composed
from intro_dl.config.targets import class_of
from intro_dl.runs.record import setting, settings_of

# Not what is trained, but how fast, on what, where the files are, and what is shown.
OF_THE_MACHINE = (
    "data.root",
    "data.cache",
    "data.seed",
    *(f"trainer.{key}" for key in ("accelerator", "enable_progress_bar", "log_every_n_steps", "threads")),
)
GROUPS = ("data", "model", "optim", "scheduler", "regularization", "trainer", "monitor", "mode")
UNKNOWN = "not an option"
Recipe = dict[str, Any]  # "optim.lr" -> 0.003


def recipe(settings: Mapping[str, Any]) -> Recipe:
    """Return those of the settings of a run that change what is trained, and when the training stops."""
    return {
        key: value
        for key, value in settings.items()
        if key.startswith("callbacks.early_stopping")
        or (key.partition(".")[0] in GROUPS and key not in OF_THE_MACHINE)
    }


def changes_since(saved: Recipe, command: str) -> dict[str, str]:
    """Return what a command would train differently today, e.g. {"optim.lr": "0.003 then, 0.1 now"}.

    An option that did not exist then has not changed if it has its default value.

    Args:
        saved: the recipe of the runs.
        command: the command that trained them: python scripts/train.py -m experiment=mnist_cnn seed=0,1.
    """
    words = shlex.split(command)
    cfg = composed(*(word for word in words if "=" in word and not word.startswith("seed=")))
    today = recipe(settings_of(cast(dict[str, Any], OmegaConf.to_container(cfg)))[0])
    then = saved | {key: _default(cfg, key) for key in today if key not in saved}
    return {
        key: f"{then[key]} then, {today.get(key, UNKNOWN)} now"
        for key in then
        if then[key] != today.get(key, UNKNOWN)
    }


def told(changes: Mapping[str, str]) -> str:
    """Return changes in one line: "optim.lr: 0.003 then, 0.1 now"."""
    return "; ".join(f"{key}: {change}" for key, change in changes.items())


def _default(cfg: DictConfig, key: str) -> Any:
    """Return the default value of an option: that in the signature of its class, or UNKNOWN."""
    group, _, name = key.partition(".")
    if group == "regularization":  # it has no class; each of its options is off at 0
        return setting(0.0)
    node = cfg.get(group)
    if not isinstance(node, DictConfig) or "_target_" not in node:
        return UNKNOWN
    parameter = inspect.signature(class_of(node, group)).parameters.get(name)
    return (
        UNKNOWN if parameter is None or parameter.default is parameter.empty else setting(parameter.default)
    )
