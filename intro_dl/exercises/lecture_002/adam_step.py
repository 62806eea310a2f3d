"""One step of Adam.

Lecture 002; slides "RMSProp (Advanced Adagrad) + Momentum", "Algorithm 1: Adam". Claims N24, R5.

The slide's box, for weights theta and the gradient g at step t = 1, 2, 3, ...:

    m <- beta1 m + (1 - beta1) g         v <- beta2 v + (1 - beta2) g^2
    m_hat = m / (1 - beta1^t)            v_hat = v / (1 - beta2^t)
    theta <- theta - alpha m_hat / (sqrt(v_hat) + eps)

m and v start at 0, so at first they are too small; the division corrects this bias. The next step needs m and
v as they were before the correction. Write one step, then a whole training from a list of gradients.
"""

import torch
from torch import Tensor


def adam_step(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int,
    alpha: float, beta1: float, beta2: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return the new theta, m and v, all shaped as theta; t is 1 in the first step."""
    # solution
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - alpha * m_hat / (v_hat.sqrt() + eps), m, v
    # end of solution


def adam(theta: Tensor, gradients: list[Tensor], alpha: float) -> Tensor:
    """Return theta after one step for each gradient, with beta1 = 0.9, beta2 = 0.999 and eps = 1e-8."""
    # solution
    m = v = torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        theta, m, v = adam_step(theta, m, v, g, t, alpha, 0.9, 0.999, 1e-8)
    return theta
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("optim", "nn", "_fused_adam_", "_fused_adamw_")
HINTS = (
    "Write the five lines of the box in their order, one Python line each; ** is the power.",
    "m_hat and v_hat are variables of their own. Return m and v, not them.",
    "In the training, enumerate(gradients, start=1) gives t and g.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    theta, m, g, other = draw(3), draw(3), draw(3), draw(3)
    zero, v, usual = torch.zeros_like(theta), other**2, (0.1, 0.9, 0.999, 1e-8)
    sizes = torch.tensor([1e-3, 0.0, 1e3], dtype=torch.float64)  # the first step has the size alpha or 0
    return [
        Case("adam_step", (theta, zero, zero, g, 1, *usual)),
        Case("adam_step", (theta, m, v, g, 7, 0.1, 0.8, 0.95, 0.1)),
        Case("adam_step", (theta, zero, zero, sizes * g, 1, *usual)),
        Case("adam_step", (theta, m, v, g, 3, 0.1, 0.0, 0.9, 1e-8)),
        *(Case("adam", (theta, gradients, 0.1)) for gradients in ([g], [g, m, other], [zero, g], [])),
    ]


@mistake(
    "adam_step",
    "The correction is missing. m and v start at 0 and are too small at first, each by another factor, so "
    "that the first step has the wrong size.",
)
def no_correction(theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return theta - alpha * m / (v.sqrt() + eps), m, v


@mistake(
    "adam_step",
    "You return the corrected m and v. The next step would correct them once more: keep them as they were.",
)
def corrected_twice(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float
) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - alpha * m_hat / (v_hat.sqrt() + eps), m_hat, v_hat


@mistake(
    "adam_step",
    "Your m and v add g up without the factors 1 - beta1 and 1 - beta2. With them they are averages, as "
    "large as g and g^2 themselves; the division by 1 - beta^t counts on this.",
)
def sums_for_averages(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float
) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + g, beta2 * v + g**2
    return theta - alpha * m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


@mistake(
    "adam_step",
    "Your v averages g instead of its square. It may become negative, and then its root is NaN.",
)
def square_forgotten(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float
) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g
    return theta - alpha * m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


@mistake(
    "adam_step",
    "The root is missing. With it, the size of the gradients cancels; without it, small gradients make large "
    "steps.",
)
def root_forgotten(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float
) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return theta - alpha * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps), m, v


@mistake(
    "adam_step",
    "Your eps is under the root. The slide adds it to the root: sqrt(v_hat) + eps.",
)
def eps_under_the_root(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float
) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return theta - alpha * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps).sqrt(), m, v


@mistake(
    "adam_step",
    "You divide by 1 - beta in every step. Later m and v need no correction: the power t makes it fade.",
)
def power_forgotten(
    theta: Tensor, m: Tensor, v: Tensor, g: Tensor, t: int, *rest: float
) -> tuple[Tensor, ...]:
    alpha, beta1, beta2, eps = rest
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return theta - alpha * m / (1 - beta1) / ((v / (1 - beta2)).sqrt() + eps), m, v


@mistake(
    "adam",
    "You count from t = 0. Then m and v are divided by 1 - beta^0 = 0. The first step is t = 1.",
)
def counted_from_zero(theta: Tensor, gradients: list[Tensor], alpha: float) -> Tensor:
    m = v = torch.zeros_like(theta)
    for t, g in enumerate(gradients):
        theta, m, v = adam_step(theta, m, v, g, t, alpha, 0.9, 0.999, 1e-8)
    return theta


@mistake(
    "adam",
    "Each of your steps starts with m = v = 0, so Adam remembers nothing. Pass on m and v of the last step.",
)
def memory_lost(theta: Tensor, gradients: list[Tensor], alpha: float) -> Tensor:
    zero = torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        theta, _, _ = adam_step(theta, zero, zero, g, t, alpha, 0.9, 0.999, 1e-8)
    return theta


@mistake("adam", "All your steps have t = 1. Count them: the correction is smaller in each further step.")
def always_the_first(theta: Tensor, gradients: list[Tensor], alpha: float) -> Tensor:
    m = v = torch.zeros_like(theta)
    for g in gradients:
        theta, m, v = adam_step(theta, m, v, g, 1, alpha, 0.9, 0.999, 1e-8)
    return theta
