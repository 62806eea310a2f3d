"""Build the data, the model and the trainer that a config asks for, and check that they fit together."""

import inspect
import warnings
from functools import partial
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import LambdaCallback
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.utilities import rank_zero_only

from intro_dl.config.arguments import OWN_KEYS
from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of
from intro_dl.config.validate import validate
from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Task
from intro_dl.training.callbacks import SeedEachEpoch, StayStopped
from intro_dl.training.checkpoints import MiddleOfEpoch, WholeCheckpoints
from intro_dl.training.devices import in_torchrun
from intro_dl.training.divergence import StopWhenNotFinite
from intro_dl.training.resume import save_command
from intro_dl.training.speed import Unprofiled, look_for_a_gpu_once


def build(cfg: DictConfig) -> tuple[TensorData, Task, pl.Trainer]:
    """Return the data with its splits read, the model with its optimizer, and the trainer.

    Raises:
        ValueError: if they do not fit together; the message says which, and what to change.
    """
    validate(cfg)
    check_accelerator(cfg.trainer)
    look_for_a_gpu_once()
    data = unread_data(cfg)
    if data.dims and None not in data.dims.values():  # known before anything is downloaded or read
        model = build_model(cfg, data)
        read(data)
    else:
        check_fit(cfg, data)
        read(data)
        model = build_model(cfg, data)
    check_monitor(cfg, model, data)
    return data, model, build_trainer(cfg)


def build_data(cfg: DictConfig) -> TensorData:
    """Return the data module, with its splits read."""
    data = unread_data(cfg)
    read(data)
    return data


def unread_data(cfg: DictConfig) -> TensorData:
    """Return the data module."""
    data = instantiate(cfg.data, _convert_="all")
    data.watch_test = cfg.watch_test
    return data


def read(data: TensorData) -> None:
    """Download the data if they are missing, and read their splits."""
    data.prepare_data()
    data.setup()


def check_fit(cfg: DictConfig, data: TensorData) -> None:
    """Refuse a model for another kind of data; dimensions that only reading tells are None or missing."""
    model_class = class_of(cfg.model, "model")
    accepted = inspect.signature(model_class).parameters
    needed = [name for name, parameter in accepted.items() if parameter.default is parameter.empty]
    if data.dims and not set(needed) <= data.dims.keys() <= accepted.keys():
        model_name, data_name = model_class.__name__, type(data).__name__
        raise ValueError(
            f"{model_name} cannot read {data_name}: the data provide {', '.join(data.dims)}, "
            f"but {model_name} takes {', '.join(needed)}. Choose another data= or model=."
        )


def build_model(cfg: DictConfig, data: TensorData) -> Task:
    """Return the model for the dimensions of the data, with its optimizer and schedule."""
    check_fit(cfg, data)
    model = instantiate(cfg.model, **data.dims, _convert_="all")
    scheduler, interval = None, "epoch"
    if cfg.scheduler is not None:
        interval = cfg.scheduler.get("interval", "epoch")
        schedule = without(cfg.scheduler, "interval")
        scheduler = instantiate(schedule, _convert_="all")
    optimizer = instantiate(cfg.optim, _convert_="all")
    if "fused" in cfg.optim and cfg.trainer.gradient_clip_val and cfg.trainer.precision != "32-true":
        optimizer = partial(optimizer, fused=False)  # Lightning refuses to clip for it in mixed precision
    check_saved_arguments(model, data)
    model.optimize_with(optimizer, scheduler, interval)
    return model


def check_saved_arguments(model: Task, data: TensorData) -> None:
    """Refuse a model that could not be loaded again because it does not save its arguments."""
    if not data.dims.keys() <= model.hparams.keys():
        raise ValueError(
            f"{type(model).__name__} does not save its arguments, so it could not be loaded again: call "
            "self.save_hyperparameters() after super().__init__() in its __init__."
        )


def without(config: DictConfig, *keys: str) -> DictConfig:
    """Return a copy of a config without some keys, its interpolations resolved."""
    values = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    return OmegaConf.create({key: value for key, value in values.items() if key not in keys})


def build_trainer(cfg: DictConfig) -> pl.Trainer:
    """Return Lightning's trainer with the callbacks of the config and those of every run."""
    settings = without(cfg.trainer, *OWN_KEYS["trainer"])
    callbacks = []
    for callback in cfg.callbacks.values():
        if callback is not None:  # callbacks.early_stopping=null switches one off
            callbacks.append(instantiate(callback, _convert_="all"))
    patience = OmegaConf.select(cfg, "callbacks.early_stopping.patience")
    stay_stopped = StayStopped(cfg.trainer.max_epochs, patience)
    remember = LambdaCallback(
        on_train_start=lambda *_: save_command(cfg)
    )  # not before: the command may be refused
    always = [SeedEachEpoch(cfg.seed), MiddleOfEpoch(), remember, StopWhenNotFinite(), stay_stopped]
    logger = TensorBoardLogger(cfg.run_dir, name="", version="", default_hp_metric=False)
    plugins: list[Any] = [WholeCheckpoints()]
    if not in_torchrun():  # otherwise Lightning takes the variables of a cluster's shell for those of a run
        rank_zero_only.__dict__["rank"] = 0
        plugins.append(LightningEnvironment())
    trainer = instantiate(settings, _partial_=True, _convert_="all")
    return trainer(  # outside of instantiate, which turns callbacks that are dataclasses into plain dicts
        callbacks=[*always, *callbacks],
        logger=logger,
        default_root_dir=cfg.run_dir,
        plugins=plugins,
        profiler=settings.get("profiler", Unprofiled()),
        enable_model_summary=False,
    )


def check_accelerator(trainer: DictConfig) -> None:
    """Refuse a GPU that this machine does not have."""
    if trainer.accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise ValueError("Torch finds no GPU on this machine: choose trainer=cpu or trainer=default.")
    gpus = torch.cuda.device_count()
    if trainer.accelerator != "cpu" and gpus and isinstance(trainer.devices, int) and trainer.devices > gpus:
        raise ValueError(
            f"trainer.devices={trainer.devices}, but this machine has {gpus} GPU{'s' * (gpus > 1)}. Set "
            f"trainer.devices={gpus}, or trainer.accelerator=cpu for any number of processes."
        )


def check_monitor(cfg: DictConfig, model: Task, data: TensorData) -> None:
    """Refuse a `monitor` that is not measured; measure two validation examples to check."""
    loaders = data.val_dataloader()
    inputs, targets = next(iter(loaders[0] if isinstance(loaders, list) else loaders))
    training = model.training
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        names = list(model.eval().metrics((inputs[:2], targets[:2])))
    model.train(training)
    splits = ("train", "val", "test") if cfg.watch_test else ("train", "val")
    known = [f"{name}/{split}" for name in names for split in splits] + ["lr"]
    if cfg.monitor not in known:
        raise ValueError(f"Nothing measures monitor={cfg.monitor}.{nearest(cfg.monitor, known)}")


def quiet_known_warnings() -> None:
    """Hide warnings that a student can do nothing about."""
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings(
        "ignore", message=".*callbacks used to create the checkpoint.*"
    )  # resumed without
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")  # Epoch sums over devices itself
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # MiddleOfEpoch does it
