"""Restore pictures, each into a PNG in the current directory."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from intro_dl.data.image_file import Unreadable, open_image, shown_name
from intro_dl.inference.inputs import image_paths
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
    paths, _ = image_paths(map(str, words))
    for path in paths:
        name, out = shown_name(path), Path(f"{path.stem}_restored.png")
        try:
            if out.exists():
                raise Unreadable(f"{out} exists: rename it, or restore {name} in another directory.")
            image, _ = open_image(path, mode, least=MOST_PIXELS)
            if image.width * image.height > MOST_PIXELS:
                raise Unreadable(f"{name} has more than {MOST_PIXELS:,} pixels: make it smaller.")
            write_whole(out, restored_png(run, image))
        except Unreadable as error:
            yield {"file": name, "error": str(error)}
        else:
            yield {"file": name, "restored": str(out)}


@torch.inference_mode()
def restored_png(run: LoadedRun, image: Image.Image) -> bytes:
    """Return a restored picture as the content of a PNG file."""
    pixels = torch.from_numpy(np.array(image)).view(image.height, image.width, -1).permute(2, 0, 1)
    restored = run.model(pixels[None].float() / 255)[0]  # (C, H, W)
    shown = (255 * restored.clamp(0, 1)).round().byte().permute(1, 2, 0).squeeze(-1).numpy()
    file = io.BytesIO()
    Image.fromarray(shown).save(file, "PNG")
    return file.getvalue()
