"""Several views of a test image, whose scores are averaged: test-time augmentation."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Views = Literal["one", "mirror", "shift"]


def average_views(score: Callable[[Tensor], Tensor], images: Tensor, views: Views) -> Tensor:
    """Return the mean scores (B, K) over views of images (B, C, H, W).

    Args:
        score: maps images to scores.
        images: see above.
        views: the image alone ("one"); with its "mirror" image; or both, and both again shifted by one pixel
            up left and down right ("shift"), where the pixels at the border are repeated. The shifted views
            weigh as much together as the others.

    Source: Jordan (2024), arXiv:2404.00498, section 3.5.
    """
    if views == "one":
        return score(images)
    mean = (score(images) + score(images.flip(3))) / 2
    if views == "mirror":
        return mean
    height, width = images.shape[2:]
    padded = F.pad(images, [1] * 4, mode="replicate")
    moved = padded[:, :, :height, :width], padded[:, :, 2:, 2:]
    return mean / 2 + sum(average_views(score, shifted, "mirror") for shifted in moved) / 4
