"""One step with momentum.

Lecture 000; slide "Adaptive Learning Rate Algorithms". Claims F8.

A ball that rolls downhill keeps its speed for a while. Gradient descent with momentum remembers a velocity v
beside the weights w. With the gradient g, the learning rate eta and the momentum gamma, one step is, in this
order,

    v <- gamma v + eta g
    w <- w - v

Write one step. Then write a walk: `steps` steps from w with v = 0, all with the same gradient g, as on a
plane that slopes evenly.
"""

import torch
from torch import Tensor


def momentum_step(w: Tensor, v: Tensor, g: Tensor, eta: float, gamma: float) -> tuple[Tensor, Tensor]:
    """Return the new w and the new v, both shaped as w."""
    # solution
    v = gamma * v + eta * g
    return w - v, v
    # end of solution


def momentum_walk(w: Tensor, g: Tensor, eta: float, gamma: float, steps: int) -> Tensor:
    """Return w after all steps, the first of which starts with v = 0."""
    # solution
    v = torch.zeros_like(w)
    for _ in range(steps):
        w, v = momentum_step(w, v, g, eta, gamma)
    return w
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "optim")
HINTS = (
    "Compute the new v first; the new w then uses it.",
    "Write v = ... and w = w - v, and return w, v. Do not write v *= gamma: it changes the caller's tensor.",
    "In the walk, w and v of one step are the inputs of the next: w, v = momentum_step(w, v, ...).",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    few, table = [draw(3) for _ in range(3)], [draw(2, 4) for _ in range(3)]
    return [
        Case("momentum_step", (*few, 0.1, 0.9)),
        Case("momentum_step", (*table, 0.01, 0.5)),
        Case("momentum_step", (*few, 0.2, 0.0)),
        *(Case("momentum_walk", (few[0], few[2], 0.1, 0.9, steps)) for steps in (1, 2, 10, 0)),
    ]


@mistake(
    "momentum_step",
    "You move w by the velocity of the step before. The velocity takes up the gradient first, and the "
    "weights move with the new velocity.",
)
def old_velocity(w: Tensor, v: Tensor, g: Tensor, eta: float, gamma: float) -> tuple[Tensor, Tensor]:
    return w - v, gamma * v + eta * g


@mistake(
    "momentum_step",
    "Your velocity never fades, since it lacks gamma. Without friction the ball rolls through the valley "
    "and up the other side, again and again.",
)
def without_friction(w: Tensor, v: Tensor, g: Tensor, eta: float, gamma: float) -> tuple[Tensor, Tensor]:
    v = v + eta * g
    return w - v, v


@mistake(
    "momentum_step",
    "You take a weighted mean, with (1 - gamma) at the gradient, as Adam does. In momentum the gradient "
    "enters with eta alone, so that equal gradients add up to a faster ball.",
)
def weighted_mean(w: Tensor, v: Tensor, g: Tensor, eta: float, gamma: float) -> tuple[Tensor, Tensor]:
    v = gamma * v + (1 - gamma) * eta * g
    return w - v, v


@mistake(
    "momentum_step",
    "You multiply by eta when you move w. PyTorch does so, with a v that holds gradients; in the form of "
    "this task eta is already in v, which is a step and not a gradient.",
)
def rate_outside_the_velocity(
    w: Tensor, v: Tensor, g: Tensor, eta: float, gamma: float
) -> tuple[Tensor, Tensor]:
    v = gamma * v + g
    return w - eta * v, v


@mistake(
    "momentum_step",
    "You multiply by eta twice: in the velocity, and once more when w moves. The velocity is already the "
    "step.",
)
def rate_twice(w: Tensor, v: Tensor, g: Tensor, eta: float, gamma: float) -> tuple[Tensor, Tensor]:
    v = gamma * v + eta * g
    return w - eta * v, v


@mistake(
    "momentum_walk",
    "You begin every step with v = 0. Then the ball stops after each step and momentum has no effect: set "
    "v to 0 once, before the loop.",
)
def stopped_after_each_step(w: Tensor, g: Tensor, eta: float, gamma: float, steps: int) -> Tensor:
    for _ in range(steps):
        w, _ = momentum_step(w, torch.zeros_like(w), g, eta, gamma)
    return w


@mistake(
    "momentum_walk",
    "You start with the velocity g. The ball rests at the start, v = 0; the first step is the one of plain "
    "gradient descent.",
)
def flying_start(w: Tensor, g: Tensor, eta: float, gamma: float, steps: int) -> Tensor:
    v = g
    for _ in range(steps):
        w, v = momentum_step(w, v, g, eta, gamma)
    return w
