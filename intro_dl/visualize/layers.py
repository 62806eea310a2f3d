"""Layer by layer: how large the weights, the activations and the gradients are, and whether they vanish."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Task
from intro_dl.visualize.callback import Look, is_text, network_inputs, recorded_outputs
from intro_dl.visualize.style import COLORS, evenly, new_figure

MOST_LAYERS = 24  # in the picture; TensorBoard's own histograms have all
MOST_VALUES = 100_000  # of one tensor: enough for a histogram
LEVELS = (5, 25, 50, 75, 95)  # percent


class Histograms(Look):
    """Histograms of every layer's weights, activations and gradients, and a picture of them over the depth.

    The gradient is that of the loss on the same training examples each time, the layers in eval mode; its
    sizes over the depth are the picture of the vanishing gradient (lecture 004, after Glorot and Bengio
    2010): compare `model=mlp model.hidden=[200,100,60,30]` with `model.activation=sigmoid` and `relu`.

    Args:
        examples: how many of the training split; of a text, characters.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, examples: int = 256, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.examples = examples

    def look(self, model, data, board):
        weights, activations, gradients = measure(model, first_batch(model, data, self.examples))
        groups = {"weights": weights, "activations": activations, "gradients": gradients}
        for group, values in groups.items():
            for name, tensor in values.items():
                finite = tensor[tensor.isfinite()]
                if len(finite):
                    board.writer.add_histogram(f"{group}/{name}", finite, board.step)
        matrices = [name for name, weight in model.named_parameters() if weight.ndim >= 2]
        title = f"{board.moment}: from the input (left) to the output (right)"
        gradients = {name: gradients[name] for name in evenly(matrices, MOST_LAYERS) if name in gradients}
        shown = {name: activations[name] for name in evenly(list(activations), MOST_LAYERS)}
        if gradients:
            board.figure("gradients/by_layer", draw_layers(gradients, shown, title))


def first_batch(model: Task, data: TensorData, examples: int, split: str = "train") -> tuple[Tensor, Tensor]:
    """The first examples of a split as the model reads them; of a text, windows of at most 64 characters."""
    inputs, targets = (part[:examples] for part in data.splits[split])
    if is_text(data):
        length = min(64, len(inputs))
        whole = len(inputs) // length * length
        inputs, targets = inputs[:whole].view(-1, length), targets[:whole].view(-1, length)
    return network_inputs(model, data, inputs), targets.to(model.device)


def measure(
    model: Task, batch: tuple[Tensor, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Weights, activations and gradients of the loss by name, each flat; `.grad` is left as it is."""
    parameters = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    # The fast recurrent layers of a GPU cannot go backwards in eval mode.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False), recorded_outputs(model) as outputs:
        loss = model.metrics(batch)["loss"]
        gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    computed = dict(zip(parameters, gradients, strict=True))
    return (
        {name: flat(weight) for name, weight in model.named_parameters()},
        {name: flat(output) for name, output in outputs.items()},
        {name: flat(gradient) for name, gradient in computed.items() if gradient is not None},
    )


def flat(tensor: Tensor) -> Tensor:
    """The values in a row, on the CPU; of more than MOST_VALUES, as many drawn at random."""
    values = tensor.detach().flatten()
    if len(values) > MOST_VALUES:
        values = values[torch.randint(len(values), (MOST_VALUES,), device=values.device)]
    return values.float().cpu()


def draw_layers(gradients: dict[str, Tensor], activations: dict[str, Tensor], title: str) -> Figure:
    """Two pictures: the sizes of each weight matrix's gradients, in powers of ten; each layer's activations.

    A bar spans the middle 90 % of the values, a thick one the middle half, and the dot is the median.
    """
    widest = max(len(gradients), len(activations))
    figure = new_figure(min(max(0.55 * widest + 3, 6), 14), 7)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    above, below = figure.subplots(2, 1)
    sizes = {name: values.abs() for name, values in gradients.items() if values.any()}
    _bars(above, {name: size[size > 0] for name, size in sizes.items()}, COLORS[0])
    for place, size in enumerate(sizes.values()):
        zero = float((size == 0).float().mean())  # e.g. of relu units that are off for all examples
        if zero > 0.01:
            where = {"xycoords": above.get_xaxis_transform(), "ha": "center", "fontsize": "x-small"}
            above.annotate(f"and {zero:.0%} zeros", (place, 0.02), **where)
    above.set_yscale("log")
    low, high = above.get_ylim()
    above.set_ylim(min(low, 1e-6), max(high, 1.0))  # the same for most networks, to be compared
    above.yaxis.set_major_formatter(lambda size, _: f"{size:g}")
    above.yaxis.set_minor_formatter(lambda size, _: "")
    above.set_ylabel("size of the gradient")
    above.set_title("gradient of the loss with respect to each weight", loc="left", fontsize="small")
    if activations:
        _bars(below, activations, COLORS[5])
        below.set_ylabel("activation")
        below.set_title("output of each layer", loc="left", fontsize="small")
    else:
        below.set_axis_off()
    return figure


def _bars(axes, values: dict[str, Tensor], color: str) -> None:
    for place, tensor in enumerate(values.values()):
        low, quarter, median, three_quarters, high = np.percentile(tensor.numpy(), LEVELS)
        axes.plot([place, place], [low, high], color=color, lw=1.5)
        axes.plot(
            [place, place], [quarter, three_quarters], color=color, lw=7, alpha=0.5, solid_capstyle="butt"
        )
        axes.plot(place, median, "o", color="black", ms=4)
    names = [name.removesuffix(".weight") for name in values]
    axes.set_xticks(
        range(len(names)), names, rotation=30 if len(names) < 9 else 90, ha="right", fontsize="small"
    )
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(alpha=0.3, axis="y")
