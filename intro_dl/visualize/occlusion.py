"""Where a classifier looks: how much less sure it is with a part of the image covered."""

from dataclasses import dataclass

from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.data.images import ImageData
from intro_dl.tasks import Classifier
from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import DIVERGING, image_pixels, new_figure, shorten


@dataclass(kw_only=True, eq=False)
class Occlusion(Visualizer):
    """Show how far the probability of the true class falls where a square covers the image.

    The square has the mean color of the training images. Source: Zeiler and Fergus (2013), Fig. 7 (d).
    """

    count: int = 8  # validation images
    side: int | None = None  # of the square, in pixels; None: a fourth of the image

    def draw(self, model, data, writer):
        if data.kind != "images" or not isinstance(model, Classifier):
            return
        images, labels = (part[: self.count] for part in data.splits["val"])
        side = min(self.side or max(min(images.shape[2:]) // 4, 1), *images.shape[2:])
        color = data.splits["train"][0][:1000].float().mean(dim=(0, 2, 3))  # (C,)
        step = max(side // 3, 1)
        maps = [
            falls(model, data, image, int(label), side, step, color.round().to(image.dtype))
            for image, label in zip(images, labels, strict=True)
        ]
        what = "probability" if model.gives_probabilities else "score"
        title = f"how far the {what} of the true class falls where a {side}x{side} square covers the image"
        names = [shorten(data.class_names[label]) for label in labels]
        writer.figure(
            "occlusion/images", draw_falls(images, maps, names, side, step, f"{title}, {writer.moment}")
        )


def falls(
    model: Classifier, data: ImageData, image: Tensor, label: int, side: int, step: int, color: Tensor
) -> Tensor:
    """Return how much smaller the probability of a class is at each place of a square, (rows, columns).

    Without probabilities, it is the score. Below zero, the square makes the class more probable.

    Args:
        model: a classifier of images, in eval mode.
        data: what prepares the images for the model.
        image: uint8 pixels (C, H, W).
        label: the class.
        side: pixels of the square.
        step: pixels between two places.
        color: of the square, (C,).
    """
    _, height, width = image.shape
    tops, lefts = range(0, height - side + 1, step), range(0, width - side + 1, step)
    images = image.repeat(1 + len(tops) * len(lefts), 1, 1, 1)  # the first one stays as it is
    for number, (top, left) in enumerate(((top, left) for top in tops for left in lefts), start=1):
        images[number, :, top : top + side, left : left + side] = color[:, None, None]
    outputs = outputs_of(model, data, images)
    found = (model.probabilities(outputs) if model.gives_probabilities else outputs)[:, label]
    return (found[0] - found[1:]).view(len(tops), len(lefts))


def draw_falls(
    images: Tensor, maps: list[Tensor], names: list[str], side: int, step: int, title: str
) -> Figure:
    """Draw each image (C, H, W) above its map (rows, columns), on one scale for all maps."""
    figure = new_figure(1.25 * len(images) + 1.2, 3.4)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    grid = figure.subplots(2, len(images), squeeze=False)  # (2, images) of axes
    largest = max(float(each.abs().max()) for each in maps) or 1.0
    for (above, below), image, each, name in zip(grid.T, images, maps, names, strict=True):
        _, height, width = image.shape
        above.imshow(image_pixels(image), extent=(0, width, height, 0))
        above.set_title(name, fontsize="small")
        start = (side - step) / 2  # the center of a square has the color of its place
        rows, columns = each.shape
        extent = (start, start + columns * step, start + rows * step, start)
        below.imshow(each.numpy(), cmap=DIVERGING, vmin=-largest, vmax=largest, extent=extent)
        for axes in (above, below):
            axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    figure.colorbar(grid[1, 0].images[0], ax=grid[1].tolist(), label="fall")
    return figure
