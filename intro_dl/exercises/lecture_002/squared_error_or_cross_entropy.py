"""A confident wrong answer: squared error or cross-entropy.

Lecture 002; slides "Gradient Descent for Single Layer Network", "Choosing Activation and Loss Functions".
Claims F17, F18, H9.

An output unit has the net input z, the output o = 1 / (1 + exp(-z)) and the target t, 0 or 1. Write dE/dz
for the squared error E = (o - t)^2 / 2, and for the cross-entropy E = -(t log o + (1 - t) log(1 - o)). Both
must be right for z = 1000 and z = -1000 too, where o is exactly 1 or 0.

Then let a unit learn from one example: z <- z - eta dE/dz, again and again. Count the steps until its answer
is right, that is, |o - t| < 0.5. A unit that is right from the start needs 0 steps; if `most` steps were not
enough, return `most`. Compare both losses for z = -5 and t = 1.
"""

import torch
from torch import Tensor


def squared_error_delta(z: Tensor, t: Tensor) -> Tensor:
    """Return dE/dz of the squared error for each unit, shaped as z and t."""
    # solution
    o = 1 / (1 + torch.exp(-z))
    return (o - t) * o * (1 - o)
    # end of solution


def cross_entropy_delta(z: Tensor, t: Tensor) -> Tensor:
    """Return dE/dz of the cross-entropy for each unit, shaped as z and t."""
    # solution
    o = 1 / (1 + torch.exp(-z))
    return o - t
    # end of solution


def steps_until_right(z: Tensor, t: Tensor, eta: float, loss: str, most: int) -> int:
    """Return the number of steps, at most `most`, for one unit with z () and t ().

    `loss` is "squared error" or "cross-entropy".
    """
    # solution
    delta = squared_error_delta if loss == "squared error" else cross_entropy_delta
    steps = 0
    while steps < most and (1 / (1 + torch.exp(-z)) - t).abs() >= 0.5:
        z = z - eta * delta(z, t)
        steps = steps + 1
    return steps
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("autograd", "backward", "func", "nn", "functional", "grad", "requires_grad_")
HINTS = (
    "The chain rule: dE/dz = dE/do do/dz, with do/dz = o (1 - o).",
    "For the cross-entropy, dE/do = (o - t) / (o (1 - o)). Cancel on paper, or o = 1 gives 0 / 0.",
    "Check whether the answer is right before each step: while |o - t| >= 0.5. Compute o again each time.",
)
STARTS = ((-5.0, 1.0), (4.0, 0.0), (0.5, 1.0), (-0.1, 1.0), (0.0, 1.0), (-40.0, 1.0))


def cases(generator: torch.Generator) -> list[Case]:
    z = 2 * torch.randn(5, generator=generator, dtype=torch.float64)
    t = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    edges = torch.tensor([[-1000.0, -1000.0], [1000.0, 1000.0]], dtype=torch.float64)
    found = [
        Case(f"{loss}_delta", pair)
        for loss in ("squared_error", "cross_entropy")
        for pair in ((z, t), (edges, t[:2].expand(2, 2).contiguous()))
    ]
    drawn = (-2 - 2 * torch.rand((), generator=generator, dtype=torch.float64).item(), 1.0)
    for start in (*STARTS, drawn):
        pair = torch.tensor(start, dtype=torch.float64).unbind()
        found += [
            Case("steps_until_right", (*pair, 0.5, loss, 500)) for loss in ("squared error", "cross-entropy")
        ]
    return found


@mistake(
    "squared_error_delta",
    "You stopped at dE/do = o - t. The sigmoid stands between o and z: its slope o (1 - o) is a factor too.",
)
def slope_forgotten(z: Tensor, t: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-z)) - t


@mistake(
    "squared_error_delta",
    "Yours is twice as large, the derivative of (o - t)^2. The slide's E has the factor 1/2, which cancels "
    "the 2.",
)
def twice_as_large(z: Tensor, t: Tensor) -> Tensor:
    o = 1 / (1 + torch.exp(-z))
    return 2 * (o - t) * o * (1 - o)


@mistake(
    "squared_error_delta",
    "You have t - o, the direction of descent. The derivative itself has o - t; the step subtracts it.",
)
def direction_of_descent(z: Tensor, t: Tensor) -> Tensor:
    o = 1 / (1 + torch.exp(-z))
    return (t - o) * o * (1 - o)


@mistake(
    "cross_entropy_delta",
    "You multiplied o - t by o (1 - o), as for the squared error. Here the slope of the sigmoid cancels with "
    "the denominator of dE/do, so a confident wrong answer keeps its full delta.",
)
def slope_not_cancelled(z: Tensor, t: Tensor) -> Tensor:
    o = 1 / (1 + torch.exp(-z))
    return (o - t) * o * (1 - o)


@mistake(
    "cross_entropy_delta",
    "You stopped at dE/do, which grows without limit. The slope o (1 - o) of the sigmoid makes it dE/dz.",
)
def derivative_by_the_output(z: Tensor, t: Tensor) -> Tensor:
    o = 1 / (1 + torch.exp(-z))
    return (o - t) / (o * (1 - o))


@mistake(
    "cross_entropy_delta",
    "You divide and multiply by o (1 - o). Where o is exactly 0 or 1 this is NaN: cancel on paper.",
)
def zero_over_zero(z: Tensor, t: Tensor) -> Tensor:
    o = 1 / (1 + torch.exp(-z))
    return (o - t) / (o * (1 - o)) * (o * (1 - o))


@mistake(
    "steps_until_right",
    "Your count is one too high: it makes a step before it looks at the answer. A unit that is right from "
    "the start needs none.",
)
def step_before_the_check(z: Tensor, t: Tensor, eta: float, loss: str, most: int) -> int:
    delta = squared_error_delta if loss == "squared error" else cross_entropy_delta
    for steps in range(1, most):
        z = z - eta * delta(z, t)
        if (1 / (1 + torch.exp(-z)) - t).abs() < 0.5:
            return steps
    return most


@mistake(
    "steps_until_right",
    "All your steps are as large as the first. z changes, so dE/dz must be computed again before each step.",
)
def all_steps_alike(z: Tensor, t: Tensor, eta: float, loss: str, most: int) -> int:
    delta = (squared_error_delta if loss == "squared error" else cross_entropy_delta)(z, t)
    steps = 0
    while steps < most and (1 / (1 + torch.exp(-z)) - t).abs() >= 0.5:
        z, steps = z - eta * delta, steps + 1
    return steps


@mistake(
    "steps_until_right",
    "At z = 0 the output is 0.5, as far from 1 as from 0: that answer is not right yet. Repeat while "
    "|o - t| >= 0.5, with the equals sign.",
)
def half_is_right(z: Tensor, t: Tensor, eta: float, loss: str, most: int) -> int:
    delta = squared_error_delta if loss == "squared error" else cross_entropy_delta
    steps = 0
    while steps < most and (1 / (1 + torch.exp(-z)) - t).abs() > 0.5:
        z, steps = z - eta * delta(z, t), steps + 1
    return steps
