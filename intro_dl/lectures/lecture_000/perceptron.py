"""Lecture 000: the perceptron, and networks of perceptrons. MIT 6.S191, lecture 1, 2018.

Lecture 003 is its edition of 2022 and repeats nearly all of it, with W for theta. What is new there is in
lecture_003/.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal, numbers
from intro_dl.models.layers import Activation, make_activation
from intro_dl.models.mlp import MLP
from intro_dl.models.perceptron import Perceptron
from intro_dl.scratch import backprop, layers
from intro_dl.scratch.autodiff import Node
from intro_dl.training import product


def slide_perceptron() -> Perceptron:
    """Return the perceptron of the example: w0 = 1, w = [3, -2], g the sigmoid."""
    perceptron = Perceptron(in_shape=(2,), num_classes=2).double()
    with torch.no_grad():
        perceptron.w0.copy_(torch.tensor(1.0))
        perceptron.w.copy_(torch.tensor([3.0, -2.0]))
    return perceptron


@claim(
    "F1",
    lectures=["000", "003"],
    slide="The Perceptron; Multi Output Perceptron; Single Layer Neural Network; Deep Neural Network",
    says="y = g(w_0 + X^T W); z_i = w_{0,i} + sum_j x_j w_{j,i}; "
    "deep: z_{k,i} = w_{0,i} + sum_j g(z_{k-1,j}) w_{j,i}",
    kind="holds",
)
def forward_propagation() -> Outcome:
    x, deep = normal(5, 3), MLP((3,), 2, hidden=(4, 4), activation="sigmoid").double()
    maps = [module for module in deep.modules() if isinstance(module, nn.Linear)]
    weights = [(module.weight.T, module.bias) for module in maps]  # W (m, n) and b (n,), as on the slide
    z_loop, z_matrix = x, x
    for k, (W, b) in enumerate(weights):
        z_loop = layers.dense_loop(torch.sigmoid(z_loop) if k else z_loop, W, b)
        z_matrix = layers.dense(torch.sigmoid(z_matrix) if k else z_matrix, W, b)
    W, b = weights[0]
    return Outcome(
        [
            Check(
                "one layer: the sums, one by one, are x W + b", layers.dense_loop(x, W, b), x @ W + b, 1e-12
            ),
            Check("... and nn.Linear's", layers.dense(x, W, b), maps[0](x), 1e-12),
            Check("model=mlp, three layers: its scores are the sums, one by one", deep(x), z_loop, 1e-12),
            Check("... and the matrix products", deep(x), z_matrix, 1e-12),
        ]
    )


@claim(
    "F2",
    lectures=["000", "002", "003"],
    slide="Common Activation Functions",
    says="sigmoid: g' = g (1 - g); tanh: g' = 1 - g^2; ReLU: g = max(0, z), g' = 1 if z > 0, 0 otherwise. "
    "Lecture 002 writes tanh' = 1/cosh^2.",
    kind="holds",
)
def activation_functions() -> Outcome:
    z = torch.linspace(-5, 5, 200, dtype=torch.float64)  # an even number of points: none is 0
    slopes: dict[Activation, Callable[[Tensor], Tensor]] = {
        "sigmoid": lambda g: g * (1 - g),
        "tanh": lambda g: 1 - g**2,
        "relu": lambda g: (g > 0).double(),
    }
    checks = []
    for name, slope in slopes.items():
        g, derivative = backprop.ACTIVATIONS[name]
        finite = (g(z + 1e-6) - g(z - 1e-6)) / 2e-6
        checks.append(Check(f"{name} against torch.{name}", g(z), getattr(torch, name)(z), 1e-12))
        checks.append(
            Check(f"{name}' by the slide's formula against finite differences", slope(g(z)), finite, 1e-8)
        )
        checks.append(
            Check(f"{name}' in scratch code against autograd", derivative(z), _slope(name, z), 1e-12)
        )
        module = make_activation(name)  # the models'
        checks.append(Check(f"model.activation={name} against scratch code", module(z), g(z), 1e-12))
    zero, tanh_slope, relu_slope = (
        numbers(0.0),
        backprop.ACTIVATIONS["tanh"][1],
        backprop.ACTIVATIONS["relu"][1],
    )
    checks.append(
        Check("tanh' in scratch code against 1 / cosh^2", tanh_slope(z), torch.cosh(z) ** -2, 1e-12)
    )
    checks.append(Check("ReLU'(0), '0 otherwise', in scratch code", relu_slope(zero), numbers(0.0)))
    node = Node(zero)
    node.relu().backward(torch.ones(1, dtype=torch.float64))
    checks.append(Check("... on the tape of scratch code", node.gradient, numbers(0.0)))
    checks.append(Check("... torch's choice", _slope("relu", zero), numbers(0.0)))
    return Outcome(
        checks,
        ["ReLU has no derivative at 0: its slopes are 0 and 1. The slide and torch take 0, a convention."],
    )


def _slope(name: str, z: Tensor) -> Tensor:
    return gradient(lambda at: getattr(torch, name)(at).sum(), z)


@claim(
    "F3",
    lectures=["000", "003"],
    slide="Importance of Activation Functions",
    says="Linear activation functions produce linear decisions no matter the network size; "
    "non-linearities allow us to approximate arbitrarily complex functions.",
    kind="holds",
)
def linear_layers_collapse() -> Outcome:
    linear = MLP((2,), 2, hidden=(16, 16, 16), activation="identity").double()
    x = normal(100, 2)
    offset = linear(torch.zeros(1, 2, dtype=torch.float64))  # (1, 2)
    one_matrix = linear(torch.eye(2, dtype=torch.float64)) - offset  # (2, 2): row j is what x_j adds

    best_line, accuracy = 0.0, {}
    for name in ("identity", "relu"):
        trained, data = product.train(
            *("model=mlp", "model.hidden=[16,16]", f"model.activation={name}", "data=xor"),
            *("data.batch_size=50", "optim.lr=0.02", "trainer.max_epochs=8"),
        )
        points, labels = data.splits["train"]
        predicted = trained.eval()(data.transform(points)).argmax(dim=1)
        accuracy[name] = (predicted == labels).double().mean().item()
        best_line = _best_line(points, labels)
    return Outcome(
        [
            Check(
                "four linear layers are one matrix and one offset", linear(x), x @ one_matrix + offset, 1e-12
            ),
            within("XOR, trained: accuracy of a deep linear net", accuracy["identity"], high=best_line),
            within("XOR: accuracy of the best of 40,000 lines", best_line, high=0.76),
            within("XOR, trained: accuracy with ReLU between the layers", accuracy["relu"], low=0.95),
        ]
    )


def _best_line(points: Tensor, labels: Tensor) -> float:
    """Return the accuracy of the best line of 200 directions and 200 positions, class 1 on either side."""
    angles = torch.linspace(0, math.pi, 200)
    heights = points @ torch.stack([angles.cos(), angles.sin()])  # (N, 200)
    above = heights[..., None] > torch.linspace(-2, 2, 200)  # (N, 200, 200)
    right = (above == labels.bool()[:, None, None]).float().mean(dim=0)
    return torch.maximum(right, 1 - right).max().item()


@claim(
    "N1",
    lectures=["000", "003"],
    slide="The Perceptron: Example",
    says="w_0 = 1, w = [3, -2], x = [-1, 2]: y = g(1 + (3 × -1) - (2 × 2)) = g(-6) ≈ 0.002",
    kind="holds",
)
def perceptron_example() -> Outcome:
    perceptron, x = slide_perceptron(), torch.tensor([[-1.0, 2.0]], dtype=torch.float64)
    z, y = perceptron.weighted_sum(x).item(), perceptron(x).item()
    return Outcome(
        [
            Check("z = 1 + 3 x1 - 2 x2 at x = (-1, 2)", z, -6.0),
            Check("y = g(-6), against e^-6 / (1 + e^-6)", y, math.exp(-6) / (1 + math.exp(-6)), 1e-7),
            Check("y to the slide's three decimals", round(y, 3), 0.002),
        ],
        ["z = 1 + 3 (-1) - 2 (2) = 1 - 3 - 4 = -6", f"y = 1 / (1 + e^6) = {y:.7f}"],
    )


@claim(
    "N2",
    lectures=["000", "003"],
    slide="The Perceptron: Example",
    says="This is just a line in 2D! z < 0: y < 0.5; z > 0: y > 0.5",
    kind="holds",
)
def perceptron_line() -> Outcome:
    perceptron, x = slide_perceptron(), 4 * normal(1000, 2)
    z = 1 + 3 * x[:, 0] - 2 * x[:, 1]  # by hand, beside the model
    x1 = torch.linspace(-5, 5, 50, dtype=torch.float64)
    line = torch.stack([x1, (1 + 3 * x1) / 2], dim=1)  # x2 solved for z = 0
    return Outcome(
        [
            Check(
                "random points of 1,000 where z > 0 and y > 0.5 agree",
                _count((z > 0) == (perceptron(x) > 0.5)),
                1000,
            ),
            Check("y on the line 1 + 3 x1 - 2 x2 = 0", perceptron(line), torch.full_like(x1, 0.5), 1e-12),
        ]
    )


def _count(true: Tensor) -> int:
    return int(true.sum())
