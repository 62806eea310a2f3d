"""The dense layer from scratch.

Lecture 003; slides "Multi Output Perceptron", "Dense layer from scratch". Claims F1, S5.

In a dense layer every input is connected to every output: z_i = b_i + sum_j x_j W_ji, and the output is
g(z_i). Write the slide's `call` for a batch of B examples, with the sigmoid g(z) = 1 / (1 + exp(-z)).

Then count the weights and biases of a stack of dense layers. The list of sizes begins with the number of
inputs: [3, 4, 2] is a layer from 3 inputs to 4 outputs, followed by one from 4 to 2; it has 26 parameters.
"""

from itertools import pairwise

import torch
from torch import Tensor


def dense_layer(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Return g(z) of shape (B, k) for inputs (B, n), weights W (n, k) and biases b (1, k)."""
    # solution
    return torch.sigmoid(inputs @ W + b)
    # end of solution


def number_of_parameters(sizes: list[int]) -> int:
    """Return how many numbers the layers learn: all weights and all biases."""
    # solution
    return sum((before + 1) * after for before, after in pairwise(sizes))
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn",)
HINTS = (
    "The matrix product inputs @ W has every sum over j at once: row by column. torch.sigmoid is allowed.",
    "b has one row, so that + adds it to each row of the product.",
    "A layer from n to k has n k weights and k biases. pairwise(sizes) gives the pairs (n, k).",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    shapes = ((2, 2, 2), (5, 3, 2), (1, 4, 3))
    stacks = ([3, 4, 2], [1, 1], [784, 10], [784, 500, 500, 10])
    return [
        *(Case("dense_layer", (draw(B, n), draw(n, k), draw(1, k))) for B, n, k in shapes),
        *(Case("number_of_parameters", (sizes,)) for sizes in stacks),
    ]


@mistake(
    "dense_layer",
    "inputs * W multiplies number by number, and works only if both have the same shape. A dense layer "
    "adds up over all inputs: that is the matrix product, inputs @ W or torch.matmul(inputs, W).",
)
def elementwise_product(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.sigmoid(inputs * W + b)


@mistake(
    "dense_layer",
    "You transpose W. torch.nn.Linear stores its weights as (outputs, inputs) and needs that; the slide's "
    "W is (inputs, outputs).",
)
def transposed_weights(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.sigmoid(inputs @ W.T + b)


@mistake(
    "dense_layer",
    "You left out the bias. Every output then is 0.5 at x = 0, whatever was learned.",
)
def without_bias(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.sigmoid(inputs @ W)


@mistake(
    "dense_layer",
    "You return z. The slide's layer applies the sigmoid before it returns; tf.keras.layers.Dense without "
    "activation= does not, and stacked layers without it are only one.",
)
def without_activation(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return inputs @ W + b


@mistake(
    "dense_layer",
    "You used softmax, which makes the outputs of an example sum to 1, so that they compete. In this layer "
    "every output has a sigmoid of its own.",
)
def softmax_for_sigmoid(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.softmax(inputs @ W + b, dim=1)


@mistake(
    "number_of_parameters",
    "You counted the weights only. Each output has a bias of its own, which is learned too.",
)
def only_weights(sizes: list[int]) -> int:
    return sum(before * after for before, after in pairwise(sizes))


@mistake(
    "number_of_parameters",
    "You gave a bias to the inputs as well. The first number of the list is no layer: inputs come from the "
    "data, and nothing is added to them.",
)
def bias_for_inputs(sizes: list[int]) -> int:
    return sum(before * after for before, after in pairwise(sizes)) + sum(sizes)


@mistake(
    "number_of_parameters",
    "You counted one bias for each layer. Every output of a layer has its own: the slide's b has the shape "
    "[1, output_dim].",
)
def one_bias_for_each_layer(sizes: list[int]) -> int:
    return sum(before * after + 1 for before, after in pairwise(sizes))
