"""Check a composed config once, before anything is built.

`check_values` does not import torch, so that most mistakes are reported at once. `validate` also imports the
classes that the config names, and compares every group with the signature of its class.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from intro_dl.config.arguments import OWN_KEYS, check_arguments, check_value, refuse_keys, shown
from intro_dl.config.names import nearest
from intro_dl.config.schema import RANGES, RunConfig
from intro_dl.config.targets import allow_own_code
from intro_dl.config.words import INSTEAD
from intro_dl.runs.result import higher_is_better

# Each needs an option.
GROUPS = ("data", "model", "optim", "regularization", "callbacks", "logger", "trainer")
ROOT_KEYS = [each.name for each in fields(RunConfig)]
PACKAGES = {"WandbLogger": "wandb", "MLFlowLogger": "mlflow"}  # which Lightning imports when it logs
STRENGTHS = ("dropout", "weight_decay", "l1")  # the keys of regularization


def validate(cfg: DictConfig) -> None:
    """Check everything that is known before the data are read.

    Raises:
        ValueError: the message names the key, its value, and what to choose instead.
    """
    check_values(cfg)
    for group in ("data", "model", "optim", "scheduler", "trainer"):
        if cfg[group] is not None:  # scheduler=null
            check_arguments(cfg[group], group)
    for group in ("callbacks", "logger"):
        for name, part in _parts(cfg, group):
            check_arguments(part, f"{group}.{name}")


def check_values(cfg: DictConfig) -> None:
    """Check what can be checked without importing torch.

    Raises:
        ValueError: the message names the key, its value, and what to choose instead.
    """
    _check_own_code(cfg)
    if unknown := [str(key) for key in cfg if key not in ROOT_KEYS]:
        raise ValueError(f"Unknown key {unknown[0]}.{nearest(unknown[0], ROOT_KEYS)}")
    for group in GROUPS:
        if not isinstance(cfg[group], DictConfig):
            raise ValueError(f"Invalid {group}={cfg[group]}: choose an option of {group}=.")
    _check_trainer(cfg.trainer)
    check_ranges(cfg, RANGES)
    better = "max" if higher_is_better(cfg.monitor) else "min"
    if cfg.mode != better and cfg.monitor.endswith(("/train", "/val", "/test")):  # build.py refuses others
        raise ValueError(
            f"monitor={cfg.monitor} with mode={cfg.mode} would keep the worst weights: set mode={better}."
        )
    _check_regularization(cfg)
    _check_parts(cfg, "callbacks")
    _check_parts(cfg, "logger")


def check_ranges(cfg: DictConfig, keys: Iterable[str]) -> None:
    """Check the values of those keys that are in RANGES."""
    for key in keys:
        group, _, name = key.rpartition(".")
        node = OmegaConf.select(cfg, group) if group else cfg
        if key in RANGES and isinstance(node, DictConfig) and name in node:
            value = node[name]
            value = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
            check_value(key, value, RANGES[key])


def _check_own_code(cfg: DictConfig) -> None:
    """Allow the user's own classes if the user has typed their folder in this command."""
    typed = HydraConfig.get().overrides.task if HydraConfig.initialized() else ["own_code="]
    if cfg.own_code and not any(text.lstrip("+").startswith("own_code=") for text in typed):
        raise ValueError(
            "Refused own_code= in a yaml file: it allows code to run, so it must be typed in each command."
        )
    allow_own_code(cfg.own_code)


def _check_trainer(trainer: DictConfig) -> None:
    """Refuse keys that would be ignored, and limits that contradict each other."""
    known = [key.removeprefix("trainer.") for key in RANGES if key.startswith("trainer.")]
    for key in map(str, trainer):
        if key not in known and key != "_target_" and key not in OWN_KEYS["trainer"]:
            found = f" Instead, {INSTEAD[key]}." if key in INSTEAD else nearest(key, known)
            raise ValueError(f"Unknown key trainer.{key}.{found}")
    duration = trainer.max_time
    if duration is not None and not re.fullmatch(r"\d+:\d\d:\d\d:\d\d", str(duration)):
        raise ValueError(
            f"Invalid trainer.max_time={duration}: write days:hours:minutes:seconds, e.g. 00:00:05:00."
        )
    if isinstance(trainer.min_epochs, int) and isinstance(trainer.max_epochs, int):
        if trainer.min_epochs > trainer.max_epochs:
            raise ValueError(
                f"trainer.min_epochs={trainer.min_epochs} is more than trainer.max_epochs="
                f"{trainer.max_epochs}: choose a larger trainer.max_epochs."
            )


def _parts(cfg: DictConfig, group: str) -> Iterator[tuple[str, Any]]:
    """Yield the callbacks or loggers that are on; callbacks.early_stopping=null switches one off."""
    yield from ((str(name), part) for name, part in cfg[group].items() if part is not None)


def _check_regularization(cfg: DictConfig) -> None:
    """Refuse a strength that neither the model nor the optimizer uses; every lecture model uses l1."""
    as_written = str(OmegaConf.to_container(cfg, resolve=False))
    for name, strength in cfg.regularization.items():
        if name not in STRENGTHS:
            raise ValueError(f"Unknown key regularization.{name}.{nearest(str(name), STRENGTHS)}")
        if name != "l1" and strength and f"${{regularization.{name}}}" not in as_written:
            owner, node = ("optimizer", cfg.optim) if name == "weight_decay" else ("model", cfg.model)
            class_name = str(node.get("_target_", "")).rpartition(".")[-1]
            raise ValueError(
                f"regularization.{name}={strength} has no effect: the {owner} {class_name} has no {name!r}. "
                f"Choose another {owner}, or regularization.{name}=0."
            )


def _check_parts(cfg: DictConfig, group: str) -> None:
    """Refuse callbacks or loggers without a class or its package, and files outside of the run folder."""
    run_dir = Path(cfg.run_dir).resolve()
    for name, part in _parts(cfg, group):
        if not isinstance(part, DictConfig):
            raise ValueError(f"Invalid {group}.{name}={shown(part)}: choose null to switch it off.")
        if "_target_" not in part:
            known = [key for key, each in _parts(cfg, group) if OmegaConf.select(each, "_target_")]
            refuse_keys([f"{group}.{name}"], known)
        package = PACKAGES.get(str(part._target_).rpartition(".")[-1])
        if package and find_spec(package) is None:
            raise ValueError(f"logger={name} needs the package {package}: run pip install {package}.")
        for key, value in part.items():
            names_a_place = re.search("path|dir|file", str(key)) and isinstance(value, str)
            if names_a_place and not (run_dir / str(value)).resolve().is_relative_to(run_dir):
                raise ValueError(
                    f"{group}.{name}.{key}={value} lies outside of the run folder: leave it out, and "
                    "choose the run folder with run_dir=<folder>."
                )
