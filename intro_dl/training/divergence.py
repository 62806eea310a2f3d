"""Stop a run whose loss is not finite: name the step, the layer that broke first, and the saved weights."""

import math
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from intro_dl.runs.files import shown_path
from intro_dl.runs.result import Status
from intro_dl.tasks import LanguageModel, Task
from intro_dl.visualize.recorder import layer_name, record_outputs


class Diverged(ValueError):
    """Report a loss that is not finite."""

    status = Status.DIVERGED
    diagnosis: list[dict[str, str]] | None = None  # set by the doctor


class StopWhenNotFinite(pl.Callback):
    """End the run when the loss is NaN or infinite; name the step and the layer that broke first.

    To read a loss, the CPU must wait for the GPU. On a GPU this happens once in `every` steps, or at each
    step with the doctor. The reported step is exact in both cases; the layer can be named only before the
    next step.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every
        self.unchecked: list[Tensor] = []  # losses of the latest steps
        self.batch: tuple[Tensor, Tensor] | None = None  # batch of the current step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.batch = batch

    def on_before_backward(self, trainer, pl_module, loss):
        if not self._at_once(pl_module):
            return
        value = trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean").item()  # mean of all devices
        if not math.isfinite(value):
            step = trainer.global_step + 1
            with trainer.precision_plugin.forward_context():
                broken = first_broken(pl_module, self.batch, step)
            self._stop(trainer, f"The training loss became {value} at step {step}", broken)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if self._at_once(pl_module):
            return
        self.unchecked.append(outputs["loss"].detach())
        if len(self.unchecked) == self.every:
            self._check(trainer)

    def on_train_epoch_end(self, trainer, pl_module):
        self._check(trainer)

    def on_validation_end(self, trainer, pl_module):
        self._check(trainer)
        loss, step = float(trainer.callback_metrics.get("loss/val", 0.0)), trainer.global_step
        if not math.isfinite(loss):
            broken = first_broken(pl_module, self.batch, step + 1)
            self._stop(trainer, f"The validation loss became {loss} after step {step}", broken)

    def _at_once(self, model) -> bool:
        return model.device.type == "cpu" or self.every == 1

    def _check(self, trainer):
        if not self.unchecked:
            return
        # The mean over all devices, so that all of them stop at the same step.
        losses = trainer.strategy.reduce(torch.stack(self.unchecked), reduce_op="mean")
        self.unchecked = []
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            first = int(bad[0])
            step = trainer.global_step - len(losses) + 1 + first
            what = f"The training loss became {losses[first].item()} at step {step}"
            self._stop(trainer, what, "callbacks=doctor names the layer that broke first.")

    def _stop(self, trainer, what, broken):
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        clip = isinstance(trainer.lightning_module, LanguageModel) and trainer.gradient_clip_val is None
        raise Diverged(
            f"{what} (epoch {trainer.current_epoch + 1}). {broken} The usual cause is a learning rate "
            f"that is too large (it was {rate:g}): try optim.lr={smaller(rate):g}"
            f"{', or trainer.gradient_clip_val=1' if clip else ''}. {saved_weights(trainer)}"
        )


def smaller(rate: float) -> float:
    """Return the learning rate to try after one that was too large."""
    return min(rate / 10, 0.1)


def first_broken(model: Task, batch: tuple[Tensor, Tensor] | None, step: int) -> str:
    """Describe the first thing that is not finite, in the order of computation.

    Args:
        model: the model with the weights that gave the loss.
        batch: the inputs and targets that gave the loss.
        step: the optimizer step that gave the loss.
    """
    for name, part in zip(("inputs", "targets"), batch or (), strict=False):
        if part.is_floating_point() and not part.isfinite().all():
            return f"The {name} of this batch are not finite: look at the data."
    # Back-propagation goes from the last layer to the first, so the last broken one was the first to break.
    broken = [name for name, weight in model.named_parameters() if not weight.isfinite().all()]
    if broken:
        layer = layer_name(model, broken[-1])
        return f"Layer {layer} broke first: its gradient made weights infinite in step {step - 1}."
    if batch is not None:
        with torch.no_grad(), record_outputs(model) as calls:
            model.metrics(batch)
        for name, output in calls:
            if output.is_floating_point() and not output.isfinite().all():
                return f"Layer {layer_name(model, name)} broke first: its output is not finite."
    return "The output of every layer is finite: the error is in the loss itself."


def saved_weights(trainer: pl.Trainer) -> str:
    """Name the weights of the finished epochs on disk."""
    folder = getattr(trainer.checkpoint_callback, "dirpath", None)
    saved = [name for name in ("best.ckpt", "last.ckpt") if folder and (Path(folder) / name).is_file()]
    if not folder or not saved:
        return "No epoch was finished, so no weights are saved."
    return f"The weights of the finished epochs are saved in {shown_path(folder)}: {' and '.join(saved)}."
