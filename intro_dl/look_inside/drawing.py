"""What all pictures share: a white page, readable in dark mode too, and colors for everybody."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

# Okabe and Ito, "Color Universal Design" (2008), without the yellow that is faint on white.
COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"]
MARKERS = "os^DvPX"
AMOUNTS = "viridis"  # from little to much
SIGNED = "PuOr_r"  # purple below zero, white at zero, orange above: both ends are told apart by everybody
MOST_TEXT = 20  # characters of a class name


def new_figure(width: float, height: float) -> Figure:
    """An empty page of so many inches; pyplot's list of open figures does not know it."""
    return Figure(figsize=(width, height), dpi=100, facecolor="white", layout="constrained")


def pixels(figure: Figure) -> np.ndarray:
    """The figure as uint8 pixels (H, W, 3); opaque, so that a dark page does not shine through."""
    with warnings.catch_warnings(), rc_context({"text.parse_math": False}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a class may be called 猫
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def grid(
    count: int, columns: int, side: float, title: str, text_height: float = 0.25
) -> tuple[Figure, list[Axes]]:
    """A page with `count` little pictures, `columns` in a row, without axes.

    Args:
        side: inches of a little picture.
        text_height: inches above each for its name.
    """
    columns = max(min(columns, count), 1)
    rows = max(math.ceil(count / columns), 1)
    width = max(columns * (side + 0.1), 0.085 * len(title), 3.0)
    figure = new_figure(width, rows * (side + text_height) + 0.45)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    axes = [figure.add_subplot(rows, columns, number + 1) for number in range(count)]
    for each in axes:
        each.set_axis_off()
    return figure, axes


def show_image(axes: Axes, image: Tensor) -> None:
    """Draw one image (C, H, W) of uint8 pixels: three channels are colors, else the first is grey."""
    image = image.cpu()
    if len(image) == 3:
        axes.imshow(image.permute(1, 2, 0).numpy())
    else:
        axes.imshow(image[0].numpy(), cmap="gray", vmin=0, vmax=255)


def short(name: str) -> str:
    """A class's name, cut where it would run into its neighbor."""
    return name if len(name) <= MOST_TEXT else name[: MOST_TEXT - 1] + "…"


def evenly(items: Sequence, most: int) -> list:
    """At most so many of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, most)]
