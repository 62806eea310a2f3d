"""Train for a fraction of a second, for claims about what a model learns."""

import logging
import tempfile
import warnings
from collections.abc import Sequence

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, TensorDataset

from intro_dl.tasks import Task


def fit(model: Task, inputs: Tensor, targets: Tensor, steps: int = 150, lr: float = 0.02) -> dict[str, float]:
    """Take Adam steps on all examples at once, and measure the model on the same examples.

    Args:
        inputs, targets: a batch that the model's `metrics` takes.

    Returns:
        The metrics after the last step, e.g. loss and accuracy.
    """
    optimizer = Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        model.metrics((inputs, targets))["loss"].backward()
        optimizer.step()
    return {name: value.item() for name, value in model.metrics((inputs, targets)).items()}


class OnCurve(pl.LightningModule):
    """Follow a given validation loss. The only weight counts the epochs."""

    def __init__(self, curve: Sequence[float]) -> None:
        super().__init__()
        self.curve = curve
        self.weight = nn.Parameter(torch.tensor(-1.0))

    def training_step(self, batch, batch_idx):
        return -self.weight  # gradient -1: a step of size 1 adds 1

    def validation_step(self, batch, batch_idx):
        self.log("loss/val", self.curve[self.current_epoch])

    def configure_optimizers(self):
        return SGD(self.parameters(), lr=1.0)


def train_on_curve(curve: Sequence[float], patience: int) -> tuple[int, int]:
    """Train with Lightning's early stopping until the validation loss has not fallen for `patience` epochs.

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
            batches = DataLoader(TensorDataset(torch.zeros(1)))
            trainer.fit(OnCurve(curve), batches, batches)
            weights = torch.load(best.best_model_path, weights_only=True)["state_dict"]
    finally:
        log.setLevel(level)
    return trainer.current_epoch - 1, int(weights["weight"])
