"""Each layer's weights, activations and gradients: their sizes, and whether the gradients vanish."""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Task
from intro_dl.visualize.callback import Visualizer, network_inputs
from intro_dl.visualize.recorder import layer_name, record_outputs
from intro_dl.visualize.style import COLORS, new_figure, spread

MAX_LAYERS = 24  # in the picture; TensorBoard's own histograms show all
MAX_VALUES = 100_000  # of one tensor: enough for a histogram
LEVELS = (5, 25, 50, 75, 95)  # percentiles

Values = dict[str, Tensor]  # name -> flat tensor on the CPU


@dataclass(kw_only=True, eq=False)
class Histograms(Visualizer):
    """Show histograms of each layer's weights, activations and gradients, and a picture over the depth.

    The gradient is that of the loss on the same training examples each time, in eval mode. Its size over the
    depth is the picture of the vanishing gradient (lecture 004, after Glorot and Bengio 2010): compare
    `model=mlp model.hidden=[200,100,60,30]` with `model.activation=sigmoid` and `relu`.
    """

    examples: int = 256  # of the training split; of a text, characters

    def draw(self, model, data, writer):
        weights, activations, gradients = measure(model, first_batch(model, data, self.examples))
        groups = {"weights": weights, "activations": activations, "gradients": gradients}
        for group, values in groups.items():
            for name, tensor in values.items():
                finite = tensor[tensor.isfinite()]
                if len(finite):
                    writer.summary.add_histogram(f"{group}/{name}", finite, writer.step)
        matrices = [name for name, weight in model.named_parameters() if weight.ndim >= 2]
        sizes = {name: gradients[name].abs() for name in spread(matrices, MAX_LAYERS) if name in gradients}
        outputs = {layer_name(model, name): activations[name] for name in spread([*activations], MAX_LAYERS)}
        if sizes:
            writer.figure("gradients/by_layer", draw_layers(sizes, outputs, writer.moment))


def first_batch(model: Task, data: TensorData, examples: int, split: str = "train") -> tuple[Tensor, Tensor]:
    """Return the first examples of a split as the model reads them; of a text, windows of 64 characters."""
    inputs, targets = (part[:examples] for part in data.splits[split])
    if data.kind == "text":
        length = min(64, len(inputs))
        end = len(inputs) // length * length
        inputs, targets = inputs[:end].view(-1, length), targets[:end].view(-1, length)
    return network_inputs(model, data, inputs), targets.to(model.device)


def measure(model: Task, batch: tuple[Tensor, Tensor]) -> tuple[Values, Values, Values]:
    """Return weights, activations and gradients of the loss; `.grad` stays unchanged."""
    parameters = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    # On a GPU, cuDNN's recurrent layers have no backward pass in eval mode.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False), record_outputs(model) as calls:
        loss = model.metrics(batch)["loss"]
        gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return (
        {name: flat(weight) for name, weight in model.named_parameters()},
        {name: flat(output) for name, output in dict(calls).items()},
        {name: flat(grad) for name, grad in zip(parameters, gradients, strict=True) if grad is not None},
    )


def flat(tensor: Tensor) -> Tensor:
    """Return the values in a row, on the CPU; at most MAX_VALUES, drawn at random."""
    values = tensor.detach().flatten()
    if len(values) > MAX_VALUES:
        values = values[torch.randint(len(values), (MAX_VALUES,), device=values.device)]
    return values.float().cpu()


def draw_layers(gradients: Values, activations: Values, moment: str) -> Figure:
    """Draw the size of each weight matrix's gradient on a log scale, and the activations of each layer."""
    widest = max(len(gradients), len(activations))
    figure = new_figure(min(max(0.55 * widest + 3, 8), 14), 8)
    explained = "line: 90 % of the values, bar: half of them, dot: median"
    figure.suptitle(f"{moment}, input left, output right ({explained})", x=0.01, ha="left", fontsize="medium")
    above, below = figure.subplots(2, 1)
    sizes = {name: size for name, size in gradients.items() if size.any()}
    _bars(above, {name.removesuffix(".weight"): size[size > 0] for name, size in sizes.items()}, COLORS[0])
    for place, size in enumerate(sizes.values()):
        zero = float((size == 0).float().mean())  # e.g. of relu units that are 0 for all examples
        if zero > 0.01:
            where = {"xycoords": above.get_xaxis_transform(), "ha": "center", "fontsize": "x-small"}
            above.annotate(f"and {zero:.0%} zeros", (place, 0.02), **where)
    above.set_yscale("log")
    low, high = above.get_ylim()
    above.set_ylim(min(low, 1e-6), max(high, 1.0))  # the same for most networks, to compare them
    above.yaxis.set_major_formatter(lambda size, _: f"{size:g}")
    above.yaxis.set_minor_formatter(lambda size, _: "")
    above.set_ylabel("absolute value")
    above.set_title("gradient of the loss with respect to each weight matrix", loc="left", fontsize="small")
    if activations:
        _bars(below, activations, COLORS[5])
        below.set_ylabel("activation")
        below.set_title("output of each layer", loc="left", fontsize="small")
    else:
        below.set_axis_off()
    return figure


def _bars(axes: Axes, values: Values, color: str) -> None:
    for place, tensor in enumerate(values.values()):
        low, quarter, median, three_quarters, high = np.percentile(tensor.numpy(), LEVELS)
        axes.plot([place, place], [low, high], color=color, lw=1.5)
        axes.plot(
            [place, place], [quarter, three_quarters], color=color, lw=7, alpha=0.5, solid_capstyle="butt"
        )
        axes.plot(place, median, "o", color="black", ms=4)
    angle, end = (30, "right") if len(values) < 9 else (90, "center")
    axes.set_xticks(range(len(values)), [*values], rotation=angle, ha=end, fontsize="small")
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.grid(alpha=0.3, axis="y")
