"""Pictures before and after restoring, beside the true ones."""

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import image_pixels, mosaic


@dataclass(kw_only=True, eq=False)
class Restored(Visualizer):
    """Show pictures of the validation split: damaged, restored by the model, and as they should be."""

    count: int = 2  # pictures

    def draw(self, model, data, writer):
        if data.kind != "pairs":
            return
        damaged, clean = (each[: self.count] for each in data.splits["val"])
        restored = outputs_of(model, data, damaged)
        writer.figure("pictures/restored", draw_restored(damaged, restored, clean, writer.moment))


def draw_restored(damaged: Tensor, restored: Tensor, clean: Tensor, moment: str) -> Image.Image:
    """Draw pictures (N, C, H, W) in [0, 1] three by three: damaged, restored, true."""
    rows = torch.stack([damaged, restored, clean], dim=1).flatten(0, 1)  # (3 N, C, H, W)
    pixels = [image_pixels((255 * picture.clamp(0, 1)).round().byte()) for picture in rows]
    return mosaic(pixels, ["damaged", "restored", "true"] * len(damaged), f"restored {moment}", side=1.3)
