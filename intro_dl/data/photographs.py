"""Photographs with rain or noise drawn on them, and the same photographs without."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import matplotlib
import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import Tensor

from intro_dl.config.types import NonNegative, Seed, Size
from intro_dl.data.dataset import Split, TensorData

Photograph = Literal["china", "flower", "grace_hopper"]
COPIES, PATCHES, SIDE = 8, 100, 32  # damaged copies of a photograph, patches of each, their pixels a side
STRIP, HEIGHT = 128, 416  # columns and rows of the validation strip of a photograph
DROPS = 0.004  # streaks per pixel


@dataclass(kw_only=True, eq=False)
class Photographs(TensorData):
    """Three photographs in color; the training sees two of them, and the test is the third as a whole.

    The patches for training are cut from the left part of two photographs, each from one of eight copies with
    rain or noise of their own; the right part, 128 pixels wide, is the validation split. The rain is drawn:
    white streaks, of one slant per picture. Data sets of the literature draw it, too.

    Sources: scikit-learn's `china.jpg` (danielbuechele, CC BY 2.0) and `flower.jpg` (vultilion, CC BY 2.0);
    matplotlib's `grace_hopper.jpg` (U.S. Navy, public domain).

    Args:
        held_out: the photograph of the test split: china, flower, grace_hopper.
        damage: rain or noise.
        sigma: standard deviation of the noise, where 255 is white.
        split_seed: selects the patches, the streaks and the noise.
        others: see TensorData.
    """

    held_out: Photograph = "flower"
    damage: Literal["rain", "noise"] = "rain"
    sigma: NonNegative = 25.0
    batch_size: Size | None = 32
    split_seed: Seed = 0

    kind = "pairs"
    EXAMPLES = "pictures"
    dims = {"channels": 3}

    def load(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(self.split_seed)
        pairs: dict[str, list[Split]] = {"train": [], "val": [], "test": []}
        for name in get_args(Photograph):
            photograph = read_photograph(name)
            if name == self.held_out:
                pairs["test"].append((self.spoil(photograph, generator), photograph))
                continue
            left, right = photograph[:, :, :-STRIP], photograph[:, :HEIGHT, -STRIP:]
            for _ in range(COPIES):
                pairs["train"] += cut_patches(self.spoil(left, generator), left, generator)
            pairs["val"].append((self.spoil(right, generator), right))
        return {
            split: (
                torch.stack([damaged for damaged, _ in found]),
                torch.stack([clean for _, clean in found]),
            )
            for split, found in pairs.items()
        }

    def facts(self) -> list[str]:
        return [f"with {self.damage}", f"tested on {self.held_out}"]

    def spoil(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Return a picture (C, H, W) in [0, 1] with rain or noise."""
        if self.damage == "rain":
            return draw_rain(picture, generator)
        return (picture + self.sigma / 255 * torch.randn(picture.shape, generator=generator)).clamp(0, 1)


def read_photograph(name: Photograph) -> Tensor:
    """Return a photograph (3, H, W) in [0, 1]."""
    if name == "grace_hopper":
        with Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") as image:
            pixels = np.array(image)
    else:
        pixels = load_sample_image(f"{name}.jpg").copy()
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def cut_patches(damaged: Tensor, clean: Tensor, generator: torch.Generator) -> list[Split]:
    """Return patches (C, 32, 32) of both pictures (C, H, W), cut at the same places drawn at random."""
    rows = torch.randint(clean.shape[1] - SIDE, (PATCHES,), generator=generator).tolist()
    columns = torch.randint(clean.shape[2] - SIDE, (PATCHES,), generator=generator).tolist()
    places = [np.s_[:, y : y + SIDE, x : x + SIDE] for y, x in zip(rows, columns, strict=True)]
    return [(damaged[place], clean[place]) for place in places]


def draw_rain(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Draw streaks on a picture (C, H, W): drops of several brightnesses, each drawn out along one line."""
    slant = math.tan(math.radians(20 * float(2 * torch.rand((), generator=generator) - 1)))
    length = int(torch.randint(8, 13, (), generator=generator))  # to each side of a drop
    falls, brightness = torch.rand(2, *picture.shape[1:], generator=generator)
    drops = (falls < DROPS) * (0.3 + 0.7 * brightness)  # (H, W)
    streaks = torch.zeros_like(drops)
    for row in range(-length, length + 1):
        column, part = divmod(row * slant, 1)
        for shift, weight in ((int(column), 1 - part), (int(column) + 1, part)):
            streaks += weight * drops.roll((row, shift), dims=(0, 1))
    streaks = streaks.clamp(max=0.8)  # the opacity of white
    return picture + streaks * (1 - picture)
