"""Build the data, the model and the trainer that a config asks for, and check that they fit together."""

import copy
import inspect
import math
import re
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.utilities import rank_zero_only

from intro_dl.config.arguments import OWN_KEYS
from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of
from intro_dl.config.validate import validate
from intro_dl.data.dataset import TensorData
from intro_dl.models.size import count_parameters, free_memory
from intro_dl.runs.rank import in_torchrun
from intro_dl.tasks import LanguageModel, Task
from intro_dl.training.callbacks import Limits, RestoreSchedule, SeedEachEpoch, StayStopped
from intro_dl.training.checkpoints import MiddleOfEpoch, WholeCheckpoints
from intro_dl.training.divergence import StopWhenNotFinite
from intro_dl.training.resume import SaveCommand
from intro_dl.training.speed import Unprofiled, look_for_a_gpu_once, skip_empty_hooks


def build(cfg: DictConfig) -> tuple[TensorData, Task, pl.Trainer]:
    """Return the data with its splits read, the model with its optimizer, and the trainer.

    Raises:
        ValueError: if they do not fit together; the message says which, and what to change.
    """
    validate(cfg)
    set_limits(cfg.trainer)
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
    trainer = build_trainer(cfg)
    if trainer.world_size > 1 and not model.several_devices:
        raise ValueError(f"{type(model).__name__} trains on one device only: leave out trainer=ddp.")
    check_last_batch(cfg, model, data, trainer.world_size)
    return data, model, trainer


def set_limits(trainer: DictConfig) -> None:
    """Express `fast_dev_run` and `overfit_batches` by other keys of the trainer."""
    if batches := int(trainer.fast_dev_run):
        trainer.update(max_epochs=1, min_epochs=None)
        trainer.update({f"limit_{split}_batches": batches for split in ("train", "val", "test")})
    if trainer.overfit_batches:
        trainer.limit_train_batches = trainer.overfit_batches


def build_data(cfg: DictConfig) -> TensorData:
    """Return the data module, with its splits read."""
    data = unread_data(cfg)
    read(data)
    return data


def unread_data(cfg: DictConfig) -> TensorData:
    """Return the data module."""
    data = instantiate(cfg.data, _convert_="all")
    data.watch_test = cfg.watch_test
    data.same_batches = cfg.trainer.overfit_batches > 0
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
    dims = dims_for(model_class, data)
    if dims and not set(needed) <= dims.keys() <= accepted.keys():
        model_name, data_name = model_class.__name__, type(data).__name__
        raise ValueError(
            f"{model_name} cannot read {data_name}: these data are {data.kind} with {', '.join(data.dims)}, "
            f"and {model_name} needs {', '.join(needed)}. Choose another data= or model=."
        )


def dims_for(model_class: type[Task], data: TensorData) -> dict[str, Any]:
    """Return the dimensions of the data that a model is built from."""
    ignored = ("num_classes",) if model_class.unsupervised else ()
    return {name: value for name, value in data.dims.items() if name not in ignored}


def build_model(cfg: DictConfig, data: TensorData) -> Task:
    """Return the model for the dimensions of the data, with its optimizer and schedule."""
    check_fit(cfg, data)
    check_memory(cfg, data)
    dims = dims_for(class_of(cfg.model, "model"), data)
    model = instantiate(cfg.model, **dims, _convert_="all")
    check_saved_arguments(model, data)
    if isinstance(model, LanguageModel) and getattr(data, "unit", "") == "word":
        model.read_words()
    give_optimizer(cfg, model)
    return model


def give_optimizer(cfg: DictConfig, model: Task) -> None:
    """Choose the optimizer and the schedule of a model."""
    scheduler, interval = None, "epoch"
    if cfg.scheduler is not None:
        interval = cfg.scheduler.get("interval", "epoch")
        schedule = without(cfg.scheduler, "interval")
        scheduler = instantiate(schedule, _convert_="all")
    optimizer = instantiate(cfg.optim, _convert_="all")
    if "fused" in cfg.optim and cfg.trainer.gradient_clip_val and cfg.trainer.precision != "32-true":
        optimizer = partial(optimizer, fused=False)  # Lightning refuses to clip for it in mixed precision
    model.optimize_with(optimizer, scheduler, interval, cfg.regularization.get("l1", 0.0))


def check_memory(cfg: DictConfig, data: TensorData) -> None:
    """Refuse a model whose weights, with their gradients and the state of Adam, do not fit into memory."""
    dims = dims_for(class_of(cfg.model, "model"), data)
    try:
        count = count_parameters(lambda: instantiate(cfg.model, **dims, _convert_="all"))
    except Exception:  # its constructor reports what is wrong, or computes with the values of its weights
        return
    batch = (cfg.data.batch_size or 1) * math.prod(data.dims.get("in_shape") or ())
    needed, free = 16 * count + 4 * batch, free_memory()  # each weight takes four floats
    if needed > free:
        raise ValueError(
            f"This model has {count:,} parameters, and a batch {batch:,} numbers: training needs about "
            f"{needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB of memory are free. Choose a smaller model or "
            "data.batch_size."
        )


def check_saved_arguments(model: Task, data: TensorData) -> None:
    """Refuse a model that could not be loaded again because it does not save its arguments."""
    if not dims_for(type(model), data).keys() <= model.hparams.keys():
        raise ValueError(
            f"{type(model).__name__} does not save its arguments, so it could not be loaded again: call "
            "self.save_hyperparameters() after super().__init__() in its __init__."
        )


def without(config: DictConfig, *keys: str) -> DictConfig:
    """Return a copy of a config without some keys, its interpolations resolved."""
    values = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    return OmegaConf.create({key: value for key, value in values.items() if key not in keys})


def build_trainer(
    cfg: DictConfig, extra: Sequence[pl.Callback] | None = None, precision: str | None = None
) -> pl.Trainer:
    """Return Lightning's trainer with the callbacks of the config and those of every run.

    Args:
        cfg: the config.
        extra: callbacks instead of those that only a lecture model and its data can use.
        precision: instead of that of the config.
    """
    settings = without(cfg.trainer, *OWN_KEYS["trainer"])
    settings.precision = precision or settings.precision
    callbacks = []
    for name, callback in cfg.callbacks.items():
        off = callback is None or (name == "progress" and not cfg.trainer.enable_progress_bar)
        # To overfit some batches, the validation loss has to rise.
        if not off and not (name == "early_stopping" and cfg.trainer.overfit_batches):
            callbacks.append(instantiate(callback, _convert_="all"))
    patience = OmegaConf.select(cfg, "callbacks.early_stopping.patience")
    stay_stopped = StayStopped(cfg.trainer.max_epochs, patience)
    always = [
        Limits(cfg.trainer.max_time),
        SeedEachEpoch(cfg.seed),
        *([MiddleOfEpoch(), RestoreSchedule(), StopWhenNotFinite()] if extra is None else extra),
        SaveCommand(cfg),
        stay_stopped,
    ]
    if wandb := sys.modules.get("wandb"):
        wandb.finish()  # otherwise this job of a sweep would write into the run of the job before
    loggers = [instantiate(each, _convert_="all") for each in cfg.logger.values() if each is not None]
    plugins: list[Any] = [WholeCheckpoints()]
    if not in_torchrun():  # otherwise Lightning takes the variables of a cluster's shell for those of a run
        rank_zero_only.__dict__["rank"] = 0
        plugins.append(LightningEnvironment())
    make = instantiate(settings, _partial_=True, _convert_="all")
    trainer = make(  # outside of instantiate, which turns callbacks that are dataclasses into plain dicts
        callbacks=[*always, *callbacks],
        logger=loggers,
        default_root_dir=cfg.run_dir,
        plugins=plugins,
        profiler=Unprofiled(),
        enable_model_summary=False,
    )
    skip_empty_hooks(trainer.callbacks)
    return trainer


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
    monitors = {
        f"callbacks.{name}.monitor": each.get("monitor") for name, each in cfg.callbacks.items() if each
    }
    for key, monitor in ({"monitor": cfg.monitor} | monitors).items():
        if monitor is not None and monitor not in known:
            # val_acc is the name of accuracy/val in many programs
            meant = re.sub(r"^(train|val|test)[_/](.+)", r"\2/\1", str(monitor)).replace("acc/", "accuracy/")
            raise ValueError(f"Nothing measures {key}={monitor}.{nearest(meant, known)}")


def check_last_batch(cfg: DictConfig, model: Task, data: TensorData, devices: int) -> None:
    """Refuse a training batch of one example where batch norm needs two, e.g. the last of 33 by 32."""
    number = len(data.splits["train"][0])
    size = min(cfg.data.batch_size or number, number)
    rest, limit = number % size, cfg.trainer.limit_train_batches
    batches = number // size + (rest >= devices)
    read = min(limit, batches) if isinstance(limit, int) else int(limit * batches)
    smallest = min(size // devices, rest // devices if rest >= devices and read == batches else size)
    has_norm = any(isinstance(each, torch.nn.modules.batchnorm._BatchNorm) for each in model.modules())
    if smallest != 1 or not has_norm:
        return
    inputs, targets = next(iter(data.train_dataloader()))
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            copy.deepcopy(model).train().metrics((inputs[:1], targets[:1]))
    except ValueError as error:  # images that keep several pixels per channel are no problem
        better = next((each for each in range(size - 1, 1, -1) if number % each != 1), number)
        raise ValueError(
            f"data.batch_size={cfg.data.batch_size} gives a batch of one example ({number} training examples"
            f"{f' on {devices} devices' * (devices > 1)}), and batch norm needs two: choose another, e.g. "
            f"data.batch_size={better if size > 1 else max(2, better)}."
        ) from error


def quiet_known_warnings() -> None:
    """Hide warnings that a student can do nothing about."""
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*is an instance of `nn.Module` and is already saved.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings(
        "ignore", message=".*callbacks used to create the checkpoint.*"
    )  # resumed without
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")  # Epoch sums over devices itself
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*could not find the monitored key.*")  # not validated yet
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # MiddleOfEpoch does it
