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
import torch
from PIL import Image, ImageOps

from intro_dl.data.class_folders import find_images, not_images
from intro_dl.data.image_file import Unreadable, open_image, read_image, shown_name
from intro_dl.inference.light import INK, border_of, one_drawing
from intro_dl.runs.files import typed_path

DRAWING = 1024  # a larger drawing is reduced to this many pixels on its longer side
COLORS = (1, 3, 4)  # channels of an array that is an image
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


def is_one(inputs: Any) -> bool:
    """Return whether a value is one image: a file, a PIL image, or an array of up to three dimensions."""
    if isinstance(inputs, str | Path):
        return not os.path.isdir(inputs)
    return isinstance(inputs, Image.Image) or getattr(inputs, "ndim", 4) < 4


def pictures(inputs: Any) -> list[Path | Image.Image]:
    """Return the images of a value: paths, PIL images, arrays, tensors, or several of these.

    Raises:
        Unreadable: if an array is not an image.
    """
    if isinstance(inputs, str | Path):
        return list(image_paths([str(inputs)])[0])
    if isinstance(inputs, Image.Image):
        return [inputs]
    if is_one(inputs):
        return [_from_array(inputs)]
    try:
        return [picture for each in inputs for picture in pictures(each)]
    except TypeError as error:
        raise Unreadable(
            f"Cannot read a value of type {type(inputs).__name__} as an image: give a path, a PIL image, an "
            "array or a tensor."
        ) from error


def _from_array(inputs: Any) -> Image.Image:
    """Return the image in an array or tensor (H, W), (H, W, C) or (C, H, W): 0 to 255, or floats up to 1."""
    values = np.asarray(inputs.detach().cpu() if hasattr(inputs, "detach") else inputs)
    if values.ndim == 3 and values.shape[0] in COLORS:
        if hasattr(inputs, "detach") or values.shape[2] not in COLORS:  # torch has the channels first
            values = values.transpose(1, 2, 0)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in COLORS) or not values.size:
        shape = "x".join(map(str, np.shape(inputs)))
        raise Unreadable(
            f"An array of the shape {shape} is not an image: give height x width, or add the channels, first "
            "or last. Give several images as a list, or as number x channels x height x width."
        )
    floats, low, high = values.dtype.kind == "f", float(values.min()), float(values.max())
    if values.dtype.kind not in "fbiu" or not 0 <= low <= high <= (1 if floats else 255):
        raise Unreadable(
            f"An array of {values.dtype} from {low:g} to {high:g} is not an image: give integers from 0 to "
            "255, or floats from 0 to 1."
        )
    if floats or values.dtype.kind == "b":
        values = np.rint(values * 255.0)
    values = values.astype(np.uint8)
    return Image.fromarray(values.squeeze(2) if values.shape[2:] == (1,) else values)


def read_images(inputs: Any, metadata: Mapping[str, Any]) -> torch.Tensor:
    """Return images (B, C, H, W) of uint8, as `read_picture` reads each of them."""
    return torch.from_numpy(np.stack([read_picture(each, metadata)[0] for each in pictures(inputs)]))


def read_picture(
    file: Path | Image.Image, metadata: Mapping[str, Any], invert: str = "auto", digit_box: str = "auto"
) -> tuple[np.ndarray, list[str]]:
    """Return the pixels (C, H, W) of uint8 that the model of a run reads, and the changes that were made.

    Args:
        file: an image file, or an image that is already open.
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
        # To 9 decimals first: a symmetric drawing gives a half, and the order of a sum must not decide it.
        int(np.clip(round(round((whole - 1) / 2 - _center(drawing, axis), 9)), 0, whole - part))
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
