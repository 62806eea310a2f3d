"""Means over an epoch, the history of a run, and the state of an epoch that was interrupted."""

import time
from collections import defaultdict
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor


class Epoch(pl.Callback):
    """Collect what batches measure, and log the means when the epoch ends.

    A mean is weighted by what `Task.count` counts in each batch, over all devices, so it is exact for a
    metric that is itself a mean. Metrics stay on the device until then: the loop does not sum, log or wait.

    `states` keeps what one batch passes to the next, e.g. a recurrent state, by split.
    """

    def __init__(self) -> None:
        self.states: dict[str, Any] = {}
        # by split and batch: the weight of the loss, other weights by metric, and the metrics
        self._measured: dict[str, list[tuple[int, dict[str, int], dict[str, Tensor]]]] = defaultdict(list)
        self._new: set[str] = set()  # names measured in this epoch; Lightning also keeps older values
        self._saved: dict[str, Any] = {}  # from a checkpoint, until training starts
        self._start = time.perf_counter()

    def add(
        self, split: str, metrics: dict[str, Tensor], count: int, counts: dict[str, int] | None = None
    ) -> Tensor:
        """Add the metrics of a batch with `count` targets, and return its loss.

        `counts` has the weight of metrics that do not have the weight `count`; it is not saved.
        """
        values = {name: value.detach() for name, value in metrics.items()}
        self._measured[split].append((count, counts or {}, values))
        return metrics["loss"]

    def on_train_start(self, trainer, module):
        saved, self._saved = self._saved, {}
        self._start = time.perf_counter() - saved.get("seconds", 0.0)
        names, counts = saved.get("metrics", {}), saved.get("counts", [])
        rows = zip(*(values.to(module.device) for values in names.values()), strict=True)
        self._measured.clear()
        self._measured["train"] = [
            (count, {}, dict(zip(names, row, strict=True))) for count, row in zip(counts, rows, strict=True)
        ]
        self.states.clear()
        if (state := saved.get("state")) is not None:
            tensors = isinstance(state, tuple)
            self.states["train"] = (
                tuple(part.to(module.device) for part in state) if tensors else state.to(module.device)
            )

    def on_validation_epoch_start(self, trainer, module):
        self.states.pop("val", None)
        self.states.pop("test", None)

    def on_test_epoch_start(self, trainer, module):
        self.states.pop("test", None)

    def on_validation_epoch_end(self, trainer, module):
        self._log_means("val", trainer, module)
        self._log_means("test", trainer, module)

    def on_test_epoch_end(self, trainer, module):
        self._log_means("test", trainer, module)

    def on_train_epoch_end(self, trainer, module):
        self._log_means("train", trainer, module)
        self.states.pop("train", None)
        now = time.perf_counter()
        measured = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name in self._new or not name.endswith(("/val", "/test"))
        }
        self._new.clear()
        module.history.append({"epoch": trainer.current_epoch, **measured, "seconds": now - self._start})
        self._start = now
        # Lightning would do this after the checkpoint is written: a resumed run would lack the step.
        for schedule in trainer.lr_scheduler_configs:
            if schedule.reduce_on_plateau and schedule.monitor in measured:
                schedule.scheduler.step(measured[schedule.monitor])

    def on_save_checkpoint(self, trainer, module, checkpoint):
        batches = self._measured.get("train", [])
        names = batches[0][2] if batches else ()
        checkpoint["history"] = module.history
        checkpoint["epoch_so_far"] = {
            "seconds": time.perf_counter() - self._start,
            "counts": [count for count, _, _ in batches],
            "metrics": {name: torch.stack([metrics[name] for _, _, metrics in batches]) for name in names},
            "state": self.states.get("train"),
        }

    def on_load_checkpoint(self, trainer, module, checkpoint):
        module.history = list(checkpoint.get("history", []))
        self._saved = checkpoint.get("epoch_so_far", {})

    def _log_means(self, split: str, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        batches = self._measured.pop(split, [])
        if not batches:
            return
        names = list(batches[0][2])
        weights = [[counts.get(name, count) for name in names] for count, counts, _ in batches]
        counts = torch.tensor(weights, dtype=torch.float32, device=module.device)  # (batches, metrics)
        values = torch.stack([torch.stack([metrics[name] for name in names]) for _, _, metrics in batches])
        sums = torch.stack([(counts * values.float()).sum(dim=0), counts.sum(dim=0)])  # (2, metrics)
        sums = trainer.strategy.reduce(sums, reduce_op="sum")
        means = sums[0] / sums[1]
        self._new.update(f"{name}/{split}" for name in names)
        module.log_dict(
            {f"{name}/{split}": mean for name, mean in zip(names, means, strict=True)}, prog_bar=True
        )
