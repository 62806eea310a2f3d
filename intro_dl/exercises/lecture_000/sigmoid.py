"""The sigmoid and its derivative.

Lecture 000; slide "Common Activation Functions". Claims F2.

The sigmoid squeezes every number into (0, 1): g(z) = 1 / (1 + exp(-z)). Its derivative needs no new
exponential: g'(z) = g(z) (1 - g(z)). Write both for tensors of any shape.
"""

import torch
from torch import Tensor


def sigmoid(z: Tensor) -> Tensor:
    """Return g(z), shaped as z."""
    # solution
    return 1 / (1 + torch.exp(-z))
    # end of solution


def sigmoid_derivative(z: Tensor) -> Tensor:
    """Return g'(z), shaped as z."""
    # solution
    g = 1 / (1 + torch.exp(-z))
    return g * (1 - g)
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("sigmoid", "autograd", "backward", "special", "expit", "logistic", "tanh")
HINTS = (
    "exp works on every number of a tensor at once: torch.exp(z).",
    "Compute g first, store it in a variable, and write the derivative with it.",
)


def cases(generator: torch.Generator) -> list[Case]:
    few = torch.randn(3, generator=generator, dtype=torch.float64)
    many = 4 * torch.randn(2, 5, generator=generator, dtype=torch.float64)
    return [Case(name, (z,)) for name in ("sigmoid", "sigmoid_derivative") for z in (few, many)]


@mistake(
    "sigmoid", "Your curve falls, since the exponent lacks its minus. A large z must give a number near 1."
)
def without_the_minus(z: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(z))


@mistake(
    "sigmoid", "exp(z) / (1 + exp(-z)) mixes two forms. Write exp(z) / (1 + exp(z)) or 1 / (1 + exp(-z))."
)
def mixed_forms(z: Tensor) -> Tensor:
    return torch.exp(z) / (1 + torch.exp(-z))


@mistake(
    "sigmoid_derivative",
    "You wrote z (1 - z). The formula holds for the output g(z), not for the input z: compute g first.",
)
def input_for_output(z: Tensor) -> Tensor:
    return z * (1 - z)


@mistake(
    "sigmoid_derivative",
    "g(1 - z) is the function at another place. The formula multiplies: g(z) times (1 - g(z)).",
)
def function_for_product(z: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-(1 - z)))
