"""Read one image file. Training and prediction both use this reader, so they see the same pixels."""

import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 50_000_000  # a larger image is refused: it may be a small file that fills the memory

# Formats of pixels. Pillow also opens EPS, for which it starts another program, and stubs.
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TGA"),
    *("TIFF", "WEBP"),
)
Image.init()  # loads all plugins; the installed Pillow may lack some of the formats
SUFFIXES = {
    suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS and name in Image.OPEN
}

# The value of white in images of more than 8 bits, and what is said about the scaling.
WHITES = {1: "0..1 to 8 bits", 255: "values 0..255 kept", 4095: "12 to 8 bits", 65535: "16 to 8 bits"}


class Unreadable(ValueError):
    """An input that cannot be read; the message names it."""


def read_image(file: Path | Image.Image, size: tuple[int, int], mode: str) -> tuple[np.ndarray, str | None]:
    """Return the pixels (H, W) or (H, W, 3) of uint8 of a photograph, and how it was scaled.

    The longer side is cropped at both ends.

    Args:
        file: see `open_image`.
        size: (W, H)
        mode: see `open_image`.
    """
    image, scaling = open_image(file, mode, 2 * max(size))
    if image.size != size:
        image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
    return np.array(image), scaling


def open_image(file: Path | Image.Image, mode: str, least: int) -> tuple[Image.Image, str | None]:
    """Return an image with 8 bits a channel, upright, on white where it is transparent; of a film, the first.

    Args:
        file: an image in one of FORMATS, whatever its suffix; or an image that is already open.
        mode: Pillow's "L" for grey, "RGB" for color.
        least: a large JPEG is decoded at a fraction of its size, with at least this many pixels a side.

    Returns:
        The image, and how values of more than 8 bits were scaled (None if there were none).

    Raises:
        Unreadable: if the file is missing, empty, broken, not an image, or has more than MOST_PIXELS.
    """
    if isinstance(file, Image.Image):
        upright = ImageOps.exif_transpose(file)
        return _to_mode(upright, mode, False, "The image")
    name = shown_name(file)
    try:
        status = os.stat(file)
    except FileNotFoundError as error:
        raise Unreadable(f"There is no file {name}.") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise Unreadable(f"Cannot read {name}: {getattr(error, 'strerror', error)}.") from error
    if stat.S_ISDIR(status.st_mode):
        raise Unreadable(f"There is no image in the directory {name}.")
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait forever
        raise Unreadable(f"{name} is not a regular file.")
    if not status.st_size:
        raise Unreadable(f"{name} is empty: it has 0 bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below refuses an image that is too large
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                image.draft(mode, (least, least))
                # Pillow keeps only the upper byte of 16-bit colors.
                upper_byte = any(";16" in str(tile[3]) for tile in image.tile)
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                return _to_mode(image, mode, upper_byte, name)
    except Unreadable:
        raise
    except Image.DecompressionBombError as error:
        raise Unreadable(
            f"{name} has more than {MOST_PIXELS:,} pixels and may be a decompression bomb: make it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise Unreadable(f"{name} is not a readable image: convert it to PNG or JPEG.") from error
    except PermissionError as error:
        raise Unreadable(f"Cannot read {name}: permission denied.") from error
    except Exception as error:  # Pillow and its codecs raise many types of errors
        raise Unreadable(
            f"{name} is broken: {' '.join(str(error).split()) or type(error).__name__}."
        ) from error


def _to_mode(image: Image.Image, mode: str, upper_byte: bool, name: str) -> tuple[Image.Image, str | None]:
    """Convert a decoded image to "L" or "RGB"; see `open_image`."""
    scaling = None
    if image.mode == "LAB":
        raise Unreadable(f"{name} has LAB colors, which cannot be converted here: save it as RGB.")
    if image.mode.startswith(("I", "F")):
        image, scaling = _to_8_bits(image, name)
    elif upper_byte:
        scaling = WHITES[65535]
        colors = image.getbands()[: 1 if image.mode == "LA" else 3]
        if max(np.asarray(image.getchannel(color)).max() for color in colors) < 16:
            raise Unreadable(
                f"{name} has 16 bits a channel, but no value above 4095, so it would become black: save it "
                "with 8 bits a channel."
            )
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image if image.mode == "RGBA" else image.convert("RGBA"))
        image = white
    return image.convert(mode), scaling


def _to_8_bits(image: Image.Image, name: str) -> tuple[Image.Image, str]:
    """Scale a grey image of integers or floats. Its largest value decides which value is white."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    whites = WHITES if image.mode == "F" else list(WHITES)[1:]
    white = next((white for white in whites if high <= white), None)
    if white is None or not low >= 0:  # also nan
        raise Unreadable(
            f"{name} has values outside 0 to 65535 ({low:g} to {high:g}): save it with 8 or 16 bits."
        )
    scaled = np.multiply(values, 255 / white, dtype=np.float32)
    return Image.fromarray(np.rint(scaled, out=scaled).astype(np.uint8)), WHITES[white]


def shown_name(path: str | os.PathLike[str]) -> str:
    r"""Return a path or name in one line of valid Unicode: other bytes and control characters become \x1b."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    # Emoji are joined with U+200D, which is not printable by itself.
    return "".join(c if c.isprintable() or c == "\u200d" else ascii(c)[1:-1] for c in text)
