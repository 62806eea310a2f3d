"""Lecture 000: gradient descent, and its gradients. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, minimize, normal, numbers, with_one
from intro_dl.models.mlp import MLP
from intro_dl.models.resnet import ResNet
from intro_dl.scratch import backprop, losses
from intro_dl.scratch.autodiff import Node
from intro_dl.training import product


@claim(
    "F4",
    lectures=["000", "003"],
    slide="Empirical Loss; Loss Optimization",
    says="J(theta) = 1/n sum_i L(f(x_i; theta), y_i); theta* = argmin J(theta)",
    kind="holds",
)
def empirical_risk() -> Outcome:
    y, f, passed = normal(20), normal(20), (torch.arange(20) % 4 == 0).double()
    one_by_one = sum(losses.mean_squared_error(f[i : i + 1], y[i : i + 1]) for i in range(20)) / 20
    grade, score = (torch.tensor(0.1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    # The simplest network predicts the same for everyone; then the best theta is known.
    minimize(lambda: losses.mean_squared_error(grade.expand(20), y), [grade])
    minimize(lambda: losses.binary_cross_entropy_from_logits(score.expand(20), passed), [score])
    still = "optim.lr=1e-12"  # the weights do not change during the epoch
    model, data = product.train("model=mlp", "data=pass_class", still, "trainer.max_epochs=1")
    x, labels = data.splits["train"]
    with torch.no_grad():
        fail, passes = model(data.transform(x)).unbind(dim=1)  # logits; their difference is that of passing
    return Outcome(
        [
            Check("mean of 20 losses, one by one, is the loss of all", one_by_one, F.mse_loss(f, y), 1e-12),
            Check(
                "loss/train of a run, 37 batches of 16 and one of 8: the mean of all 600, by scratch code",
                model.history[-1]["loss/train"],
                losses.binary_cross_entropy_from_logits(passes - fail, labels.float()).item(),
                1e-6,
            ),
            Check(
                "argmin of squared error, one number for all: the mean", grade.item(), y.mean().item(), 1e-6
            ),
            Check(
                "argmin of cross-entropy: the fraction that passed", torch.sigmoid(score).item(), 0.25, 1e-6
            ),
        ]
    )


@claim(
    "F5",
    lectures=["000", "003"],
    slide="Gradient Descent",
    says="1. Initialize weights randomly ~N(0, sigma^2). 2. Loop until convergence: 3. compute gradient "
    "dJ/dtheta, 4. update theta <- theta - eta dJ/dtheta. 5. Return weights",
    kind="holds",
)
def gradient_descent() -> Outcome:
    curvature = numbers(1.0, 4.0)  # J = 1/2 sum curvature theta^2; L = 4, so the edge is eta = 2 / L = 0.5
    start = 0.1 * normal(2)
    checks = []
    for option in ("sgd", "scratch_sgd"):
        end = {eta: _descend(option, start, curvature, eta) for eta in (0.49, 0.5, 0.51)}
        one_step = _descend(option, start, curvature, 0.3, 1)
        growth = (end[0.51][1] / start[1]).abs().item()
        checks += [
            Check(
                f"optim={option}, one step: theta - eta dJ/dtheta",
                one_step,
                start - 0.3 * curvature * start,
                1e-15,
            ),
            Check("eta = 0.49 < 2/L: theta after 500 steps", end[0.49], torch.zeros_like(start), 1e-8),
            Check("eta = 0.50 = 2/L: the steep direction keeps its size", end[0.5][1], start[1], 1e-12),
            within("eta = 0.51 > 2/L: factor by which the steep direction grew", growth, 1e6),
        ]
    model, data = product.train("model=perceptron", "data=pass_class", "optim=gd", "trainer.max_epochs=5")
    inputs, y = data.splits["train"]
    x, theta = (
        with_one(data.transform(inputs)),
        torch.zeros(3),
    )  # the perceptron starts at 0: its loss is convex
    for _ in range(5):
        theta = theta - 0.1 * x.T @ losses.binary_cross_entropy_from_logits_gradient(x @ theta, y.float())
    drawn = next(MLP((784,), 10, hidden=(500,), init="normal", sigma=0.1).parameters())  # the weights
    return Outcome(
        [
            *checks,
            Check(
                "optim=gd, 5 epochs of a perceptron: its w_0 and w after 5 steps of scratch code",
                torch.cat([model.w0[None], model.w]),
                theta,
                1e-5,
            ),
            Check(
                "init=normal sigma=0.1: standard deviation of 392,000 weights", drawn.std().item(), 0.1, 1e-3
            ),
        ],
        ["A step multiplies theta_i by 1 - eta curvature_i, which shrinks it if eta < 2 / curvature_i."],
    )


def _descend(option: str, start: Tensor, curvature: Tensor, eta: float, steps: int = 500) -> Tensor:
    """Return where `optim=<option>` ends from `start` on J = 1/2 sum curvature theta^2."""
    theta = start.clone().requires_grad_()
    rule = product.optimizer([theta], f"optim={option}")
    rule.param_groups[0]["lr"] = eta
    for _ in range(steps):
        theta.grad = curvature * theta.detach()
        rule.step()
    return theta.detach()


@claim(
    "S1",
    lectures=["000"],
    slide="Common Activation Functions; Gradient Descent",
    says="`tf.nn.sigmoid(z)`, `tf.nn.tanh(z)`, `tf.nn.relu(z)`; "
    "`weights = tf.random_normal(shape, stddev=sigma)`; `grads = tf.gradients(ys=loss, xs=weights)`; "
    "`weights_new = weights.assign(weights - lr * grads)`",
    kind="holds",
)
def gradient_descent_snippet() -> Outcome:
    lr, sigma, x, y = 0.1, 0.5, normal(8, 3), normal(8)
    weights = (sigma * normal(3)).requires_grad_()
    loss = F.mse_loss(torch.tanh(x @ weights), y)
    (grads,) = torch.autograd.grad(outputs=loss, inputs=weights)
    weights_new = weights - lr * grads

    twin = weights.detach().clone().requires_grad_()
    rule = product.optimizer([twin], "optim=sgd")  # its rate is lr
    F.mse_loss(torch.tanh(x @ twin), y).backward()
    rule.step()
    by_hand = 2 / 8 * x.T @ ((torch.tanh(x @ weights) - y) * (1 - torch.tanh(x @ weights) ** 2))
    z = normal(50)
    activations = [("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("relu", torch.relu)]
    return Outcome(
        [
            Check(f"torch.{name} against scratch code", g(z), getattr(backprop, name)(z), 1e-12)
            for name, g in activations
        ]
        + [
            Check("torch.autograd.grad against the chain rule by hand", grads, by_hand, 1e-12),
            Check("weights - lr * grads against optim=sgd", weights_new, twin, 1e-15),
        ],
        [
            "TensorFlow 2 computes immediately, without sessions: tf.random_normal is tf.random.normal, and",
            "tf.gradients works only inside a tf.function; a GradientTape records instead (S6).",
            "PyTorch: weights = (sigma * torch.randn(shape)).requires_grad_(); loss.backward();",
            "torch.optim.SGD([weights], lr=lr).step()",
        ],
    )


@claim(
    "F6",
    lectures=["000", "003"],
    slide="Computing Gradients: Backpropagation",
    says="x -> z_1 -> y^ -> J: dJ/dw_2 = dJ/dy^ dy^/dw_2; dJ/dw_1 = dJ/dy^ dy^/dz_1 dz_1/dw_1",
    kind="holds",
)
def chain_rule() -> Outcome:
    x, y, w1, w2 = 1.5, 1.0, 0.8, -0.6
    z1 = math.tanh(w1 * x)
    predicted = 1 / (1 + math.exp(-w2 * z1))
    dJ_dy = 2 * (predicted - y)  # J = (y - y^)^2
    slope = predicted * (1 - predicted)  # of the sigmoid
    dJ_dw2 = dJ_dy * (slope * z1)
    dJ_dw1 = dJ_dy * (slope * w2) * ((1 - z1**2) * x)

    def J(w: Tensor) -> Tensor:
        return (y - torch.sigmoid(w[1] * torch.tanh(w[0] * x))) ** 2

    tape = [Node(torch.tensor(w, dtype=torch.float64)) for w in (w1, w2)]
    (((tape[1] * (tape[0] * x).tanh()).sigmoid() - y) ** 2).backward()
    by_tape = torch.stack([node.gradient for node in tape])
    return Outcome(
        [
            Check(
                "dJ/dw_1, dJ/dw_2 by hand against autograd",
                numbers(dJ_dw1, dJ_dw2),
                gradient(J, numbers(w1, w2)),
                1e-12,
            ),
            Check("... against the tape of scratch code", numbers(dJ_dw1, dJ_dw2), by_tape, 1e-12),
        ],
        [
            f"z1 = tanh(w1 x) = {z1:.6f}, y^ = sigmoid(w2 z1) = {predicted:.6f}, J = (y - y^)^2",
            f"dJ/dy^ = 2 (y^ - y) = {dJ_dy:.6f}",
            f"dJ/dw2 = dJ/dy^ · y^ (1 - y^) z1 = {dJ_dw2:.6f}",
            f"dJ/dw1 = dJ/dy^ · y^ (1 - y^) w2 · (1 - z1^2) x = {dJ_dw1:.6f}",
        ],
    )


@claim(
    "P5",
    lectures=["000", "003"],
    slide="Training Neural Networks is Difficult",
    says="The loss surfaces of ResNet-56 (56 layers with weights; 0.85 million parameters in He et al. 2015)",
    kind="holds",
)
def resnet_56() -> Outcome:
    model = ResNet((3, 32, 32), 10, depth=56)
    weighted = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    convolutions = 9 * (3 * 16 + 18 * 16**2 + (16 * 32 + 17 * 32**2) + (32 * 64 + 17 * 64**2))
    norms = 2 * (19 * 16 + 18 * 32 + 18 * 64)
    count = sum(weight.numel() for weight in model.parameters())
    return Outcome(
        [
            Check("layers with weights", len(weighted), 56),
            Check("parameters: convolutions, batch norms, classifier", count, convolutions + norms + 650),
            Check("in millions, to two decimals, as in the paper", round(count / 1e6, 2), 0.85),
        ],
        [f"3x3 convolutions {convolutions:,} + batch norms {norms:,} + classifier 64·10 + 10 = {count:,}"],
    )
