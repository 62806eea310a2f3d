"""Where a training stopped computing with numbers: which layer broke first, and what is left of the run."""

import math
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from intro_dl.runs.files import shown_path
from intro_dl.runs.result import Status
from intro_dl.tasks import LanguageModel, Task
from intro_dl.visualize.callback import recorded_outputs


class Diverged(ValueError):
    """The loss stopped being a finite number."""

    status = Status.DIVERGED
    diagnosis: list[dict[str, str]] | None = None  # of the doctor


class StopWhenNotFinite(pl.Callback):
    """End the run when the loss is NaN or infinite; say at which step, and which layer broke first.

    Looking at a loss makes a GPU wait, so there it happens once in `every` steps, unless the doctor asks for
    each one. The step named is exact all the same; the layer can be named only before the next step is taken.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every
        self.unchecked = []  # losses of the latest steps
        self.batch = None  # of the running step

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.batch = batch

    def on_before_backward(self, trainer, module, loss):
        if not self._at_once(module):
            return
        value = trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean").item()  # of all devices
        if not math.isfinite(value):
            step = trainer.global_step + 1
            with trainer.precision_plugin.forward_context():
                broken = first_broken(module, self.batch, step)
            self._stop(trainer, f"The training loss became {value} at step {step}", broken)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self._at_once(module):
            return
        self.unchecked.append(outputs["loss"].detach())
        if len(self.unchecked) == self.every:
            self._check(trainer)

    def on_train_epoch_end(self, trainer, module):
        self._check(trainer)

    def on_validation_end(self, trainer, module):
        self._check(trainer)
        loss, step = float(trainer.callback_metrics.get("loss/val", 0.0)), trainer.global_step
        if not math.isfinite(loss):
            broken = first_broken(module, self.batch, step + 1)
            self._stop(trainer, f"The validation loss became {loss} after step {step}", broken)

    def _at_once(self, module) -> bool:
        return module.device.type == "cpu" or self.every == 1

    def _check(self, trainer):
        if not self.unchecked:
            return
        # Of the whole batches: so all devices agree.
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
            f"{what} (epoch {trainer.current_epoch + 1}). {broken} The usual cause is too large a learning "
            f"rate: it was {rate:g}; try optim.lr={smaller(rate):g}"
            f"{', or trainer.gradient_clip_val=1' if clip else ''}. {what_is_kept(trainer)}"
        )


def smaller(rate: float) -> float:
    """The learning rate to try after one that was too large."""
    return min(rate / 10, 0.1)


def first_broken(model: Task, batch: tuple[Tensor, Tensor], step: int) -> str:
    """A sentence about the first thing that is not finite, in the order in which it was computed.

    Args:
        model: with the weights that gave the loss.
        batch: the inputs and targets that it was the loss of.
        step: the optimizer step that the loss was computed for.
    """
    for name, part in zip(("inputs", "targets"), batch, strict=True):
        if part.is_floating_point() and not part.isfinite().all():
            return f"The {name} of this batch are not finite themselves: look at the data."
    # Back-propagation goes from the last layer to the first, so the last broken one was the first to break.
    broken = [name for name, weight in model.named_parameters() if not weight.isfinite().all()]
    if broken:
        return (
            f"Layer {layer_name(model, broken[-1])} broke first: its gradient made weights infinite in "
            f"step {step - 1}."
        )
    with torch.no_grad(), recorded_outputs(model) as outputs:
        model.metrics(batch)
    for name, output in outputs.items():
        if output.is_floating_point() and not output.isfinite().all():
            return f"Layer {layer_name(model, name)} broke first: its output is not finite."
    return "Every layer's output is finite, so the loss itself broke."


def layer_name(model: nn.Module, name: str) -> str:
    """A part of the model, or the one that has the parameter: "features.0.weight" -> features.0 (Linear)."""
    parts = dict(model.named_modules())
    place = name if name in parts else name.rpartition(".")[0]
    return f"{place} ({type(parts[place]).__name__})" if place else name  # a parameter of the model itself


def what_is_kept(trainer: pl.Trainer) -> str:
    """A sentence about the weights that the finished epochs have left on disk."""
    folder = getattr(trainer.checkpoint_callback, "dirpath", None)
    saved = [name for name in ("best.ckpt", "last.ckpt") if folder and (Path(folder) / name).is_file()]
    if not saved:
        return "No epoch was finished, so there are no weights to keep."
    return f"The weights of the finished epochs are kept in {shown_path(folder)}: {' and '.join(saved)}."
