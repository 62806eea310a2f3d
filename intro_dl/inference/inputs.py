"""Read images for a prediction: files of any size and type.

Photographs are cropped to a square and scaled in the same way as in data=image_folder. If a run was trained
on drawings (grey, on an even background, as MNIST), a drawing is changed to look like the training drawings.
It becomes light on dark or dark on light, gets the same size, and is centered.
"""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from intro_dl.data.image_folder import MOST_PIXELS, SUFFIXES, image_files
from intro_dl.runs.files import typed_path

LEAST_CONTRAST = 8  # of 255; an image with less contrast counts as blank
INK = 0.2  # a pixel with at least this fraction of the strongest ink belongs to the drawing


class Unreadable(ValueError):
    """An input that cannot be predicted; the message names it."""


def image_paths(words: Iterable[str]) -> list[Path]:
    """Return the images that the words name: files, or all files in and below a directory.

    Raises:
        ValueError: if there is no image in a directory.
    """
    paths = []
    for word in words:
        path = typed_path(word)
        found = image_files(path) if path.is_dir() else [path]
        if not found:
            known = ", ".join(sorted(SUFFIXES))
            raise ValueError(f"There is no image in the directory {path} (looked for {known}).")
        paths += found
    return paths


def read_picture(
    file: Path, metadata: Mapping[str, Any], invert: str = "auto", digit_box: str = "auto"
) -> tuple[np.ndarray, list[str]]:
    """Return the pixels (C, H, W) of uint8 that the model of a run reads, and the changes that were made.

    Args:
        file: an image.
        metadata: metadata of the run: `dims`, `background` and `digit_box`.
        invert: "yes", "no", or "auto": invert if one of the backgrounds, of the image and of the run, is
        light and the other dark.
        digit_box: "auto" scales and centers a drawing of another size as the drawings of the run; "no" only
            pads it to a square.

    Raises:
        Unreadable: if the file is missing, empty, broken, not an image, or has more than MOST_PIXELS.
    """
    channels, height, width = metadata["dims"]["in_shape"]
    mode, background = "L" if channels == 1 else "RGB", metadata.get("background")
    steps: list[str] = []
    image = _open(file, (height, width), mode, steps)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert(mode)
    if background is None:  # photographs
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        return _channels_first(np.asarray(image), channels), steps
    pixels = np.asarray(image)  # (H, W)
    light = _border(pixels) >= 128
    if invert == "yes" or (invert == "auto" and light != (background == "light")):
        pixels = 255 - pixels
        steps.append("inverted")
    blank = np.ptp(pixels) < LEAST_CONTRAST
    if blank:
        steps.append("blank")
    if image.size != (width, height):
        box = metadata.get("digit_box")
        if box is None or digit_box == "no" or blank:
            image, color = Image.fromarray(pixels), round(_border(pixels))
            pixels = np.asarray(ImageOps.pad(image, (width, height), Image.Resampling.BILINEAR, color=color))
        else:
            pixels = _fit_drawing(pixels, (height, width), box, steps)
    return _channels_first(pixels, channels), steps


def _open(file: Path, size: tuple[int, int], mode: str, steps: list[str]) -> Image.Image:
    """Decode an image, upright, with 8 bits a channel."""
    if not file.exists():
        raise Unreadable(f"There is no file {file}.")
    if not file.stat().st_size:
        raise Unreadable(f"{file} is empty: it has 0 bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below refuses an image that is too large
            with Image.open(file) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                image.draft(mode, (2 * size[1], 2 * size[0]))  # a large JPEG need not be decoded in full
                upright = ImageOps.exif_transpose(image)
                upright.load()
    except Image.DecompressionBombError as error:
        raise Unreadable(
            f"{file} has more than {MOST_PIXELS:,} pixels and may be a decompression bomb: make it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise Unreadable(f"{file} is not a readable image: convert it to PNG or JPEG.") from error
    except Exception as error:  # Pillow and its codecs raise many types of errors
        raise Unreadable(
            f"{file} is broken: {' '.join(str(error).split()) or type(error).__name__}."
        ) from error
    if not upright.mode.startswith(("I", "F")):
        return upright
    values = np.asarray(upright).astype(np.float64)
    if upright.mode == "F" or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise Unreadable(f"{file} has values outside 0 to 65535: save it with 8 or 16 bits.")
    steps.append("16 to 8 bits")
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _border(pixels: np.ndarray) -> float:
    """Return the median of the pixels along the four sides of a grey image (H, W)."""
    return float(np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])))


def _fit_drawing(pixels: np.ndarray, size: tuple[int, int], box: int, steps: list[str]) -> np.ndarray:
    """Scale and center a drawing (H, W) as the authors of MNIST did.

    The longer side of what is drawn gets the length `box`, and its center of mass moves to the middle. The
    background becomes even, and the strongest ink black or white.
    """
    border = _border(pixels)
    ground = 255.0 if border >= 128 else 0.0
    ink = (pixels - border) if ground == 0 else (border - pixels)
    ink = ink.clip(min=0) / max(ink.max(), 1)  # (H, W) in [0, 1]
    rows, columns = np.flatnonzero((ink > INK).any(axis=1)), np.flatnonzero((ink > INK).any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * min(box, *size) / max(ink.shape))) for side in ink.shape)
    image = Image.fromarray((255 * ink).round().astype(np.uint8))
    drawing = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float64)
    drawing *= 255 / max(drawing.max(), 1)  # scaling made thin lines faint
    top, left = (
        int(np.clip(round((whole - 1) / 2 - _center(drawing, axis)), 0, whole - part))
        for axis, (whole, part) in enumerate(zip(size, drawing.shape, strict=True))
    )
    canvas = np.zeros(size)
    canvas[top : top + height, left : left + width] = drawing
    steps.append(f"scaled to {width}x{height}")
    return (np.abs(ground - canvas)).round().astype(np.uint8)


def _center(values: np.ndarray, axis: int) -> float:
    """Return the center of mass of (H, W) values along an axis, in pixels."""
    along = values.sum(axis=1 - axis)
    return float(along @ np.arange(len(along)) / max(along.sum(), 1e-9))


def _channels_first(pixels: np.ndarray, channels: int) -> np.ndarray:
    return pixels.reshape(*pixels.shape[:2], channels).transpose(2, 0, 1).copy()
