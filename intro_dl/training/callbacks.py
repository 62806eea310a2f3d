"""Callbacks of every run: the learning rate, the seed of each epoch, and when the training ends."""

import logging
import math
import warnings
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import callbacks

from intro_dl.runs.sweep import in_sweep

log = logging.getLogger(__name__)


class LearningRate(pl.Callback):
    """Log the learning rate at the start of every epoch as `lr`."""

    def __init__(self) -> None:
        self.epoch, self.rate = -1, 0.0

    def on_train_epoch_start(self, trainer, module):
        if self.epoch != trainer.current_epoch:  # otherwise the run resumes in the middle of this epoch
            self.epoch, self.rate = trainer.current_epoch, trainer.optimizers[0].param_groups[0]["lr"]
        module.log("lr", self.rate)

    def state_dict(self):
        return {"epoch": self.epoch, "rate": self.rate}

    def load_state_dict(self, state):
        self.epoch, self.rate = state["epoch"], state["rate"]


class RestoreSchedule(pl.Callback):
    """Restore the schedule of a resumed run, or continue with another one.

    A schedule gives the rate of each epoch or step. Another one continues at the epoch or step that the run
    has reached, as if it had been chosen from the start: after three epochs of `cosine` over three epochs,
    `trainer.max_epochs=8` gives the rate of the fourth of eight epochs.
    """

    def __init__(self) -> None:
        self.checkpoint: dict[str, Any] = {}

    def on_load_checkpoint(self, trainer, module, checkpoint):
        self.checkpoint = dict(checkpoint)
        checkpoint["lr_schedulers"] = []  # Lightning would load them into a schedule of another class

    def on_train_start(self, trainer, module):
        saved, self.checkpoint = self.checkpoint, {}
        settings = module.schedule_settings()
        steps, spans = self._steps(trainer, saved), settings.get("total_steps", "")
        if spans.isdecimal() and int(spans) < steps and settings["interval"] == "step":
            raise ValueError(
                f"scheduler.total_steps={spans} ends before the run of {steps} steps: leave it out."
            )
        for config, state in zip(trainer.lr_scheduler_configs, saved.get("lr_schedulers", []), strict=False):
            if settings == saved.get("schedule", settings):
                config.scheduler.load_state_dict(state)
        if settings != saved.get("schedule", settings):
            (optimizer,) = trainer.optimizers
            self._replace(trainer, module, optimizer, steps)
            log.warning("Another schedule: the learning rate is now %.3g.", optimizer.param_groups[0]["lr"])

    @staticmethod
    def _steps(trainer: pl.Trainer, saved: dict[str, Any]) -> int:
        """Return the number of optimizer steps of the whole run; its finished epochs may have had others."""
        per_step = trainer.accumulate_grad_batches
        begun = saved.get("middle_of_epoch", {}).get("batches", 0) // per_step
        left = (trainer.max_epochs or 0) - len(saved.get("history", []))
        steps = trainer.global_step - begun + left * math.ceil(trainer.num_training_batches / per_step)
        return max(trainer.global_step, steps if trainer.max_steps == -1 else min(steps, trainer.max_steps))

    @staticmethod
    def _replace(trainer: pl.Trainer, module: Any, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for group in optimizer.param_groups:
            group.update(optimizer.defaults)  # the values before any schedule
            group.pop("initial_lr", None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the optimizer has not taken these steps
            scheduler = module.schedule(optimizer, steps)
            for config in trainer.lr_scheduler_configs:
                config.scheduler = scheduler
                if config.reduce_on_plateau:
                    for row in module.history:
                        if config.monitor in row:
                            scheduler.step(row[config.monitor])
                else:
                    for _ in range(
                        len(module.history) if config.interval == "epoch" else trainer.global_step
                    ):
                        scheduler.step()


class SeedEachEpoch(pl.Callback):
    """Seed each epoch's dropout and augmentation by the seed of the run and the epoch alone.

    A resumed run then draws the same numbers as a run that never stopped. Extra measurements change nothing.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer, module):
        ranks = trainer.world_size  # every device draws its own numbers
        torch.manual_seed((self.seed * 1_000_003 + trainer.current_epoch) * ranks + trainer.global_rank)


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's, which would count epochs without validation as epochs without improvement."""

    def on_train_epoch_end(self, trainer, module):
        if self.monitor in module.history[-1]:
            super().on_train_epoch_end(trainer, module)


def stopped(callback: callbacks.EarlyStopping) -> bool:
    """Return whether it ended the run. With `trainer.min_epochs`, the metric may have improved since."""
    return callback.stopped_epoch > 0 and callback.wait_count >= callback.patience


class Limits(callbacks.Timer):
    """End the training after `trainer.max_steps` or `trainer.max_time`, and measure its last epoch.

    `reached` is the limit that ended the training, in words, or empty.
    """

    def __init__(self, max_time: str | None) -> None:
        super().__init__(max_time, verbose=False)
        self.max_time, self.max_steps, self.reached = max_time, -1, ""

    def state_dict(self):
        return super().state_dict() | {"reached": self.reached}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.reached = state["reached"]

    def on_fit_start(self, trainer, module):
        super().on_fit_start(trainer)
        if trainer.should_stop:
            log.warning("This run has used its trainer.max_time=%s: set a longer one.", self.max_time)
        # With a limit, Lightning would take every resumed run for one that stopped within an epoch.
        self.max_steps, trainer.fit_loop.epoch_loop.max_steps = trainer.max_steps, -1

    def on_train_start(self, trainer, module):
        super().on_train_start(trainer, module)
        trainer.fit_loop.epoch_loop.max_steps = self.max_steps

    def on_train_epoch_start(self, trainer, module):
        trainer.should_stop, self.reached = False, ""  # early stopping before min_epochs leaves True
        if trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        super().on_train_batch_end(trainer)
        steps_done = 0 < trainer.max_steps <= trainer.global_step
        if not steps_done and not trainer.should_stop:
            return
        trainer.should_stop, trainer.check_val_every_n_epoch = True, 1  # Lightning now validates
        if steps_done:
            trainer.fit_loop.min_epochs = None  # otherwise it does not
        limit = f"max_steps={trainer.max_steps}" if steps_done else f"max_time={self.max_time}"
        complete = trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs
        self.reached = "" if complete else f"stopped by {limit}"


class StayStopped(pl.Callback):
    """Do not train a resumed run that had stopped early, unless the user asks for more epochs or patience.

    Args:
        epochs: maximum number of epochs of the run.
        patience: the value in the config; Lightning would restore the value in the checkpoint.
    """

    def __init__(self, epochs: int, patience: int | None) -> None:
        self.epochs, self.patience = epochs, patience
        self.before = self.state_dict()

    def state_dict(self):
        return {"epochs": self.epochs, "patience": self.patience}

    def load_state_dict(self, state):
        self.before = state

    def on_train_start(self, trainer, module):
        for callback in trainer.early_stopping_callbacks:
            if self.before != self.state_dict() and self.patience is not None:
                callback.patience, callback.wait_count, callback.stopped_epoch = self.patience, 0, 0
            elif stopped(callback):
                trainer.should_stop = True
                if not in_sweep():  # which is resumed without changes
                    more = 2 * trainer.max_epochs
                    log.warning("This run stopped early. To train it longer: trainer.max_epochs=%d.", more)
