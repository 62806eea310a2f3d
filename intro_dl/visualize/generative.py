"""What a model draws, and what its codes stand for: autoencoders and adversarial networks."""

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from intro_dl.data.images import ImageData, to_pixels
from intro_dl.data.toy import Ring, ToyData
from intro_dl.tasks import Autoencoder
from intro_dl.visualize.callback import Visualizer, network_inputs
from intro_dl.visualize.style import COLORS, MARKERS, image_pixels, mosaic, new_figure


@dataclass(kw_only=True, eq=False)
class Drawn(Visualizer):
    """Show new inputs that the model draws: images, or points beside those of the validation split."""

    count: int = 60  # images; points are as many as in the validation split

    def draw(self, model, data, writer):
        real = data.splits["val"][0]
        if data.kind not in ("images", "points"):
            return
        count = self.count if data.kind == "images" else len(real)
        # The same numbers each time, so that only the weights make a difference.
        drawn = model.draw(count, torch.Generator(model.device).manual_seed(0)).float().cpu()
        if data.kind == "images":
            figure = draw_images(drawn, data, f"drawn {writer.moment}")
        else:
            figure = draw_points(drawn * data.std + data.mean, real, data, writer.moment)
        writer.figure("drawn/samples", figure)


def draw_images(images: Tensor, data: ImageData, title: str) -> Image.Image:
    """Draw images (N, C, H, W) of a model in rows."""
    pixels = to_pixels(images.float().cpu(), data.MEAN, data.STD)
    return mosaic([image_pixels(image) for image in pixels], [""] * len(pixels), title)


def draw_points(drawn: Tensor, real: Tensor, data: ToyData, moment: str) -> Figure:
    """Draw points (N, 2) of a model on real ones, both in the units of the data."""
    figure = new_figure(5.4, 5.4)
    axes = figure.add_subplot()
    axes.scatter(*real.T.numpy(), s=8, c="lightgray", label="validation")
    axes.scatter(*drawn.T.numpy(), s=5, c=COLORS[0], label="drawn")
    title = f"{len(drawn):,} points drawn {moment}"
    if isinstance(data, Ring):
        clouds, near = data.coverage(drawn)
        title += f":\n{clouds} of 8 clouds, {near:.0%} within 3 standard deviations of a center"
    axes.set_title(title, loc="left", fontsize="medium")
    axes.set(xlabel=data.features[0], ylabel=data.features[1], aspect="equal")
    axes.legend(loc="upper right", fontsize="small")
    return figure


@dataclass(kw_only=True, eq=False)
class Codes(Visualizer):
    """Show the codes of an autoencoder: the plane of two numbers by class, and a walk from code to code.

    The plane is drawn if a code has two numbers: the codes of the validation split, and what the decoder
    makes of a grid of codes. Each walk leads from the code of one image to that of another, in equal steps.
    """

    grid: int = 15  # codes along each side of the plane
    walks: int = 6  # rows
    steps: int = 10  # images of a walk, with both ends

    def draw(self, model, data, writer):
        if not isinstance(model, Autoencoder) or data.kind != "images":
            return
        inputs, labels = data.splits["val"]
        codes = model.encode(network_inputs(model, data, inputs))  # (N, code_size)
        if codes.shape[1] == 2:
            classes = list(data.class_names)
            writer.figure("codes/plane", draw_codes(codes.cpu(), labels, classes, writer.moment))
            low, high = codes.quantile(0.02, dim=0), codes.quantile(0.98, dim=0)
            places = torch.linspace(0, 1, self.grid, device=codes.device)
            y, x = torch.meshgrid(places.flip(0), places, indexing="ij")  # the first row is the top
            plane = low + torch.stack([x, y], dim=-1).view(-1, 2) * (high - low)
            rows = tiles(model.decode(plane), data, self.grid)
            writer.figure("codes/decoded_plane", draw_tiles(rows, f"decoded plane of codes, {writer.moment}"))
        ends = codes[: 2 * self.walks].unflatten(0, (-1, 2))  # (walks, 2, code_size)
        part = torch.linspace(0, 1, self.steps, device=codes.device).view(1, -1, 1)
        walk = ends[:, :1] * (1 - part) + ends[:, 1:] * part  # (walks, steps, code_size)
        rows = tiles(model.decode(walk.flatten(0, 1)), data, self.steps)
        writer.figure(
            "codes/walk", draw_tiles(rows, f"from the code of one image to another, {writer.moment}")
        )


def tiles(images: Tensor, data: ImageData, columns: int) -> Tensor:
    """Return one uint8 image (C, rows * H, columns * W) of images (rows * columns, C, H, W)."""
    pixels = to_pixels(images.float().cpu(), data.MEAN, data.STD).unflatten(0, (-1, columns))
    return pixels.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)


def draw_tiles(image: Tensor, title: str) -> Image.Image:
    """Draw one uint8 image (C, H, W) under a title."""
    return mosaic([image_pixels(image)], [""], title, side=6.0)


def draw_codes(codes: Tensor, labels: Tensor, classes: list[str], moment: str) -> Figure:
    """Draw codes (N, 2) in the color and the marker of their class (N,), which the training did not see."""
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    for k, name in enumerate(classes):
        marker = MARKERS[(k + k // len(COLORS)) % len(MARKERS)]
        style = {"s": 16, "c": COLORS[k % len(COLORS)], "marker": marker}
        axes.scatter(*codes[labels == k].T.numpy(), label=name, **style)
    axes.legend(title="class", fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    axes.set(xlabel="first number of the code", ylabel="second number of the code")
    axes.set_title(f"codes of {len(codes)} validation images, {moment}", loc="left", fontsize="medium")
    return figure
