"""Restore pictures, each into a PNG in the current directory."""

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from intro_dl.data.image_file import Unreadable, open_image, shown_name
from intro_dl.data.images import to_pixels
from intro_dl.inference.inputs import image_paths, read_picture
from intro_dl.inference.load import LoadedRun
from intro_dl.runs.files import write_whole

MOST_PIXELS = 10_000_000  # of a picture: its feature maps take about 100 times as many numbers
MODES = {1: "L", 3: "RGB"}


def restore_pictures(
    run: LoadedRun, words: Iterable[Any], options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the file in and the file out of each picture that `words` name, e.g. street.jpg."""
    mode = MODES.get(run.metadata["dims"].get("channels"))
    if mode is None:
        raise ValueError(
            f"{run} was trained on pairs that are not pictures: evaluate it with intro-dl evaluate."
        )

    def restore(path: Path) -> tuple[Tensor, dict[str, Any]]:
        image, _ = open_image(path, mode, least=MOST_PIXELS)
        if image.width * image.height > MOST_PIXELS:
            raise Unreadable(f"{shown_name(path)} has more than {MOST_PIXELS:,} pixels: make it smaller.")
        pixels = torch.from_numpy(np.array(image)).view(image.height, image.width, -1).permute(2, 0, 1)
        return (255 * run.model(pixels[None].float() / 255)).round().clamp(0, 255).byte()[0], {}

    return write_restored(words, restore)


def restore_images(run: LoadedRun, words: Iterable[Any], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what an autoencoder restores of each image, from its code, and the mean squared error."""

    def restore(path: Path) -> tuple[Tensor, dict[str, Any]]:
        pixels, changes = read_picture(path, run.metadata, options["invert"], options["digit_box"])
        inputs = run.prepare(torch.from_numpy(pixels)[None])
        restored = run.model(inputs)  # (1, C, H, W)
        record = {"squared error": (restored - inputs).square().mean().item()}
        changed = {"changes": ", ".join(changes)} if changes else {}
        return to_pixels(restored, run.metadata["mean"], run.metadata["std"])[0], record | changed

    return write_restored(words, restore)


def write_restored(
    words: Iterable[Any], restore: Callable[[Path], tuple[Tensor, dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """Write what `restore` makes of each picture, uint8 pixels (C, H, W); yield its record or an error."""
    paths, _ = image_paths(map(str, words))
    for path in paths:
        name, out = shown_name(path), Path(f"{path.stem}_restored.png")
        try:
            if out.exists():
                raise Unreadable(f"{out} exists: rename it, or restore {name} in another directory.")
            with torch.inference_mode():
                pixels, record = restore(path)
            file = io.BytesIO()
            Image.fromarray(pixels.permute(1, 2, 0).squeeze(-1).numpy()).save(file, "PNG")
            write_whole(out, file.getvalue())
        except Unreadable as error:
            yield {"file": name, "error": str(error)}
        else:
            yield {"file": name, "restored": str(out)} | record
