"""Image files of any size and kind as the pixels that a model was trained on, and what was done to them.

Photographs are cut to a square and made smaller, exactly as data=image_folder reads them. Where a run was
trained on drawings (grey, on an even background, as MNIST), the drawing is brought into the same form: light
on dark if theirs are, as large, and in the middle.
"""

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from intro_dl.data.image_folder import MOST_PIXELS, SUFFIXES, image_files

LEAST_CONTRAST = 8  # of 255; below, an image counts as blank
INK = 0.2  # share of the strongest ink from which on a pixel belongs to the drawing


class Unreadable(ValueError):
    """An image that cannot be predicted; the message names it."""


def image_sources(
    words: list[str], stdin: io.BufferedIOBase
) -> Iterator[tuple[str, Path | bytes | Unreadable]]:
    """The images that the words name: a file, a folder with all below it, or - for the standard input.

    The standard input is an image, or the names of files, one a line.

    Yields:
        A name to show with a path, the content of an image, or the reason why there is neither.
    """
    for word in words:
        if word == "-":
            yield from _from_stdin(stdin.read())
            continue
        path = Path(word).expanduser()
        if path.is_dir():
            found = image_files(path)
            if not found:
                known = ", ".join(sorted(SUFFIXES))
                yield word, Unreadable(f"There is no image in the folder {path} (looked for {known}).")
            yield from ((str(file), file) for file in found)
        else:
            yield word, path


def _from_stdin(content: bytes) -> Iterator[tuple[str, Path | bytes | Unreadable]]:
    try:
        names = [line for line in content.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        names = []
    if not content:
        yield (
            "-",
            Unreadable("Nothing came from the standard input: pipe an image into it, or names of files."),
        )
    elif (
        names and b"\0" not in content and not content.startswith((b"P2\n", b"P3\n"))
    ):  # PGM and PPM in letters
        yield from ((name, Path(name).expanduser()) for name in names)
    else:
        yield "-", content


def read_picture(
    name: str, source: Path | bytes, metadata: Mapping[str, Any], invert: str = "auto", frame: str = "auto"
) -> tuple[np.ndarray, list[str]]:
    """The pixels (C, H, W) of uint8 that the model of a run reads, and what was done to get them.

    Args:
        name: how to call the image in a message.
        source: its file, or its content.
        metadata: of the run: `dims`, `background` and `frame`.
        invert: "yes", "no", or "auto": if the background is light and that of the run is dark, or the other
            way round.
        frame: "auto" brings a drawing that has another size than the run's images to the place and size that
            the run's drawings have; "no" only pads it to a square.

    Raises:
        Unreadable: if the file is missing, empty, broken, no image, or has more than MOST_PIXELS.
    """
    channels, height, width = metadata["dims"]["in_shape"]
    background = metadata.get("background")
    steps: list[str] = []
    image = _open(name, source, (height, width), "L" if channels == 1 else "RGB", steps)
    image = _flatten(image, drawn=background is not None, steps=steps)
    image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image)
    if background is None:
        if invert == "yes":
            image = ImageOps.invert(image)
            steps.append("inverted")
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        return _channels_first(np.asarray(image), channels), steps
    light = _border(pixels) >= 128
    if invert == "yes" or (invert == "auto" and light != (background == "light")):
        pixels = 255 - pixels
        steps.append("inverted")
    if np.ptp(pixels) < LEAST_CONTRAST:
        steps.append("blank")
    if image.size != (width, height):
        pixels = _fit_drawing(
            pixels, (height, width), metadata.get("digit_box") if frame == "auto" else None, steps
        )
    return _channels_first(pixels, channels), steps


def _open(name: str, source: Path | bytes, size: tuple[int, int], mode: str, steps: list[str]) -> Image.Image:
    """The decoded image, upright, 8 bits a channel."""
    if isinstance(source, Path):
        if not source.exists():
            raise Unreadable(f"There is no file {name}.")
        if not os.path.getsize(source):
            raise Unreadable(f"{name} is empty: it has 0 bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a too large one is refused below, by our limit
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                image.draft(mode, (2 * size[1], 2 * size[0]))  # a large JPEG need not be decoded in full
                image = ImageOps.exif_transpose(image)
                image.load()
    except Image.DecompressionBombError as error:
        raise Unreadable(
            f"{name} has more than {MOST_PIXELS:,} pixels and may be a decompression bomb: make it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise Unreadable(f"{name} is no image that can be read; make it a PNG or a JPEG.") from error
    except Exception as error:  # Pillow and its codecs have no common kind of error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unreadable(f"{name} is broken: {reason}.") from error
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(name, image)
        steps.append("16 to 8 bits")
    return image


def _eight_bits(name: str, image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F" or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise Unreadable(f"{name} has values that are not 0 to 255 or 0 to 65535: save it with 8 or 16 bits.")
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _flatten(image: Image.Image, drawn: bool, steps: list[str]) -> Image.Image:
    """Put an image with transparent parts on white; a light drawing, which would vanish, on black."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    opacity = np.asarray(image.getchannel("A"), dtype=np.float64)
    if opacity.min(initial=255) == 255:
        return image
    lightness = np.asarray(image.convert("RGB").convert("L"), dtype=np.float64)
    ink = (lightness * opacity).sum() / max(opacity.sum(), 1)
    color = "black" if drawn and ink >= 128 else "white"
    steps.append(f"on {color}")
    return Image.alpha_composite(Image.new("RGBA", image.size, color), image)


def _border(pixels: np.ndarray) -> float:
    """The median of the pixels along the four sides of a grey image (H, W)."""
    return float(np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])))


def _fit_drawing(
    pixels: np.ndarray, size: tuple[int, int], frame: int | None, steps: list[str]
) -> np.ndarray:
    """A drawing (H, W) in the size of the run's images.

    With a frame, as the authors of MNIST did it: what is drawn gets the frame's length along its longer side,
    and its center of mass comes to the middle. The background becomes even, the strongest ink black or white.
    """
    background = _border(pixels)
    height, width = size
    if frame is None or np.ptp(pixels) < LEAST_CONTRAST:
        image = ImageOps.pad(
            Image.fromarray(pixels), (width, height), Image.Resampling.BILINEAR, color=round(background)
        )
        return np.asarray(image)
    ground = 255.0 if background >= 128 else 0.0
    ink = (pixels - background) if ground == 0 else (background - pixels)
    ink = ink.clip(min=0) / max(ink.max(), 1)  # (H, W) in [0, 1]
    rows, columns = np.flatnonzero((ink > INK).any(axis=1)), np.flatnonzero((ink > INK).any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(frame, height, width) / max(ink.shape)
    small = [max(1, round(side * scale)) for side in ink.shape]
    image = Image.fromarray((255 * ink).round().astype(np.uint8))
    drawing = np.asarray(image.resize((small[1], small[0]), Image.Resampling.BILINEAR), dtype=np.float64)
    drawing *= 255 / max(drawing.max(), 1)  # thin lines got faint
    canvas = np.zeros(size)
    top, left = (
        int(np.clip(round((whole - 1) / 2 - _center(drawing, axis)), 0, whole - part))
        for axis, (whole, part) in enumerate(zip(size, drawing.shape, strict=True))
    )
    canvas[top : top + small[0], left : left + small[1]] = drawing
    steps.append(f"framed to {small[1]}x{small[0]}")
    return (np.abs(ground - canvas)).round().astype(np.uint8)


def _center(values: np.ndarray, axis: int) -> float:
    """The center of mass of (H, W) values along an axis, in pixels."""
    along = values.sum(axis=1 - axis)
    return float(along @ np.arange(len(along)) / max(along.sum(), 1e-9))


def _channels_first(pixels: np.ndarray, channels: int) -> np.ndarray:
    return pixels.reshape(*pixels.shape[:2], channels).transpose(2, 0, 1).copy()
