"""The base of all visualizing callbacks: draw at set times, on one device, and change nothing."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.seed import isolate_rng
from tensorboard.compat.proto.summary_pb2 import Summary  # pyrefly: ignore[missing-module-attribute]
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Task
from intro_dl.visualize.style import pixels, png


@dataclass
class Writer:
    """TensorBoard at one step of a run.

    Args:
        summary: TensorBoard's own writer, e.g. for histograms.
        step: optimizer steps so far, the horizontal axis of the curves.
        epoch: finished epochs; 0 before the first.
    """

    summary: SummaryWriter
    step: int
    epoch: int

    @property
    def moment(self) -> str:
        """The time in words, for a title."""
        return f"after epoch {self.epoch}" if self.epoch else "before training"

    def figure(self, tag: str, figure: Figure | Image.Image) -> None:
        """Show a figure on the page IMAGES."""
        add_picture(self.summary, tag, pixels(figure), self.step)

    def text(self, tag: str, text: str) -> None:
        """Show a text on the page TEXT, with its line breaks and spaces."""
        lines = text.replace("\r", "\n").split("\n")
        self.summary.add_text(tag, "\n".join(f"    {line}" for line in lines), self.step)  # Markdown for code


@dataclass(kw_only=True, eq=False)
class Visualizer(pl.Callback):
    """Draw something about a model into TensorBoard. Abstract: a subclass defines `draw`.

    The training stays the same to the last bit: random numbers, the modes of the layers and gradients are
    restored. Only the first of several devices draws. An error in `draw` becomes a warning and does not
    end the run.

    Args:
        every_n_epochs: draw before the first epoch, after every n-th epoch and at the end; None draws only
            at the end.
    """

    every_n_epochs: int | None = None

    def __post_init__(self) -> None:
        self._latest_step: int | None = None
        if self.every_n_epochs is not None and self.every_n_epochs < 1:
            raise ValueError(
                f"Invalid every_n_epochs={self.every_n_epochs}: choose an integer of at least 1, "
                "or null to draw only at the end."
            )

    def draw(self, model: Task, data: TensorData, writer: Writer) -> None:
        """Draw one thing about `model`, which is in eval mode; it may use random numbers."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(model, data, writer)")

    def on_train_start(self, trainer, pl_module):
        if self.every_n_epochs and trainer.global_step == 0:
            self._draw_safely(trainer, pl_module, epoch=0)

    def on_train_epoch_end(self, trainer, pl_module):
        epoch = trainer.current_epoch + 1
        if self.every_n_epochs and epoch % self.every_n_epochs == 0:
            self._draw_safely(trainer, pl_module, epoch)

    def on_train_end(self, trainer, pl_module):
        if trainer.global_step != self._latest_step:
            self._draw_safely(trainer, pl_module, len(getattr(pl_module, "history", [])))

    def _draw_safely(self, trainer: pl.Trainer, model: pl.LightningModule, epoch: int) -> None:
        loggers = [each for each in trainer.loggers if isinstance(each, TensorBoardLogger)]
        data = getattr(trainer, "datamodule", None)
        known = isinstance(model, Task) and isinstance(data, TensorData)
        if not trainer.is_global_zero or not known or not loggers:
            return
        self._latest_step = trainer.global_step
        writer = Writer(loggers[0].experiment, trainer.global_step, epoch)
        autocast = trainer.precision_plugin.forward_context()
        try:
            with isolate_rng(), evaluating(model), torch.no_grad(), autocast:
                self.draw(model, data, writer)
        except Exception as error:
            warnings.warn(
                f"{type(self).__name__} could not draw {type(model).__name__}: "
                f"{type(error).__name__}: {error}. The training is not affected.",
                stacklevel=2,
            )


def add_picture(summary: SummaryWriter, tag: str, drawn: np.ndarray, step: int = 0) -> None:
    """Write pixels (H, W, 3) into TensorBoard. Its own `add_image` takes three times as long."""
    height, width, channels = drawn.shape
    image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png(drawn))
    value = Summary.Value(tag=tag, image=image)
    writer = summary._get_file_writer()
    writer.add_summary(Summary(value=[value]), step)  # pyrefly: ignore[missing-attribute]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put every layer into eval mode, and restore the mode of each layer afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def network_inputs(model: Task, data: TensorData, inputs: Tensor) -> Tensor:
    """Return what the model reads of stored inputs (B, ...), on the model's device."""
    return data.transform(inputs.to(model.device))


def outputs_of(model: Task, data: TensorData, inputs: Tensor, batch_size: int = 500) -> Tensor:
    """Return the model's outputs (N, ...) of stored inputs (N, ...): float32, on the CPU."""
    parts = [model(network_inputs(model, data, batch)).float().cpu() for batch in inputs.split(batch_size)]
    return torch.cat(parts)
