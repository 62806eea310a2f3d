"""Max-pooling, and where its gradient goes.

Lecture 001; slide "How did we go from 14x14x8 to 7x7x12?". Claims N11.

Max-pooling keeps the largest number of each 2x2 window, for each channel by itself. The windows do not
overlap, so height and width halve; of an odd size, the last row or column is left out. Going back, the
gradient of a window belongs to the pixel that was the largest. Every other pixel gets 0, since a small
change of it changes nothing.
"""

import torch
from torch import Tensor


def max_pool(x: Tensor) -> Tensor:
    """Return the pooled channels, (C, H // 2, W // 2), of x (C, H, W)."""
    # solution
    channels, height, width = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(channels, height // 2, 2, width // 2, 2).amax(dim=(2, 4))
    # end of solution


def max_pool_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """Return dL/dx, shaped as x (C, H, W). No window has two equal largest numbers.

    Args:
        x: the input of max_pool.
        gradient: dL/dy of its output, (C, H // 2, W // 2).
    """
    # solution
    found = torch.zeros_like(x)
    for c, i, j in torch.cartesian_prod(*map(torch.arange, gradient.shape)).tolist():
        place = int(x[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax())
        found[c, 2 * i + place // 2, 2 * j + place % 2] = gradient[c, i, j]
    return found
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = (
    "nn",
    "functional",
    "max_pool2d",
    "MaxPool2d",
    "amax_pool",
    "autograd",
    "backward",
    "func",
    "grad",
)
HINTS = (
    "x[:, 0::2, 0::2] has the upper left number of every window. There are four such pictures.",
    "Cut an odd size first: x[:, : H // 2 * 2]. torch.maximum(a, b) keeps the larger of two.",
    "For the gradient, begin with zeros shaped as x, and look for the place of the largest in each window.",
)


def cases(generator: torch.Generator) -> list[Case]:
    even = torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    odd = torch.randn(3, 5, 3, generator=generator, dtype=torch.float64) - 3  # all negative: 0 is no maximum
    slopes = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64)
    return [
        Case("max_pool", (torch.randn(1, 2, 2, generator=generator, dtype=torch.float64),)),
        Case("max_pool", (even,)),
        Case("max_pool", (odd,)),
        Case("max_pool_gradient", (even, slopes)),
        Case("max_pool_gradient", (odd, torch.randn(3, 2, 1, generator=generator, dtype=torch.float64))),
    ]


@mistake(
    "max_pool",
    "You took the mean. That is average pooling: it blurs, where the maximum keeps the strongest answer.",
)
def mean_for_maximum(x: Tensor) -> Tensor:
    channels, height, width = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(channels, height // 2, 2, width // 2, 2).mean(dim=(2, 4))


@mistake(
    "max_pool",
    "You kept one fixed pixel of each window, as a stride of 2 does. Pooling looks at all four and "
    "keeps the largest.",
)
def every_second_pixel(x: Tensor) -> Tensor:
    return x[:, : x.shape[1] // 2 * 2 : 2, : x.shape[2] // 2 * 2 : 2]


@mistake(
    "max_pool",
    "The maximum was taken over the channels too. Each channel is a map of another feature, and is "
    "pooled by itself.",
)
def over_the_channels(x: Tensor) -> Tensor:
    channels, height, width = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return (
        x.reshape(channels, height // 2, 2, width // 2, 2).amax(dim=(0, 2, 4))[None].expand(channels, -1, -1)
    )


@mistake(
    "max_pool",
    "Your windows overlap: they move by 1. Those of the slide move by their own size, which halves the map.",
)
def overlapping(x: Tensor) -> Tensor:
    columns = torch.maximum(x[:, :, :-1], x[:, :, 1:])
    return torch.maximum(columns[:, :-1], columns[:, 1:])


@mistake(
    "max_pool_gradient",
    "Each gradient went to all four pixels. Three of them did not decide the output, so their "
    "derivative is 0.",
)
def to_all_four(x: Tensor, gradient: Tensor) -> Tensor:
    found = torch.zeros_like(x)
    spread = gradient.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    found[:, : spread.shape[1], : spread.shape[2]] = spread
    return found


@mistake(
    "max_pool_gradient",
    "A quarter of the gradient went to each pixel, which is right for average pooling. The largest one "
    "gets all of it.",
)
def a_quarter_each(x: Tensor, gradient: Tensor) -> Tensor:
    found = torch.zeros_like(x)
    spread = gradient.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2) / 4
    found[:, : spread.shape[1], : spread.shape[2]] = spread
    return found


@mistake(
    "max_pool_gradient",
    "You multiplied the gradient by the pixel. The output is the pixel itself, so the local derivative is 1.",
)
def times_the_pixel(x: Tensor, gradient: Tensor) -> Tensor:
    found = torch.zeros_like(x)
    for c, i, j in torch.cartesian_prod(*map(torch.arange, gradient.shape)).tolist():
        window = x[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        place = int(window.argmax())
        found[c, 2 * i + place // 2, 2 * j + place % 2] = gradient[c, i, j] * window.max()
    return found
