"""Lecture 000: how training lowers the loss. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

import math
import time
from functools import partial
from importlib.resources import files

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn, optim
from torch.nn import functional as F

from intro_dl.config.targets import class_of
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, minimize, normal, numbers
from intro_dl.models.mlp import MLP
from intro_dl.models.resnet import ResNet
from intro_dl.scratch import backprop, losses, optimizers
from intro_dl.scratch.autodiff import Node


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
    return Outcome(
        [
            Check("mean of 20 losses, one by one, is the loss of all", one_by_one, F.mse_loss(f, y), 1e-12),
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
    end = {eta: _descend(start, curvature, eta) for eta in (0.49, 0.5, 0.51)}
    by_hand = start - 0.3 * curvature * start
    drawn = next(MLP((784,), 10, hidden=(500,), init="normal", sigma=0.1).parameters())  # the weights
    return Outcome(
        [
            Check(
                "one step against theta - eta dJ/dtheta", _descend(start, curvature, 0.3, 1), by_hand, 1e-15
            ),
            Check("eta = 0.49 < 2/L: theta after 500 steps", end[0.49], torch.zeros_like(start), 1e-8),
            Check("eta = 0.50 = 2/L: the steep direction keeps its size", end[0.5][1], start[1], 1e-12),
            within(
                "eta = 0.51 > 2/L: how much larger |theta| became",
                (end[0.51].norm() / start.norm()).item(),
                1e6,
            ),
            Check(
                "init=normal sigma=0.1: standard deviation of 392,000 weights", drawn.std().item(), 0.1, 1e-3
            ),
        ],
        ["A step multiplies theta_i by 1 - eta curvature_i, which shrinks it if eta < 2 / curvature_i."],
    )


def _descend(start: Tensor, curvature: Tensor, eta: float, steps: int = 500) -> Tensor:
    """Return where the scratch optimizer ends from `start` on J = 1/2 sum curvature theta^2."""
    theta = start.clone().requires_grad_()
    rule = optimizers.GradientDescent([theta], lr=eta)
    for _ in range(steps):
        theta.grad = gradient(lambda at: (curvature * at**2).sum() / 2, theta)
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
    rule = optim.SGD([twin], lr=lr)
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
            Check("weights - lr * grads against torch.optim.SGD", weights_new, twin, 1e-15),
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


@claim(
    "F8",
    lectures=["000", "002", "003", "004"],
    slide="Adaptive Learning Rate Algorithms; RMSProp (Advanced Adagrad) + Momentum",
    says="Momentum, Adagrad, Adadelta, Adam, RMSProp (and SGD)",
    kind="holds",
)
def adaptive_learning_rates() -> Outcome:
    twins = {
        "SGD": (partial(optimizers.GradientDescent, lr=1e-3), partial(optim.SGD, lr=1e-3)),
        "Momentum": (
            partial(optimizers.Momentum, lr=1e-3, momentum=0.9),
            partial(optim.SGD, lr=1e-3, momentum=0.9),
        ),
        "Adagrad": (optimizers.Adagrad, optim.Adagrad),
        "Adadelta": (optimizers.Adadelta, optim.Adadelta),
        "RMSProp": (optimizers.RMSProp, optim.RMSprop),
        "Adam": (optimizers.Adam, optim.Adam),
    }
    return Outcome(
        [
            Check(f"{name}: 200 steps by hand against torch", _walk(hand), _walk(torchs), 1e-10)
            for name, (hand, torchs) in twins.items()
        ]
    )


def _walk(make_optimizer, steps: int = 200) -> Tensor:
    """Return the last of `steps` points on the way down Rosenbrock's curved valley."""
    w = numbers(-1.0, 1.5).requires_grad_()
    optimizer = make_optimizer([w])
    for _ in range(steps):
        optimizer.zero_grad()
        ((1 - w[0]) ** 2 + 10 * (w[1] - w[0] ** 2) ** 2).backward()
        optimizer.step()
    return w.detach()


def option_class(name: str) -> type:
    """Return the optimizer class that `optim=<name>` trains with."""
    option = OmegaConf.load(str(files("intro_dl.configs") / "optim" / f"{name}.yaml"))
    config = OmegaConf.create({"optim": option, "regularization": {"weight_decay": 0.0}})  # it refers to this
    return class_of(config.optim, "optim")


@claim(
    "S2",
    lectures=["000", "002"],
    slide="Adaptive Learning Rate Algorithms",
    says="`tf.train.MomentumOptimizer`, `tf.train.AdagradOptimizer`, `tf.train.AdadeltaOptimizer`, "
    "`tf.train.AdamOptimizer`, `tf.train.RMSPropOptimizer`",
    kind="holds",
)
def optimizer_snippets() -> Outcome:
    twins = {
        "momentum": optim.SGD,
        "adagrad": optim.Adagrad,
        "adadelta": optim.Adadelta,
        "adam": optim.Adam,
        "rmsprop": optim.RMSprop,
    }
    checks = [
        Check(f"optim={name}", option_class(name).__name__, twin.__name__) for name, twin in twins.items()
    ]
    w, accumulated = numbers(1.0, -2.0), numbers(0.0, 0.0)
    twin = w.clone().requires_grad_()
    rule = optim.SGD([twin], lr=0.1, momentum=0.9)
    for _ in range(5):  # TensorFlow's documented rule, on J = 1/2 |w|^2, whose gradient is w
        accumulated = 0.9 * accumulated + w
        w = w - 0.1 * accumulated
        twin.grad = twin.detach().clone()
        rule.step()
    checks.append(Check("five steps of TensorFlow's momentum rule against torch.optim.SGD", w, twin, 1e-15))
    return Outcome(
        checks,
        [
            "TensorFlow 2 (2019) removed tf.train; tf.keras.optimizers replaces it: see S7.",
            "Same name, other numbers: TensorFlow 1's RMSProp decays with 0.9 and adds eps inside the root,",
            "torch's with 0.99 and outside the root. TensorFlow 1's Adagrad starts its sum of squares at",
            "0.1, torch's at 0.",
        ],
    )


@claim(
    "F7",
    lectures=["000", "002", "003"],
    slide="Stochastic Gradient Descent; Mini-batches while training",
    says="One point: easy to compute but very noisy. B points: fast to compute and a much better estimate of "
    "the true gradient. Allows for larger learning rates. Can parallelize computation.",
    kind="holds",
)
def mini_batches() -> Outcome:
    x, y, w = normal(512, 10), normal(512), normal(10)
    single = 2 * (x @ w - y)[:, None] * x  # each example's gradient of (x w - y)^2, (512, 10)
    full = gradient(lambda at: F.mse_loss(x @ at, y), w)
    batches = [
        gradient(lambda at, rows=rows: F.mse_loss(x[rows] @ at, y[rows]), w)
        for rows in torch.arange(512).split(8)
    ]
    variance = {B: _batch_variance(single, B) for B in (1, 4, 16)}
    return Outcome(
        [
            Check("mean of the 512 single gradients is the full gradient", single.mean(dim=0), full, 1e-12),
            Check("mean of 64 mini-batch gradients, too", torch.stack(batches).mean(dim=0), full, 1e-12),
            Check("noise of B = 4 in units of B = 1: 1/B", variance[4] / variance[1], 1 / 4, 0.025),
            Check("noise of B = 16: 1/B", variance[16] / variance[1], 1 / 16, 0.00625),
            within("lr 0.4, B = 1: distance from the best weights", _distance_after(1, lr=0.4), 100),
            within("lr 0.4, B = 64: distance from the best weights", _distance_after(64, lr=0.4), high=1e-3),
            Check("an example takes less than half the time in a batch of 256", _speedup(256) > 2, True),
        ],
        ["Variance of the mean of B independent gradients: that of one, divided by B."],
    )


def _batch_variance(single: Tensor, B: int, draws: int = 4000) -> float:
    """Return the variance, summed over the weights, of the gradient of B random examples."""
    means = single[torch.randint(len(single), (draws, B))].mean(dim=1)  # (draws, m)
    return means.var(dim=0).sum().item()


def _distance_after(B: int, lr: float, steps: int = 100) -> float:
    """Return how far SGD ends from weights that fit every example exactly; new examples at every step."""
    best, w = normal(10), torch.zeros(10, dtype=torch.float64)
    for _ in range(steps):
        x = normal(B, 10)
        w = w - lr * x.T @ (x @ (w - best)) / B  # gradient of half the mean squared error
    return (w - best).norm().item()


def _speedup(B: int) -> float:
    """Return how many times faster a step is per example in a batch of B than for one example."""
    model, x = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)), torch.randn(16 * B, 64)
    seconds = {}
    for size in (1, B):
        steps = []
        for batch in x.split(size)[:256]:
            start = time.perf_counter()
            model(batch).sum().backward()
            steps.append(time.perf_counter() - start)
        seconds[size] = min(steps) / size  # the fastest, because other programs may slow down some of them
    return seconds[1] / seconds[B]
