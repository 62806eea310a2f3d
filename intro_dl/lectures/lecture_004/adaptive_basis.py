"""Lecture 004: boundaries that are not straight, and basis functions that adapt to the data."""

import math

import torch
from sklearn.datasets import make_circles
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import (
    finite_difference,
    fit_logistic,
    gradient,
    logistic_loss,
    minimize,
    normal,
    numbers,
    rounded,
    with_one,
)


def feature_map(x: Tensor) -> Tensor:
    """Compute Phi: (x1, x2) -> (x1^2, x2^2, sqrt(2) x1 x2), for each row."""
    x1, x2 = x.unbind(dim=-1)
    return torch.stack([x1**2, x2**2, math.sqrt(2) * x1 * x2], dim=-1)


def rings(count: int) -> tuple[Tensor, Tensor]:
    """Draw points around two circles with one center: class 1 inside, class 0 outside."""
    points, labels = make_circles(count, noise=0.05, factor=0.4, random_state=0)
    return torch.from_numpy(points), torch.from_numpy(labels).double()


def accuracy(z: Tensor, labels: Tensor) -> float:
    """Return the fraction of points on the right side of z = 0."""
    return ((z > 0) == (labels > 0)).double().mean().item()


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

    points, labels = rings(400)
    line = fit_logistic(with_one(points), labels)
    after = with_one(feature_map(points))
    plane = numbers(0.49, -1, -1, 0)  # x1^2 + x2^2 < 0.7^2 is a plane in the space of Phi
    return Outcome(
        [
            Check("<Phi(x), Phi(y)> at 1,000 pairs against (x . y)^2", inner, (x * y).sum(1) ** 2, 1e-11),
            Check("Phi maps R^2 to R^3", list(feature_map(x).shape), [1000, 3]),
            Check("a plane after Phi separates the rings", accuracy(after @ plane, labels), 1.0),
            Check("the best line before Phi does not", accuracy(with_one(points) @ line, labels) < 0.7, True),
        ],
    )


@claim(
    "F26",
    lectures=["004"],
    slide="Define the basis functions; Full model becomes",
    says="Learn the basis functions directly from data: phi_j(x; u) = sigma(u_j^T x), phi(x; U) = sigma(U "
    "x), h(x; w, U) = w^T phi(x; U).",
    kind="holds",
)
def learned_basis() -> Outcome:
    points, labels = rings(200)
    x = with_one(points)  # u_j and w get a bias, as the slide's formulas have none
    U, w = normal(4, 3), normal(5)
    one_by_one = torch.stack([torch.sigmoid(x @ U[j]) for j in range(4)], dim=1)
    together = torch.sigmoid(x @ U.T)

    fixed = fit_logistic(with_one(together), labels)
    at_fixed = accuracy(with_one(together) @ fixed, labels)
    U.requires_grad_(), w.requires_grad_()

    def loss() -> Tensor:  # a little penalty, for else the weights grow forever
        return logistic_loss(w, with_one(torch.sigmoid(x @ U.T)), labels) + 1e-4 * (w @ w)

    minimize(loss, [U, w], steps=60)
    at_learned = accuracy(with_one(torch.sigmoid(x @ U.T)) @ w, labels)
    return Outcome(
        [
            Check("phi, unit by unit and as sigma(U x)", one_by_one, together, 1e-15),
            Check("4 learned basis functions separate the rings", at_learned, 1.0),
            Check("4 basis functions fixed at random do not, only w learned", at_fixed < 0.95, True),
        ],
        [f"accuracy: fixed {at_fixed:.3f}, learned {at_learned:.3f}"],
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
    """Return L(w, U) = -sum_i y_i ln sigma(h(x_i)) + (1 - y_i) ln(1 - sigma(h(x_i)))."""
    p = torch.sigmoid(torch.sigmoid(x @ U.T) @ w)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).sum()


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
    return Outcome(
        [
            Check("dL/dh = sigma(h) - y", p - y, dL_dh, 1e-12),
            Check("dL/dw = sum_i dL/dh sigma(U x_i), against autograd", dL_dw, by_w, 1e-12),
            Check("dL/du_j = sum_i dL/dh w_j sigma (1 - sigma) x_i, against autograd", dL_dU, by_U, 1e-12),
        ],
        ["The slide's sums have a wrong sign in their first terms: E6."],
    )


@claim(
    "E6",
    lectures=["004"],
    slide="Chain rule to compute gradient w.r.t. w; w.r.t. u_j",
    says="dL/dw = sum_i y_i (1 - sigma(h)) sigma(U x_i) + (1 - y_i) sigma(h) sigma(U x_i), and the same "
    "first term in dL/du_j. [Right: a minus before the first term.]",
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
            Check("the slide's dL/dw against finite differences", slide_w, by_w, 0.1, differ=True),
            Check("with the minus, dL/dw against finite differences", right_w, by_w, 1e-8),
            Check("the slide's dL/dU against finite differences", slide_U, by_U, 0.1, differ=True),
            Check("with the minus, dL/dU against finite differences", right_U, by_U, 1e-8),
            Check("a step along the right gradient lowers the loss", after[1].item() < 0, True),
        ],
        [
            f"slide: dL/dw = {rounded(slide_w)}, a step changes L by {after[0]:+.5f}",
            f"right: dL/dw = {rounded(right_w)}, a step changes L by {after[1]:+.5f}",
            "All terms of the slide are positive, so every weight w_j could only decrease.",
        ],
    )
