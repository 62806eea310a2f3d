"""How large the first weights must be.

Lecture 004; slide "But we must control that". Claims F33.

A unit adds up n inputs times n weights. For the sum to be as large as one input, the weights must become
smaller as n grows. Xavier (Glorot and Bengio, 2010) looks forward and back: the variance of the weights is
2 / (inputs + outputs). He (2015) looks forward, and makes good for the half that a ReLU cuts off: 2 /
inputs. Write both as factors of standard normal noise, and measure what they are good for.
"""

import torch
from torch import Tensor


def xavier(noise: Tensor) -> Tensor:
    """Return the first weights of a layer, (outputs, inputs), from noise of this shape from N(0, 1)."""
    # solution
    outputs, inputs = noise.shape
    return noise * (2 / (inputs + outputs)) ** 0.5
    # end of solution


def he(noise: Tensor) -> Tensor:
    """Return the first weights of a layer before a ReLU, (outputs, inputs), from noise from N(0, 1)."""
    # solution
    return noise * (2 / noise.shape[1]) ** 0.5
    # end of solution


def sizes(x: Tensor, weights: list[Tensor]) -> list[float]:
    """Return the root mean square of the activations after each ReLU layer, without biases.

    Args:
        x: inputs (N, n).
        weights: one matrix (outputs, inputs) for each layer.
    """
    # solution
    found = []
    for W in weights:
        x = torch.relu(x @ W.T)
        found.append(x.square().mean().sqrt().item())
    return found
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("init", "kaiming_normal_", "xavier_normal_", "nn")
HINTS = (
    "A matrix that maps n inputs to k outputs has the shape (k, n), as in nn.Linear.",
    "The formulas give variances. Noise is multiplied by a standard deviation, the square root.",
    "The root mean square is x.square().mean().sqrt(), over all numbers of a layer.",
)


def cases(generator: torch.Generator) -> list[Case]:
    wide, narrow = (
        torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((3, 8), (8, 2))
    )
    x = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    deep = [torch.randn(6, 6, generator=generator, dtype=torch.float64) for _ in range(3)]
    return [
        *(Case(name, (noise,)) for name in ("xavier", "he") for noise in (wide, narrow)),
        Case("sizes", (x, deep)),
        Case("sizes", (x, [deep[0][:2]])),
    ]


@mistake(
    "xavier",
    "You multiplied by the variance. Noise times s has the variance s^2, so the factor is the square root.",
)
def variance_for_factor(noise: Tensor) -> Tensor:
    return noise * 2 / sum(noise.shape)


@mistake(
    "xavier",
    "You counted the inputs only, which is LeCun's rule. Xavier's also looks back: the gradient adds up "
    "over the outputs, so both numbers count.",
)
def only_the_inputs(noise: Tensor) -> Tensor:
    return noise * (1 / noise.shape[1]) ** 0.5


@mistake(
    "he",
    "You counted the outputs. A unit adds up its inputs, and they are the columns of the matrix.",
)
def outputs_for_inputs(noise: Tensor) -> Tensor:
    return noise * (2 / noise.shape[0]) ** 0.5


@mistake(
    "he",
    "Your variance is 1 / inputs. A ReLU sets half of its inputs to 0, so the signal would shrink from "
    "layer to layer: He's factor 2 makes good for it.",
)
def without_the_2(noise: Tensor) -> Tensor:
    return noise * (1 / noise.shape[1]) ** 0.5


@mistake(
    "sizes",
    "You measured before the ReLU. The next layer reads what comes out of it.",
)
def before_the_relu(x: Tensor, weights: list[Tensor]) -> list[float]:
    found = []
    for W in weights:
        z = x @ W.T
        found.append(z.square().mean().sqrt().item())
        x = torch.relu(z)
    return found


@mistake(
    "sizes",
    "Every layer got the first input. The layers follow each other: the output of one is the input of "
    "the next.",
)
def always_the_first_input(x: Tensor, weights: list[Tensor]) -> list[float]:
    return [torch.relu(x @ W.T).square().mean().sqrt().item() for W in weights]


@mistake(
    "sizes",
    "You took the standard deviation, which subtracts the mean. After a ReLU the mean is far from 0, "
    "and belongs to the size of the signal.",
)
def standard_deviation(x: Tensor, weights: list[Tensor]) -> list[float]:
    found = []
    for W in weights:
        x = torch.relu(x @ W.T)
        found.append(x.std(correction=0).item())
    return found
