"""Gradient descent on a surface.

Lecture 000; slides "Loss Optimization", "Gradient Descent". Claims F4, F5.

The slide's algorithm: start anywhere, compute the gradient, take a small step against it, repeat. Here the
surface is a bowl with d coordinates,

    J(theta) = 1/2 theta^T A theta - b^T theta     with a symmetric matrix A (d, d) and b (d,)

Work out its gradient, then write the loop. Return the whole path, so that one could draw it: the start and
the point after each step.
"""

import torch
from torch import Tensor


def gradient(A: Tensor, b: Tensor, theta: Tensor) -> Tensor:
    """Return dJ/dtheta (d,) at theta (d,)."""
    # solution
    return A @ theta - b
    # end of solution


def gradient_descent(A: Tensor, b: Tensor, start: Tensor, lr: float, steps: int) -> Tensor:
    """Return the path (steps + 1, d), whose first row is the start (d,); lr is the learning rate eta."""
    # solution
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - lr * gradient(A, b, path[-1]))
    return torch.stack(path)
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "optim", "autograd", "backward", "grad", "solve", "inv")
HINTS = (
    "In one dimension J = a theta^2 / 2 - b theta, with the derivative a theta - b.",
    "Keep the points in a list and append theta after each step; torch.stack makes one tensor of the list.",
    "theta = theta - lr * slope makes a new tensor; theta -= lr * slope changes the one in the list.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    root, b, start = draw(3, 3), draw(3), draw(3)
    A = root @ root.T / 3 + torch.eye(3, dtype=torch.float64)
    line = 1 + draw(1, 1) ** 2, draw(1), draw(1)
    return [
        *(Case("gradient", each) for each in ((A, b, start), line)),
        *(Case("gradient_descent", (*line, 0.1, steps)) for steps in (1, 3)),
        *(Case("gradient_descent", (A, b, start, lr, 6)) for lr in (0.05, 0.3)),
        Case("gradient_descent", (A, b, start, 0.1, 0)),
    ]


@mistake(
    "gradient",
    "You lost the slope of the second term. The derivative of -b^T theta is -b.",
)
def without_b(A: Tensor, b: Tensor, theta: Tensor) -> Tensor:
    return A @ theta


@mistake(
    "gradient",
    "You have A theta twice. The square gives a factor 2, but it cancels the 1/2 in front of J.",
)
def without_the_half(A: Tensor, b: Tensor, theta: Tensor) -> Tensor:
    return 2 * A @ theta - b


@mistake(
    "gradient",
    "A * theta multiplies number by number and gives a matrix. A theta is a product of a matrix and a "
    "vector: A @ theta.",
)
def elementwise_product(A: Tensor, b: Tensor, theta: Tensor) -> Tensor:
    return A * theta - b


@mistake(
    "gradient",
    "You return the height J. The gradient is a vector: its slope along each coordinate.",
)
def height_for_slope(A: Tensor, b: Tensor, theta: Tensor) -> Tensor:
    return theta @ A @ theta / 2 - b @ theta


@mistake(
    "gradient_descent",
    "You walk uphill. The gradient points to where J grows fastest, so a step subtracts it.",
)
def uphill(A: Tensor, b: Tensor, start: Tensor, lr: float, steps: int) -> Tensor:
    path = [start]
    for _ in range(steps):
        path.append(path[-1] + lr * gradient(A, b, path[-1]))
    return torch.stack(path)


@mistake(
    "gradient_descent",
    "You compute the gradient once, at the start, and follow it at every step. The slope changes on the "
    "way: compute it inside the loop, at the current point.",
)
def gradient_of_the_start(A: Tensor, b: Tensor, start: Tensor, lr: float, steps: int) -> Tensor:
    return torch.stack([start - n * lr * gradient(A, b, start) for n in range(steps + 1)])


@mistake(
    "gradient_descent",
    "All rows of your path are its end. theta -= ... changes the tensor that the list already has; write "
    "theta = theta - ..., which makes a new one.",
)
def one_tensor_many_times(A: Tensor, b: Tensor, start: Tensor, lr: float, steps: int) -> Tensor:
    theta = start.clone()
    path = [theta]
    for _ in range(steps):
        theta -= lr * gradient(A, b, theta)
        path.append(theta)
    return torch.stack(path)


@mistake(
    "gradient_descent",
    "You return only the last point. The path has all points, the start included: steps + 1 rows.",
)
def only_the_end(A: Tensor, b: Tensor, start: Tensor, lr: float, steps: int) -> Tensor:
    theta = start
    for _ in range(steps):
        theta = theta - lr * gradient(A, b, theta)
    return theta


@mistake(
    "gradient_descent",
    "Your path begins after the first step. Its first row is the start, so put the start into the list "
    "before the loop.",
)
def without_the_start(A: Tensor, b: Tensor, start: Tensor, lr: float, steps: int) -> Tensor:
    path = []
    theta = start
    for _ in range(steps):
        theta = theta - lr * gradient(A, b, theta)
        path.append(theta)
    return torch.stack(path)
