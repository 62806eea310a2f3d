"""Train a plain Lightning module or data module of the user's own.

It gets the trainer, the checkpoints, the loggers and the result of every run. What needs to know the loss and
the data is left out: pictures, the doctor, and resuming in the middle of an epoch.
"""

import inspect
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.model_helpers import is_overridden

from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of
from intro_dl.config.validate import validate
from intro_dl.data.dataset import TensorData
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Result, Status
from intro_dl.tasks import Task
from intro_dl.training.build import (
    build_trainer,
    check_accelerator,
    give_optimizer,
    read,
    set_limits,
    unread_data,
)
from intro_dl.training.devices import launch, one_of_several
from intro_dl.training.report import best_epoch, device_name, git_commit, print_summary, why_it_stopped
from intro_dl.training.resume import (
    monitor_must_be_measured,
    say_what_cannot_be_restored,
    tell_how_to_resume,
)
from intro_dl.training.threads import set_threads


def is_foreign(cfg: DictConfig) -> bool:
    """Return whether the model or the data are not of the kind that the lectures have."""
    data, model = class_of(cfg.data, "data"), class_of(cfg.model, "model")
    return not (issubclass(model, Task) and issubclass(data, TensorData))


class Record(pl.Callback):
    """Keep the history of a module, and save it with what a checkpoint of a run has."""

    def __init__(self, monitor: str) -> None:
        self.monitor, self.start = monitor, time.perf_counter()

    def on_train_epoch_start(self, trainer, module):
        self.start = time.perf_counter()

    def on_validation_end(self, trainer, module):
        measured = list(trainer.callback_metrics)
        if trainer.sanity_checking and measured and self.monitor not in measured:
            if "train" not in self.monitor:  # otherwise it is measured later
                raise ValueError(f"Nothing measures monitor={self.monitor}.{nearest(self.monitor, measured)}")

    def on_train_epoch_end(self, trainer, module):
        if not isinstance(module, Task):
            module.history.append(self._row(trainer))

    def on_save_checkpoint(self, trainer, module, checkpoint):
        if not isinstance(module, Task):
            if module.history:  # with what the module itself logged at the end of the epoch
                module.history[-1] |= {name: float(value) for name, value in trainer.callback_metrics.items()}
            checkpoint["history"], checkpoint["model"] = module.history, type(module).__name__
        for key in ("hyper_parameters", "datamodule_hyper_parameters"):  # networks in it could not be read
            saved = checkpoint.get(key, {})
            checkpoint[key] = {name: value for name, value in saved.items() if _is_plain(value)}

    def on_load_checkpoint(self, trainer, module, checkpoint):
        module.history = list(checkpoint.get("history", []))

    def _row(self, trainer: pl.Trainer) -> dict[str, float]:
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        seconds = time.perf_counter() - self.start
        return {"epoch": trainer.current_epoch, **measured, "seconds": seconds}


def _is_plain(value: Any) -> bool:
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    plain = isinstance(value, bool | int | float | str | list | tuple | dict | None)
    return plain and all(map(_is_plain, entries))


def train_foreign(cfg: DictConfig) -> float:
    """Train and test a module, write its result, and return the best value of `cfg.monitor`.

    Raises:
        ValueError: if the module does not measure `cfg.monitor`, or a key would have no effect.
    """
    started, commit = time.perf_counter(), git_commit()
    validate(cfg)
    if "acc" in cfg.monitor and cfg.mode == "min":
        raise ValueError(f"monitor={cfg.monitor} with mode=min would keep the worst weights: set mode=max.")
    set_limits(cfg.trainer)
    check_accelerator(cfg.trainer)
    cfg.trainer.num_sanity_val_steps = 0 if cfg.resume else 1  # finds a wrong monitor at once
    data = build_data(cfg)
    model = build_model(cfg, data)
    trainer = build_trainer(cfg, [Record(cfg.monitor)])
    folder = RunFolder(Path(cfg.run_dir))
    if launch(trainer, folder):
        return folder.read_result().metrics[cfg.monitor]
    fixed = cfg.trainer.threads  # "auto" measures a step, whose loss is not known here
    threads = torch.get_num_threads() if fixed == "auto" else fixed
    with (
        set_threads(threads),
        one_of_several(trainer, folder),
        tell_how_to_resume(trainer, folder),
    ):
        try:
            with monitor_must_be_measured(cfg.monitor, trainer), say_what_cannot_be_restored(cfg.resume):
                trainer.fit(model, data, ckpt_path=cfg.resume, weights_only=True)
        finally:
            if trainer.is_global_zero:
                folder.write_history(model.history)
        history, stopped = model.history, why_it_stopped(cfg, trainer)
        best = best_epoch(cfg, history)
        if best is None:
            names = [name for row in history for name in row]
            raise ValueError(
                f"Nothing measures monitor={cfg.monitor}.{nearest(cfg.monitor, list(dict.fromkeys(names)))}"
            )
        metrics = {name: value for name, value in best.items() if name not in ("epoch", "lr", "seconds")}
        if cfg.test and is_overridden("test_step", model) and is_overridden("test_dataloader", data):
            weights = str(folder.best) if folder.best.is_file() else None
            metrics |= trainer.test(model, data, weights, verbose=False, weights_only=True)[0]
    result = Result(
        Status.COMPLETED,
        metrics=metrics,
        best_epoch=int(best["epoch"]) + 1,
        epochs=len(history),
        stopped=stopped,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        data=type(data).__name__,
        seed=cfg.seed,
        device=device_name(trainer),
        threads=threads,
        versions={"torch": torch.__version__, "pytorch_lightning": pl.__version__},
        commit=commit,
        seconds=round(time.perf_counter() - started, 2),
    )
    if trainer.is_global_zero:
        folder.write_result(result)
        print_summary(folder, result)
    return metrics[cfg.monitor]


def build_data(cfg: DictConfig) -> pl.LightningDataModule:
    """Return the data module; one of intro_dl with its splits read."""
    if not issubclass(class_of(cfg.data, "data"), TensorData):
        return instantiate(cfg.data, _convert_="all")
    data = unread_data(cfg)
    read(data)
    return data


def build_model(cfg: DictConfig, data: pl.LightningDataModule) -> Any:
    """Return the module. It gets those dimensions of the data that its constructor names."""
    found = class_of(cfg.model, "model")
    accepted, dims = inspect.signature(found).parameters, getattr(data, "dims", {})
    given = {name: value for name, value in dims.items() if name in accepted and name not in cfg.model}
    needed = [name for name, each in accepted.items() if each.default is each.empty and each.kind < 2]
    if missing := [name for name in needed if name not in given and name not in cfg.model]:
        raise ValueError(
            f"{found.__name__} needs {', '.join(missing)}: add model.{missing[0]}= or a line in its yaml, or "
            f"dims = {{{missing[0]!r}: ...}} to {type(data).__name__}."
        )
    model = instantiate(cfg.model, **given, _convert_="all")
    if isinstance(model, Task):
        give_optimizer(cfg, model)
        return model
    typed = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    unused = ("optim", "scheduler", "regularization", "watch_test", "trainer.compile")
    for text in typed:
        if text.lstrip("+~").startswith(tuple(f"{key}{end}" for key in unused for end in ".=")):
            raise ValueError(
                f"{text} has no effect: {found.__name__} is not a lecture model, and makes its own optimizer "
                "in configure_optimizers. Leave it out."
            )
    model.history = []
    return model
