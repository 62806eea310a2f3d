"""One step of Adagrad and of RMSprop.

Lecture 003; slide "Gradient Descent Algorithms". Claims F8, S7.

Both methods give each weight a learning rate of its own: they divide by the root of the squared gradients
seen so far, which they keep in s. They differ in one line. With the gradient g and the learning rate eta,

    Adagrad:  s <- s + g^2                          RMSprop:  s <- rho s + (1 - rho) g^2
    both:     w <- w - eta g / (sqrt(s) + eps)      with the new s

All operations act on each weight alone. A small eps keeps the division finite where s is 0.
"""

import torch
from torch import Tensor


def adagrad_step(w: Tensor, s: Tensor, g: Tensor, eta: float, eps: float) -> tuple[Tensor, Tensor]:
    """Return the new w and the new s; w, s and g have the same shape."""
    # solution
    s = s + g**2
    return w - eta * g / (s.sqrt() + eps), s
    # end of solution


def rmsprop_step(
    w: Tensor, s: Tensor, g: Tensor, eta: float, rho: float, eps: float
) -> tuple[Tensor, Tensor]:
    """Return the new w and the new s; w, s and g have the same shape."""
    # solution
    s = rho * s + (1 - rho) * g**2
    return w - eta * g / (s.sqrt() + eps), s
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "optim")
HINTS = (
    "Compute the new s first, then the new w with it. Return both: w, s.",
    "g**2 and torch.sqrt(s) act on each number alone.",
    "Write s = s + g**2. s += g**2 would change the tensor of the caller.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    zeros = torch.zeros(4, dtype=torch.float64)
    states = [
        (draw(4), zeros, draw(4)),
        (draw(4), draw(4) ** 2, draw(4)),
        (draw(1), torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)),  # 0 / eps
        (draw(2, 3), 9 * draw(2, 3) ** 2, draw(2, 3)),
    ]
    rates = ((0.1, 1e-8), (0.5, 0.1), (0.1, 1e-8), (0.01, 0.01))
    return [
        *(Case("adagrad_step", (*state, *rate)) for state, rate in zip(states, rates, strict=True)),
        *(
            Case("rmsprop_step", (*state, eta, rho, eps))
            for state, (eta, eps), rho in zip(states, rates, (0.9, 0.9, 0.5, 0.99), strict=True)
        ),
    ]


@mistake(
    "adagrad_step",
    "You replace s by the last g^2. Then every step is eta in size, whatever the gradient is: Adagrad adds "
    "up all squares, so that its steps become smaller.",
)
def only_the_last_square(w: Tensor, s: Tensor, g: Tensor, eta: float, eps: float) -> tuple[Tensor, Tensor]:
    s = g**2
    return w - eta * g / (s.sqrt() + eps), s


@mistake(
    "adagrad_step",
    "You divide by s without the root. s has the unit of g^2; only its root can be compared with g, so "
    "that the step does not depend on the scale of the loss.",
)
def without_the_root(w: Tensor, s: Tensor, g: Tensor, eta: float, eps: float) -> tuple[Tensor, Tensor]:
    s = s + g**2
    return w - eta * g / (s + eps), s


@mistake(
    "adagrad_step",
    "You add up the gradients, not their squares. Gradients of both signs cancel, and the root of a "
    "negative sum is NaN.",
)
def sum_of_gradients(w: Tensor, s: Tensor, g: Tensor, eta: float, eps: float) -> tuple[Tensor, Tensor]:
    s = s + g
    return w - eta * g / (s.sqrt() + eps), s


@mistake(
    "adagrad_step",
    "You divide by the s of the step before. In the first step that is 0, and the step is enormous: add "
    "g^2 first.",
)
def old_s(w: Tensor, s: Tensor, g: Tensor, eta: float, eps: float) -> tuple[Tensor, Tensor]:
    return w - eta * g / (s.sqrt() + eps), s + g**2


@mistake(
    "rmsprop_step",
    "Your s is Adagrad's sum with a factor: without 1 - rho at g^2, s is not a mean of the squares but up "
    "to 1/(1 - rho) times as large.",
)
def no_mean(w: Tensor, s: Tensor, g: Tensor, eta: float, rho: float, eps: float) -> tuple[Tensor, Tensor]:
    s = rho * s + g**2
    return w - eta * g / (s.sqrt() + eps), s


@mistake(
    "rmsprop_step",
    "You swapped the weights of the mean. rho, near 1, belongs to the old s: the mean shall remember many "
    "steps, and one gradient shall change it little.",
)
def weights_swapped(
    w: Tensor, s: Tensor, g: Tensor, eta: float, rho: float, eps: float
) -> tuple[Tensor, Tensor]:
    s = (1 - rho) * s + rho * g**2
    return w - eta * g / (s.sqrt() + eps), s


@mistake(
    "rmsprop_step",
    "You wrote Adagrad: your s never forgets. RMSprop replaces the sum by a moving mean, so that its steps "
    "do not die out.",
)
def adagrad_again(
    w: Tensor, s: Tensor, g: Tensor, eta: float, rho: float, eps: float
) -> tuple[Tensor, Tensor]:
    return adagrad_step(w, s, g, eta, eps)


@mistake(
    "rmsprop_step",
    "You add eps under the root, as Keras does. PyTorch and this task add it after the root, where it is "
    "the smallest divisor; under it, 1e-8 becomes 1e-4.",
)
def eps_under_the_root(
    w: Tensor, s: Tensor, g: Tensor, eta: float, rho: float, eps: float
) -> tuple[Tensor, Tensor]:
    s = rho * s + (1 - rho) * g**2
    return w - eta * g / (s + eps).sqrt(), s
