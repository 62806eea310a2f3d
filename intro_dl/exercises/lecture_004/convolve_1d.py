"""A convolution in one dimension.

Lecture 004; slide "1D Convolutional Layer Example". Claims N14.

A kernel u of size k slides along a signal x of size M. At each place the k numbers under it are multiplied
by the kernel and added: (x * u)_i = x_i u_0 + x_(i+1) u_1 + ... The kernel is not turned round, as in all
libraries of deep learning, so this is what mathematics calls a cross-correlation. Only places at which the
whole kernel lies on the signal count.
"""

import torch
from torch import Tensor


def convolve(x: Tensor, u: Tensor) -> Tensor:
    """Return x * u, (M - k + 1,), for a signal (M,) and a kernel (k,)."""
    # solution
    size = len(x) - len(u) + 1
    return torch.stack([(x[i : i + len(u)] * u).sum() for i in range(size)])
    # end of solution


def convolve_with_stride(x: Tensor, u: Tensor, stride: int, padding: int) -> Tensor:
    """Return the same at every `stride`-th place of the signal with `padding` zeros at both ends."""
    # solution
    zeros = torch.zeros(padding)
    return convolve(torch.cat([zeros, x, zeros]), u)[::stride]
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("conv1d", "Conv1d", "nn", "functional", "conv2d", "fft", "_conv", "convolution", "conv_tbc")
HINTS = (
    "At place i the kernel lies on x[i : i + k].",
    "The last place is the one at which the kernel ends with the signal: there are M - k + 1 places.",
    (
        "Padding comes first: put zeros at both ends with torch.cat. Then [::stride] takes every stride-th "
        "place."
    ),
)


def cases(generator: torch.Generator) -> list[Case]:
    step = torch.tensor([0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4], dtype=torch.float64)
    x = torch.randn(7, generator=generator, dtype=torch.float64)
    u = torch.randn(3, generator=generator, dtype=torch.float64)
    return [
        Case("convolve", (step, torch.tensor([-1.0, 1.0], dtype=torch.float64))),
        Case("convolve", (x, u)),
        Case("convolve", (x[:3], u)),
        Case("convolve_with_stride", (x, u, 1, 0)),
        Case("convolve_with_stride", (x, u, 2, 1)),
        Case("convolve_with_stride", (x, u, 3, 2)),
    ]


@mistake(
    "convolve",
    "You turned the kernel round, as mathematics does. The slide, and every library of deep learning, "
    "does not: the first number of the kernel meets the first number under it.",
)
def turned_round(x: Tensor, u: Tensor) -> Tensor:
    return torch.stack([(x[i : i + len(u)] * u.flip(0)).sum() for i in range(len(x) - len(u) + 1)])


@mistake(
    "convolve",
    "One place is missing at the end. A kernel of size M fits once on a signal of size M: there are M - "
    "k + 1 places.",
)
def one_too_short(x: Tensor, u: Tensor) -> Tensor:
    places = [(x[i : i + len(u)] * u).sum() for i in range(len(x) - len(u))]
    return torch.stack(places) if places else torch.zeros(0)


@mistake(
    "convolve",
    "Your output is as long as the signal: zeros were added at the end. Without padding the output is "
    "shorter by k - 1.",
)
def as_long_as_the_signal(x: Tensor, u: Tensor) -> Tensor:
    longer = torch.cat([x, torch.zeros(len(u) - 1)])
    return torch.stack([(longer[i : i + len(u)] * u).sum() for i in range(len(x))])


@mistake(
    "convolve",
    "You took the mean of the products. A convolution adds them: the size of the kernel must not divide.",
)
def mean_of_the_products(x: Tensor, u: Tensor) -> Tensor:
    return torch.stack([(x[i : i + len(u)] * u).mean() for i in range(len(x) - len(u) + 1)])


@mistake(
    "convolve_with_stride",
    "You padded one end only. Padding puts the same number of zeros before and after the signal.",
)
def padded_at_the_end(x: Tensor, u: Tensor, stride: int, padding: int) -> Tensor:
    return convolve(torch.cat([x, torch.zeros(padding)]), u)[::stride]


@mistake(
    "convolve_with_stride",
    "You thinned out the signal before the convolution. The stride moves the kernel: it still reads "
    "neighbors.",
)
def thinned_out_signal(x: Tensor, u: Tensor, stride: int, padding: int) -> Tensor:
    zeros = torch.zeros(padding)
    thin = torch.cat([zeros, x, zeros])[::stride]
    if len(thin) < len(u):
        return torch.zeros(0)
    return convolve(thin, u)
