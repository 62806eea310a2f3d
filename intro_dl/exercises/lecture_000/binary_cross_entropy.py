"""Binary cross-entropy, from probabilities and from logits.

Lecture 000; slide "Binary Cross Entropy Loss". Claims N4, E1, E11.

The binary cross-entropy of n predictions f (probabilities of class 1) and labels y (0 or 1) is

    J = -1/n sum_i [y_i log f_i + (1 - y_i) log(1 - f_i)]

The slide has no minus. For its f = (0.1, 0.8, 0.6) and y = (1, 0, 1), J = 1.4743.

Networks do better to give the logit z, with f = g(z) = 1 / (1 + exp(-z)). Write J as a function of z so that
it stays exact for z = 1000 and z = -1000, where exp(1000) is infinite: one label costs

    max(z, 0) - z y + log(1 + exp(-|z|))
"""

import torch
from torch import Tensor


def cross_entropy(f: Tensor, y: Tensor) -> Tensor:
    """Return J, one number, for probabilities f (n,) in (0, 1) and labels y (n,)."""
    # solution
    return -(y * torch.log(f) + (1 - y) * torch.log(1 - f)).mean()
    # end of solution


def cross_entropy_from_logits(z: Tensor, y: Tensor) -> Tensor:
    """Return J, one number, for logits z (n,) of any size and labels y (n,)."""
    # solution
    return (z.clamp(min=0) - z * y + torch.log(1 + torch.exp(-z.abs()))).mean()
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "binary_cross_entropy_with_logits", "softplus", "logsigmoid")
HINTS = (
    "torch.log works on every number of a tensor; .mean() is 1/n times the sum.",
    "max(z, 0) for a tensor: z.clamp(min=0). |z|: z.abs().",
    "Do not compute f on the way to the second function: g(1000) is exactly 1, and log(1 - 1) is -infinity.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.rand, generator=generator, dtype=torch.float64)
    numbers = partial(torch.tensor, dtype=torch.float64)
    one, labels, f = numbers([1.0]), numbers([1.0, 0.0, 1.0, 0.0, 0.0]), 0.05 + 0.9 * draw(5)
    pairs = [(numbers([0.1, 0.8, 0.6]), numbers([1.0, 0.0, 1.0])), (f[:1], one), (f, labels)]
    large = [(numbers([z]), numbers([y])) for z in (1000.0, -1000.0) for y in (0.0, 1.0)]
    logits = [(8 * draw(5) - 4, labels), (8 * draw(1) - 4, one), *large]
    return [
        *(Case("cross_entropy", args) for args in pairs),
        *(Case("cross_entropy_from_logits", args) for args in logits),
    ]


@mistake(
    "cross_entropy",
    "Your J is negative, as on the slide. log of a probability is at most 0, so a loss to be minimized "
    "needs the minus in front: otherwise training looks for the worst prediction.",
)
def without_the_minus(f: Tensor, y: Tensor) -> Tensor:
    return (y * torch.log(f) + (1 - y) * torch.log(1 - f)).mean()


@mistake(
    "cross_entropy",
    "You add up over the examples. The loss is their mean (1/n): otherwise it grows with the size of the "
    "data.",
)
def sum_for_mean(f: Tensor, y: Tensor) -> Tensor:
    return -(y * torch.log(f) + (1 - y) * torch.log(1 - f)).sum()


@mistake(
    "cross_entropy",
    "You count only the examples with y = 1. With y = 0 the second term, (1 - y) log(1 - f), is what "
    "costs: without it a network that always says 1 has no loss.",
)
def only_the_first_term(f: Tensor, y: Tensor) -> Tensor:
    return -(y * torch.log(f)).mean()


@mistake(
    "cross_entropy",
    "You take the logarithm of the label. The logarithm belongs to the prediction f; the label y only "
    "selects which of the two terms counts, and log 0 is -infinity.",
)
def logarithm_of_the_label(f: Tensor, y: Tensor) -> Tensor:
    return -(f * torch.log(y) + (1 - f) * torch.log(1 - y)).mean()


@mistake(
    "cross_entropy_from_logits",
    "You compute f = g(z) first and take its logarithm. For z = 1000, f is rounded to exactly 1 and log(1 "
    "- f) is -infinity: use the formula in z, which never needs f.",
)
def through_the_probability(z: Tensor, y: Tensor) -> Tensor:
    f = 1 / (1 + torch.exp(-z))
    return -(y * torch.log(f) + (1 - y) * torch.log(1 - f)).mean()


@mistake(
    "cross_entropy_from_logits",
    "You clamp the probability, so that a wrong answer costs 16.1 at most, however wrong it is. The right "
    "cost at z = 1000 and y = 0 is 1000, and a clamped loss has no gradient there.",
)
def clamped_probability(z: Tensor, y: Tensor) -> Tensor:
    f = torch.sigmoid(z).clamp(1e-7, 1 - 1e-7)
    return -(y * torch.log(f) + (1 - y) * torch.log(1 - f)).mean()


@mistake(
    "cross_entropy_from_logits",
    "You use the logit as if it were a probability. A logit may be negative or above 1, where the "
    "logarithm does not exist: f = g(z) is the probability.",
)
def logit_as_probability(z: Tensor, y: Tensor) -> Tensor:
    return -(y * torch.log(z) + (1 - y) * torch.log(1 - z)).mean()


@mistake(
    "cross_entropy_from_logits",
    "log(1 + exp(z)) - z y is the right formula, but exp(1000) is infinite. Take the maximum of z and 0 "
    "out of the logarithm: log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)).",
)
def overflowing_exponential(z: Tensor, y: Tensor) -> Tensor:
    return (torch.log(1 + torch.exp(z)) - z * y).mean()
