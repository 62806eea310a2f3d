"""The keys that a run may have, and the values that make sense. Free of torch, so that it answers at once."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf

from intro_dl.config.arguments import nearest
from intro_dl.config.origin import unknown_key


@dataclass
class RunConfig:
    """The root keys of configs/train.yaml."""

    data: Any = MISSING
    model: Any = MISSING
    optim: Any = MISSING
    scheduler: Any = None
    regularization: Any = MISSING
    callbacks: Any = MISSING
    trainer: Any = MISSING
    seed: int = 0
    monitor: str = "loss/val"
    mode: str = "min"
    run_dir: str = MISSING
    resume: str | None = None
    test: bool = True
    watch_test: bool = False


def register_schema() -> None:
    """Tell Hydra which keys a run may have, and how to name its folder. Call it before composing a config."""
    ConfigStore.instance().store(name="run_schema", node=RunConfig)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def run_name(overrides: str) -> str:
    """What the user changed, as the end of a folder's name: "optim.lr=0.1" -> "_optim.lr=0.1"."""
    # Optuna's numbers have 17 digits.
    overrides = re.sub(r"\d+\.\d{6,}(e-?\d+)?", lambda number: f"{float(number[0]):.4g}", overrides)
    name = re.sub(r"[^\w.,=+~-]", "-", overrides)[:100]
    return f"_{name}" if name else ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _sizes(value: Any) -> bool:
    return all(_whole(v) and 0 < v <= 100_000 for v in (value if isinstance(value, ListConfig) else [value]))


def _devices(value: Any) -> bool:
    if isinstance(value, ListConfig):
        return len(value) > 0 and all(_whole(number) and number >= 0 for number in value)
    return value == "auto" or (_whole(value) and value > 0)


@dataclass(frozen=True)
class Rule:
    """Which values of a key make sense."""

    key: str
    holds: Callable[[Any], bool]
    wanted: str


RULES = [
    Rule("optim.lr", lambda v: _number(v) and v > 0, "a number above 0, e.g. 1e-3"),
    Rule("optim.momentum", lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    Rule("optim.weight_decay", lambda v: _number(v) and v >= 0, "a number of at least 0"),
    Rule("regularization.weight_decay", lambda v: _number(v) and v >= 0, "a number of at least 0"),
    Rule("regularization.dropout", lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    Rule("model.dropout", lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    Rule(
        "data.batch_size",
        lambda v: v is None or (_whole(v) and v > 0),
        "a whole number above 0, or null for all examples at once",
    ),
    *(
        Rule(f"model.{key}", _sizes, "a whole number above 0, or a list of them, at most 100,000")
        for key in ("hidden", "widths", "kernels", "layers", "hidden_size", "embedding_size")
    ),
    Rule("data.window", lambda v: _whole(v) and v > 0, "a whole number of characters above 0"),
    Rule("data.noise", lambda v: _number(v) and v >= 0, "a number of at least 0"),
    Rule("data.distance", lambda v: _number(v) and v >= 0, "a number of at least 0"),
    Rule("trainer.devices", _devices, "a whole number above 0, a list of the devices' numbers, or auto"),
    Rule("trainer.num_nodes", lambda v: _whole(v) and v > 0, "a whole number of machines above 0"),
    Rule("trainer.strategy", lambda v: v in ("auto", "ddp"), "auto, or ddp for several devices"),
    Rule("trainer.max_epochs", lambda v: _whole(v) and v > 0, "a whole number above 0"),
    Rule("trainer.compile", lambda v: isinstance(v, bool), "true or false"),
    Rule("trainer.if_slower", lambda v: v in ("refuse", "warn", "ignore"), "one of refuse, warn and ignore"),
    Rule("callbacks.early_stopping.patience", lambda v: _whole(v) and v >= 0, "a whole number of epochs"),
    Rule("seed", lambda v: _whole(v) and 0 <= v < 2**32, "a whole number from 0 to 2^32 - 1"),
    Rule("mode", lambda v: v in ("min", "max"), "min or max"),
]


STRENGTHS = ["dropout", "weight_decay"]  # of regularization


def check(cfg: DictConfig) -> None:
    """Refuse values that make no sense.

    Raises:
        ValueError: naming the key, its value, and what would do.
    """
    for group in ("data", "model", "optim", "regularization", "callbacks", "trainer"):
        if not isinstance(cfg[group], DictConfig):
            raise ValueError(f"{group}={cfg[group]} does not make sense: choose an option of {group}=.")
    for rule in RULES:
        missing = object()
        value = OmegaConf.select(cfg, rule.key, default=missing)
        if value is missing or (value is None and "." in rule.key and not _is_set(cfg, rule.key)):
            continue
        if not rule.holds(value):
            shown = "null" if value is None else value
            raise ValueError(f"{rule.key}={shown} does not make sense: {rule.key} must be {rule.wanted}.")
    better = "max" if cfg.monitor.startswith("accuracy") else "min"
    if cfg.mode != better and cfg.monitor.endswith(("/train", "/val", "/test")):  # others do not exist
        raise ValueError(
            f"monitor={cfg.monitor} with mode={cfg.mode} would keep the worst weights: set mode={better}."
        )
    _check_regularization(cfg)
    _check_callbacks(cfg)


def _is_set(cfg: DictConfig, key: str) -> bool:
    group, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, group)
    return isinstance(node, DictConfig) and name in node


def _check_regularization(cfg: DictConfig) -> None:
    """Refuse a strength that nobody reads: the student would believe that it does something."""
    as_written = str(OmegaConf.to_container(cfg, resolve=False))
    for name, strength in cfg.regularization.items():
        if name not in STRENGTHS:
            raise ValueError(f"{unknown_key(f'regularization.{name}')}{nearest(name, STRENGTHS)}")
        if strength and f"${{regularization.{name}}}" not in as_written:
            owner = "optimizer" if name == "weight_decay" else "model"
            target = str((cfg.optim if owner == "optimizer" else cfg.model).get("_target_", "")).rpartition(
                "."
            )[-1]
            raise ValueError(
                f"regularization.{name}={strength} has no effect: the {owner} {target} has no {name!r}. "
                f"Choose another {owner}, or regularization.{name}=0."
            )


def _check_callbacks(cfg: DictConfig) -> None:
    """Refuse what is no callback, and those that would write outside of the run folder."""
    run_dir = Path(cfg.run_dir).resolve()
    callbacks = {name: callback for name, callback in cfg.callbacks.items() if callback is not None}
    for name, callback in callbacks.items():
        if not isinstance(callback, DictConfig):
            raise ValueError(f"callbacks.{name}={callback} does not make sense: only null does.")
    known = [name for name, callback in callbacks.items() if "_target_" in callback]
    for name, callback in callbacks.items():
        if name not in known:
            raise ValueError(f"{unknown_key(f'callbacks.{name}')}{nearest(name, known)}")
        for key in ("dirpath", "filename"):
            value = callback.get(key)
            if value is not None and not (run_dir / str(value)).resolve().is_relative_to(run_dir):
                raise ValueError(
                    f"callbacks.{name}.{key}={value} lies outside of the run folder: leave it out, and "
                    "choose the run folder with run_dir=<folder>."
                )
