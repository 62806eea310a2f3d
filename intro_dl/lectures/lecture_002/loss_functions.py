"""Lecture 002: which activation and which loss to choose."""

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import finite_difference, gradient, minimize, normal, numbers, rounded
from intro_dl.lectures.lecture_002.practice import best, two_losses
from intro_dl.models.mlp import MLP
from intro_dl.models.regressor import MLPRegressor
from intro_dl.scratch import backprop
from intro_dl.scratch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_from_logits_gradient,
    binary_cross_entropy_gradient,
    cross_entropy_gradient,
    squared_error_gradient,
)


@claim(
    "E16",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="When using a neural network for regression, sigmoid activation and MSE as the loss function work "
    "well",
    right="When using a neural network for regression, sigmoid activation of the hidden units, a linear "
    "output and MSE as the loss function work well (a sigmoid output only for targets in (0, 1))",
    kind="erratum",
)
def sigmoid_is_bounded() -> Outcome:
    x = torch.linspace(0, 4, 50, dtype=torch.float64)[:, None]
    grades = 2 * x[:, 0] + 1  # from 1 to 9
    scaled = grades / 10  # from 0.1 to 0.9

    def trained(targets: Tensor, sigmoid_output: bool) -> float:
        net = MLPRegressor((1,), hidden=(8,), activation="sigmoid").double()

        def loss() -> Tensor:
            return F.mse_loss(torch.sigmoid(net(x)) if sigmoid_output else net(x), targets)

        return minimize(loss, list(net.parameters()))

    bounded, free = trained(grades, True), trained(grades, False)
    least = ((grades - grades.clamp(0, 1)) ** 2).mean()  # of all functions with values in [0, 1]
    return Outcome(
        [
            Check("targets 1 to 9, sigmoid at the output: MSE after training", bounded, 0.0, 20, differ=True),
            Check("the smallest MSE of any function with values in (0, 1)", bounded, least, 0.1),
            Check("no activation at the output (model=regressor), sigmoid hidden units", free, 0.0, 0.01),
            Check("targets divided by 10, sigmoid at the output", trained(scaled, True), 0.0, 1e-3),
        ],
        [
            "Targets 2 x + 1 at 50 points of [0, 4]; 8 sigmoid hidden units, at most 100 steps of L-BFGS.",
            f"MSE: sigmoid at the output {bounded:.3f}, none {free:.2g}",
        ],
    )


@claim(
    "H9",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="For classification, if it is a binary (2-class) problem, then cross-entropy error function often "
    "does better.",
    kind="measured",
)
def cross_entropy_does_better() -> Outcome:
    o, t = numbers(0.001), numbers(1.0)  # confident and wrong: the case with most to learn
    through_sigmoid = backprop.ACTIVATIONS["sigmoid"][1](torch.logit(o))
    squared = squared_error_gradient(o, t) * through_sigmoid
    crossed = binary_cross_entropy_gradient(o, t) * through_sigmoid
    rates = (0.3, 1.0, 3.0)
    found = two_losses({"mse": rates, "cross_entropy": rates}, four=True)
    learned = {loss: sum(each.test > 0.95 for each in runs.values()) for loss, runs in found.items()}
    gap = best(found["cross_entropy"]) - best(found["mse"])
    return Outcome(
        [
            Check("confident and wrong, o = 0.001 for t = 1: squared loss, dE/dz", squared, numbers(0), 1e-3),
            Check("the same with cross-entropy", crossed, numbers(-1), 2e-3),
            Check("rates of 0.3, 1, 3 at which cross-entropy learns 4 or not 4", learned["cross_entropy"], 3),
            within("rates of these at which MSE does", learned["mse"], high=2),
            within("best rate of each: cross-entropy ahead by", gap, -0.02, 0.1),
        ],
        [
            "4 or not 4 on scikit-learn's digits, 8x8, 360 test images, of which 'not 4' is right for 91 %. "
            "model=mlp, 50 sigmoid units, 300 SGD steps of 100 images, each loss with each rate from the "
            "same start; the best rate is chosen on 300 other images. One seed.",
            *(
                f"{loss}, rate {rate:g}: {each.test:.3f}"
                for loss, runs in found.items()
                for rate, each in runs.items()
            ),
            f"With the best rate of each the gap is {100 * gap:+.1f} points: what cross-entropy has for sure "
            "is a wider range of rates. Ten classes: E15.",
        ],
    )


@claim(
    "F17",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="E = -sum t log o + (1 - t) log(1 - o), o = 1 / (1 + exp(-z)): dE/do = (o - t)/(o (1 - o)), do/dz = "
    "o (1 - o), dE/dz = dE/do do/dz = o - t.",
    kind="holds",
)
def output_minus_target() -> Outcome:
    z, t = normal(8), torch.bernoulli(torch.full((8,), 0.5, dtype=torch.float64))
    o = torch.sigmoid(z)

    def E(z: Tensor) -> Tensor:
        return 8 * binary_cross_entropy(torch.sigmoid(z), t)  # the slide's sum, not a mean

    def E_softmax(z: Tensor) -> Tensor:
        return F.cross_entropy(torch.stack([torch.zeros(8), z], dim=1), t.long(), reduction="sum")

    dE_do = 8 * binary_cross_entropy_gradient(o, t)
    by_o = gradient(lambda o: 8 * binary_cross_entropy(o, t), o)
    chain = dE_do * backprop.ACTIVATIONS["sigmoid"][1](z)
    from_logits = 8 * binary_cross_entropy_from_logits_gradient(z, t)
    return Outcome(
        [
            Check("dE/do in scratch against autograd", dE_do, by_o, 1e-11),
            Check("dE/do in scratch against the slide", dE_do, (o - t) / (o * (1 - o)), 1e-11),
            Check("dE/do do/dz in scratch against o - t", chain, o - t, 1e-12),
            Check("dE/dz in scratch against o - t", from_logits, o - t, 1e-12),
            Check("o - t against autograd's dE/dz", o - t, gradient(E, z), 1e-12),
            Check("o - t against finite differences", o - t, finite_difference(E, z), 1e-8),
            Check("o - t against softmax and cross-entropy", o - t, gradient(E_softmax, z), 1e-12),
        ],
        [f"o - t = {rounded(o - t)}", "For more than two classes a slide says otherwise: E5."],
    )


@claim(
    "E5",
    lectures=["002"],
    slide="Multi-class Classification",
    says="Cross-entropy and softmax: do_k/dz_k = o_k (1 - o_k); dE/dz_k = sum_j dE/do_j do_j/dz_k = (o_k - "
    "t_k) o_k (1 - o_k)",
    right="Cross-entropy and softmax: do_k/dz_k = o_k (1 - o_k), and do_j/dz_k = -o_j o_k for the other j; "
    "dE/dz_k = sum_j dE/do_j do_j/dz_k = o_k - t_k",
    kind="erratum",
)
def softmax_with_cross_entropy() -> Outcome:
    z, t = numbers(1, 2, 0.5), numbers(0, 1, 0)

    def E(z: Tensor) -> Tensor:
        return -(t * torch.log_softmax(z, dim=0)).sum()

    o = torch.softmax(z, dim=0)
    slide = (o - t) * o * (1 - o)
    right = backprop.softmax_cross_entropy_delta(z[None], t[None])[1][0]
    trained = cross_entropy_gradient(z[None], torch.tensor([1]))[0]  # of intro_dl/scratch/train_by_hand.py
    model = MLP((3,), 3, hidden=())
    by_model = gradient(lambda z: model.loss(z[None], torch.tensor([1])), z)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, dim=0), z)  # do_j/dz_k at (j, k)
    by_hand = backprop.softmax_jacobian(o[None])[0]
    sums = (-t / o) @ by_hand  # sum_j dE/do_j do_j/dz_k, with all terms
    return Outcome(
        [
            Check("the slide, at z = (1, 2, 0.5), t = (0, 1, 0)", slide, numbers(0.041, -0.087, 0.017), 5e-4),
            Check("o - t", right, numbers(0.231, -0.371, 0.140), 5e-4),
            Check("the two differ", slide, right, 0.1, differ=True),
            Check("o - t against finite differences", right, finite_difference(E, z), 1e-9),
            Check("o - t against autograd", right, gradient(E, z), 1e-12),
            Check("the gradient that scratch trains with", trained, gradient(E, z), 1e-12),
            Check("the gradient that model=mlp trains with", by_model, right, 1e-6),
            Check("the slide's do_k/dz_k against autograd's", o * (1 - o), jacobian.diagonal(), 1e-12),
            Check("all of do/dz in scratch, with -o_j o_k, against autograd's", by_hand, jacobian, 1e-12),
            Check("the slide's sum over j, with all its terms, is o - t", sums, right, 1e-12),
        ],
        [
            f"o = {rounded(o)}",
            f"slide: (o - t) o (1 - o) = {rounded(slide)}, the gradient of the squared loss with a sigmoid",
            f"right: o - t = {rounded(right)}",
            *(f"do_{j + 1}/dz = {rounded(by_hand[j])}" for j in range(3)),
        ],
    )
