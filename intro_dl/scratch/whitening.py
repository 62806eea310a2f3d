"""Filters that make the pixels of small patches uncorrelated, each with variance 1.

Source: Page (2019), "How to Train Your ResNet 8: Bag of Tricks"; Jordan (2024), arXiv:2404.00498.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def whitening_filters(images: Tensor, side: int, eps: float = 5e-4) -> Tensor:
    """Return the eigenvectors of the covariance of all patches, divided by their standard deviations.

    Args:
        images: (B, C, H, W), normalized.
        side: height and width of a patch.
        eps: added to each variance, so that patches without contrast are not amplified without bound.

    Returns:
        (2 N, C, side, side) with N = C * side^2: the filter of the largest variance first, and then each with
        the other sign, because a rectifier passes only one.
    """
    stride = max(1, min(images.shape[2:]) // 32)  # about a thousand patches of each image
    patches = F.unfold(images, side, stride=stride).transpose(1, 2).flatten(0, 1).double()  # (patches, N)
    variances, vectors = torch.linalg.eigh(patches.T.cov())  # ascending; vectors are columns
    filters = (vectors / (variances + eps).sqrt()).T.flip(0)  # (N, N)
    return torch.cat([filters, -filters]).reshape(-1, images.shape[1], side, side).to(images.dtype)
