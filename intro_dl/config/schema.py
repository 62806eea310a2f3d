"""The root keys of a run, and ranges of values that our signatures lack. Does not import torch."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Gt, Le, Lt, MinLen
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
    logger: Any = MISSING
    trainer: Any = MISSING
    seed: int = 0
    monitor: str = "loss/val"
    mode: str = "min"
    run_dir: str | None = MISSING  # None in --cfg job --resolve: no folder is chosen yet
    resume: str | None = None
    test: bool = True
    summary: bool = False
    watch_test: bool = False
    own_code: str | None = None


Part = Size | Annotated[float, Gt(0), Le(1)]  # of the batches: their number, or a fraction

# Of the root keys, and of classes of torch and Lightning; our own classes state ranges in their constructors.
# The trainer has no other keys than these: Lightning's others would be ignored, or break a run.
# data.batch_size stands here too, so that a common mistake is reported before torch is imported.
RANGES: dict[str, Any] = {
    "seed": Seed,
    "mode": Literal["min", "max"],
    "optim.lr": Positive,
    "optim.momentum": Fraction,
    "optim.weight_decay": NonNegative,
    "regularization.dropout": Fraction,
    "regularization.weight_decay": NonNegative,
    "regularization.l1": NonNegative,
    "data.batch_size": Size | None,
    "scheduler.interval": Literal["epoch", "step"],
    "scheduler.gamma": Positive,
    "scheduler.step_size": Size,
    "scheduler.T_max": Size,
    "scheduler.eta_min": NonNegative,
    "scheduler.total_steps": Size | None,
    "scheduler.max_lr": Positive,
    "scheduler.pct_start": Annotated[float, Gt(0), Lt(1)],
    "scheduler.factor": Annotated[float, Gt(0), Lt(1)],
    "scheduler.patience": Count,
    "trainer.devices": Size | Annotated[list[Count], MinLen(1)] | Literal["auto"],
    "trainer.num_nodes": Size,
    "trainer.strategy": Literal["auto", "ddp"],
    "trainer.accelerator": str,
    "trainer.max_epochs": Size,
    "trainer.min_epochs": Size | None,
    "trainer.max_steps": Literal[-1] | Size,
    "trainer.max_time": str | None,
    "trainer.fast_dev_run": bool | Size,
    "trainer.overfit_batches": Part | Literal[0],
    "trainer.limit_train_batches": Part,
    "trainer.limit_val_batches": Part,
    "trainer.limit_test_batches": Part,
    "trainer.check_val_every_n_epoch": Size,
    "trainer.enable_progress_bar": bool,
    "trainer.precision": Any,
    "trainer.gradient_clip_val": NonNegative | None,
    "trainer.accumulate_grad_batches": Size,
    "trainer.deterministic": bool | Literal["warn"],
    "trainer.benchmark": bool | None,
    "trainer.sync_batchnorm": bool,
    "trainer.num_sanity_val_steps": Count,
    "trainer.log_every_n_steps": Count,
    "trainer.use_distributed_sampler": bool,
    "trainer.compile": bool,
    "trainer.threads": Annotated[int, Gt(0), Le(1024)] | Literal["auto"],
    "trainer.if_slower": Literal["refuse", "warn", "float32", "ignore"],
    "callbacks.early_stopping.patience": Count,
}


def register_schema() -> None:
    """Tell Hydra the root keys, and how to name the folder of a run. Call it before composing a config."""
    ConfigStore.instance().store(name="run_schema", node=RunConfig)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    OmegaConf.register_new_resolver("folder_name", lambda path: Path(str(path)).name, replace=True)


def run_name(*parts: str | int) -> str:
    """Return the name of a folder, e.g. of what the user changed and a time: "optim.lr=0.1_2026-11-26"."""
    # Numbers that Optuna suggests have 17 digits.
    short = (
        re.sub(r"\d+\.\d{6,}(e-?\d+)?", lambda number: f"{float(number[0]):.4g}", str(part)) for part in parts
    )
    names = (re.sub(r"[^\w.,=+~-]", "-", part)[:100] for part in short)
    return "_".join(filter(None, names)).rstrip(".")  # Windows drops a dot at the end
