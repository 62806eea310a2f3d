"""Train with Lightning's early stopping on a validation curve that is known beforehand."""

import logging
import tempfile
import warnings
from collections.abc import Sequence

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader


class OnCurve(pl.LightningModule):
    """One weight that holds the number of the epoch, and a validation loss read off a list."""

    def __init__(self, curve: Sequence[float]) -> None:
        super().__init__()
        self.curve = curve
        self.weight = nn.Parameter(torch.tensor(-1.0))

    def training_step(self, batch, batch_idx):
        return -self.weight  # gradient -1: a step of size 1 adds 1

    def validation_step(self, batch, batch_idx):
        self.log("loss/val", self.curve[self.current_epoch])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def train_on_curve(curve: Sequence[float], patience: int) -> tuple[int, int]:
    """Train until the validation loss has not fallen for `patience` epochs.

    Args:
        curve: the validation loss of each epoch.

    Returns:
        The number of the last epoch, and of the epoch whose weights the best checkpoint holds.
    """
    log = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "few workers", "few batches": there is one number to learn
            best = ModelCheckpoint(folder, monitor="loss/val", save_top_k=1)
            trainer = pl.Trainer(
                max_epochs=len(curve),
                accelerator="cpu",
                callbacks=[EarlyStopping("loss/val", patience=patience), best],
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )
            batches = DataLoader([0.0])
            trainer.fit(OnCurve(curve), batches, batches)
            weights = torch.load(best.best_model_path, weights_only=True)["state_dict"]
    finally:
        log.setLevel(level)
    return trainer.current_epoch - 1, int(weights["weight"])
