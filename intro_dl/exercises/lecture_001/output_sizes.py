"""The size of a map, and the number of parameters.

Lecture 001; slides "Specs: 4 hidden layers (200,100,60,30)", "CNN: Deep learning with images", "How did we go
from 14x14x8 to 7x7x12?". Claims N9, N10, N11, E2, P6.

Three things to count before you build a network. A kernel slides along `size` numbers with `padding` zeros at
each end, and shifts by `stride`: at how many places does it lie inside completely? How many parameters does
a convolutional layer have, with a bias for each output channel? How many does a network of fully connected
layers have, with a bias for each unit? (The slide says 34 million for 784-200-100-60-30-10: is it right?)
"""

from itertools import pairwise


def output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Return the number of places of a kernel along one side of an image."""
    # solution
    return (size + 2 * padding - kernel) // stride + 1
    # end of solution


def conv_parameters(in_channels: int, out_channels: int, kernel: int) -> int:
    """Return the number of weights and biases of a convolutional layer with kernels kernel x kernel."""
    # solution
    return out_channels * (in_channels * kernel * kernel + 1)
    # end of solution


def dense_parameters(sizes: list[int]) -> int:
    """Return the number of weights and biases of a network of fully connected layers.

    Args:
        sizes: number of inputs, units of each hidden layer, number of outputs: at least two numbers.
    """
    # solution
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
    # end of solution


# The student's file ends here.

import torch

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "conv1d", "conv2d", "functional")
HINTS = (
    (
        "With padding, the side is size + 2 * padding long. From its first place, the kernel can move by "
        "this length minus its own."
    ),
    "Integer division, //, says how many strides fit into that. The first place needs no stride: add 1.",
    (
        "One kernel has in_channels * kernel * kernel weights and one bias. A unit of a dense layer has a "
        "weight for each input and one bias; pairwise(sizes) gives inputs and units of each layer."
    ),
)


def cases(generator: torch.Generator) -> list[Case]:
    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=generator))

    kernel = number(2, 6)
    return [
        Case("output_size", (28, 5, 1, 2)),
        Case("output_size", (14, 4, 2, 1)),
        Case("output_size", (32, 5, 1, 0)),
        Case("output_size", (8, 3, 2, 1)),
        Case("output_size", (kernel, kernel, number(1, 4), 0)),
        Case("output_size", (number(20, 60), kernel, 3, number(1, 4))),
        Case("conv_parameters", (8, 12, 4)),
        Case("conv_parameters", (1, number(2, 9), 1)),
        Case("conv_parameters", (number(2, 9), number(2, 9), kernel)),
        Case("dense_parameters", ([784, 200, 100, 60, 30, 10],)),
        Case("dense_parameters", ([number(2, 9), number(2, 9)],)),
        Case("dense_parameters", ([number(2, 9), 1, number(2, 9), number(2, 9)],)),
    ]


@mistake(
    "output_size",
    "You counted the padding once. The zeros are put before and after the numbers, so they count twice.",
)
def padding_counted_once(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + padding - kernel) // stride + 1


@mistake(
    "output_size",
    "You counted the shifts. The kernel also has its first place, before any shift: add 1.",
)
def first_place_forgotten(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) // stride


@mistake(
    "output_size",
    "You added 1 before the division. The first place is always used, and only the shifts after it are "
    "divided by the stride: the 1 comes after the division.",
)
def one_added_before_the_division(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel + 1) // stride


@mistake(
    "output_size",
    "You rounded up. A last shift that the image has no room for is left out, so the division rounds down.",
)
def rounded_up(size: int, kernel: int, stride: int, padding: int) -> int:
    return -(-(size + 2 * padding - kernel) // stride) + 1


@mistake(
    "conv_parameters",
    "Your kernels have one channel. A kernel has a part for each input channel, and each part has its own "
    "weights: multiply by in_channels.",
)
def kernels_with_one_channel(in_channels: int, out_channels: int, kernel: int) -> int:
    return out_channels * (kernel * kernel + 1)


@mistake(
    "conv_parameters",
    "The biases are missing. Each output channel has one bias, which is added at every place of its map.",
)
def convolution_without_biases(in_channels: int, out_channels: int, kernel: int) -> int:
    return out_channels * in_channels * kernel * kernel


@mistake(
    "conv_parameters",
    "You counted a bias for each pair of channels. The sum over the input channels gets one bias, so there "
    "are out_channels of them.",
)
def bias_for_each_pair(in_channels: int, out_channels: int, kernel: int) -> int:
    return out_channels * in_channels * (kernel * kernel + 1)


@mistake(
    "dense_parameters",
    "The biases are missing. Each unit of the hidden layers and of the output has one.",
)
def dense_without_biases(sizes: list[int]) -> int:
    return sum(inputs * outputs for inputs, outputs in pairwise(sizes))


@mistake(
    "dense_parameters",
    "You gave the inputs biases too. Inputs are data: only the layers after them have parameters.",
)
def biases_for_the_inputs(sizes: list[int]) -> int:
    return sum(inputs * outputs for inputs, outputs in pairwise(sizes)) + sum(sizes)


@mistake(
    "dense_parameters",
    "You multiplied each layer by the first number of inputs. A layer reads the layer before it: its weights "
    "are units before times units.",
)
def always_the_first_inputs(sizes: list[int]) -> int:
    return sum((sizes[0] + 1) * units for units in sizes[1:])
