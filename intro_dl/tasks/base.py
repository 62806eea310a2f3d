"""What a model is trained to do: one loss, measured the same way on the train, val and test split.

A task knows the loss, what is measured, and Lightning's three step hooks. A lecture model subclasses one task
and adds the architecture; it overrides `loss` only where the lecture is about the loss.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler]


class Task(pl.LightningModule):
    """One loss, measured the same way on every split. Abstract: subclass `Classifier` or a sibling."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[dict[str, float]] = []  # what each epoch of training measured
        self._measured = defaultdict(list)  # split -> [(number of targets, metrics of one batch)]
        self._resumed: dict[str, Any] = {}  # what `so_far` was when the checkpoint was written
        self._epoch_began = time.perf_counter()
        self.optimize_with(partial(torch.optim.SGD, lr=0.1))

    def optimize_with(
        self, optimizer: OptimizerFactory, scheduler: SchedulerFactory | None = None, interval: str = "epoch"
    ) -> None:
        """Choose the optimizer. Without this call a model trains with SGD at a learning rate of 0.1.

        Args:
            optimizer: maps parameters to an optimizer, e.g. `partial(torch.optim.Adam, lr=1e-3)`.
            scheduler: maps the optimizer to a schedule, or None for a constant rate. One that asks for
                `total_steps` and was given None gets the number of optimizer steps of the whole run.
            interval: when the schedule takes a step: after each "epoch" or each optimizer "step".
        """
        self._make_optimizer, self._make_scheduler, self._interval = optimizer, scheduler, interval

    def metrics(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The mean `loss` over a batch, and what else the task measures; each a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must say what it measures: define metrics(batch)")

    def notes(self) -> list[str]:
        """Return sentences about the finished training that a reader of its result should know."""
        return []

    def chance_loss(self) -> float | None:
        """The loss of a model that knows nothing, e.g. log K; None where no such number is known."""
        return None

    def setup(self, stage):
        if self.trainer.strategy.root_device.type != "mps":  # where convolutions are not faster by it
            self.to(memory_format=torch.channels_last)

    def training_step(self, batch, batch_idx):
        # Several devices average their gradients as if their shares of the batch were equal. Weighted like
        # this they learn what one device would; but batch norm sees only the share, and dropout draws anew.
        share = _share(self.trainer.train_dataloader, batch_idx)
        return share * self._measure(batch, "train", share)

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        split = ("val", "test")[dataloader_idx]  # "test" with watch_test=true
        self._measure(batch, split, _share(self.trainer.val_dataloaders, batch_idx, dataloader_idx))

    def test_step(self, batch, batch_idx):
        self._measure(batch, "test", _share(self.trainer.test_dataloaders, batch_idx))

    def so_far(self) -> dict[str, Any]:
        """What a checkpoint in the middle of an epoch must hold beside the weights: plain values and tensors.

        Between two epochs, it is empty but for the time.
        """
        batches = self._measured.get("train", [])
        names = batches[0][1] if batches else ()
        return {
            "seconds": time.perf_counter() - self._epoch_began,
            "counts": [count for count, _ in batches],
            "metrics": {name: torch.stack([metrics[name] for _, metrics in batches]) for name in names},
        }

    def go_on_from(self, so_far: dict[str, Any]) -> None:
        """Go on with an epoch where `so_far` was taken; with nothing, begin one."""
        self._epoch_began = time.perf_counter() - so_far.get("seconds", 0.0)
        names, counts = so_far.get("metrics", {}), so_far.get("counts", [])
        rows = zip(*(values.to(self.device) for values in names.values()), strict=True)
        self._measured.clear()
        self._measured["train"] = [
            (count, dict(zip(names, row, strict=True))) for count, row in zip(counts, rows, strict=True)
        ]

    def on_train_start(self):
        so_far, self._resumed = self._resumed, {}
        self.go_on_from(so_far)

    def on_train_epoch_end(self):
        self._report("train")
        now = time.perf_counter()
        measured = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        self.history.append({"epoch": self.current_epoch, **measured, "seconds": now - self._epoch_began})
        self._epoch_began = now
        for schedule in self.trainer.lr_scheduler_configs:
            if schedule.reduce_on_plateau and schedule.monitor in measured:
                schedule.scheduler.step(measured[schedule.monitor])

    def lr_scheduler_step(self, scheduler, metric):
        # Lightning steps those that watch a metric after the checkpoint: a resumed run would lack the step.
        if metric is None:
            scheduler.step()

    def on_validation_epoch_end(self):
        self._report("val")
        self._report("test")

    def on_test_epoch_end(self):
        self._report("test")

    def _measure(self, batch, split: str, share: float) -> Tensor:
        return self._record(self.metrics(batch), batch, split, share)

    def _record(self, metrics: dict[str, Tensor], batch, split: str, share: float) -> Tensor:
        # Kept as they are until the epoch ends: no sum, no log and no wait for the device in the loop.
        detached = {name: value.detach() for name, value in metrics.items()}
        self._measured[split].append((batch[1].numel() if share else 0, detached))
        return metrics["loss"]

    def _report(self, split: str) -> None:
        """Log the mean of every metric over the targets that the epoch has seen, on all devices together."""
        batches = self._measured.pop(split, [])
        if not batches:
            return
        counts = torch.tensor([count for count, _ in batches], dtype=torch.float32, device=self.device)
        names = list(batches[0][1])
        values = torch.stack([torch.stack([metrics[name] for name in names]) for _, metrics in batches])
        sums = torch.cat([counts @ values.float(), counts.sum()[None]])  # (metrics + 1,)
        sums = self.trainer.strategy.reduce(sums, reduce_op="sum")
        means = sums[:-1] / sums[-1]
        self.log_dict(
            {f"{name}/{split}": mean for name, mean in zip(names, means, strict=True)}, prog_bar=True
        )

    def optimizer_settings(self) -> dict[str, str]:
        """The class of the optimizer and its arguments, as text, e.g. {"optim": "SGD", "lr": "0.1"}."""
        make, arguments = self._make_optimizer, {}
        while isinstance(make, partial):
            make, arguments = make.func, make.keywords | arguments
        return {"optim": make.__name__} | {key: str(value) for key, value in arguments.items()}

    def configure_optimizers(self):
        optimizer = self._make_optimizer(self.parameters())
        if self._make_scheduler is None:
            return optimizer
        make = self._make_scheduler
        if "total_steps" in getattr(make, "keywords", {}) and make.keywords["total_steps"] is None:
            make = partial(make, total_steps=int(self.trainer.estimated_stepping_batches))
        schedule = {"scheduler": make(optimizer), "interval": self._interval, "monitor": "loss/val"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def on_save_checkpoint(self, checkpoint):
        checkpoint["model"] = type(self).__name__  # so that resuming can refuse the weights of another model
        checkpoint["optimizer"] = self.optimizer_settings()
        checkpoint["history"] = self.history
        checkpoint["so_far"] = self.so_far()
        data = getattr(self._trainer, "datamodule", None)  # none where bare loaders were given
        if hasattr(data, "metadata"):
            checkpoint["metadata"] = data.metadata()  # so that the weights can be used without the data

    def on_load_checkpoint(self, checkpoint):
        self.history = list(checkpoint.get("history", []))
        self._resumed = checkpoint.get("so_far", {})


def _share(loaders, batch_idx: int, dataloader_idx: int = 0) -> float:
    """How much of the batch is this device's, relative to an equal part; foreign loaders cut equal ones."""
    loader = loaders[dataloader_idx] if isinstance(loaders, list) else loaders
    return loader.share(batch_idx) if hasattr(loader, "share") else 1.0
