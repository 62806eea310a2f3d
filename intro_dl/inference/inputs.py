"""Read inputs for a prediction: image files of any size and type, and rows of numbers.

Photographs are cropped to a square and scaled exactly as data=image_folder reads them. If a run was trained
on drawings (grey, on an even background, as MNIST), a drawing is brought into the same form: light on dark
if theirs are, of the same size, and centered.
"""

import csv
import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from intro_dl.data.image_folder import MOST_PIXELS, SUFFIXES, image_files
from intro_dl.runs.files import read_limited

LEAST_CONTRAST = 8  # of 255; an image of less counts as blank
INK = 0.2  # fraction of the strongest ink from which on a pixel belongs to the drawing


class Unreadable(ValueError):
    """An input that cannot be predicted; the message names it."""


def image_sources(words: Sequence[str], stdin: BinaryIO) -> Iterator[tuple[str, Path | bytes | Unreadable]]:
    """Yield the images that the words name: files, all files below a directory, or - for standard input.

    Standard input is one image, or the names of files, one a line.

    Yields:
        A name to show with a path, the content of an image, or the error that stands in its place.
    """
    for word in words:
        path = Path(word).expanduser()
        if word == "-":
            yield from _from_stdin(stdin.read())
        elif path.is_dir():
            found = image_files(path)
            yield from ((str(file), file) for file in found)
            if not found:
                known = ", ".join(sorted(SUFFIXES))
                yield word, Unreadable(f"There is no image in the directory {path} (looked for {known}).")
        else:
            yield word, path


def _from_stdin(content: bytes) -> Iterator[tuple[str, Path | bytes | Unreadable]]:
    if not content:
        yield "-", Unreadable("Standard input is empty: pipe an image into it, or names of files.")
        return
    try:
        names = [line for line in content.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        names = []
    if names and b"\0" not in content and not content.startswith((b"P2\n", b"P3\n")):  # text PGM and PPM
        yield from ((name, Path(name).expanduser()) for name in names)
    else:
        yield "-", content


def read_picture(
    name: str,
    source: Path | bytes,
    metadata: Mapping[str, Any],
    invert: str = "auto",
    digit_box: str = "auto",
) -> tuple[np.ndarray, list[str]]:
    """Return the pixels (C, H, W) of uint8 that the model of a run reads, and the steps that led to them.

    Args:
        name: how messages call the image.
        source: its file, or its content.
        metadata: of the run: `dims`, `background` and `digit_box`.
        invert: "yes", "no", or "auto": if the background is light and that of the run is dark, or vice versa.
        digit_box: "auto" scales and centers a drawing of another size as the drawings of the run; "no" only
            pads it to a square.

    Raises:
        Unreadable: if the file is missing, empty, broken, not an image, or has more than MOST_PIXELS.
    """
    channels, height, width = metadata["dims"]["in_shape"]
    mode, background = "L" if channels == 1 else "RGB", metadata.get("background")
    steps: list[str] = []
    image = _open(name, source, (height, width), mode, steps)
    image = _flatten(image, background is not None, steps).convert(mode)
    if background is None:
        if invert == "yes":
            image = ImageOps.invert(image)
            steps.append("inverted")
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


def _open(name: str, source: Path | bytes, size: tuple[int, int], mode: str, steps: list[str]) -> Image.Image:
    """Decode an image, upright, with 8 bits a channel."""
    if isinstance(source, Path):
        if not source.exists():
            raise Unreadable(f"There is no file {name}.")
        if not source.stat().st_size:
            raise Unreadable(f"{name} is empty: it has 0 bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below refuses an image that is too large
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                image.draft(mode, (2 * size[1], 2 * size[0]))  # a large JPEG need not be decoded in full
                upright = ImageOps.exif_transpose(image)
                upright.load()
    except Image.DecompressionBombError as error:
        raise Unreadable(
            f"{name} has more than {MOST_PIXELS:,} pixels and may be a decompression bomb: make it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise Unreadable(f"{name} is not a readable image: convert it to PNG or JPEG.") from error
    except Exception as error:  # Pillow and its codecs raise many types of errors
        raise Unreadable(
            f"{name} is broken: {' '.join(str(error).split()) or type(error).__name__}."
        ) from error
    if not upright.mode.startswith(("I", "F")):
        return upright
    values = np.asarray(upright).astype(np.float64)
    if upright.mode == "F" or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise Unreadable(f"{name} has values outside 0 to 65535: save it with 8 or 16 bits.")
    steps.append("16 to 8 bits")
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _flatten(image: Image.Image, drawn: bool, steps: list[str]) -> Image.Image:
    """Put an image with transparent parts on white, or on black if it is a light drawing."""
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


def row_sources(
    words: Sequence[str], features: Sequence[str], stdin: BinaryIO
) -> Iterator[tuple[str, list[float] | Unreadable]]:
    """Yield the rows that the words name: CSV files, - for standard input, or numbers such as 4,5.

    Yields:
        The place of a row, e.g. "students.csv:2", with its numbers in the order of `features`, or the error
        that stands in their place.
    """
    for word in words:
        if word == "-":
            yield from _read_csv("-", stdin.read(), features)
        elif not Path(word).exists() and _numbers(word.split(",")) is not None:
            yield word, _row(word, word.split(","), range(len(features)), features)
        else:
            try:
                content = read_limited(Path(word).expanduser())
            except ValueError as error:
                yield word, Unreadable(str(error))
            except OSError as error:
                message = f"Cannot read {word}: {error.strerror}. Name a CSV file, or numbers such as 4,5."
                yield word, Unreadable(message)
            else:
                yield from _read_csv(word, content, features)


def _read_csv(
    name: str, content: bytes, features: Sequence[str]
) -> Iterator[tuple[str, list[float] | Unreadable]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield name, Unreadable(f"{name} is not a CSV file in UTF-8 with lines such as 4,5.")
        return
    first = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=True)
    columns, rows = range(len(features)), 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            rows += 1
            if rows == 1 and _numbers(cells) is None:  # a header
                names, wanted = ([cell.strip().lower() for cell in line] for line in (cells, features))
                if not set(wanted) <= set(names):
                    has, needs = ", ".join(cells), ", ".join(features)
                    message = f"{name} has the columns {has}, but the model reads {needs}."
                    yield name, Unreadable(message)
                    return
                columns = [names.index(feature) for feature in wanted]
                continue
            place = f"{name}:{reader.line_num}"
            yield place, _row(place, cells, columns, features)
    except csv.Error as error:
        yield name, Unreadable(f"{name}:{reader.line_num} is not a line of a CSV file: {error}.")
    if rows == 0:
        yield name, Unreadable(f"{name} is empty: there is no row to predict.")


def _row(
    place: str, cells: Sequence[str], columns: Sequence[int], features: Sequence[str]
) -> list[float] | Unreadable:
    without_header = isinstance(columns, range)
    if len(cells) <= max(columns) or (without_header and len(cells) != len(features)):
        names = ", ".join(features)
        return Unreadable(f"{place} has {len(cells)} numbers, but the model reads {len(features)}: {names}.")
    chosen = [cells[column] for column in columns]
    numbers = _numbers(chosen)
    if numbers is None or not all(map(math.isfinite, numbers)):
        return Unreadable(f"{place} has values that are not finite numbers: {', '.join(chosen)}.")
    return numbers


def _numbers(cells: Sequence[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None
