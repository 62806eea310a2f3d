"""What users of this project run, without files: configs as the command line composes them, and trainings.

The claims and the figures of the lectures use it. One that builds a twin of its own would not notice if the
options broke.
"""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import seed_everything
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from intro_dl.config.compose import composed
from intro_dl.data.dataset import TensorData
from intro_dl.training.build import build, quiet_known_warnings
from intro_dl.training.threads import set_threads


def config(*overrides: str) -> DictConfig:
    """Return the config of `intro-dl train <overrides>`, e.g. config("optim=momentum", "optim.lr=0.01")."""
    return OmegaConf.create(composed(*overrides))  # a copy: the caller may change it


def optimizer(parameters: Iterable[Tensor], *overrides: str) -> Optimizer:
    """Return the optimizer of `intro-dl train <overrides>`, e.g. "optim=adam", for these parameters."""
    return instantiate(config(*overrides).optim, _convert_="all")(parameters)


def schedule(optimizer: Optimizer, *overrides: str) -> LRScheduler:
    """Return the learning-rate schedule of `intro-dl train <overrides>`, e.g. "scheduler=step"."""
    cfg = config(*overrides).scheduler
    del cfg.interval  # for the training loop: whether a step is an epoch or one of the optimizer
    return instantiate(cfg, _convert_="all")(optimizer)


def model(*overrides: str, **dims: Any) -> Any:
    """Return the untrained model of `intro-dl train <overrides>` for data of these dimensions.

    Args:
        overrides: e.g. "model=cnn", "model.batch_norm=true".
        dims: what the data provide; without them those of MNIST.
    """
    dims = dims or {"in_shape": (1, 28, 28), "num_classes": 10}
    return instantiate(config(*overrides).model, **dims, _convert_="all")


def train(
    *overrides: str, best: bool = False, change: Callable[[TensorData], None] | None = None
) -> tuple[Any, TensorData]:
    """Train on one CPU thread as `intro-dl train <overrides>` does, without files, logs, and pictures.

    Args:
        overrides: e.g. "model=mlp", "data=moons", "trainer.max_epochs=3". The random seed is the
            one that torch had last, e.g. that of the claim, unless they set another.
        best: return the weights that the run keeps as its best, instead of those of the last epoch.
        change: changes the data in place before the training, e.g. shuffles the pixels; None leaves them.

    Returns:
        The model, of the class of `model=`, whose `history` has the measures of each epoch, and its data.
    """
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "intro_dl")]
    levels = [each.level for each in loggers]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), isolate_rng(), set_threads(1):
        quiet_known_warnings()
        try:
            for each in loggers:
                each.setLevel(logging.ERROR)
            seed = torch.initial_seed() % 2**32  # Lightning takes no larger one
            cfg = config(f"seed={seed}", "trainer=cpu", "logger=none", *overrides)
            cfg.run_dir, cfg.trainer.enable_progress_bar = folder, False
            for picture in ("sample_inputs", "mistakes", "decision_regions"):
                cfg.callbacks[picture] = None
            seed_everything(cfg.seed, verbose=False)
            data, model, trainer = build(cfg)
            if change is not None:
                change(data)
            trainer.fit(model, data)
            if best:
                kept = trainer.checkpoint_callback.best_model_path  # pyrefly: ignore[missing-attribute]
                model.load_state_dict(torch.load(kept, weights_only=True)["state_dict"])
        finally:
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)
    return model, data
