"""The layers of a model as a table: `summary=true` prints it, and train.log always has it."""

import torch
from pytorch_lightning.utilities.seed import isolate_rng
from torch import nn

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Adversarial, Task
from intro_dl.visualize.callback import evaluating
from intro_dl.visualize.layers import first_batch
from intro_dl.visualize.recorder import record_calls


def layer_table(model: Task, data: TensorData) -> str:
    """Return a line for each layer, in order of execution: name, type, shape of its output, parameters.

    The shapes are those of one example, or of one character of a text.
    """
    inputs, _ = first_batch(model, data, examples=1)
    with isolate_rng(), evaluating(model), torch.no_grad():
        with record_calls(model, lambda layer, inputs, output: (layer, tuple(output.shape))) as calls:
            model(model.draw(1) if isinstance(model, Adversarial) else inputs)  # both networks of a GAN
    rows = [("layer", "type", "output shape", "parameters")]
    for name, (layer, shape) in dict(calls).items():
        rows.append((name, type(layer).__name__, " x ".join(map(str, shape[1:])), f"{_count(layer):,}"))
    rows.append(("all", type(model).__name__, "", f"{_count(model):,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), f"{row[3]:>10}"])
        for row in rows
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
