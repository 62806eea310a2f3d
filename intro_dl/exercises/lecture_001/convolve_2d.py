"""A convolution in two dimensions, with channels.

Lecture 001; slides "Multiple Input Channels", "Multiple Input/output Channels". Claims N12, N13.

An image x has C channels. A kernel has C channels too, and slides over the image. At each place, all C * h *
w numbers under the kernel are multiplied by its numbers, and everything is added to one number: each channel
has its part of the kernel, and the results are summed over the channels. As in all libraries of deep learning
the kernel is not flipped. Several kernels give several maps. There is no padding, the stride is 1, and
loops are allowed.
"""

import torch
from torch import Tensor


def feature_map(x: Tensor, kernel: Tensor) -> Tensor:
    """Return the map (H - h + 1, W - w + 1) of an image (C, H, W) for one kernel (C, h, w)."""
    # solution
    _, h, w = kernel.shape
    rows, columns = x.shape[1] - h + 1, x.shape[2] - w + 1
    places = [(x[:, i : i + h, j : j + w] * kernel).sum() for i in range(rows) for j in range(columns)]
    return torch.stack(places).reshape(rows, columns)
    # end of solution


def convolve_2d(x: Tensor, kernels: Tensor) -> Tensor:
    """Return the maps (O, H - h + 1, W - w + 1) of an image (C, H, W) for O kernels (O, C, h, w)."""
    # solution
    return torch.stack([feature_map(x, kernel) for kernel in kernels])
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = (
    "conv1d", "conv2d", "conv3d", "Conv2d", "nn", "functional", "convolution", "_convolution", "conv_tbc",
    "ops", "fft",
)  # fmt: skip
HINTS = (
    "At row i and column j the kernel lies on x[:, i : i + h, j : j + w], which has the kernel's shape.",
    "Multiply this part by the kernel and sum over everything, the channels too: one number for each place.",
    "torch.stack([...]) makes one tensor of a list of equal ones: with it, convolve_2d is one line.",
)


def cases(generator: torch.Generator) -> list[Case]:
    slide = torch.arange(9, dtype=torch.float64).reshape(3, 3)
    square = torch.arange(4, dtype=torch.float64).reshape(2, 2)
    x = torch.randn(2, 4, 5, generator=generator, dtype=torch.float64)
    kernels = torch.randn(3, 2, 2, 3, generator=generator, dtype=torch.float64)
    return [
        Case("feature_map", (torch.stack([slide, slide + 1]), torch.stack([square, square + 1]))),
        Case("feature_map", (x, kernels[0])),
        Case("feature_map", (x[:1, :2, :3], kernels[0][:1])),
        Case("convolve_2d", (x, kernels)),
        Case("convolve_2d", (x[:, :, :3], kernels[:1])),
        Case("convolve_2d", (x[:1], kernels[:2, :1, :1])),
    ]


def windows(x: Tensor, kernel: Tensor) -> Tensor:
    """Return what is under the kernel, (C, rows, columns, h, w); used by the mistakes."""
    return x.unfold(1, kernel.shape[1], 1).unfold(2, kernel.shape[2], 1)


@mistake(
    "feature_map",
    "You kept the channels apart. However many channels come in, one kernel makes one map: sum over the "
    "channels too.",
)
def channels_kept_apart(x: Tensor, kernel: Tensor) -> Tensor:
    return (windows(x, kernel) * kernel[:, None, None]).sum(dim=(3, 4))


@mistake(
    "feature_map",
    "Only the first channel was read. The kernel has a part for each channel, and all of them count.",
)
def only_the_first_channel(x: Tensor, kernel: Tensor) -> Tensor:
    return (windows(x[:1], kernel) * kernel[:1, None, None]).sum(dim=(0, 3, 4))


@mistake(
    "feature_map",
    "You flipped the kernel, as mathematics does for a convolution. The slide does not: the first "
    "number of the kernel meets the first number under it.",
)
def flipped_kernel(x: Tensor, kernel: Tensor) -> Tensor:
    return (windows(x, kernel) * kernel.flip(1, 2)[:, None, None]).sum(dim=(0, 3, 4))


@mistake(
    "feature_map",
    "The last row and the last column are missing. A kernel of height h fits at H - h + 1 rows: a kernel as "
    "high as the image fits once.",
)
def one_too_small(x: Tensor, kernel: Tensor) -> Tensor:
    return (windows(x, kernel) * kernel[:, None, None]).sum(dim=(0, 3, 4))[:-1, :-1]


@mistake(
    "feature_map",
    "You took the mean of the products. A convolution adds them: 56 on the slide is a sum of eight products.",
)
def mean_of_the_products(x: Tensor, kernel: Tensor) -> Tensor:
    return (windows(x, kernel) * kernel[:, None, None]).mean(dim=(0, 3, 4))


@mistake(
    "convolve_2d",
    "You added the maps of the kernels. Channels are summed, kernels are not: each kernel looks for a "
    "pattern of its own and has its own map.",
)
def maps_added(x: Tensor, kernels: Tensor) -> Tensor:
    return sum((feature_map(x, kernel) for kernel in kernels), torch.zeros(()))


@mistake(
    "convolve_2d",
    "The maps are in the last dimension. In torch the channels come first, (O, rows, columns): the maps are "
    "the channels of the next layer.",
)
def maps_last(x: Tensor, kernels: Tensor) -> Tensor:
    return torch.stack([feature_map(x, kernel) for kernel in kernels], dim=-1)


@mistake(
    "convolve_2d",
    "All your maps are those of the first kernel. Each map needs its own kernel, kernels[o].",
)
def always_the_first_kernel(x: Tensor, kernels: Tensor) -> Tensor:
    return torch.stack([feature_map(x, kernels[0]) for _ in kernels])
