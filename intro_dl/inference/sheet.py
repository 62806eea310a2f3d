"""A picture of what the network saw: each input image beside the pixels that the network read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from intro_dl.data.image_file import open_image
from intro_dl.runs.files import write_whole
from intro_dl.visualize.style import image_pixels, mosaic, png, shorten
from intro_dl.visualize.style import pixels as drawn

SIDE = 160  # pixels of each image on the sheet


class Sheet:
    """Pairs of an image and the network's input, with the answer of the network.

    Args:
        path: the PNG file that `write` writes.
        most: further images are counted, but not shown.
    """

    def __init__(self, path: Path, most: int = 60) -> None:
        self.path, self.most, self.count = path, most, 0
        self.pictures: list[np.ndarray] = []
        self.names: list[str] = []

    def add(self, file: Path, pixels: np.ndarray, record: Mapping[str, Any]) -> None:
        """Add a file with the pixels (C, H, W) of uint8 that the network read, and its prediction."""
        self.count += 1
        if self.count > self.most:
            return
        image, _ = open_image(file, "RGB", SIDE)
        original = ImageOps.pad(image, (SIDE, SIDE), color="white")
        read = Image.fromarray(image_pixels(torch.from_numpy(pixels)))
        read = read.resize((SIDE, SIDE), Image.Resampling.NEAREST)
        self.pictures.append(np.hstack([np.asarray(original), np.asarray(read)]))
        answer = (
            f"{shorten(record['class'])} ({record['probability']:.0%})" if "probability" in record else ""
        )
        self.names.append(f"{shorten(Path(record['file']).name)}\n{answer or shorten(record['class'])}")

    def write(self) -> str:
        """Write the sheet, and return a sentence that says so."""
        shown = len(self.pictures)
        title = f"image | what the network read: {shown} of {self.count}"
        figure = mosaic(self.pictures, self.names, title, side=2.0)
        write_whole(self.path, png(drawn(figure)))
        return f"Wrote what the network read of {shown} images to {self.path}."
