"""Images: what the network reads, what its first weights look for, and what its layers make of a digit."""

import math

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from torch import Tensor

from intro_dl.tasks import Classifier, Task
from intro_dl.visualize.callback import (
    Look,
    class_names,
    is_image,
    is_text,
    network_inputs,
    recorded_outputs,
)
from intro_dl.visualize.style import AMOUNTS, SIGNED, evenly, image_pixels, mosaic, new_figure, short


class SampleInputs(Look):
    """The first training examples with their labels: images as augmented, or the beginning of the text.

    Args:
        count: how many images.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, count: int = 30, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.count = count

    def look(self, model, data, board):
        inputs, targets = data.splits["train"]
        if is_text(data):
            board.text("inputs/training_text", data.decode(inputs[:500]))
        elif is_image(data) and "num_classes" in data.dims:
            images, labels = data.augment_batch(inputs[: self.count]), targets[: self.count]
            names = [short(class_names(data)[label]) for label in labels]
            board.figure("inputs/training_images", draw_images(images, names, "training images"))


def draw_images(images: Tensor, names: list[str], title: str) -> Figure:
    """Images (N, C, H, W) of uint8, each below its name."""
    columns, side = (10, 0.75) if max(map(len, names), default=1) < 8 else (6, 1.3)
    return mosaic([image_pixels(image) for image in images], names, title, columns, side)


class Filters(Look):
    """The weights that touch the image: a convolution's kernels, or what each unit of a linear map looks for.

    For `model=softmax` these are the ten weight images of lecture 001.

    Args:
        count: at most so many kernels or units.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, count: int = 40, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.count = count

    def look(self, model, data, board):
        found = first_weights(model, data.dims["in_shape"]) if is_image(data) else None
        if found is None:
            return
        name, weights = found
        total, weights = len(weights), weights[: self.count].float().cpu()
        one_per_class = (
            total == data.dims.get("num_classes") and weights.shape[-2:] == data.dims["in_shape"][1:]
        )
        names = class_names(data) if one_per_class else [str(number) for number in range(len(weights))]
        shown = f"{len(weights)} of {total}" if len(weights) < total else f"{total}"
        what = "weight image of each class" if one_per_class else f"first weights: {shown}"
        title = f"{what}, {name}, {board.moment}"
        board.figure("weights/first_layer", draw_weights(weights, names, title))


def first_weights(model: Task, in_shape: tuple[int, int, int]) -> tuple[str, Tensor] | None:
    """The first weights that read the image: their name, and they as images (M, C, H, W); or None."""
    for name, weights in model.named_parameters():
        if weights.ndim == 4 and weights.shape[1] == in_shape[0]:
            return name, weights
        if 1 <= weights.ndim <= 2 and weights.shape[-1] == math.prod(in_shape):
            return name, weights.reshape(-1, *in_shape)
    return None


def draw_weights(weights: Tensor, names: list[str], title: str) -> Figure:
    """Weights (M, C, h, w): of one channel with their signs, of three as colors around grey.

    All share one scale, so that a faint picture is a small weight.
    """
    largest, names = float(weights.abs().max()) or 1.0, [short(name) for name in names]
    if weights.shape[1] == 3:
        shown = (0.5 + 0.5 * weights / largest).permute(0, 2, 3, 1)
        return mosaic([image.numpy() for image in shown], names, title)
    signed = {"cmap": SIGNED, "vmin": -largest, "vmax": largest, "colorbar": "weight"}
    return mosaic([image.mean(dim=0).numpy() for image in weights], names, title, **signed)


class FeatureMaps(Look):
    """What the convolutions make of one validation image: a row of maps for each layer.

    Args:
        layers: at most so many rows, evenly spread over the depth.
        maps: at most so many maps of a layer.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, layers: int = 6, maps: int = 12, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.layers, self.maps = layers, maps

    def look(self, model, data, board):
        if not is_image(data) or not isinstance(model, Classifier):
            return
        images, labels = data.splits["val"]
        with recorded_outputs(model) as outputs:
            model(network_inputs(model, data, images[:1]))
        rows = evenly(convolution_outputs(model, outputs), self.layers)
        if rows:
            title = f"feature maps of a {class_names(data)[labels[0]]}, {board.moment}"
            board.figure("feature_maps/one_image", draw_feature_maps(images[0], rows, self.maps, title))


def convolution_outputs(model: Task, outputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
    """For each convolution, its maps (C, H, W) after the norm, activation and pooling that follow it."""
    rows: list[tuple[str, Tensor]] = []
    for name, output in outputs.items():
        part = model.get_submodule(name)
        kind = type(part).__name__
        if output.ndim != 4 or "Pad" in kind:
            continue
        if isinstance(part, torch.nn.Conv2d):
            rows.append((name, output[0].float().cpu()))
        elif rows:
            rows[-1] = (rows[-1][0], output[0].float().cpu())
    return rows


def draw_feature_maps(image: Tensor, rows: list[tuple[str, Tensor]], most: int, title: str) -> Figure:
    """The image (C, H, W), and below it a row for each (name, maps (M, H, W)) on its own scale."""
    columns = min(most, max(len(maps) for _, maps in rows))
    side = 0.85
    figure = new_figure(columns * side + 1.9, (len(rows) + 1) * side + 0.4)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    places = figure.add_gridspec(len(rows) + 1, columns + 1, width_ratios=[1.7, *[side] * columns])
    _little(figure, places[0, 1]).imshow(image_pixels(image))
    _write(figure, places[0, 0], "the input")
    for row, (name, maps) in enumerate(rows, start=1):
        low, high = float(maps.min()), float(maps.max())
        for column, each in enumerate(maps[:columns], start=1):
            _little(figure, places[row, column]).imshow(each.numpy(), cmap=AMOUNTS, vmin=low, vmax=high)
        count, height, width = maps.shape
        shown = f"{columns} of " if count > columns else ""
        _write(
            figure,
            places[row, 0],
            f"{name}\n{shown}{count} maps\n{height}×{width}\n{low:.2g} to {high:.2g}",
        )
    return figure


def _little(figure: Figure, place: SubplotSpec) -> Axes:
    axes = figure.add_subplot(place)
    axes.set_axis_off()
    return axes


def _write(figure: Figure, place: SubplotSpec, text: str) -> None:
    _little(figure, place).text(0, 0.5, text, va="center", fontsize="small")
