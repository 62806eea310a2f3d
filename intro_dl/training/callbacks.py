"""Callbacks of every run: log the learning rate, seed each epoch, and keep a stopped run stopped."""

import logging

import pytorch_lightning as pl
import torch

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


class SeedEachEpoch(pl.Callback):
    """Seed each epoch's dropout and augmentation by the seed of the run and the epoch alone.

    A resumed run then draws the same numbers as a run that never stopped. Extra measurements change nothing.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer, module):
        ranks = trainer.world_size  # every device draws its own numbers
        torch.manual_seed((self.seed * 1_000_003 + trainer.current_epoch) * ranks + trainer.global_rank)

    def on_save_checkpoint(self, trainer, module, checkpoint):
        checkpoint["seed"] = self.seed
        checkpoint["threads"] = torch.get_num_threads()  # another number would round differently


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
            elif callback.stopped_epoch > 0:
                trainer.should_stop = True
                log.warning(
                    "This run stopped early. To train it longer: trainer.max_epochs=%d.",
                    2 * trainer.max_epochs,
                )
