"""The inputs that excite the units of a classifier of images most: what each unit looks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Classifier, Task
from intro_dl.visualize.callback import Visualizer, network_inputs
from intro_dl.visualize.recorder import layer_name, record_calls
from intro_dl.visualize.style import image_pixels, mosaic, spread

COUNT = 9  # inputs of each unit, in three rows of three
OUTSIDE = 128  # gray, where a unit sees more than the image


@dataclass(kw_only=True, eq=False)
class StrongestInputs(Visualizer):
    """Show the nine strongest validation images of each unit, cut to the pixels that the unit sees.

    A unit is a map of a convolution, where the place with the largest value counts, or an output of a linear
    map; its value is the one after norm, activation and pooling. Source: Zeiler and Fergus (2013), Fig. 2,
    without their projection back to pixels.
    """

    layers: int = 4  # at most, evenly spread over the depth
    units: int = 20  # at most, of each layer

    def draw(self, model, data, writer):
        if data.kind != "images" or not isinstance(model, Classifier):
            return
        images, _ = data.splits["val"]
        fields = receptive_fields(model, network_inputs(model, data, images[:1]))
        found = strongest(model, data, images)
        for name in spread([*found], self.layers):
            values, which, places = (part[: self.units] for part in found[name])
            tiles = [
                tile([cut(images[n], *fields[name], at) for n, at in zip(*unit, strict=True)])
                for unit in zip(which.tolist(), places.tolist(), strict=True)
            ]
            names = [f"{unit}: {value:.3g}" for unit, value in enumerate(values[:, 0])]
            number, total = len(values), len(found[name][0])
            shown = f"{number} of {total} units" if number < total else f"{total} units"
            what = f"strongest inputs of {shown}, cut to what they see"
            title = f"{layer_name(model, name)}: {what}, {writer.moment}"
            writer.figure(f"strongest/{name}", mosaic(tiles, names, title, side=1.2))


def strongest(
    model: Task, data: TensorData, images: Tensor, batch_size: int = 500
) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Return the nine strongest of stored images (N, C, H, W) for the M units of each layer.

    Returns:
        By the name of the layer, (M, 9) each: values, the largest first; numbers of the images; places in
        the layer's maps, counted row by row.
    """
    batches = [
        of_units(model, network_inputs(model, data, batch), lambda maps: maps.flatten(2).max(dim=2))
        for batch in images.split(batch_size)
    ]
    found = {}
    for name in batches[0]:
        values, places = (
            torch.cat(parts).cpu() for parts in zip(*(each[name] for each in batches), strict=True)
        )
        best, which = values.float().topk(min(COUNT, len(values)), dim=0)  # (9, M) each
        found[name] = best.T, which.T, places.gather(0, which).T
    return found


def receptive_fields(model: Task, inputs: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Return which rows (H, h) and columns (W, w) of an input each place of a layer's maps (h, w) sees.

    In each of H + W copies of the input (1, C, H, W), one row or column is not a number; neither is anything
    that depends on it.
    """
    height, width = inputs.shape[2:]
    copies = inputs.repeat(height + width, 1, 1, 1)
    for line in range(height):
        copies[line, :, line] = torch.nan
    for line in range(width):
        copies[height + line, :, :, line] = torch.nan
    with torch.backends.cudnn.flags(enabled=False):  # some of its algorithms mix neighboring places
        seen = of_units(model, copies, lambda maps: maps.isnan().any(dim=1).cpu())  # (H + W, h, w) each
    return {name: (each[:height].any(dim=2), each[height:].any(dim=1)) for name, each in seen.items()}


def of_units(model: Task, inputs: Tensor, reduce: Callable[[Tensor], Any]) -> dict[str, Any]:
    """Return what `reduce` makes of the maps (B, M, h, w) of each convolution and each linear map.

    These are the maps after its norm, activation and pooling; a linear map has maps of one place.
    """

    def keep(layer: nn.Module, _: Any, output: Tensor) -> tuple[int, Any] | None:
        maps = output[:, :, None, None] if output.ndim == 2 else output
        return (maps.shape[1], reduce(maps)) if maps.ndim == 4 else None

    with record_calls(model, keep) as calls:
        model(inputs)
    found: dict[str, tuple[int, Any]] = {}
    latest = ""
    for name, kept in calls:
        layer = model.get_submodule(name)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            latest = name
        follows = latest == name or (latest in found and kept and kept[0] == found[latest][0])
        if kept and follows and "Pad" not in type(layer).__name__:
            found[latest] = kept
    return {name: value for name, (_, value) in found.items()}


def cut(image: Tensor, rows: Tensor, columns: Tensor, place: int) -> Tensor:
    """Return the part of an image (C, H, W) that a place of a map sees, as large for each place of the map.

    Args:
        image: uint8 pixels.
        rows, columns: what each place sees, (H, h) and (W, w).
        place: its number in the map, row by row.
    """
    for dim, (seen, at) in enumerate(
        zip((rows, columns), divmod(place, columns.shape[1]), strict=True), start=1
    ):
        lines = seen[:, at].nonzero().flatten()
        start, missing = int(lines[0]), int(seen.sum(dim=0).max()) - len(lines)
        image = image.narrow(dim, start, len(lines))
        gray = image.new_full([missing if d == dim else size for d, size in enumerate(image.shape)], OUTSIDE)
        image = torch.cat([gray, image] if start == 0 else [image, gray], dim=dim)
    return image


def tile(images: list[Tensor]) -> np.ndarray:
    """Return up to nine images (C, h, w) in rows of three, with white lines between them, as (H, W, 3)."""
    _, height, width = images[0].shape
    page = np.full((3 * height + 2, 3 * width + 2, 3), 255, dtype=np.uint8)
    for number, image in enumerate(images):
        y, x = (number // 3) * (height + 1), (number % 3) * (width + 1)
        page[y : y + height, x : x + width] = image_pixels(image)
    return page
