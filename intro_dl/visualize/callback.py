"""How a callback looks at a model: at set times, from one device, leaving everything as it was."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Task
from intro_dl.visualize.style import pixels


@dataclass
class Board:
    """TensorBoard at one moment of a run.

    Args:
        writer: where pictures, texts and histograms go.
        step: optimizer steps so far, the horizontal axis of the curves.
        epoch: finished epochs; 0 before the first.
    """

    writer: SummaryWriter
    step: int
    epoch: int

    @property
    def moment(self) -> str:
        """When this is, for a title."""
        return f"after epoch {self.epoch}" if self.epoch else "before training"

    def figure(self, tag: str, figure: Figure) -> None:
        """Show a figure on the page IMAGES."""
        self.writer.add_image(tag, pixels(figure), self.step, dataformats="HWC")

    def text(self, tag: str, text: str) -> None:
        """Show a text on the page TEXT, each of its lines and spaces as it is."""
        lines = text.replace("\r", "\n").split("\n")
        self.writer.add_text(tag, "\n".join(f"    {line}" for line in lines), self.step)  # Markdown for code


class Look(pl.Callback):
    """Look at a model, and put what is seen into TensorBoard. Abstract: a callback defines `look`.

    What is learned stays the same to the last bit: the random numbers, the layers' modes and the gradients
    are as they were before. Only the first of several devices looks. A look that fails costs a warning, not
    the run.

    Args:
        every_n_epochs: look before the first epoch and after every n-th one, and when training has ended;
            None looks only then.
    """

    def __init__(self, every_n_epochs: int | None = None) -> None:
        if every_n_epochs is not None and every_n_epochs < 1:
            raise ValueError(
                f"every_n_epochs={every_n_epochs} is too few: take 1 or more, or null for the end only."
            )
        self.every_n_epochs = every_n_epochs
        self._latest_step = None

    def look(self, model: Task, data: TensorData, board: Board) -> None:
        """Show one thing about `model`, which is in eval mode; random numbers may be drawn."""
        raise NotImplementedError(f"{type(self).__name__} must define look(model, data, board)")

    def on_train_start(self, trainer, module):
        if self.every_n_epochs and trainer.global_step == 0:
            self._look(trainer, module, epoch=0)

    def on_train_epoch_end(self, trainer, module):
        epoch = trainer.current_epoch + 1
        if self.every_n_epochs and epoch % self.every_n_epochs == 0:
            self._look(trainer, module, epoch)

    def on_train_end(self, trainer, module):
        if trainer.global_step != self._latest_step:
            self._look(trainer, module, len(getattr(module, "history", [])))

    def _look(self, trainer, module, epoch):
        logger, data = trainer.logger, trainer.datamodule
        known = isinstance(module, Task) and isinstance(data, TensorData)
        if not trainer.is_global_zero or not known or not isinstance(logger, TensorBoardLogger):
            return
        self._latest_step = trainer.global_step
        board = Board(logger.experiment, trainer.global_step, epoch)
        autocast = trainer.precision_plugin.forward_context()
        try:
            with isolate_rng(), evaluating(module), torch.no_grad(), autocast:
                self.look(module, data, board)
        except Exception as error:
            warnings.warn(
                f"{type(self).__name__} could not look at {type(module).__name__}: "
                f"{type(error).__name__}: {error}. The training is not affected.",
                stacklevel=2,
            )


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put every layer into eval mode, and afterwards each into the mode it was in."""
    modes = {part: part.training for part in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


def is_image(data: TensorData) -> bool:
    """Whether the inputs are images (C, H, W)."""
    return len(data.dims.get("in_shape", ())) == 3


def is_plane(data: TensorData) -> bool:
    """Whether the inputs are points in the plane."""
    return tuple(data.dims.get("in_shape", ())) == (2,)


def is_text(data: TensorData) -> bool:
    """Whether the inputs are characters."""
    return "vocab_size" in data.dims


def class_names(data: TensorData) -> list[str]:
    """What the K classes are called."""
    names = list(getattr(data, "CLASSES", ()))
    count = data.dims["num_classes"]
    return names if len(names) == count else [str(number) for number in range(count)]


def network_inputs(model: Task, data: TensorData, inputs: Tensor) -> Tensor:
    """What the model reads of stored inputs (B, ...), on the model's device."""
    return data.transform(inputs.to(model.device))


def outputs_on(model: Task, data: TensorData, inputs: Tensor, batch_size: int = 500) -> Tensor:
    """The model's outputs (N, ...) of stored inputs (N, ...), batch by batch; on the CPU, float32."""
    parts = [model(network_inputs(model, data, batch)).float().cpu() for batch in inputs.split(batch_size)]
    return torch.cat(parts)


@contextmanager
def recorded_outputs(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """The tensors that the parts without parts of their own put out, by name, in the order of execution."""
    outputs: dict[str, Tensor] = {}

    def record(name):
        def hook(part, inputs, output):
            output = output[0] if isinstance(output, tuple) else output  # nn.LSTM gives its state, too
            if isinstance(output, Tensor):
                outputs.pop(name, None)  # run twice: the place of its last time
                outputs[name] = output

        return hook

    leaves = [(name, part) for name, part in model.named_modules() if name and not list(part.children())]
    handles = [part.register_forward_hook(record(name)) for name, part in leaves]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
