"""Restore a picture from a damaged one, beside the filters of image processing."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, median_filter
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task

WIDTHS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)  # standard deviations of the Gaussian filter, in pixels
WINDOWS = ((1, 3), (1, 5), (1, 9), (1, 11), (3, 3), (3, 9), (5, 5))  # rows and columns of the median filter
SIDE = 7  # of the linear filter


class Restorer(Task):
    """Map damaged pictures to clean ones, both (B, C, H, W) in [0, 1]: mean squared error, and PSNR in dB."""

    leading = "psnr"

    def metrics(self, batch):
        damaged, clean = batch
        restored = self(damaged)
        return {"loss": F.mse_loss(restored, clean), "psnr": psnr(restored, clean).mean()}

    def rivals(self, train, test):
        """Return the PSNR of the damaged pictures, and of three filters at their best.

        Of six widths and seven windows the best counts, and the 49 weights are fitted, each with the clean
        test pictures at hand. This favors the filters: the network has never seen these pictures.
        """
        damaged, clean = test
        reached = {"unchanged": psnr(damaged, clean).mean().item()}
        pixels, planes = damaged.numpy(), ((0,) * (damaged.ndim - 2))
        blurred = [gaussian_filter(pixels, (*planes, width, width)) for width in WIDTHS]
        medians = [median_filter(pixels, (*(1 for _ in planes), *window)) for window in WINDOWS]
        linear = [fitted_filter(damaged, clean).numpy()]
        for name, results in (("Gaussian", blurred), ("median", medians), ("7x7 linear", linear)):
            reached[f"{name} filter"] = max(_psnr_of(result, clean) for result in results)
        return reached


def psnr(pictures: Tensor, clean: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of pictures (B, C, H, W) in dB, (B,); if they are equal, 100."""
    error = (pictures.clamp(0, 1) - clean).square().flatten(1).mean(dim=1)
    return -10 * error.clamp(min=1e-10).log10()  # white is 1


def fitted_filter(damaged: Tensor, clean: Tensor) -> Tensor:
    """Return the pictures after the linear filter of least squares, the same for all channels and places."""
    planes = F.pad(damaged, (SIDE // 2,) * 4, mode="reflect").flatten(0, 1)[:, None]  # (B * C, 1, ...)
    windows = F.unfold(planes, SIDE).transpose(1, 2).flatten(0, 1).double()  # (B * C * H * W, 49)
    weights = torch.linalg.solve(windows.T @ windows, windows.T @ clean.flatten().double())
    return (windows @ weights).float().view(clean.shape)


def _psnr_of(result: np.ndarray, clean: Tensor) -> float:
    return psnr(torch.from_numpy(result), clean).mean().item()
