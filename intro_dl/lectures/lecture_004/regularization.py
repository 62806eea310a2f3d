"""Lecture 004: the risk that training minimizes, and its penalty.

M. Kagan, IN2P3 School of Statistics 2021. The slides have no titles in the text of the lecture; here each
title is a phrase from its slide.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import (
    gradient,
    mean_and_error,
    normal,
    numbers,
    rounded,
)
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.regressor import MLPRegressor
from intro_dl.tasks import Task
from intro_dl.training.build import give_optimizer
from intro_dl.training.product import config, optimizer


@claim(
    "F20",
    lectures=["004"],
    slide="Framework to design learning algorithms",
    says="argmin_w 1/N sum_i L(h(x_i; w), y_i) + lambda Omega(w): Omega penalizes certain values of w, "
    "lambda controls how much penalty.",
    kind="holds",
)
def regularized_risk() -> Outcome:
    x, true = normal(200, 6), numbers(3, -2, 1, 0, 0, 0)
    y = x @ true + 0.3 * normal(200)

    def risk(w: Tensor) -> Tensor:
        return ((x @ w - y) ** 2).mean()

    def ridge(penalty: float) -> Tensor:  # Omega = |w|^2 has a closed form
        return torch.linalg.solve(x.T @ x / 200 + penalty * torch.eye(6), x.T @ y / 200)

    least_squares = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    sizes = [ridge(penalty).norm().item() for penalty in (0, 0.1, 1, 10)]

    def descend(*options: str) -> Tensor:  # 400 steps of the product's optimizer
        w = torch.zeros(6, dtype=torch.float64, requires_grad=True)
        steps = optimizer([w], "optim.lr=0.2", *options)
        for _ in range(400):
            w.grad = gradient(risk, w)
            steps.step()
        return w.detach()

    strength = config("regularization=l2").regularization.weight_decay
    by_option = [descend(f"optim={name}", "regularization=l2") for name in ("sgd", "scratch_sgd")]
    strong = descend("optim=sgd", "regularization=l2", "regularization.weight_decay=1.0")

    w = torch.zeros(6, dtype=torch.float64)  # Omega = |w|_1: step down the risk, then shrink towards 0
    for _ in range(300):
        w = w - 0.2 * gradient(risk, w)
        w = w.sign() * (w.abs() - 0.2 * 0.5).clamp(min=0)
    slope, zero = gradient(risk, w), w == 0

    model = MLPRegressor((6,), hidden=()).double()
    give_optimizer(config("optim=sgd", "regularization=l1"), model)
    weights, l1 = list(model.parameters()), config("regularization=l1").regularization.l1
    plain = torch.autograd.grad(model.metrics((x, y))["loss"], weights)
    trained = torch.autograd.grad(model.training_step((x, y), 0), weights)
    added = [with_l1 - without for with_l1, without in zip(trained, plain, strict=True)]
    return Outcome(
        [
            Check("lambda = 0 is least squares", ridge(0), least_squares, 1e-12),
            within("the option regularization=l2: its weight_decay", strength, 1e-6, 1e-2),
            Check(
                "optim=sgd with it minimizes risk + weight_decay/2 |w|^2",
                by_option[0],
                ridge(strength / 2),
                1e-9,
            ),
            Check("... and so does optim=scratch_sgd", by_option[1], by_option[0], 1e-12),
            Check("... with weight_decay = 1", strong, ridge(0.5), 1e-9),
            Check("L1: weights that are exactly 0, as in the rule that drew the data", zero, true == 0),
            Check("L1: slope where w is not 0: -lambda sign(w)", slope[~zero], -0.5 * w[~zero].sign(), 1e-9),
            Check("L1: slope where w is 0: at most lambda", (slope[zero].abs() <= 0.5).all().item(), True),
            within("the option regularization=l1: its strength", l1, 1e-6, 1e-1),
            Check("what it adds to the gradient: l1 sign(w)", added[0], l1 * weights[0].sign(), 1e-12),
            Check("... and for the bias", added[1], l1 * weights[1].sign(), 1e-12),
            Check("L2: a larger lambda gives a smaller w", sizes, sorted(sizes, reverse=True)),
        ],
        [
            f"lambda = 0: {rounded(ridge(0))}",
            f"L2, 0.5:    {rounded(strong)}, by optim=sgd regularization.weight_decay=1",
            f"L1, 0.5:    {rounded(w)}, by soft thresholding, which reaches exact zeros",
            "Computed on linear regression: 200 points, 6 inputs, 3 of which matter.",
        ],
    )


@claim(
    "R11",
    lectures=["004"],
    slide="Framework to design learning algorithms",
    says="lambda Omega(w): a regularizer, penalizing certain values of w. [Run: what Omega = |w|_1 and "
    "Omega = |w|^2 penalize, where most inputs are useless.]",
    kind="measured",
)
def sparsity() -> Outcome:
    options = {
        "none": ("regularization=none",),
        "l2": ("regularization=l2", "regularization.weight_decay=0.04"),  # 0.02 |w|^2
        "l1": ("regularization=l1", "regularization.l1=0.02"),  # 0.02 |w|_1
    }
    near_zero, accuracy = {name: [] for name in options}, {name: [] for name in options}
    for _ in range(5):
        x = normal(1100, 40)
        labels = torch.bernoulli(torch.sigmoid(3 * x[:, 0] - 2 * x[:, 1] + 2 * x[:, 2])).long()  # 37 useless
        for name, chosen in options.items():
            model = Perceptron((40,), 2).double()
            follow(model, ("optim=sgd", "optim.lr=0.5", *chosen), x[:100], labels[:100], steps=200)
            near_zero[name].append((model.w[3:].abs() < 0.02).double().mean().item())
            accuracy[name].append(model.metrics((x[100:], labels[100:]))["accuracy"].item())
    zeros, right = (
        {name: mean_and_error(each) for name, each in found.items()} for found in (near_zero, accuracy)
    )
    return Outcome(
        [
            within(
                "L1: share of the 37 useless weights with |w| < 0.02, mean of 5 draws", zeros["l1"][0], 0.45
            ),
            within("L2: the same share", zeros["l2"][0], high=0.3),
            within("no penalty: the same share", zeros["none"][0], high=0.1),
            within("test accuracy: L1 over none, in points", 100 * (right["l1"][0] - right["none"][0]), 1),
        ],
        [
            "model=perceptron on 100 points of 40 inputs, labels drawn by 3 of them; 1,000 test points; 5 "
            "draws."
        ]
        + [
            f"{name}: {mean:.1%} +- {error:.1%} of the useless weights near 0, test accuracy "
            f"{right[name][0]:.1%} +- {right[name][1]:.1%} (standard errors)"
            for name, (mean, error) in zeros.items()
        ]
        + [
            "The penalty l1 sum |w| is added to the loss: weights end within about lr * l1 = 0.01 of 0, "
            "not at 0."
        ],
    )


def follow(model: Task, options: Sequence[str], inputs: Tensor, labels: Tensor, steps: int) -> None:
    """Take training steps on all examples at once, with the optimizer and the penalty of these options."""
    give_optimizer(config(*options), model)
    update = optimizer(model.parameters(), *options)
    for _ in range(steps):
        update.zero_grad()
        model.training_step((inputs, labels), 0).backward()
        update.step()
