"""Scenes: drawn pictures of two shapes, each with the caption that says what is where."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from intro_dl.config.types import Seed, Size
from intro_dl.data.dataset import Split, TensorData
from intro_dl.data.images import normalize
from intro_dl.data.sentences import encode, vocabulary

COLORS = {
    "red": (220, 50, 50),
    "green": (60, 180, 75),
    "blue": (60, 100, 230),
    "yellow": (240, 210, 60),
    "white": (240, 240, 240),
}
SHAPES = ("circle", "square", "triangle", "cross")
RELATIONS = ("above", "left of")
SIDE = 32  # pixels
SIZES = {"train": 3_000, "val": 400, "test": 400}


@dataclass(kw_only=True, eq=False)
class CaptionData(TensorData):
    """Pictures (N, C, H, W) of uint8 with a caption each. Abstract: define `pictures`.

    The vocabulary is that of the training captions; any other word is unknown.

    Args:
        split_seed: selects the pictures of the splits.
        others: see TensorData.
    """

    batch_size: Size | None = 32
    split_seed: Seed = 0

    kind, EXAMPLES = "captions", "pictures"
    in_shape: ClassVar[tuple[int, int, int]]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dims = {"in_shape": self.in_shape, "vocab_size": None}

    def pictures(self) -> dict[str, tuple[Tensor, list[str]]]:
        """Return the pictures and the captions of each split."""
        raise NotImplementedError(f"{type(self).__name__} must define pictures()")

    def load(self) -> dict[str, Split]:
        found = self.pictures()
        images, captions = found["train"]
        pixels = images.float() / 255
        self.mean, self.std = pixels.mean((0, 2, 3)).tolist(), pixels.std((0, 2, 3)).tolist()  # (C,) each
        self.words = vocabulary(captions)
        self.dims = {**self.dims, "vocab_size": len(self.words)}
        return {
            split: (images, encode(texts, self.words, stop=True)) for split, (images, texts) in found.items()
        }

    def facts(self) -> list[str]:
        return [f"{len(self.words)} words"]

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"vocabulary": self.words, "mean": self.mean, "std": self.std}

    def transform(self, inputs: Tensor) -> Tensor:
        """Return float images (B, C, H, W) with mean 0 and standard deviation 1 over the training set."""
        return normalize(inputs, self.mean, self.std)


@dataclass(kw_only=True, eq=False)
class Scenes(CaptionData):
    """Two shapes on a dark ground, 32x32 pixels: "a red circle above a blue square"; 3,000 / 400 / 400.

    The caption is a function of the picture: it names the upper or the left shape first, so "below" and
    "right of" never occur, and no shape is both above and left of the other. Otherwise a picture would have
    two right captions, and no model could be exact. There are 5 colors, 4 shapes and 2 relations, so
    20 * 20 * 2 = 800 captions, equally likely. Places and sizes vary.

    Args:
        held_out: "scenes" draws new test pictures; most of their captions also occur in training. With
            "pairs", each test picture has a red circle, a green square, a blue triangle or a yellow cross,
            and no training or validation picture has one, although all colors and all shapes occur.
        others: see CaptionData.
    """

    held_out: Literal["scenes", "pairs"] = "scenes"

    in_shape = (3, SIDE, SIDE)

    def pictures(self) -> dict[str, tuple[Tensor, list[str]]]:
        generator = torch.Generator().manual_seed(self.split_seed)
        found = {}
        for split, count in SIZES.items():
            objects = torch.stack(  # (many, 2, 2): color and shape of the first and the second object
                [torch.randint(len(each), (8 * count, 2), generator=generator) for each in (COLORS, SHAPES)],
                dim=2,
            )
            if self.held_out == "pairs":
                rare = (objects[..., 0] == objects[..., 1]).any(dim=1)  # the i-th color on the i-th shape
                objects = objects[rare if split == "test" else ~rare]
            relations = torch.randint(2, (count,), generator=generator)
            found[split] = draw(objects[:count], relations, generator), captions(objects[:count], relations)
        return found


def captions(objects: Tensor, relations: Tensor) -> list[str]:
    """Return the captions of objects (N, 2, 2) and relations (N,); see `draw`."""
    names = [[f"a {color} {shape}" for shape in SHAPES] for color in COLORS]
    return [
        f"{names[first[0]][first[1]]} {RELATIONS[relation]} {names[other[0]][other[1]]}"
        for (first, other), relation in zip(objects.tolist(), relations.tolist(), strict=True)
    ]


def draw(objects: Tensor, relations: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures (N, 3, 32, 32) of uint8.

    Args:
        objects: (N, 2, 2), the numbers of color and shape of the first and the second object.
        relations: (N,), 0 if the first object is above the second, 1 if it is left of it.
        generator: selects places, sizes and the grey level of the ground.
    """
    count = len(objects)
    line = torch.arange(SIDE, dtype=torch.int16)
    ground = torch.randint(10, 50, (count, 1, 1, 1), generator=generator, dtype=torch.uint8)
    pictures = ground.expand(count, 3, SIDE, SIDE)
    palette = torch.tensor(list(COLORS.values()), dtype=torch.uint8)  # (5, 3)
    for place, low in enumerate((7, 22)):  # the first object is in the upper or left half
        along = torch.randint(low, low + 4, (count,), generator=generator)
        across = torch.randint(11, 22, (count,), generator=generator)  # closer: never both above and left of
        y, x = along.where(relations == 0, across), across.where(relations == 0, along)
        radius = torch.randint(4, 7, (count, 1, 1), generator=generator)
        down = (line - y[:, None])[:, :, None].short()  # (N, 32, 1), pixels below the center
        right = (line - x[:, None])[:, None].short()  # (N, 1, 32)
        inside = torch.maximum(down.abs(), right.abs()) <= radius
        masks = torch.stack(  # (N, 4, 32, 32), in the order of SHAPES
            [
                down**2 + right**2 <= radius**2,
                inside,
                inside & (2 * right.abs() <= down + radius),
                inside & (torch.minimum(down.abs(), right.abs()) <= 1),
            ],
            dim=1,
        )
        mask = masks[torch.arange(count), objects[:, place, 1]][:, None]  # (N, 1, 32, 32)
        pictures = torch.where(mask, palette[objects[:, place, 0]][:, :, None, None], pictures)
    return pictures
