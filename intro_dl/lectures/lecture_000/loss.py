"""Lecture 000: the loss of a wrong prediction. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.data.toy import PassClass
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import finite_difference, gradient, normal, numbers
from intro_dl.models.mlp import MLP
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.regressor import MLPRegressor
from intro_dl.scratch import losses
from intro_dl.training import product

# "Empirical Loss": three students, whether they passed, and what the network predicted.
STUDENTS = ((4.0, 5.0), (2.0, 1.0), (5.0, 8.0))
PREDICTED, ACTUAL = (0.1, 0.8, 0.6), (1.0, 0.0, 1.0)
# "Mean Squared Error Loss": their final grades in percent.
GRADES_PREDICTED, GRADES_ACTUAL = (30.0, 80.0, 85.0), (90.0, 20.0, 95.0)


@claim(
    "N3",
    lectures=["000", "003"],
    slide="Example Problem: Will I pass this class?",
    says="x = [4, 5] (lectures, hours). Predicted: 0.1, actual: 1. (The network was not trained.)",
    kind="holds",
)
def will_i_pass() -> Outcome:
    query = torch.tensor([STUDENTS[0]])
    data = PassClass()
    data.setup()
    fresh = [
        _chance(MLP((2,), 2, hidden=(3,), activation="sigmoid"), data.transform(query)) for _ in range(20)
    ]
    picture = ("model=mlp", "model.hidden=[3]", "model.activation=sigmoid")  # 2 inputs, 3 hidden units
    model, data = product.train(*picture, "data=pass_class", "optim.lr=0.05", "trainer.max_epochs=5")
    trained, true = _chance(model, data.transform(query)), PassClass.chance(query).item()
    return Outcome(
        [
            Check(
                "loss of predicting 0.1 for 1: -ln 0.1, scratch code", _loss(0.1, 1.0), math.log(10), 1e-12
            ),
            Check("... by the product's perceptron", _product_loss([0.1], [1.0]), math.log(10), 1e-6),
            within("20 untrained 2-3-1 networks: the highest chance to pass", max(fresh), high=0.9),
            within("trained on 600 generated students: chance to pass", trained, low=0.9),
            Check("... against the chance in the rule that generated them", trained, true, 0.06),
        ],
        [
            "The slide shows the answer of one untrained network, 0.1, without its weights and data.",
            f"20 fresh networks here answer {min(fresh):.2f} to {max(fresh):.2f}.",
            "The students of data=pass_class are generated: each passes with the chance",
            f"sigmoid(lectures + 1.5 hours - 8), {true:.3f} for [4, 5]. After 5 epochs: {trained:.3f}.",
        ],
    )


@torch.no_grad()
def _chance(model: MLP, query: Tensor) -> float:
    """Return the probability of class 1 for the only row of `query`."""
    return model.probabilities(model.eval()(query))[0, 1].item()


def _loss(predicted: float, actual: float) -> float:
    """Return the loss of one student, by scratch code."""
    return losses.binary_cross_entropy(numbers(predicted), numbers(actual)).item()


def _product_loss(
    predicted: tuple[float, ...] | list[float], actual: tuple[float, ...] | list[float]
) -> float:
    """Return the loss that `model=perceptron` trains with, of given predictions."""
    neuron = Perceptron((1,), 2).double()
    with torch.no_grad():
        neuron.w.fill_(1.0)  # y = sigmoid(x)
    return neuron.metrics((numbers(*predicted).logit()[:, None], numbers(*actual)))["loss"].item()


@claim(
    "N4",
    lectures=["000", "003"],
    slide="Empirical Loss; Binary Cross Entropy Loss",
    says="x = [[4, 5], [2, 1], [5, 8]], f(x) = [0.1, 0.8, 0.6], y = [1, 0, 1]",
    kind="holds",
)
def binary_cross_entropy_example() -> Outcome:
    f, y = numbers(*PREDICTED), numbers(*ACTUAL)
    terms = [_loss(*pair) for pair in zip(PREDICTED, ACTUAL, strict=True)]
    J = losses.binary_cross_entropy(f, y)
    by_hand = -(math.log(0.1) + math.log(1 - 0.8) + math.log(0.6)) / 3
    return Outcome(
        [
            Check("J, with the minus sign that the slide lacks (E1)", J.item(), by_hand, 1e-12),
            Check("J against torch's binary_cross_entropy", J, F.binary_cross_entropy(f, y), 1e-12),
            Check("J of the product's perceptron", _product_loss(PREDICTED, ACTUAL), by_hand, 1e-12),
            Check(
                "its terms -ln 0.1, -ln 0.2, -ln 0.6",
                terms,
                [-math.log(0.1), -math.log(1 - 0.8), -math.log(0.6)],
                1e-12,
            ),
            Check(
                "dJ/df of scratch code against finite differences",
                losses.binary_cross_entropy_gradient(f, y),
                finite_difference(lambda at: losses.binary_cross_entropy(at, y), f),
                1e-6,
            ),
        ],
        [
            *(f"f = {a:.1f}, y = {b:.0f}: loss {term:.6f}" for a, b, term in zip(f, y, terms, strict=True)),
            f"J = {J:.6f}",
        ],
    )


@claim(
    "E1",
    lectures=["000", "002", "003"],
    slide="Binary Cross Entropy Loss",
    says="J = 1/n sum_i [y log f(x) + (1 - y) log(1 - f(x))]",
    right="J = -1/n sum_i [y log f(x) + (1 - y) log(1 - f(x))]",
    kind="erratum",
)
def cross_entropy_lacks_its_minus() -> Outcome:
    f, y = numbers(*PREDICTED), numbers(*ACTUAL)

    def slide(f: Tensor) -> Tensor:
        return (y * f.log() + (1 - y) * (1 - f).log()).mean()

    right = losses.binary_cross_entropy(f, y)
    better = numbers(0.9, 0.1, 0.9)
    downhill = f - 0.01 * gradient(slide, f)  # a step that lowers the slide's J
    return Outcome(
        [
            Check("J of the example: slide, right", slide(f).item(), right.item(), differ=True),
            Check("right J against torch's", right, F.binary_cross_entropy(f, y), 1e-12),
            Check(
                "... against the loss of model=perceptron",
                right.item(),
                _product_loss(PREDICTED, ACTUAL),
                1e-12,
            ),
            Check(
                "better predictions lower the right J",
                bool(losses.binary_cross_entropy(better, y) < right),
                True,
            ),
            Check("... but raise the slide's", bool(slide(better) > slide(f)), True),
            Check(
                "a step down the slide's J moves from y",
                bool(((downhill - y).abs() > (f - y).abs()).all()),
                True,
            ),
        ],
        [f"slide: J = {slide(f):.6f}", f"right: J = {right:.6f}"],
    )


@claim(
    "N5",
    lectures=["000", "003"],
    slide="Mean Squared Error Loss",
    says="Final grades: f(x) = [30, 80, 85], y = [90, 20, 95]; J = 1/n sum_i (y - f(x))^2",
    kind="holds",
)
def mean_squared_error_example() -> Outcome:
    f, y = numbers(*GRADES_PREDICTED), numbers(*GRADES_ACTUAL)
    J = losses.mean_squared_error(f, y)
    line = MLPRegressor((1,), hidden=()).double()
    with torch.no_grad():
        line.output.weight.fill_(1.0)  # f(x) = x
        line.output.bias.zero_()
    return Outcome(
        [
            Check("J against (60^2 + 60^2 + 10^2) / 3", J.item(), (60**2 + 60**2 + 10**2) / 3, 1e-9),
            Check("J against torch's mse_loss", J, F.mse_loss(f, y), 1e-9),
            Check("J of model=regressor", line.metrics((f[:, None], y))["loss"], J, 1e-9),
            Check(
                "dJ/df of scratch code against finite differences",
                losses.mean_squared_error_gradient(f, y),
                finite_difference(lambda at: losses.mean_squared_error(at, y), f, step=1e-3),
                1e-6,
            ),
        ],
        [f"(90 - 30)^2 = 3600, (20 - 80)^2 = 3600, (95 - 85)^2 = 100; J = 7300 / 3 = {J:.4f}"],
    )


@claim(
    "S3",
    lectures=["000", "002", "003"],
    slide="Binary Cross Entropy Loss; Mean Squared Error Loss",
    says="`tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(model.y, model.pred))`; "
    "`tf.reduce_mean(tf.square(tf.subtract(model.y, model.pred)))`; `tf.keras.losses.MSE(y, predicted)`",
    kind="holds",
)
def loss_snippets() -> Outcome:
    y, pred, labels, scores = normal(8), normal(8), torch.arange(8) % 2, normal(8, 2)
    one_logit = scores[:, 1] - scores[:, 0]
    binary = losses.binary_cross_entropy_from_logits(one_logit, labels.double())
    return Outcome(
        [
            Check(
                "cross-entropy of two logits: F.cross_entropy against scratch code",
                F.cross_entropy(scores, labels),
                losses.cross_entropy(scores, labels),
                1e-12,
            ),
            Check(
                "... is binary cross-entropy of their difference, by scratch code",
                F.cross_entropy(scores, labels),
                binary,
                1e-12,
            ),
            Check(
                "MSE: F.mse_loss against the slide's line",
                F.mse_loss(pred, y),
                torch.mean(torch.square(torch.subtract(y, pred))),
                1e-12,
            ),
            Check("MSE: scratch code", losses.mean_squared_error(pred, y), F.mse_loss(pred, y), 1e-12),
        ],
        [
            "TensorFlow 1 (lecture 000): the function takes named arguments only (labels=, logits=).",
            "TensorFlow 2 (lecture 003): it runs, but with one output it is the wrong loss: see E11.",
            "PyTorch: F.cross_entropy(scores, labels) with a score for each class and integer labels, or",
            "F.binary_cross_entropy_with_logits(score, y) with one score; F.mse_loss(prediction, y).",
        ],
    )


@claim(
    "E11",
    lectures=["000", "002", "003"],
    slide="Binary Cross Entropy Loss",
    says="`loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(model.y, model.pred))`",
    right="`loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=model.y, "
    "logits=model.pred))`",
    kind="erratum",
)
def softmax_of_one_logit() -> Outcome:
    z, y = normal(6, 1), (torch.arange(6) % 2).double()[:, None]

    def slide(z: Tensor) -> Tensor:
        return F.cross_entropy(z, y)  # in torch: y as the probabilities of one class

    right = F.binary_cross_entropy_with_logits(z, y)
    return Outcome(
        [
            Check(
                "loss of six random outputs: slide, right", slide(z).item(), right.item(), 0.1, differ=True
            ),
            Check("slide's gradient: nothing is learned", gradient(slide, z), torch.zeros_like(z)),
            Check(
                "right loss against scratch code", losses.binary_cross_entropy_from_logits(z, y), right, 1e-12
            ),
            Check(
                "right gradient against finite differences",
                losses.binary_cross_entropy_from_logits_gradient(z, y),
                finite_difference(lambda at: losses.binary_cross_entropy_from_logits(at, y), z),
                1e-8,
            ),
        ],
        ["softmax(z) = e^z / e^z = 1 for every z, so -y log 1 = 0 for every y."],
    )
