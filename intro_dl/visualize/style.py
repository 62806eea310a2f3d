"""The style of all pictures: white page, dark text, colors that color-blind people can distinguish.

This module does not import torch, so that a table or plot of finished runs can use the palette.
"""

import io
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps, get_data_path, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image, ImageDraw, ImageFont

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


def pixels(figure: Figure | Image.Image) -> np.ndarray:
    """Return the figure as opaque uint8 pixels (H, W, 3), readable on a dark page too."""
    if isinstance(figure, Image.Image):
        return np.asarray(figure)
    with warnings.catch_warnings(), rc_context({"text.parse_math": False}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a class may be called 猫
        for text in figure.findobj(Text):  # those that the context comes too late for
            text.set_parse_math(False)  # pyrefly: ignore[missing-attribute]  found by its class
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def png(drawn: np.ndarray) -> bytes:
    """Return pixels (H, W, 3) as a PNG file, with the compression that takes the least time."""
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, format="png", compress_level=1)
    return file.getvalue()


def mosaic(
    pictures: Sequence[np.ndarray],
    names: Sequence[str],
    title: str,
    side: float = 0.75,
    limit: float | None = None,
    label: str = "",
) -> Image.Image:
    """Draw small pictures in rows on a page about 850 pixels wide, each below its name.

    This does not use matplotlib, which takes a tenth of a second for 30 pictures with names.

    Args:
        pictures: (h, w, 3) colors, uint8 or in [0, 1], all of the same size; with `limit`, (h, w) numbers.
        names: one for each picture, all with the same number of lines.
        side: least width of a picture in hundreds of pixels; long names make it wider.
        limit: the number that is drawn in the last color; zero is white. A scale of colors shows it.
        label: what the numbers are.
    """
    gap, top, line = 10, 40, 16
    longest = max([0, *(len(line) for name in names for line in name.split("\n"))])
    width = round(100 * max(side, CHARACTER * longest))
    columns = max(min(850 // (width + gap), len(pictures)), 1)
    rows = -(-len(pictures) // columns)
    height = round(width * pictures[0].shape[0] / pictures[0].shape[1]) if pictures else 0
    above = 8 + line * (names[0].count("\n") + 1 if names else 0)  # pixels for a name
    right = gap + columns * (width + gap)
    tall = max(rows * (above + height) - above, 100 if limit else 0)  # pixels of the scale
    size = max(right + (90 if limit else 0), 9 * len(title) + 20, 300), top + above + tall + gap
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    draw.text((gap, top / 2), title, "black", font(10), anchor="lm")
    for number, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        row, column = divmod(number, columns)
        x, y = gap + column * (width + gap), top + row * (above + height) + above
        page.paste(_enlarged(picture, width, height, limit), (x, y))
        draw.text((x + width / 2, y - 3), name, "black", font(8.33), anchor="md", align="center")
    if limit:
        marks = {f"{limit:.2g}": 1.0, "0": 0.5, f"{-limit:.2g}": 0.0}
        draw_scale(page, DIVERGING, marks, right, top + above, tall)
        draw.text((right, top + above - 10), label, "black", font(8.33), anchor="ld")
    return page


def _enlarged(picture: np.ndarray, width: int, height: int, limit: float | None) -> Image.Image:
    """Return colors, or numbers from -limit to limit in the colors of DIVERGING, as an image of this size."""
    if limit:
        picture = colormaps[DIVERGING](0.5 + 0.5 * picture / limit)[..., :3]
    if picture.dtype != np.uint8:
        picture = (255 * picture.clip(0, 1)).round().astype(np.uint8)
    sharp = width >= 3 * picture.shape[1]  # pixels as squares; of a smaller factor, they would differ in size
    way = Image.Resampling.NEAREST if sharp else Image.Resampling.HAMMING
    return Image.fromarray(picture).resize((width, height), way)


def draw_scale(page: Image.Image, colors: str, marks: dict[str, float], x: int, y: int, height: int) -> None:
    """Draw a scale of colors at (x, y); each mark is at a fraction of the height, from below."""
    strip = colormaps[colors](np.linspace(1, 0, height)[:, None], bytes=True)[..., :3]
    page.paste(Image.fromarray(strip).resize((14, height)), (x, y))
    draw = ImageDraw.Draw(page)
    draw.rectangle((x - 1, y - 1, x + 14, y + height), outline="black")
    for text, fraction in marks.items():
        draw.text((x + 20, y + (1 - fraction) * height), text, "black", font(8.33), anchor="lm")


def write_upwards(page: Image.Image, text: str, x: float, y: float, points: float, anchor: str) -> None:
    """Draw a text that reads from bottom to top; `anchor` (m: middle, r: end) is the part of it at (x, y)."""
    turned = Image.new("RGB", (round(font(points).getlength(text)) + 1, round(2 * points)), "white")
    ImageDraw.Draw(turned).text((0, points), text, "black", font(points), anchor="lm")
    turned = turned.transpose(Image.Transpose.ROTATE_90)
    page.paste(turned, (round(x - turned.width / 2), round(y - (turned.height / 2 if anchor == "m" else 0))))


@cache
def font(points: float) -> ImageFont.FreeTypeFont:
    """Return the font of matplotlib's pictures, for 100 pixels an inch."""
    file = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(file, points * 100 / 72)


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
