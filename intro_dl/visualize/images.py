"""Images: what the model reads, its first weights, and what its layers compute for one image."""

import math
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from intro_dl.tasks import Classifier, Task
from intro_dl.visualize.callback import Visualizer, network_inputs
from intro_dl.visualize.recorder import record_outputs
from intro_dl.visualize.style import SEQUENTIAL, image_pixels, mosaic, new_figure, shorten, spread


@dataclass(kw_only=True, eq=False)
class SampleInputs(Visualizer):
    """Show the first training examples: images with augmentation and labels, or the start of the text."""

    count: int = 30  # images

    def draw(self, model, data, writer):
        inputs, targets = data.splits["train"]
        if data.kind == "text":
            writer.text("inputs/training_text", data.decode(inputs[:500]))
        elif data.kind == "images":
            some = inputs[: self.count]
            images = [image_pixels(image) for image in data.augment_batch(some, torch.arange(len(some)))]
            names = [shorten(data.class_names[label]) for label in targets[: self.count]]
            writer.figure("inputs/training_images", mosaic(images, names, "training images"))


@dataclass(kw_only=True, eq=False)
class Filters(Visualizer):
    """Show the weights that read the image: the kernels of a convolution, or the rows of a weight matrix.

    For `model=softmax` these are the ten weight images of lecture 001.
    """

    count: int = 40  # at most: kernels or rows

    def draw(self, model, data, writer):
        found = first_weights(model, data.dims["in_shape"]) if data.kind == "images" else None
        if found is None:
            return
        name, weights = found
        shown, total = weights[: self.count].float().cpu(), len(weights)
        if total == data.dims["num_classes"] and shown.shape[1:] == data.dims["in_shape"]:
            names, title = list(data.class_names), f"{name}: the weights of each class, {writer.moment}"
        else:
            names = [str(number) for number in range(len(shown))]
            number = f"{len(shown)} of {total}" if len(shown) < total else f"{total}"
            title = f"{name}: the weights of {number} units, {writer.moment}"
        writer.figure("weights/first_layer", draw_weights(shown, names, title))


def first_weights(model: Task, in_shape: tuple[int, int, int]) -> tuple[str, Tensor] | None:
    """Return the name of the first weights that read the image, and the weights as images (M, C, H, W)."""
    for name, weights in model.named_parameters():
        if weights.ndim == 4 and weights.shape[1] == in_shape[0]:
            return name, weights
        if 1 <= weights.ndim <= 2 and weights.shape[-1] == math.prod(in_shape):
            return name, weights.reshape(-1, *in_shape)
    return None


def draw_weights(weights: Tensor, names: list[str], title: str) -> Image.Image:
    """Draw weights (M, C, h, w): three channels as colors around gray, others as signed mean of the channels.

    All share one scale, so a faint picture means small weights.
    """
    largest, names = float(weights.abs().max()) or 1.0, [shorten(name) for name in names]
    if weights.shape[1] == 3:
        shown = (0.5 + 0.5 * weights / largest).permute(0, 2, 3, 1)
        return mosaic([image.numpy() for image in shown], names, title)
    means = [image.mean(dim=0).numpy() for image in weights]
    return mosaic(means, names, title, limit=largest, label="weight")


@dataclass(kw_only=True, eq=False)
class FeatureMaps(Visualizer):
    """Show what the convolutions compute for one validation image: a row of maps for each layer."""

    layers: int = 6  # at most: rows, evenly spread over the depth
    maps: int = 12  # at most: maps of a layer

    def draw(self, model, data, writer):
        if data.kind != "images" or not isinstance(model, Classifier):
            return
        images, labels = data.splits["val"]
        with record_outputs(model) as calls:
            model(network_inputs(model, data, images[:1]))
        rows = spread(convolution_outputs(model, calls), self.layers)
        if rows:
            title = f"feature maps of a validation image ({data.class_names[labels[0]]}), {writer.moment}"
            writer.figure("feature_maps/one_image", draw_feature_maps(images[0], rows, self.maps, title))


def convolution_outputs(model: Task, calls: list[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """Return the maps (C, H, W) of each convolution after its norm, activation and pooling."""
    rows: list[tuple[str, Tensor]] = []
    for name, output in calls:
        layer = model.get_submodule(name)
        if output.ndim != 4 or "Pad" in type(layer).__name__:
            continue
        if isinstance(layer, nn.Conv2d):
            rows.append((name, output[0].float().cpu()))
        elif rows:
            rows[-1] = (rows[-1][0], output[0].float().cpu())
    return rows


def draw_feature_maps(image: Tensor, rows: list[tuple[str, Tensor]], most: int, title: str) -> Figure:
    """Draw the image (C, H, W), and below it a row for each (name, maps (M, H, W)) on its own scale."""
    columns, side = min(most, max(len(maps) for _, maps in rows)), 0.85
    figure = new_figure(columns * side + 1.9, (len(rows) + 1) * side + 0.4)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    grid = figure.subplots(
        len(rows) + 1, columns + 1, squeeze=False, width_ratios=[1.7, *[side] * columns]
    )  # (rows, columns) of axes
    for axes in grid.flat:
        axes.set_axis_off()
    grid[0, 0].text(0, 0.5, "input image", va="center", fontsize="small")
    grid[0, 1].imshow(image_pixels(image))
    for line, (name, maps) in zip(grid[1:], rows, strict=True):
        low, high = float(maps.min()), float(maps.max())
        for axes, each in zip(line[1:], maps, strict=False):
            axes.imshow(each.numpy(), cmap=SEQUENTIAL, vmin=low, vmax=high)
        count, height, width = maps.shape
        number = f"{columns} of {count}" if count > columns else f"{count}"
        text = f"{name}\n{number} maps\n{height}×{width} pixels\nvalues {low:.2g} to {high:.2g}"
        line[0].text(0, 0.5, text, va="center", fontsize="small")
    return figure
