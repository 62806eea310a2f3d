"""Mean squared error and its gradient.

Lecture 000; slide "Mean Squared Error Loss". Claims N5.

The mean squared error of n predictions f and targets y is J = 1/n sum_i (y_i - f_i)^2. For the slide's grades
f = (30, 80, 85) and y = (90, 20, 95), J = 2433.33. As so often, the network gives one column, f of shape (n,
1), but the data are a vector, y of shape (n,).

Training needs the gradient too: the derivative of J with respect to each f_i.
"""

import torch
from torch import Tensor


def mean_squared_error(f: Tensor, y: Tensor) -> Tensor:
    """Return J, one number, for predictions f (n, 1) and targets y (n,)."""
    # solution
    return ((f.squeeze(1) - y) ** 2).mean()
    # end of solution


def mean_squared_error_gradient(f: Tensor, y: Tensor) -> Tensor:
    """Return dJ/df, shaped as f: (n, 1)."""
    # solution
    return 2 * (f - y[:, None]) / len(y)
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "mse_loss", "autograd", "backward", "grad")
HINTS = (
    "Print (f - y).shape: it is not (n, 1).",
    "f[:, 0] and f.squeeze(1) have the shape (n,); y[:, None] has the shape (n, 1).",
    "Only the term i of the sum has f_i, and the derivative of (f_i - y_i)^2 is 2 (f_i - y_i).",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    numbers = partial(torch.tensor, dtype=torch.float64)
    slide = numbers([[30.0], [80.0], [85.0]]), numbers([90.0, 20.0, 95.0])
    calls = [slide, (draw(1, 1), draw(1)), (draw(5, 1), draw(5))]
    functions = ("mean_squared_error", "mean_squared_error_gradient")
    return [Case(name, args) for name in functions for args in calls]


@mistake(
    "mean_squared_error",
    "(n, 1) minus (n,) is a table (n, n): every prediction minus every target. No error is raised, and the "
    "network learns the mean of all targets; give both the same shape first.",
)
def every_pair(f: Tensor, y: Tensor) -> Tensor:
    return ((f - y) ** 2).mean()


@mistake(
    "mean_squared_error",
    "You add up over the examples. The slide divides by n: otherwise the loss, and with it each step of "
    "training, grows with the size of the data.",
)
def sum_for_mean(f: Tensor, y: Tensor) -> Tensor:
    return ((f.squeeze(1) - y) ** 2).sum()


@mistake(
    "mean_squared_error",
    "You take half the mean. Some books do, so that the 2 of the derivative disappears, but the loss of "
    "this slide has no 1/2.",
)
def half_the_mean(f: Tensor, y: Tensor) -> Tensor:
    return ((f.squeeze(1) - y) ** 2).mean() / 2


@mistake(
    "mean_squared_error",
    "You take the root of the mean. The root has the unit of y and is good for a report, but the loss of "
    "the slide is the mean itself.",
)
def root_of_the_mean(f: Tensor, y: Tensor) -> Tensor:
    return ((f.squeeze(1) - y) ** 2).mean().sqrt()


@mistake(
    "mean_squared_error_gradient",
    "You lost the 2. The derivative of a square, (f - y)^2, is 2 (f - y).",
)
def without_the_two(f: Tensor, y: Tensor) -> Tensor:
    return (f - y[:, None]) / len(y)


@mistake(
    "mean_squared_error_gradient",
    "You lost the 1/n. J is a mean, so one prediction has only an n-th of the influence on it.",
)
def without_the_mean(f: Tensor, y: Tensor) -> Tensor:
    return 2 * (f - y[:, None])


@mistake(
    "mean_squared_error_gradient",
    "You differentiate with respect to y. If a prediction is too large, a larger one makes the loss "
    "larger: the derivative has the sign of f - y.",
)
def derivative_by_the_target(f: Tensor, y: Tensor) -> Tensor:
    return 2 * (y[:, None] - f) / len(y)


@mistake(
    "mean_squared_error_gradient",
    "(n, 1) minus (n,) is a table (n, n). The gradient has one number for each prediction: write y[:, "
    "None] to make a column of the targets.",
)
def gradient_of_every_pair(f: Tensor, y: Tensor) -> Tensor:
    return 2 * (f - y) / len(y)
