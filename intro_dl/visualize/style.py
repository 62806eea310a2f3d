"""The style of all pictures: white page, dark text, colors that color-blind people can distinguish.

This module does not import torch, so that a table or plot of finished runs can use the palette.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

if TYPE_CHECKING:
    from torch import Tensor

# Okabe and Ito, "Color Universal Design" (2008), without the yellow that is faint on white.
COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"]
MARKERS = "os^DvPX"
SEQUENTIAL = "viridis"  # from small to large
DIVERGING = "PuOr_r"  # purple below zero, white at zero, orange above
MAX_NAME_LENGTH = 20  # characters of a class name
CHARACTER = 0.075  # width of a small character in inches


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure (sizes in inches) that is not in pyplot's list of open figures."""
    return Figure(figsize=(width, height), dpi=100, facecolor="white", layout="constrained")


def pixels(figure: Figure) -> np.ndarray:
    """Return the figure as opaque uint8 pixels (H, W, 3), readable on a dark page too."""
    with warnings.catch_warnings(), rc_context({"text.parse_math": False}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a class may be called 猫
        for text in figure.findobj(Text):  # those that the context comes too late for
            text.set_parse_math(False)  # pyrefly: ignore[missing-attribute]  found by its class
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def mosaic(
    pictures: Sequence[np.ndarray],
    names: Sequence[str],
    title: str,
    side: float = 0.75,
    colorbar: str | None = None,
    **colors: Any,
) -> Figure:
    """Draw small pictures in rows on a page about 8.5 inches wide, each below its name.

    All pictures share one set of axes: thirty sets of axes would take a second.

    Args:
        pictures: (h, w) numbers or (h, w, 3) colors, all of the same size.
        names: one for each picture, all with the same number of lines.
        side: least width of a picture in inches; long names make it wider.
        colorbar: label of a color scale beside the pictures; None draws no scale.
        colors: options of `Axes.imshow`.
    """
    gap, top = 0.1, 0.4
    side = max([side, *(CHARACTER * len(line) for name in names for line in name.split("\n"))])
    columns = max(min(int(8.5 / (side + gap)), len(pictures)), 1)
    rows = -(-len(pictures) // columns)
    height = side * pictures[0].shape[0] / pictures[0].shape[1] if pictures else 0.0
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
        axes.imshow(picture, extent=(x, x + side, y + height, y), **colors)
        axes.text(x + side / 2, y - 0.04, name, ha="center", va="bottom", fontsize="small")
    axes.set(xlim=(0, page), ylim=(length, 0), aspect="auto")
    axes.set_axis_off()
    if colorbar and pictures:
        place = figure.add_axes((right / page, 0.1, 0.12 / page, 0.8 - top / length))
        figure.colorbar(axes.images[-1], cax=place, label=colorbar)
    return figure


def image_pixels(image: "Tensor") -> np.ndarray:
    """Return the uint8 pixels of an image (C, H, W) as colors (H, W, 3); one channel is gray."""
    shown = image if len(image) == 3 else image[:1].expand(3, -1, -1)
    return shown.permute(1, 2, 0).cpu().numpy()


def shorten(name: str) -> str:
    """Cut a class name where it would overlap its neighbor."""
    return name if len(name) <= MAX_NAME_LENGTH else name[: MAX_NAME_LENGTH - 1] + "…"


def spread(items: Sequence, count: int) -> list:
    """Return at most `count` items, evenly spread, including the first and the last."""
    if len(items) <= count:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, count)]
