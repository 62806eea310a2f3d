"""Lecture 001: multilayer perceptrons on MNIST, their size and what they reach."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal, numbers
from intro_dl.lectures.lecture_001.softmax_regression import CHOSEN, count, near
from intro_dl.results.evidence import BEYOND_CHANCE, accuracy
from intro_dl.scratch import backprop
from intro_dl.tasks import Task
from intro_dl.training import product


@claim(
    "E31",
    lectures=["001"],
    slide="Basic neural networks",
    says="All others are: sigma(a) = e^a / (1 + e^a)",
    right="All others are: sigma(a) = 1 / (1 + e^-a), the same number, which does not overflow for large a",
    kind="erratum",
)
def overflowing_sigmoid() -> Outcome:
    def slide(a: Tensor) -> Tensor:
        return a.exp() / (1 + a.exp())

    neuron = product.model("model=perceptron", in_shape=(1,), num_classes=2).g
    near, far = torch.linspace(-30, 30, 121, dtype=torch.float64), numbers(-800, 800)
    limits = numbers(0, 1)
    return Outcome(
        [
            Check(
                "is it a number at a = 800? slide, right",
                *_finite(slide, backprop.sigmoid, 800.0),
                differ=True,
            ),
            Check(
                "... at a = 100 in float32",
                *_finite(slide, backprop.sigmoid, 100.0, torch.float32),
                differ=True,
            ),
            Check("for a in [-30, 30] both forms agree", slide(near), backprop.sigmoid(near), 1e-12),
            Check("1 / (1 + e^-a) at a = -800 and 800", backprop.sigmoid(far), limits),
            Check("the sigmoid of model=perceptron there", neuron(far), limits),
            Check("... and its slope", gradient(lambda a: neuron(a).sum(), far), numbers(0, 0)),
            Check(
                "the slope by hand, sigma (1 - sigma)", backprop.ACTIVATIONS["sigmoid"][1](far), numbers(0, 0)
            ),
        ],
        ["e^a is infinite from a = 710 (float64) or 89 (float32) on; infinity / infinity is not a number."],
    )


def _finite(
    slide: Callable[[Tensor], Tensor],
    right: Callable[[Tensor], Tensor],
    a: float,
    dtype: torch.dtype = torch.float64,
) -> tuple[bool, bool]:
    """Return whether each form of the sigmoid is a number at a."""
    point = torch.tensor(a, dtype=dtype)
    return bool(slide(point).isfinite()), bool(right(point).isfinite())


def slide_mlp(*overrides: str) -> Task:
    """Return the network of experiment=mnist_mlp, 784-200-100-60-30-10, untrained."""
    return product.model("experiment=mnist_mlp", *overrides)


@claim(
    "N9",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="4 hidden layers (200,100,60,30)",
    kind="holds",
)
def mlp_size() -> Outcome:
    model = slide_mlp().double()
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    sizes = (784, 200, 100, 60, 30, 10)
    by_hand = [m * n + n for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
    images = normal(5, 1, 28, 28)
    weights, biases = [part.weight for part in linear], [part.bias for part in linear]
    activations = ["relu"] * 4 + ["linear"]
    _, h = backprop.multi_layer_forward(images.flatten(1), weights, biases, activations)
    return Outcome(
        [
            Check("parameters of each layer", [count(layer) for layer in linear], by_hand),
            Check("parameters", count(model), sum(by_hand)),
            Check("its scores against the layers by hand", model(images), h[-1], 1e-12),
        ],
        [f"{' + '.join(f'{number:,}' for number in by_hand)} = {sum(by_hand):,}"],
    )


@claim(
    "E2",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="Roughly 34 million parameters",
    right="185,300 parameters",
    kind="erratum",
)
def not_34_million() -> Outcome:
    slide, right = 34_000_000, count(slide_mlp())
    written_out = (784 * 200 + 200) + (200 * 100 + 100) + (100 * 60 + 60) + (60 * 30 + 30) + (30 * 10 + 10)
    # Even the widest layer four times does not reach the slide's number.
    widest = product.model("model=mlp", "model.hidden=[784,784,784,784]")
    return Outcome(
        [
            Check("parameters: slide, right", slide, right, tolerance=10_000_000, differ=True),
            Check("right: layer by layer", right, written_out),
            within("with 784 units in each of the four layers", count(widest), high=3_000_000),
        ],
        [f"34 million is {slide / right:.0f} times too many."],
    )


@claim(
    "H2",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says='98.2% with "fully connected" neural net of previous slide',
    kind="measured",
)
def mlp_on_mnist() -> Outcome:
    relu, sigmoid = accuracy("mnist_mlp"), accuracy("mnist_mlp_sigmoid")
    lost = relu - sigmoid
    return Outcome(
        [
            *near("test accuracy in %", relu, 98.2),
            within("points that sigmoids lose, in standard errors", lost.value / lost.error, BEYOND_CHANCE),
        ],
        [
            f"test accuracy in %: {relu}, experiment=mnist_mlp (ReLU)",
            f"with sigmoids: {sigmoid}, experiment=mnist_mlp_sigmoid",
            CHOSEN,
        ],
    )


@claim(
    "E23",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="The accuracy on new data (> 6% improvement)",
    right="The accuracy on new data (just under 6 points better than the 92% of softmax regression)",
    kind="erratum",
)
def not_six_points() -> Outcome:
    network, softmax = accuracy("mnist_mlp"), accuracy("mnist_softmax")
    gain = network - softmax
    return Outcome(
        [
            Check("improvement in points: slide, ours", 6.0, gain.value, 2 * gain.error, differ=True),
            within("... ours is smaller", gain.value, high=6.0),
            within("relative improvement in %", 100 * gain.value / softmax.value, low=6.0),
        ],
        [
            f"points: {gain}, which is {(6 - gain.value) / gain.error:.1f} standard errors below 6",
            "The slide's source has 98.24 and 92.68 (Görner's mnist_2.1 and mnist_1.0): 5.56 points, 6.0 %.",
            CHOSEN,
        ],
    )
