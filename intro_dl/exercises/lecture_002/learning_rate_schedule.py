"""Learning rates that fall.

Lecture 002; slide "Learning Rates". Claims F10, N25, E9.

"At the beginning, we are far from the destination, so we use larger learning rate." Epochs count from t = 0;
eta is the rate at the beginning. Write two schedules:

    inverse square root:  eta_t = eta / sqrt(t + 1)       (the slide calls it 1/t decay)
    step decay:           eta is multiplied by `factor` after each `every` epochs, and constant in between

Then use the first in gradient descent on the error E(w) = c w^2 / 2, one step each epoch. For c = 1 and eta =
2.5 a constant rate makes w grow in every step; see what the schedule does.
"""


def inverse_sqrt(eta: float, t: int) -> float:
    """Return the rate of epoch t."""
    # solution
    return eta / (t + 1) ** 0.5
    # end of solution


def step_decay(eta: float, t: int, factor: float, every: int) -> float:
    """Return the rate of epoch t: eta in the epochs 0 to every - 1, factor * eta in the next ones."""
    # solution
    return eta * factor ** (t // every)
    # end of solution


def descend(w: float, c: float, eta: float, epochs: int) -> float:
    """Return w after gradient descent with the rate inverse_sqrt(eta, t) in epoch t."""
    # solution
    for t in range(epochs):
        w = w - inverse_sqrt(eta, t) * c * w
    return w
    # end of solution


# The student's file ends here.

import torch

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("lr_scheduler", "optim", "nn", "autograd", "backward")
HINTS = (
    "t // every is the number of times that the rate has fallen.",
    "The derivative of c w^2 / 2 is c w.",
    "Keep eta as it is, and compute the rate of each epoch from it: for t in range(epochs).",
)


def cases(generator: torch.Generator) -> list[Case]:
    eta, factor, w, c = (0.1 + 0.8 * torch.rand(4, generator=generator, dtype=torch.float64)).tolist()
    return [
        *(Case("inverse_sqrt", (eta, t)) for t in (0, 1, 3, 100)),
        *(Case("step_decay", (eta, t, factor, 5)) for t in (0, 4, 5, 9, 10, 23)),
        Case("step_decay", (eta, 3, factor, 1)),
        *(Case("descend", (w, c, eta, epochs)) for epochs in (0, 1, 2, 10)),
        Case("descend", (1.0, 1.0, 2.5, 30)),
    ]


@mistake(
    "inverse_sqrt",
    "You have eta / (t + 1), which the slide's name, 1/t decay, suggests. Its formula has a root and falls "
    "more slowly.",
)
def inverse(eta: float, t: int) -> float:
    return eta / (t + 1)


@mistake(
    "inverse_sqrt",
    "You divide by sqrt(t), which is 0 in the first epoch. The 1 keeps the first rate at eta.",
)
def nothing_added(eta: float, t: int) -> float:
    return eta / t**0.5


@mistake(
    "inverse_sqrt",
    "You added the 1 outside of the root. The first rate is the same, but epoch 3 must have eta / sqrt(4).",
)
def added_outside(eta: float, t: int) -> float:
    return eta / (t**0.5 + 1)


@mistake(
    "step_decay",
    "Your rate falls in every epoch, since t / every is a fraction. Count whole periods: t // every.",
)
def falls_every_epoch(eta: float, t: int, factor: float, every: int) -> float:
    return eta * factor ** (t / every)


@mistake(
    "step_decay",
    "Your rate falls one epoch too soon. Epochs count from 0, so epoch every - 1 still belongs to the first "
    "period.",
)
def one_epoch_too_soon(eta: float, t: int, factor: float, every: int) -> float:
    return eta * factor ** ((t + 1) // every)


@mistake(
    "step_decay",
    "Your rate falls once and never again. Each further period multiplies by the factor once more: a power.",
)
def falls_once(eta: float, t: int, factor: float, every: int) -> float:
    return eta * factor if t >= every else eta


@mistake(
    "step_decay",
    "Your rate only falls in the epochs that `every` divides, and is back at eta in the next. A rate that "
    "has fallen stays low.",
)
def falls_for_one_epoch(eta: float, t: int, factor: float, every: int) -> float:
    return eta * factor if t > 0 and t % every == 0 else eta


@mistake(
    "descend",
    "You overwrite eta with the smaller rate and divide that again, so the rates fall much faster. "
    "Every rate comes from the first eta.",
)
def divided_again_and_again(w: float, c: float, eta: float, epochs: int) -> float:
    for t in range(epochs):
        eta = inverse_sqrt(eta, t)
        w = w - eta * c * w
    return w


@mistake("descend", "Your rate stays at eta. Ask the schedule for the rate of each epoch.")
def constant_rate(w: float, c: float, eta: float, epochs: int) -> float:
    for _ in range(epochs):
        w = w - eta * c * w
    return w


@mistake(
    "descend",
    "You begin at t = 1, so the first step is already smaller than eta. Epochs count from 0.",
)
def begins_at_one(w: float, c: float, eta: float, epochs: int) -> float:
    for t in range(1, epochs + 1):
        w = w - inverse_sqrt(eta, t) * c * w
    return w


@mistake(
    "descend",
    "You subtract c w^2 / 2, the error itself. Gradient descent subtracts its derivative, c w.",
)
def error_for_its_derivative(w: float, c: float, eta: float, epochs: int) -> float:
    for t in range(epochs):
        w = w - inverse_sqrt(eta, t) * c * w**2 / 2
    return w
