"""A network with one hidden layer, with and without its non-linearity.

Lecture 003; slides "Single Layer Neural Network", "Importance of Activation Functions". Claims F1, F3.

The slide's network has one hidden layer: its inputs x give z = b1 + x W1, and its outputs are g(b2 + g(z)
W2), with the sigmoid g. Write it for a batch.

Then leave out g in the hidden layer. What remains of the network, g(b2 + (b1 + x W1) W2), is one dense layer,
g(b + x W): "linear decisions no matter the network size". Return its W and b.
"""

import torch
from torch import Tensor


def two_layer_network(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    """Return the outputs (B, k) for x (B, m), W1 (m, d), b1 (d,), W2 (d, k) and b2 (k,)."""
    # solution
    hidden = torch.sigmoid(x @ W1 + b1)
    return torch.sigmoid(hidden @ W2 + b2)
    # end of solution


def collapse(W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    """Return W (m, k) and b (k,) of the one layer that equals both layers without the hidden g."""
    # solution
    return W1 @ W2, b1 @ W2 + b2
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn",)
HINTS = (
    "First compute the hidden layer, in a variable of its own; it is the input of the second layer.",
    "Multiply out: (b1 + x W1) W2 = b1 W2 + x (W1 W2).",
    "What stands beside x is W; everything without x is b.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    calls = [
        (draw(B, m), draw(m, d), draw(d), draw(d, k), draw(k))
        for B, m, d, k in ((3, 2, 2, 2), (4, 2, 3, 1), (1, 1, 1, 1), (1, 3, 4, 2))
    ]
    return [
        *(Case("two_layer_network", call) for call in calls),
        *(Case("collapse", call[1:]) for call in calls),
    ]


@mistake(
    "two_layer_network",
    "Your hidden layer has no g. Two linear layers are one linear layer, so that the hidden units add "
    "nothing.",
)
def without_hidden_activation(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    return torch.sigmoid((x @ W1 + b1) @ W2 + b2)


@mistake(
    "two_layer_network",
    "You return the sums of the last layer. This network applies g there too, which makes probabilities of "
    "them.",
)
def without_output_activation(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    return torch.sigmoid(x @ W1 + b1) @ W2 + b2


@mistake(
    "two_layer_network",
    "You apply g to the inputs of each layer. The data enter as they are: g comes after the sums of a layer.",
)
def activated_inputs(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    return torch.sigmoid(torch.sigmoid(x) @ W1 + b1) @ W2 + b2


@mistake(
    "two_layer_network",
    "You left out both biases. Then all hidden units have z = 0 at the origin, and every boundary between "
    "them goes through it.",
)
def without_biases(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    return torch.sigmoid(torch.sigmoid(x @ W1) @ W2)


@mistake(
    "collapse",
    "You left out b1. It reaches the output through the second layer, as b1 W2.",
)
def first_bias_lost(W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return W1 @ W2, b2


@mistake(
    "collapse",
    "You added the two biases as they are. b1 has one number for each hidden unit, not for each output: it "
    "must pass through W2 first.",
)
def biases_added(W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return W1 @ W2, b1 + b2


@mistake(
    "collapse",
    "You multiplied in the wrong order. The batch stands on the left here, so x meets W1 first: x (W1 W2).",
)
def order_swapped(W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return W2 @ W1, b1 @ W2 + b2


@mistake(
    "collapse",
    "You added the weights. The second layer acts on the result of the first one, and that is a product of "
    "matrices.",
)
def weights_added(W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return W1 + W2, b1 + b2
