"""What all pictures share: a white page, readable in dark mode too, and colors for everybody."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
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


def mosaic(
    pictures: Sequence[np.ndarray],
    names: Sequence[str],
    title: str,
    columns: int = 10,
    side: float = 0.75,
    colorbar: str | None = None,
    **colors: Any,
) -> Figure:
    """Little pictures in rows, each below its name.

    All are drawn on one set of axes: thirty sets would take a second.

    Args:
        pictures: of (h, w) numbers or (h, w, 3) colors, all of one size.
        names: of as many lines each as the first one has.
        columns: pictures in a row.
        side: width of a picture in inches.
        colorbar: what the numbers are, for a scale of colors beside the pictures; None draws none.
        colors: as `Axes.imshow` takes them.
    """
    columns = max(min(columns, len(pictures)), 1)
    rows = -(-len(pictures) // columns)
    height = side * pictures[0].shape[0] / pictures[0].shape[1] if pictures else 0.0
    gap, top = 0.1, 0.4
    line = 0.08 + 0.16 * (names[0].count("\n") + 1 if names else 0)
    right = gap + columns * (side + gap)
    page = max(right + (1.0 if colorbar else 0.0), 0.09 * len(title) + 0.2, 3.0)
    length = max(top + rows * (line + height) + gap, 1.6 if colorbar else 0.5)
    figure = Figure(figsize=(page, length), dpi=100, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.text(gap, top / 2, title, va="center")
    for number, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        row, column = divmod(number, columns)
        x, y = gap + column * (side + gap), top + row * (line + height) + line  # inches from the upper left
        drawn = axes.imshow(picture, extent=(x, x + side, y + height, y), **colors)
        axes.text(x + side / 2, y - 0.04, name, ha="center", va="bottom", fontsize="small")
    axes.set(xlim=(0, page), ylim=(length, 0), aspect="auto")
    axes.set_axis_off()
    if colorbar:
        place = figure.add_axes((right / page, 0.1, 0.12 / page, 0.8 - top / length))
        figure.colorbar(drawn, cax=place, label=colorbar)
    return figure


def image_pixels(image: Tensor) -> np.ndarray:
    """The uint8 pixels of an image (C, H, W) as colors (H, W, 3); one channel is grey."""
    shown = image if len(image) == 3 else image[:1].expand(3, -1, -1)
    return shown.permute(1, 2, 0).cpu().numpy()


def short(name: str) -> str:
    """A class's name, cut where it would run into its neighbor."""
    return name if len(name) <= MOST_TEXT else name[: MOST_TEXT - 1] + "…"


def evenly(items: Sequence, most: int) -> list:
    """At most so many of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, most)]
