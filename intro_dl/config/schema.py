"""The root keys of a run, and ranges of values that our signatures lack. Does not import torch."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Gt, Le, MinLen
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

from intro_dl.config.types import Count, Fraction, NonNegative, Positive, Seed, Size


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


# Of the root keys, and of classes of torch and Lightning; our own classes state ranges in their constructors.
# data.batch_size stands here too, so that a common mistake is reported before torch is imported.
RANGES: dict[str, Any] = {
    "seed": Seed,
    "mode": Literal["min", "max"],
    "optim.lr": Positive,
    "optim.momentum": Fraction,
    "optim.weight_decay": NonNegative,
    "regularization.dropout": Fraction,
    "regularization.weight_decay": NonNegative,
    "data.batch_size": Size | None,
    "scheduler.interval": Literal["epoch", "step"],
    "trainer.devices": Size | Annotated[list[Count], MinLen(1)] | Literal["auto"],
    "trainer.num_nodes": Size,
    "trainer.strategy": Literal["auto", "ddp"],
    "trainer.max_epochs": Size,
    "trainer.compile": bool,
    "trainer.threads": Annotated[int, Gt(0), Le(1024)] | Literal["auto"],
    "trainer.if_slower": Literal["refuse", "warn", "ignore"],
    "callbacks.early_stopping.patience": Count,
}


def register_schema() -> None:
    """Tell Hydra the root keys, and how to name the folder of a run. Call it before composing a config."""
    ConfigStore.instance().store(name="run_schema", node=RunConfig)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def run_name(overrides: str) -> str:
    """Return what the user changed, as the end of a folder's name: "optim.lr=0.1" -> "_optim.lr=0.1"."""
    # Numbers that Optuna suggests have 17 digits.
    overrides = re.sub(r"\d+\.\d{6,}(e-?\d+)?", lambda number: f"{float(number[0]):.4g}", overrides)
    name = re.sub(r"[^\w.,=+~-]", "-", overrides)[:100].rstrip(".")  # Windows drops a dot at the end
    return f"_{name}" if name else ""
