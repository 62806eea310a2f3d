"""Weight decay: a penalty, or shrinking weights.

Lecture 002; slide "L2 = weight decay". Claims F12.

The slide adds a penalty for big weights to the objective: J_reg(theta) = J(theta) + lambda sum_k theta_k^2.
Its gradient is g, that of J, plus that of the penalty. In plain gradient descent this makes each weight
shrink by a fixed fraction before the step, hence the name. In Adam it does not: the penalty's gradient
becomes a part of g and is divided by sqrt(v_hat) with it. AdamW therefore leaves g alone and shrinks the
weights, theta <- theta - alpha decay theta, beside Adam's own step (both from the old theta).

Write one step of each. lambda is `lam` here, since lambda is a word of Python.
"""

import torch
from torch import Tensor


def adam_direction(g: Tensor, m: Tensor, v: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return m_hat / (sqrt(v_hat) + eps), which Adam subtracts alpha times, and the new m and v."""
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return m / (1 - 0.9**t) / ((v / (1 - 0.999**t)).sqrt() + 1e-8), m, v


def sgd_with_penalty(theta: Tensor, g: Tensor, eta: float, lam: float) -> Tensor:
    """Return theta after one step of gradient descent on J_reg; g is the gradient of J."""
    # solution
    return theta - eta * (g + 2 * lam * theta)
    # end of solution


def adam_with_penalty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, lam: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return theta, m and v after one step of Adam on J_reg; g is the gradient of J."""
    # solution
    direction, m, v = adam_direction(g + 2 * lam * theta, m, v, t)
    return theta - alpha * direction, m, v
    # end of solution


def adamw(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, decay: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return theta, m and v after one step of AdamW; g is the gradient of J."""
    # solution
    direction, m, v = adam_direction(g, m, v, t)
    return theta - alpha * decay * theta - alpha * direction, m, v
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("optim", "nn", "autograd", "backward")
HINTS = (
    "The derivative of lambda theta_k^2 is 2 lambda theta_k.",
    "With a penalty, adam_direction gets the gradient of J_reg; in AdamW it gets g alone.",
    "AdamW subtracts two things from theta: alpha times decay times theta, and alpha times the direction.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    theta, g, m, v = draw(3), draw(3), draw(3), draw(3) ** 2
    zero = torch.zeros_like(theta)
    states = ((g, m, v, 5, 0.1, 0.3), (g, zero, zero, 1, 0.01, 0.1), (zero, m, v, 2, 0.1, 0.2))
    return [
        *(Case("sgd_with_penalty", (theta, *rest)) for rest in ((g, 0.1, 0.3), (zero, 0.5, 0.1))),
        *(Case("adam_with_penalty", (theta, *rest)) for rest in states),
        *(Case("adamw", (theta, *rest)) for rest in states),
    ]


@mistake(
    "sgd_with_penalty",
    "The 2 is missing, so yours is the step for half of lambda. Libraries leave it out too: "
    "their weight_decay is 2 lambda.",
)
def two_forgotten(theta: Tensor, g: Tensor, eta: float, lam: float) -> Tensor:
    return theta - eta * (g + lam * theta)


@mistake(
    "sgd_with_penalty",
    "You added the penalty itself to the gradient. Descent needs its derivative, 2 lambda theta.",
)
def penalty_for_its_gradient(theta: Tensor, g: Tensor, eta: float, lam: float) -> Tensor:
    return theta - eta * (g + lam * theta**2)


@mistake(
    "sgd_with_penalty",
    "Your penalty has no learning rate. It is a part of the gradient, so eta multiplies it as well.",
)
def without_the_rate(theta: Tensor, g: Tensor, eta: float, lam: float) -> Tensor:
    return theta - eta * g - 2 * lam * theta


@mistake(
    "sgd_with_penalty",
    "Your penalty makes the weights grow. Its gradient is added to g, and the sum is subtracted.",
)
def growing_weights(theta: Tensor, g: Tensor, eta: float, lam: float) -> Tensor:
    return theta - eta * (g - 2 * lam * theta)


@mistake(
    "adam_with_penalty",
    "You shrank the weights beside Adam's step, which is AdamW. The gradient of J_reg goes through m and v.",
)
def shrunk_beside(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, lam: float
) -> tuple[Tensor, ...]:
    direction, m, v = adam_direction(g, m, v, t)
    return theta - alpha * (direction + 2 * lam * theta), m, v


@mistake(
    "adamw",
    "You added the decay to the gradient, so Adam divides it by sqrt(v_hat): weights with large gradients "
    "hardly shrink. AdamW shrinks all weights by the same fraction.",
)
def through_the_gradient(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, decay: float
) -> tuple[Tensor, ...]:
    direction, m, v = adam_direction(g + decay * theta, m, v, t)
    return theta - alpha * direction, m, v


@mistake(
    "adamw",
    "Your weights shrink by the fraction `decay`, however small the step. AdamW multiplies it by alpha, so "
    "that the decay falls with the rate.",
)
def decay_without_the_rate(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, decay: float
) -> tuple[Tensor, ...]:
    direction, m, v = adam_direction(g, m, v, t)
    return theta - decay * theta - alpha * direction, m, v


@mistake(
    "adamw",
    "You shrank the weights after Adam's step, and with them the step. Both parts start from the old theta.",
)
def shrunk_after_the_step(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, decay: float
) -> tuple[Tensor, ...]:
    direction, m, v = adam_direction(g, m, v, t)
    return (theta - alpha * direction) * (1 - alpha * decay), m, v


@mistake(
    "adamw",
    "You have 2 decay, as with the slide's lambda. `decay` is already the factor in the step: no 2.",
)
def twice_the_decay(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int, alpha: float, decay: float
) -> tuple[Tensor, ...]:
    direction, m, v = adam_direction(g, m, v, t)
    return theta - 2 * alpha * decay * theta - alpha * direction, m, v
