"""Tanh and ReLU, and their derivatives from the output.

Lecture 002; slides "Activation Functions", "Useful Derivatives". Claims F2.

The slide has tanh(z) = (exp(z) - exp(-z)) / (exp(z) + exp(-z)) and ReLU(z) = max(0, z). In float64, exp(z) is
infinite from z = 710 on; your tanh must still be 1 at z = 1000 and -1 at z = -1000. Rewrite the formula so
that an infinite exp does no harm.

The backward pass still has the output h of each unit, so write the derivatives as functions of h, not of z.
At z = 0 the derivative of ReLU is 0, as on the slide.
"""

import torch
from torch import Tensor


def tanh(z: Tensor) -> Tensor:
    """Return tanh(z), shaped as z, for z of any size."""
    # solution
    return 2 / (1 + torch.exp(-2 * z)) - 1
    # end of solution


def relu(z: Tensor) -> Tensor:
    """Return ReLU(z), shaped as z."""
    # solution
    return torch.where(z > 0, z, torch.zeros_like(z))
    # end of solution


def tanh_derivative(h: Tensor) -> Tensor:
    """Return tanh'(z), shaped as h, from the outputs h = tanh(z)."""
    # solution
    return 1 - h**2
    # end of solution


def relu_derivative(h: Tensor) -> Tensor:
    """Return ReLU'(z) in the dtype and shape of h, from the outputs h = ReLU(z)."""
    # solution
    return (h > 0).to(h.dtype)
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = (
    "tanh", "tanh_", "Tanh", "relu", "relu_", "ReLU", "sigmoid", "sigmoid_", "nn", "functional", "special",
    "autograd", "backward", "func",
)  # fmt: skip
HINTS = (
    "tanh(z) = 2 g(2 z) - 1 with the sigmoid g(z) = 1 / (1 + exp(-z)). Write g with torch.exp.",
    "1 / (1 + exp(-z)) is right even where exp(-z) is infinite, since 1 / infinity is 0.",
    "1 / cosh(z)^2 = 1 - tanh(z)^2, and tanh(z) is h. For ReLU, h is above 0 exactly where z is.",
)


def cases(generator: torch.Generator) -> list[Case]:
    z = 2 * torch.randn(2, 3, generator=generator, dtype=torch.float64)
    edges = torch.tensor([-1000.0, -1.0, 0.0, 1.0, 1000.0], dtype=torch.float64)
    outputs = {"tanh": z.tanh(), "relu": z.clamp(min=0)}
    ends = {"tanh": edges.clamp(-1, 1), "relu": edges.clamp(min=0)}
    return [Case(name, (each,)) for name in ("tanh", "relu") for each in (z, edges)] + [
        Case(f"{name}_derivative", (h[name],)) for name in ("tanh", "relu") for h in (outputs, ends)
    ]


@mistake(
    "tanh",
    "The slide's formula as it stands divides infinity by infinity for large |z|, which is NaN.",
)
def infinity_over_infinity(z: Tensor) -> Tensor:
    return (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z))


@mistake(
    "tanh",
    "For large z your formula is NaN: exp(2 z) is infinite both above and below the line. "
    "It may be infinite below alone, since 1 / infinity is 0.",
)
def infinite_for_large_z(z: Tensor) -> Tensor:
    return (torch.exp(2 * z) - 1) / (torch.exp(2 * z) + 1)


@mistake(
    "tanh",
    "For z = -1000 your formula is NaN: exp(-2 z) is infinite both above and below the line. "
    "It may be infinite below alone, since 1 / infinity is 0.",
)
def infinite_for_small_z(z: Tensor) -> Tensor:
    return (1 - torch.exp(-2 * z)) / (1 + torch.exp(-2 * z))


@mistake(
    "tanh",
    "Your curve goes from -1 to 1, but too slowly: it is tanh(z / 2). The sigmoid must be taken at 2 z.",
)
def half_as_steep(z: Tensor) -> Tensor:
    return 2 / (1 + torch.exp(-z)) - 1


@mistake("relu", "You return |z|. ReLU cuts negative numbers off instead of changing their sign.")
def absolute_value(z: Tensor) -> Tensor:
    return z.abs()


@mistake(
    "tanh_derivative",
    "You took h for z and computed its tanh once more. h is already tanh(z), so only its square is needed.",
)
def tanh_of_the_output(h: Tensor) -> Tensor:
    return 1 / torch.cosh(h) ** 2


@mistake(
    "tanh_derivative",
    "h (1 - h) is the derivative of the sigmoid. Each activation function has a derivative of its own.",
)
def derivative_of_the_sigmoid(h: Tensor) -> Tensor:
    return h * (1 - h)


@mistake(
    "relu_derivative",
    "Your derivative is 1 at h = 0. That is the output of every unit that is cut off, where the slope is 0.",
)
def one_at_zero(h: Tensor) -> Tensor:
    return (h >= 0).to(h.dtype)


@mistake(
    "relu_derivative",
    "You return the output itself. It is the height of the curve; its slope is 1 wherever the unit is on.",
)
def height_for_slope(h: Tensor) -> Tensor:
    return h.clamp(min=0)


@mistake(
    "relu_derivative",
    "You return True and False. Back-propagation multiplies by the derivative, so make numbers of them, with "
    ".to(h.dtype).",
)
def truth_values(h: Tensor) -> Tensor:
    return h > 0
