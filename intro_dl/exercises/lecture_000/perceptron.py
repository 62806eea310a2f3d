"""The perceptron by hand.

Lecture 000; slides "The Perceptron: Forward Propagation", "The Perceptron: Example". Claims F1, N1, N2.

A perceptron forms one sum of its m inputs, z = w_0 + x_1 w_1 + ... + x_m w_m, and its output is y = g(z) with
the sigmoid g(z) = 1 / (1 + exp(-z)). Write it for a batch of B points at once. In the slide's example, w_0 =
1 and w = (3, -2): the point (-1, 2) has z = -6 and y = 0.0025.

Then decide: a point is of class 1 if y > 0.5, otherwise of class 0.
"""

import torch
from torch import Tensor


def perceptron(x: Tensor, w: Tensor, w0: float) -> Tensor:
    """Return y (B,) for the points x (B, m), the weights w (m,) and the bias w0."""
    # solution
    return 1 / (1 + torch.exp(-(w0 + x @ w)))
    # end of solution


def perceptron_class(x: Tensor, w: Tensor, w0: float) -> Tensor:
    """Return the class of each point, 0 or 1, shaped (B,), as integers (torch.int64)."""
    # solution
    return (w0 + x @ w > 0).long()
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn",)
HINTS = (
    "x @ w multiplies each row of x by w and adds up: one number for each point.",
    "Add w0 once to each sum, and apply g last. torch.sigmoid is allowed here.",
    "A comparison such as y > 0.5 gives True and False; .long() makes 1 and 0 of them.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    slide = torch.tensor([3.0, -2.0], dtype=torch.float64)
    points = torch.tensor([[-1.0, 2.0], [-1.0, -1.0], [0.0, 0.4], [0.5, 1.0]], dtype=torch.float64)
    calls = [(points, slide, 1.0), (draw(1, 3), draw(3), -0.5), (draw(6, 4), draw(4), draw(1).item())]
    return [Case(name, args) for name in ("perceptron", "perceptron_class") for args in calls]


@mistake(
    "perceptron",
    "You left out the bias w0. Without it z = 0 at the origin whatever the weights are, so the line "
    "between the classes can only turn, not move.",
)
def without_bias(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return 1 / (1 + torch.exp(-(x @ w)))


@mistake(
    "perceptron",
    "You return the sum z. A perceptron then applies the non-linear function g to it, which gives a number "
    "between 0 and 1.",
)
def sum_without_activation(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return w0 + x @ w


@mistake(
    "perceptron",
    "You add the bias after g. It belongs into the sum: it moves the line where y = 0.5, and y stays "
    "between 0 and 1.",
)
def bias_after_activation(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return w0 + 1 / (1 + torch.exp(-(x @ w)))


@mistake(
    "perceptron",
    "Your sum runs over all points of the batch, so that one number is left. Add up over the inputs of "
    "each point only: one y for each row of x.",
)
def sum_over_the_batch(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return 1 / (1 + torch.exp(-(w0 + (x * w).sum())))


@mistake(
    "perceptron",
    "You add w0 to every product, so that the sum has it m times. The bias is one number of its own, added "
    "once: z = w_0 + (x_1 w_1 + ... + x_m w_m).",
)
def bias_for_each_input(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return 1 / (1 + torch.exp(-(x * w + w0).sum(dim=1)))


@mistake(
    "perceptron_class",
    "You compare the sum z with 0.5. The threshold 0.5 is one of y = g(z), and g(z) = 0.5 where z = 0.",
)
def threshold_on_the_sum(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return (w0 + x @ w > 0.5).long()


@mistake(
    "perceptron_class",
    "All your points are of class 1, since y = g(z) is always above 0. Compare y with 0.5, or z with 0.",
)
def output_above_zero(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return torch.ones(len(x), dtype=torch.int64)


@mistake(
    "perceptron_class",
    "You decide without the bias w0. The line w_0 + x w = 0 between the classes then goes through the "
    "origin.",
)
def line_through_the_origin(x: Tensor, w: Tensor, w0: float) -> Tensor:
    return (x @ w > 0).long()
