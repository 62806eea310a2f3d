"""Read images for a prediction: files of any size and type.

Photographs are cropped to a square and scaled in the same way as in data=image_folder. If a run was trained
on drawings (grey, on an even background, as MNIST), a drawing is changed to look like the training drawings.
It becomes light on dark or dark on light, gets the same size, and is centered.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from intro_dl.data.class_folders import find_images, not_images
from intro_dl.data.image_file import open_image, read_image, shown_name
from intro_dl.inference.light import INK, border_of, one_drawing
from intro_dl.runs.files import typed_path

DRAWING = 1024  # a larger drawing is reduced to this many pixels on its longer side
LEAST_CONTRAST = 8  # of 255; an image with less contrast counts as blank


def image_paths(words: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Return the images that the words name: files, or all files in and below a directory.

    Returns:
        The files, and a directory itself if it has no images, which `read_picture` then reports; and
        sentences about the files of a directory that are not images.
    """
    paths: list[Path] = []
    others: list[str] = []
    for word in words:
        try:
            path = typed_path(word)
        except ValueError:  # it is reported as a missing file, and does not end the others
            path = Path(word)
        if not os.path.isdir(path):
            paths.append(path)
            continue
        found = find_images(path)
        paths += found.images or [path]
        others += [f"{shown_name(path)} has {said}"] if (said := not_images(found.others)) else []
    return paths, others


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
    if background is None:  # photographs
        pixels, scaling = read_image(file, (width, height), mode)
        return _channels_first(pixels, channels), [scaling] if scaling else []
    image, scaling = open_image(file, mode, DRAWING)
    image.thumbnail((DRAWING, DRAWING), Image.Resampling.BILINEAR)
    steps = [scaling] if scaling else []
    pixels = np.asarray(image)  # (H, W)
    box = metadata.get("digit_box") if digit_box == "auto" and image.size != (width, height) else None
    if box:
        pixels = one_drawing(pixels, steps)
    light = np.median(border_of(pixels)) >= 128
    if invert == "yes" or (invert == "auto" and light != (background == "light")):
        pixels = 255 - pixels
        steps.append("inverted")
    blank = np.ptp(pixels) < LEAST_CONTRAST
    if blank:
        steps.append("blank")
    if image.size != (width, height):
        if box is None or blank:
            image, color = Image.fromarray(pixels), round(float(np.median(border_of(pixels))))
            pixels = np.asarray(ImageOps.pad(image, (width, height), Image.Resampling.BILINEAR, color=color))
        else:
            pixels = _fit_drawing(pixels, (height, width), box, steps)
    return _channels_first(pixels, channels), steps


def _fit_drawing(pixels: np.ndarray, size: tuple[int, int], box: int, steps: list[str]) -> np.ndarray:
    """Scale and center a drawing (H, W) as the authors of MNIST did.

    The longer side of what is drawn gets the length `box`, and its center of mass moves to the middle. The
    background becomes even, and the strongest ink black or white.
    """
    border = np.median(border_of(pixels))
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
