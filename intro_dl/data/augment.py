"""Augmentation: change a whole batch of training images at random, each image in its own way.

This module uses `grid_sample` and indexing instead of kornia, for three reasons. A student can read the code.
It works on the stored uint8 pixels (kornia needs floats, four times the memory). And it draws from torch's
generator on the training device, so `torch.manual_seed` repeats the augmentation.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

# Images (B, C, H, W) and their turns (B,), see `augment_batch` -> images (B, C, H, W) of the same dtype.
Augmentation = Callable[[Tensor, Tensor], Tensor]


def make_augmentation(name: str) -> Augmentation:
    """Return the augmentation called `name`: none, affine, crop_flip, crop_reflect or crop_alternate."""
    if name not in AUGMENTATIONS:
        raise ValueError(f"Unknown data.augment={name}: choose one of {', '.join(AUGMENTATIONS)}.")
    return AUGMENTATIONS[name]


def none(images: Tensor, turns: Tensor | None = None) -> Tensor:
    """Return the images unchanged."""
    return images


def affine(
    images: Tensor,
    turns: Tensor | None = None,
    degrees: float = 10.0,
    shift: float = 0.1,
    scale: float = 0.1,
) -> Tensor:
    """Rotate, shift and zoom each image by its own random amounts; new pixels are black (0).

    Args:
        images: (B, C, H, W), uint8 or floats.
        turns: not used.
        degrees: the angle is uniform in [-degrees, degrees).
        shift: the shift along each axis is uniform in [-shift, shift), as a fraction of the side.
        scale: the zoom is uniform in [1 - scale, 1 + scale); `scale` must be below 1.
    """

    def uniform(*shape: int) -> Tensor:  # in [-1, 1)
        return 2 * torch.rand(len(images), *shape, device=images.device) - 1

    return warp(images, math.radians(degrees) * uniform(), 1 + scale * uniform(), shift * uniform(2))


def warp(images: Tensor, angles: Tensor, zooms: Tensor, moves: Tensor) -> Tensor:
    """Turn image b counterclockwise by angles[b], enlarge it zooms[b] times, then move it right and down.

    Args:
        images: (B, C, H, W), uint8 or floats; a pixel between four others is interpolated bilinearly.
        angles: (B,) radians.
        zooms: (B,) above 0.
        moves: (B, 2), along x and y, as fractions of the width and the height.
    """
    height, width = images.shape[-2:]
    cos, sin = angles.cos() / zooms, angles.sin() / zooms
    # For every pixel of the result, its source in the image: the inverse of the map in the docstring.
    turn = torch.stack([cos, -sin * height / width, sin * width / height, cos], dim=1).view(-1, 2, 2)
    start = -turn @ (2 * moves)[:, :, None]  # (B, 2, 1); grid_sample counts a side from -1 to 1
    grid = F.affine_grid(torch.cat([turn, start], dim=2), list(images.shape), align_corners=False)
    warped = F.grid_sample(images.float(), grid, align_corners=False)  # (B, C, H, W)
    return warped.to(images.dtype) if images.is_floating_point() else warped.round().to(images.dtype)


def crop_flip(
    images: Tensor, turns: Tensor | None = None, padding: int = 4, mode: str = "constant"
) -> Tensor:
    """Pad each image, crop a random window of the old size, and mirror it with probability 1/2.

    See `crop` for `padding` and `mode`. Source: Lee et al. (2015), as used by He et al. (2015), section 4.2.
    """
    count, device = len(images), images.device
    corners = torch.randint(0, 2 * padding + 1, (2, count), device=device)
    mirrored = torch.rand(count, device=device) < 0.5
    return crop(images, corners[0], corners[1], mirrored, padding, mode)


def crop_alternate(images: Tensor, turns: Tensor, padding: int = 2) -> Tensor:
    """Crop a random window after reflecting the borders, and mirror each image in every second epoch.

    So two epochs in a row show each image in both directions, which chance does not (Jordan 2024,
    arXiv:2404.00498, section 3.6).
    """
    corners = torch.randint(0, 2 * padding + 1, (2, len(images)), device=images.device)
    mirrored = turns.to(images.device) % 2 == 1
    return crop(images, corners[0], corners[1], mirrored, padding, "reflect")


def crop(
    images: Tensor, tops: Tensor, lefts: Tensor, mirrored: Tensor, padding: int, mode: str = "constant"
) -> Tensor:
    """Crop image b at corner (tops[b], lefts[b]) of the padded image, and mirror it if mirrored[b].

    Args:
        images: (B, C, H, W) of any dtype; the crops have the same size.
        tops, lefts: (B,) integers from 0 to 2 * padding; `padding` keeps the image as it is.
        mirrored: (B,) of bool: swap left and right.
        padding: pixels added on each side.
        mode: "constant" adds black pixels, "reflect" the image mirrored at its border.
    """
    height, width = images.shape[-2:]
    device = images.device
    padded = F.pad(images, [padding] * 4, mode).permute(0, 2, 3, 1)  # (B, H + 2 padding, W + 2 padding, C)
    rightwards = torch.arange(width, device=device)
    rows = tops[:, None] + torch.arange(height, device=device)  # (B, H)
    columns = lefts[:, None] + torch.where(mirrored[:, None], rightwards.flip(0), rightwards)  # (B, W)
    image = torch.arange(len(images), device=device)
    windows = padded[image[:, None, None], rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
    return windows.permute(0, 3, 1, 2)


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": none,
    "affine": affine,
    "crop_flip": crop_flip,
    "crop_reflect": partial(crop_flip, padding=2, mode="reflect"),
    "crop_alternate": crop_alternate,
}
