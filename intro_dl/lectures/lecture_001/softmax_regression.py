"""Lecture 001: softmax regression on MNIST."""

import os

import torch
from torch import Tensor, nn

from intro_dl.data.mnist import MNIST, mnist_files, read_mnist
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal, rounded
from intro_dl.results.evidence import BEYOND_CHANCE, Mean, MissingResult, accuracy
from intro_dl.scratch import layers, losses, sampling
from intro_dl.training import product

THROWS = 20_000

CHOSEN = (
    "Each run is tested at the epoch that is best on 5,000 validation images; the slide's source quotes the "
    "best test of a run (E22)."
)


def near(what: str, measured: Mean, slide: float) -> list[Check]:
    """Check that chance may explain the distance to the slide's number, and that the mean is precise."""
    tolerance = BEYOND_CHANCE * measured.error
    return [
        Check(
            f"{what}, within {BEYOND_CHANCE} standard errors of {slide:g}", measured.value, slide, tolerance
        ),
        within("... and its standard error", measured.error, high=0.1),
    ]


def count(model: nn.Module) -> int:
    """Count the parameters."""
    return sum(weight.numel() for weight in model.parameters())


@claim(
    "N7",
    lectures=["001"],
    slide='Multinomial logistic regression as a "neural network"',
    says="5-dimensional data, three classes: y_k = W_{k,1} x_1 + ... + W_{k,5} x_5 + b_k; Pr(y = k) = "
    "softmax; then a 3-sided dice is thrown.",
    kind="holds",
)
def three_sided_dice() -> Outcome:
    model = product.model("model=softmax", in_shape=(5,), num_classes=3).double()
    x = normal(1, 5)
    logits = model(x)[0].detach()
    W, b = model.logits.weight.detach(), model.logits.bias.detach()
    scores = torch.stack([W[k] @ x[0] + b[k] for k in range(3)])  # y_k, class by class
    probabilities = layers.softmax(scores)
    dice, chi_squares, working = torch.Generator().manual_seed(torch.initial_seed()), [], []
    for temperature in (1.0, 0.2):
        expected = THROWS * layers.softmax(scores / temperature)
        thrown = sampling.sample(logits.expand(THROWS, 3), temperature, generator=dice)
        observed = torch.bincount(thrown, minlength=3)
        chi_squares.append(((observed - expected) ** 2 / expected).sum().item())
        shares = (rounded(expected / THROWS), rounded(observed / THROWS))
        working.append("temperature {}: softmax {}, thrown {}".format(temperature, *shares))
    return Outcome(
        [
            Check("parameters: 5 x 3 weights, 3 biases", count(model), 5 * 3 + 3),
            Check("y_k of the network against the sums", logits, scores, 1e-12),
            Check(
                "softmax by hand against the network's",
                probabilities,
                model.probabilities(logits[None])[0],
                1e-12,
            ),
            # With 2 degrees of freedom, 25 is exceeded once in 270,000.
            within(f"chi-square of {THROWS:,} throws, 2 degrees of freedom", chi_squares[0], high=25),
            within(
                "... at temperature 0.2 (not on the slide), against softmax(y / 0.2)", chi_squares[1], high=25
            ),
        ],
        working,
    )


def mean_and_deviation(images: Tensor) -> tuple[float, float]:
    """Return mean and standard deviation of uint8 pixels in units of 255, by counting the 256 values."""
    counts = torch.bincount(images.flatten(), minlength=256).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = (counts * values).sum() / counts.sum()
    return mean.item(), ((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt().item()


@claim(
    "N30",
    lectures=["001"],
    slide="MNIST handwritten digits",
    says="It contains 28 x 28 images, 60K to train the model, 10K to test.",
    kind="measured",
)
def mnist_counts() -> Outcome:
    data = MNIST(root=os.environ.get("INTRO_DL_DATA", "data"))
    if not all(file.is_file() for file in mnist_files("MNIST", data.root)):
        raise MissingResult("the files of MNIST (intro-dl train data=mnist downloads them)")
    (images, labels), (test_images, test_labels) = read_mnist("MNIST", data.root)
    mean, deviation = mean_and_deviation(images)
    return Outcome(
        [
            Check("training images", tuple(images.shape), (60_000, 1, 28, 28)),
            Check("test images", tuple(test_images.shape), (10_000, 1, 28, 28)),
            Check("labels", (len(labels), len(test_labels)), (60_000, 10_000)),
            Check("mean of the training pixels: these are MNIST's", mean, MNIST.MEAN[0], 5e-5),
            Check("their standard deviation", deviation, MNIST.STD[0], 5e-5),
        ]
    )


@claim(
    "N8",
    lectures=["001"],
    slide="MNIST: a classification problem",
    says="Learn 10 vectors (784 dims) and 10 biases to classify digits.",
    kind="holds",
)
def softmax_regression_size() -> Outcome:
    model = product.model("model=softmax").double()
    W, b = model.logits.weight, model.logits.bias
    images, labels = normal(20, 1, 28, 28), torch.arange(20) % 10
    x = images.flatten(1)
    logits = layers.dense(x, W.T, b)
    measured = model.metrics((images, labels))
    slopes = torch.autograd.grad(measured["loss"], [W, b])
    error = losses.cross_entropy_gradient(logits.detach(), labels)  # (20, 10)
    answers = layers.softmax(logits).argmax(dim=1)
    return Outcome(
        [
            Check("shape of the weights", tuple(W.shape), (10, 784)),
            Check("shape of the biases", tuple(b.shape), (10,)),
            Check("parameters: 10 x 784 + 10", count(model), 10 * 784 + 10),
            Check("its scores against a dense layer by hand", model(images), logits, 1e-12),
            Check(
                "its loss against cross-entropy by hand",
                measured["loss"],
                losses.cross_entropy(logits, labels),
                1e-12,
            ),
            Check("its answers: the class with the highest score", model.predict(model(images)), answers),
            Check("dE/dW by hand, (o - t) x, against autograd", error.T @ x, slopes[0], 1e-12),
            Check("dE/db by hand", error.sum(dim=0), slopes[1], 1e-12),
        ],
        ["The images here are random numbers; the accuracy on MNIST is H1."],
    )


@claim(
    "H1",
    lectures=["001"],
    slide="MNIST: a classification problem",
    says="The accuracy on new data (about 92%)",
    kind="measured",
)
def softmax_on_mnist() -> Outcome:
    measured = accuracy("mnist_softmax")
    return Outcome(
        [within("test accuracy in %: rounded, the slide's 92", measured.value, 91.5, 92.5)],
        [f"test accuracy in %: {measured}, experiment=mnist_softmax", CHOSEN],
    )
