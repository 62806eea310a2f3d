"""Lecture 004: more than two classes."""

import torch
from torch import Tensor

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import finite_difference, normal, numbers
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.scratch.layers import softmax
from intro_dl.scratch.losses import cross_entropy, cross_entropy_gradient


@claim(
    "F36",
    lectures=["004"],
    slide="Multiclass Classification? Softmax -> multi-class generalization of logistic loss",
    says="p(c_k | x) = exp(w_k x) / sum_j exp(w_j x); gradient descent for each of the weights w_k.",
    kind="holds",
)
def softmax_classes() -> Outcome:
    x, W, target, label = normal(6), normal(4, 6), numbers(0, 0, 1, 0), torch.tensor([2])
    p = torch.exp(W @ x) / torch.exp(W @ x).sum()
    two = normal(2, 6)
    model = SoftmaxRegression((6,), 4).double()
    model.logits.weight.data, model.logits.bias.data = W.clone(), torch.zeros(4).double()
    loss_of_model = model.metrics((x[None], label))["loss"]
    of_model = torch.autograd.grad(loss_of_model, model.logits.weight)[0]

    def loss(W: Tensor) -> Tensor:
        return cross_entropy((W @ x)[None], label)

    by_hand = (p - target)[:, None] * x  # row k: the gradient for w_k
    return Outcome(
        [
            Check(
                "2 classes: sigmoid of the difference",
                softmax(two @ x)[1],
                torch.sigmoid((two[1] - two[0]) @ x),
                1e-15,
            ),
            Check("the slide's formula against softmax by hand", p, softmax(W @ x), 1e-15),
            Check("... against those of model=softmax", p, model.probabilities(model(x[None]))[0], 1e-12),
            Check(
                "-ln p of the true class against the loss of model=softmax", -p[2].log(), loss_of_model, 1e-12
            ),
            Check("... against cross-entropy by hand", -p[2].log(), loss(W), 1e-12),
            Check("gradient for each w_k: (p_k - y_k) x, against model=softmax", by_hand, of_model, 1e-12),
            Check(
                "... against scratch's rule for the scores",
                by_hand,
                cross_entropy_gradient((W @ x)[None], label).T * x,
                1e-12,
            ),
            Check("... and against finite differences", by_hand, finite_difference(loss, W), 1e-8),
            Check(
                "the same vector added to every w_k changes nothing", softmax((W + normal(6)) @ x), p, 1e-12
            ),
        ],
    )
