"""What every task has: a loss, metrics, three step hooks of one line, and an optimizer."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from intro_dl.tasks.epoch import Epoch

Batch = tuple[Tensor, Tensor]  # inputs and targets, each (B, ...)
OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler]


class Task(pl.LightningModule):
    """One loss, measured in the same way on every split. Abstract: subclass `Classifier` or another task.

    `tasks/epoch.py` takes the means over an epoch and logs them as `loss/train`, `accuracy/val` and so on.
    """

    leading: str = "loss"  # the measure that a result states first, and that `rivals` reach
    traceable: ClassVar[bool] = True  # whether torch.export can follow `forward`, for the page GRAPHS
    unsupervised: ClassVar[bool] = False  # whether it ignores the targets, and is built without num_classes
    several_devices: ClassVar[bool] = True  # whether trainer=ddp can train it

    def __init__(self) -> None:
        super().__init__()
        self.history: list[dict[str, float]] = []  # the means of each finished epoch
        self.epoch = Epoch()
        self.optimize_with(partial(torch.optim.SGD, lr=0.1))

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        """Return the mean `loss` over a batch and the task's other metrics, each a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must define metrics(batch)")

    def count(self, batch: Batch, metric: str = "loss") -> int:
        """Return how many targets a batch has: the weight of its metric in the mean over a split.

        In training, all metrics have the weight of the loss.
        """
        return batch[1].numel()

    def measure(self, batch: Batch, split: str) -> Tensor:
        """Add the metrics of a batch to the epoch, and return its loss."""
        metrics, count = self.metrics(batch), self.count(batch)
        counts = {name: self.count(batch, name) for name in metrics} if split != "train" else {}
        return self.epoch.add(split, metrics, count, counts)

    def penalty(self) -> Tensor | float:
        """Return l1 * sum |w| over all parameters: what a training step adds to the measured loss."""
        return self._l1 * sum(w.abs().sum() for w in self.parameters()) if self._l1 else 0.0

    def training_step(self, batch, batch_idx):
        loss = self.measure(batch, "train")
        return loss + self.penalty() if self._l1 else loss  # without a penalty, nothing is added to the step

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.measure(batch, ("val", "test")[dataloader_idx])  # "test" with watch_test=true

    def test_step(self, batch, batch_idx):
        self.measure(batch, "test")

    def chance_loss(self) -> float | None:
        """Return the loss of a model that ignores its inputs, e.g. log K; None if it is unknown."""
        return None

    def rivals(self, train: Batch, test: Batch) -> dict[str, float]:
        """Return what simple methods reach in the `leading` measure on the test split, e.g. {"PCA": 0.03}.

        Args:
            train: the whole training split as the model reads it, on the CPU; the methods are fitted to it.
            test: the whole split that is measured.
        """
        return {}

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return new inputs (count, ...) as the model reads them: `intro-dl sample` writes them."""
        raise NotImplementedError(f"{type(self).__name__} cannot draw inputs")

    def notes(self) -> list[str]:
        """Return notes about the finished training for a reader of its result."""
        return []

    def optimize_with(
        self,
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory | None = None,
        interval: str = "epoch",
        l1: float = 0.0,
    ) -> None:
        """Choose the optimizer. Without this call a model trains with SGD at a learning rate of 0.1.

        Args:
            optimizer: maps parameters to an optimizer, e.g. `partial(torch.optim.Adam, lr=1e-3)`.
            scheduler: maps the optimizer to a schedule, or None for a constant rate. A schedule whose
                `total_steps` is None gets the number of optimizer steps of the whole run.
            interval: when the schedule takes a step: after each "epoch" or each optimizer "step".
            l1: lambda of the penalty lambda * sum |w|. (Optimizers have the one of L2, as weight_decay.)
        """
        self._make_optimizer, self._make_scheduler, self._interval = optimizer, scheduler, interval
        self._l1 = l1

    def optimizer_settings(self) -> dict[str, str]:
        """Return the optimizer's class and arguments as text, e.g. {"optim": "SGD", "lr": "0.1"}."""
        l1 = {"l1": str(self._l1)} if self._l1 else {}
        return _settings("optim", self._make_optimizer) | l1

    def schedule_settings(self) -> dict[str, str]:
        """Return the schedule's class and arguments as text; {} for a constant rate."""
        if self._make_scheduler is None:
            return {}
        settings = _settings("scheduler", self._make_scheduler) | {"interval": self._interval}
        if settings.get("total_steps") == "None":  # then the length of the run matters
            names = ("max_epochs", "max_steps", "num_training_batches", "accumulate_grad_batches")
            settings["total_steps"] = ", ".join(f"{name}={getattr(self.trainer, name)}" for name in names)
        return settings

    def schedule(self, optimizer: Optimizer, steps: int | None = None) -> LRScheduler | None:
        """Return the schedule of an optimizer, at its first step; None for a constant rate.

        Args:
            optimizer: the optimizer.
            steps: number of optimizer steps of the run; None asks the trainer.
        """
        make = self._make_scheduler
        if isinstance(make, partial) and make.keywords.get("total_steps", 0) is None:
            make = partial(make, total_steps=steps or int(self.trainer.estimated_stepping_batches))
        return None if make is None else make(optimizer)

    def configure_callbacks(self):
        return [self.epoch]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = self._make_optimizer(self.parameters())
        scheduler = self.schedule(optimizer)
        if scheduler is None:
            return optimizer
        schedule = {"scheduler": scheduler, "interval": self._interval, "monitor": "loss/val"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def lr_scheduler_step(self, scheduler, metric):
        if metric is None:  # one that watches a metric takes its step in Epoch, before the checkpoint
            scheduler.step()

    def setup(self, stage):
        if self.trainer.strategy.root_device.type != "mps":  # where channels-last is not faster
            self.to(memory_format=torch.channels_last)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what is needed to use the weights without the config and the data."""
        checkpoint["model"] = type(self).__name__
        checkpoint["optimizer"] = self.optimizer_settings()
        checkpoint["schedule"] = self.schedule_settings()
        data = getattr(self._trainer, "datamodule", None)  # None if fit() was given bare loaders
        if hasattr(data, "metadata"):
            checkpoint["metadata"] = data.metadata()


def _settings(kind: str, make: Callable) -> dict[str, str]:
    """Return the name and the arguments of a class or function, which partials may wrap."""
    arguments: dict[str, Any] = {}
    while isinstance(make, partial):
        make, arguments = make.func, make.keywords | arguments
    name = getattr(make, "__name__", type(make).__name__)
    return {kind: name} | {key: str(value) for key, value in arguments.items()}
