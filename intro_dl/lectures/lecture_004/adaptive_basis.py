"""Lecture 004: boundaries that are not straight, and basis functions that adapt to the data."""

import math
from collections.abc import Iterable

import torch
from hydra.utils import instantiate
from torch import Tensor
from torch.nn import Parameter
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import (
    finite_difference,
    fit_logistic,
    gradient,
    mean_and_error,
    minimize,
    normal,
    numbers,
    rounded,
    with_one,
)
from intro_dl.lectures.lecture_004.regularization import follow
from intro_dl.models.mlp import MLP
from intro_dl.models.perceptron import Perceptron
from intro_dl.scratch.autodiff import Node
from intro_dl.scratch.backprop import sigmoid
from intro_dl.scratch.layers import dense_loop
from intro_dl.scratch.losses import binary_cross_entropy, binary_cross_entropy_from_logits_gradient
from intro_dl.training.product import config


def feature_map(x: Tensor) -> Tensor:
    """Compute Phi: (x1, x2) -> (x1^2, x2^2, sqrt(2) x1 x2), for each row."""
    x1, x2 = x.unbind(dim=-1)
    return torch.stack([x1**2, x2**2, math.sqrt(2) * x1 * x2], dim=-1)


def rings() -> tuple[Tensor, Tensor]:
    """Draw the 600 training points of data=circles, standardized: class 1 inside, class 0 outside."""
    data = instantiate(config("data=circles", "data.noise=0.05").data, _convert_="all")
    data.setup()
    points, labels = data.splits["train"]
    return data.transform(points).double(), labels.double()


@claim(
    "N22",
    lectures=["004"],
    slide="What if we want a non-linear decision boundary? Choose basis functions",
    says="Phi: (x1, x2) -> (x1^2, x2^2, sqrt(2) x1 x2), R^2 -> R^3",
    kind="holds",
)
def quadratic_features() -> Outcome:
    x, y = normal(1000, 2), normal(1000, 2)
    inner = (feature_map(x) * feature_map(y)).sum(dim=1)

    points, labels = rings()
    line = fit_logistic(with_one(points), labels)
    neuron = Perceptron((2,), 2).double()
    neuron.w0.data, neuron.w.data = line[0], line[1:]
    on_line = neuron.metrics((points, labels.long()))["accuracy"].item()
    after = Perceptron((3,), 2).double()
    follow(after, ["optim=gd", "optim.lr=1.0"], feature_map(points), labels.long(), steps=200)
    on_plane = after.metrics((feature_map(points), labels.long()))["accuracy"].item()
    return Outcome(
        [
            Check("<Phi(x), Phi(y)> at 1,000 pairs against (x . y)^2", inner, (x * y).sum(1) ** 2, 1e-11),
            Check("model=perceptron after Phi separates the rings", on_plane, 1.0),
            within("the best line before Phi: accuracy", on_line, high=0.7),
        ],
        [f"data=circles, 600 points: accuracy {on_line:.3f} before Phi, {on_plane:.3f} after"],
    )


@claim(
    "F26",
    lectures=["004"],
    slide="Define the basis functions; Full model becomes",
    says="Learn the basis functions directly from data: phi_j(x; u) = sigma(u_j^T x), phi(x; U) = sigma(U "
    "x), h(x; w, U) = w^T phi(x; U).",
    kind="measured",
)
def learned_basis() -> Outcome:
    points, labels = rings()
    batch = points[:200], labels[:200].long()

    def network(width: int) -> MLP:  # u_j and w get a bias, as the slide's formulas have none
        model = MLP((2,), 2, hidden=(width,), activation="sigmoid").double()
        for weight in model.features.parameters():
            torch.nn.init.normal_(weight, std=2.0)
        return model

    def accuracy_after(model: MLP, parameters: Iterable[Parameter]) -> float:
        weights: list[Tensor] = list(parameters)

        def loss() -> Tensor:  # with a small penalty: otherwise the weights grow forever
            return model.metrics(batch)["loss"] + 1e-5 * sum((w**2).sum() for w in weights)

        minimize(loss, weights, steps=40)
        return model.metrics(batch)["accuracy"].item()

    found = {"4 fixed": [], "4 learned": [], "40 fixed": []}
    for _ in range(20):
        model = network(4)
        found["4 fixed"].append(accuracy_after(model, model.logits.parameters()))
        found["4 learned"].append(accuracy_after(model, model.parameters()))
    for _ in range(5):
        wide = network(40)
        found["40 fixed"].append(accuracy_after(wide, wide.logits.parameters()))
    mean = {name: mean_and_error(each) for name, each in found.items()}
    perfect = {name: sum(value == 1 for value in each) for name, each in found.items()}

    U, bias = model.features[0].parameters()
    one_by_one = sigmoid(dense_loop(batch[0], U.T, bias))
    gap = mean["4 learned"][0] - mean["4 fixed"][0]
    error = (mean["4 learned"][1] ** 2 + mean["4 fixed"][1] ** 2) ** 0.5
    return Outcome(
        [
            Check(
                "phi of model=mlp against sigma(u_j . x), unit by unit",
                model.features(batch[0]),
                one_by_one,
                1e-12,
            ),
            within("4 learned basis functions: mean accuracy of 20 draws", mean["4 learned"][0], 0.97),
            within("learned minus fixed at random, in standard errors", gap / error, 3),
            within("draws of 20 in which the 4 learned ones separate the rings", perfect["4 learned"], 14),
            within("draws of 20 in which 4 fixed ones do", perfect["4 fixed"], high=10),
            within("40 fixed at random: mean accuracy of 5 draws", mean["40 fixed"][0], 0.99),
        ],
        [
            "model=mlp of sigmoids on 200 points of data=circles; fixed: only w is fitted; 20 random "
            "draws of U."
        ]
        + [
            f"{name}: accuracy {mean[name][0]:.3f} +- {mean[name][1]:.3f} (standard error), from "
            f"{min(found[name]):.3f} to {max(found[name]):.3f}; {perfect[name]} of {len(found[name])} "
            "separate the rings"
            for name in found
        ]
        + ["A fixed random basis is not hopeless: with enough functions it separates the rings, too."],
    )


@claim(
    "E29",
    lectures=["004"],
    slide="Put all u_j vectors into matrix U",
    says="Put all u_j in R^(1 x m) vectors into matrix U: phi(x; U) = sigma(U x), with the elements "
    "sigma(u_j^T x)",
    right="Put all vectors u_j in R^m as rows u_j^T into matrix U: phi(x; U) = sigma(U x), with the "
    "elements sigma(u_j^T x)",
    kind="erratum",
)
def shape_of_u() -> Outcome:
    m, d = 3, 4
    model = MLP((m,), 1, hidden=(d,), activation="sigmoid").double()
    weight, bias = model.features[0].parameters()
    torch.nn.init.zeros_(bias)  # the slide has none
    U, x = weight.detach(), normal(m, 1)  # (d, m), and a column
    rows = [U[j : j + 1] for j in range(d)]  # u_j in R^(1 x m), as on the slide

    def multiplies(left: Tensor) -> bool:
        try:
            Node(left) @ x
        except ValueError:
            return False
        return True

    phi = model.features(x.T)[0]
    by_rows = torch.cat([(Node(u) @ x).sigmoid().value.flatten() for u in rows])
    return Outcome(
        [
            Check(
                "u_j^T x multiplies, with u_j in R^(1 x m): (m, 1) @ (m, 1)",
                multiplies(rows[0].T),
                True,
                differ=True,
            ),
            Check("u_j x does: (1, m) @ (m, 1)", multiplies(rows[0]), True),
            Check("u_j^T x does with u_j in R^m", multiplies(U[0]), True),
            Check("sigma(u_j x), row by row, against the hidden layer of model=mlp", by_rows, phi, 1e-12),
            Check("... against sigma(U x) on the tape", (Node(U) @ x).sigmoid().value[:, 0], phi, 1e-12),
        ],
        [f"m = {m} inputs, d = {d} units; the tape of intro_dl/scratch checks the shapes."],
    )


def chain_rule(x: Tensor, y: Tensor, w: Tensor, U: Tensor, sign: float) -> tuple[Tensor, Tensor]:
    """Compute dL/dw and dL/dU as on the slide, with `sign` before the first term: slide +1, right -1."""
    phi = torch.sigmoid(x @ U.T)  # (N, d)
    p = torch.sigmoid(phi @ w)  # sigma(h(x_i))
    dL_dh = sign * y * (1 - p) + (1 - y) * p  # (N,)
    dL_dw = dL_dh @ phi
    dL_dU = torch.stack([(dL_dh * w[j] * phi[:, j] * (1 - phi[:, j])) @ x for j in range(len(w))])
    return dL_dw, dL_dU


def network_loss(x: Tensor, y: Tensor, w: Tensor, U: Tensor) -> Tensor:
    """Return L(w, U) = -sum_i y_i ln sigma(h(x_i)) + (1 - y_i) ln(1 - sigma(h(x_i))), by scratch."""
    return len(y) * binary_cross_entropy(sigmoid(sigmoid(x @ U.T) @ w), y)


@claim(
    "F27",
    lectures=["004"],
    slide="Chain rule to compute gradient w.r.t. w; w.r.t. u_j",
    says="dL/dw = dL/dh dh/dw; dL/du_j = dL/dh dh/dsigma dsigma/du_j, with dsigma/dx = sigma(x)(1 - "
    "sigma(x)).",
    kind="holds",
)
def chain_rule_holds() -> Outcome:
    x, y, w, U = normal(5, 2), numbers(1, 0, 1, 1, 0), normal(3), normal(3, 2)
    phi = torch.sigmoid(x @ U.T)
    p = torch.sigmoid(phi @ w)
    dL_dh = gradient(lambda h: F.binary_cross_entropy_with_logits(h, y, reduction="sum"), phi @ w)
    dL_dw, dL_dU = chain_rule(x, y, w, U, sign=-1)
    by_w = gradient(lambda w: network_loss(x, y, w, U), w)
    by_U = gradient(lambda U: network_loss(x, y, w, U), U)
    tape_U, tape_w = Node(U), Node(w)
    o = (tape_w @ (tape_U @ x.T).sigmoid()).sigmoid()
    (-(o.log() * y + (1 - o).log() * (1 - y)).sum()).backward()
    return Outcome(
        [
            Check("dL/dh = sigma(h) - y", p - y, dL_dh, 1e-12),
            Check(
                "... and by scratch", 5 * binary_cross_entropy_from_logits_gradient(phi @ w, y), dL_dh, 1e-12
            ),
            Check("dL/dU on the tape of scratch", tape_U.gradient, dL_dU, 1e-12),
            Check("dL/dw on the tape of scratch", tape_w.gradient, dL_dw, 1e-12),
            Check("dL/dw = sum_i dL/dh sigma(U x_i), against autograd", dL_dw, by_w, 1e-12),
            Check("dL/du_j = sum_i dL/dh w_j sigma (1 - sigma) x_i, against autograd", dL_dU, by_U, 1e-12),
        ],
        ["The slide's sums have a wrong sign in their first terms: E6."],
    )


@claim(
    "E6",
    lectures=["004"],
    slide="Chain rule to compute gradient w.r.t. w; w.r.t. u_j",
    says="dL/dw = sum_i y_i (1 - sigma(h)) sigma(U x_i) + (1 - y_i) sigma(h) sigma(U x_i); dL/du_j = sum_i "
    "y_i (1 - sigma(h)) w_j sigma(u_j x_i) (1 - sigma(u_j x_i)) x_i + (1 - y_i) sigma(h) w_j sigma(u_j x_i) "
    "(1 - sigma(u_j x_i)) x_i",
    right="dL/dw = sum_i -y_i (1 - sigma(h)) sigma(U x_i) + (1 - y_i) sigma(h) sigma(U x_i); dL/du_j = "
    "sum_i -y_i (1 - sigma(h)) w_j sigma(u_j x_i) (1 - sigma(u_j x_i)) x_i + (1 - y_i) sigma(h) w_j "
    "sigma(u_j x_i) (1 - sigma(u_j x_i)) x_i",
    kind="erratum",
)
def sign_of_the_first_term() -> Outcome:
    x, y, w, U = normal(5, 2), numbers(1, 0, 1, 1, 0), normal(3), normal(3, 2)
    slide_w, slide_U = chain_rule(x, y, w, U, sign=1)
    right_w, right_U = chain_rule(x, y, w, U, sign=-1)
    by_w = finite_difference(lambda w: network_loss(x, y, w, U), w)
    by_U = finite_difference(lambda U: network_loss(x, y, w, U), U)
    loss = network_loss(x, y, w, U)
    after = [network_loss(x, y, w - 0.01 * step, U) - loss for step in (slide_w, right_w)]
    return Outcome(
        [
            Check("the slide's dL/dw against finite differences", slide_w, by_w, 1e-3, differ=True),
            Check("with the minus, dL/dw against finite differences", right_w, by_w, 1e-8),
            Check("the slide's dL/dU against finite differences", slide_U, by_U, 1e-3, differ=True),
            Check("with the minus, dL/dU against finite differences", right_U, by_U, 1e-8),
            Check("a step along the right gradient lowers the loss", after[1].item() < 0, True),
        ],
        [
            f"slide: dL/dw = {rounded(slide_w)}, a step changes L by {after[0]:+.5f}",
            f"right: dL/dw = {rounded(right_w)}, a step changes L by {after[1]:+.5f}",
            "All terms of the slide are positive, so every weight w_j could only decrease.",
        ],
    )
