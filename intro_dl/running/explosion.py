"""Where a training stopped computing with numbers: which layer broke first, and what is left of the run."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from intro_dl.look_inside.look import recorded_outputs
from intro_dl.running.results import shown_path
from intro_dl.tasks import Task


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
