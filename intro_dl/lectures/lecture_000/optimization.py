"""Lecture 000: how training lowers the loss. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from intro_dl.data.batches import Batches, Loader
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


@claim(
    "F8",
    lectures=["000", "002", "003", "004"],
    slide="Adaptive Learning Rate Algorithms; RMSProp (Advanced Adagrad) + Momentum",
    says="Momentum, Adagrad, Adadelta, Adam, RMSProp (and SGD)",
    kind="holds",
)
def adaptive_learning_rates() -> Outcome:
    checks = []
    for name in NAMES:
        text = f"optim={name}, weight decay 0.1: 200 steps against optim=scratch_{name}"
        checks.append(Check(text, _walk(name), _walk(f"scratch_{name}"), 1e-10))
    slide = "optim._target_=intro_dl.scratch.optimizers.SlideMomentum"
    by_sgd, by_decay = _walk("scratch_sgd"), _walk("adamw")
    return Outcome(
        [
            *checks,
            Check(
                "momentum as on the slide",
                _walk("scratch_momentum", slide),
                _walk("momentum"),
                1e-10,
            ),
            Check("optim=gd: the rule of optim=scratch_sgd", _walk("gd"), by_sgd, 1e-10),
            Check("optim=rosenblatt, too", _walk("rosenblatt", "optim.lr=0.1"), by_sgd, 1e-10),
            Check("optim=nesterov against its formula", _walk("nesterov"), _nesterov(), 1e-10),
            Check("optim=adamw: scratch Adam after w <- (1 - eta decay) w", by_decay, _decoupled(), 1e-10),
        ],
        ["Each option uses its own rate and constants, those of its file in configs/optim/."],
    )


NAMES = ("sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam")
START = (-1.0, 1.5, 2.0)


def _slope(w: Tensor) -> Tensor:
    """Return the gradient of a smooth loss with a shallow, a middle and a steep direction, (3,)."""
    return numbers(0.1, 0.5, 1.0) * w / (1 + w**2).sqrt()


def _walk(option: str, *overrides: str, steps: int = 200) -> Tensor:
    """Return the last of `steps` points of `optim=<option>` from START, (3,)."""
    w = numbers(*START).requires_grad_()
    rule = product.optimizer([w], f"optim={option}", "regularization.weight_decay=0.1", *overrides)
    for _ in range(steps):
        w.grad = _slope(w.detach())
        rule.step()
    return w.detach()


def _nesterov(steps: int = 200) -> Tensor:
    """Return the end of the walk with Nesterov's momentum: v <- gamma v + g; w <- w - eta (g + gamma v)."""
    w, v = numbers(*START), numbers(0.0, 0.0, 0.0)
    for _ in range(steps):
        g = _slope(w) + 0.1 * w
        v = 0.9 * v + g
        w = w - 0.1 * (g + 0.9 * v)
    return w


def _decoupled(steps: int = 200) -> Tensor:
    """Return the end of the walk with Adam whose weight decay does not pass through the gradient."""
    w = numbers(*START).requires_grad_()
    rule = product.optimizer([w], "optim=scratch_adam")
    for _ in range(steps):
        w.grad = _slope(w.detach())
        with torch.no_grad():
            w *= 1 - 1e-3 * 0.1
        rule.step()
    return w.detach()


@claim(
    "R8",
    lectures=["000", "003"],
    slide="Adaptive Learning Rates",
    says="Learning rates can be made larger or smaller depending on: how large gradient is; how fast "
    "learning is happening; size of particular weights.",
    kind="holds",
)
def what_the_rate_depends_on() -> Outcome:
    gradients, w = normal(20, 8), normal(8)
    checks = []
    for name in NAMES:
        way, text = _way(name, w, gradients), f"optim={name}, 20 given gradients"
        far, steep = _way(name, 100 * w, gradients), _way(name, w, 100 * gradients)
        checks.append(Check(f"{text}, weights 100 times as large: the same way", far, way, 1e-9))
        if name in ("sgd", "momentum"):
            checks.append(Check(f"{text}, 100 times as large: 100 times the way", steep, 100 * way, 1e-9))
        else:
            change = ((steep - way).norm() / way.norm()).item()
            checks.append(within(f"{text}, 100 times as large: relative change of the way", change, high=0.1))
    first = [_way(torch.optim.Adafactor, each, gradients[:1]).norm().item() for each in (w, 100 * w)]
    text = "torch.optim.Adafactor, weights 100 times as large: factor of its first step"
    return Outcome(
        [*checks, within(text, first[1] / first[0], 99, 101)],
        [
            "Gradient: the four adaptive rules divide by its size. How fast learning is: Adadelta uses its",
            "own past steps. Size of weights: none of the six options uses it. Rules that do: LARS and LAMB",
            "(You et al. 2017, 2019), by reading; Adafactor (Shazeer and Stern 2018), run here.",
            "Weight decay adds the weight to the gradient; it does not change the rate.",
        ],
    )


def _way(rule: str | Callable[..., Optimizer], start: Tensor, gradients: Tensor) -> Tensor:
    """Return how far given gradients (steps, m) move the weights `start` (m,)."""
    w = start.clone().requires_grad_()
    optimizer = product.optimizer([w], f"optim={rule}") if isinstance(rule, str) else rule([w])
    for g in gradients:
        w.grad = g.clone()
        optimizer.step()
    return w.detach() - start


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
    checks = []
    for name, twin in twins.items():
        made = product.optimizer([numbers(0.0).requires_grad_()], f"optim={name}")
        checks.append(Check(f"class of optim={name}", type(made).__name__, twin.__name__))
    w, accumulated = numbers(1.0, -2.0), numbers(0.0, 0.0)
    twin = w.clone().requires_grad_()
    rule = product.optimizer([twin], "optim=momentum")  # its rate is 0.02
    for _ in range(5):  # TensorFlow's documented rule, on J = 1/2 |w|^2, whose gradient is w
        accumulated = 0.9 * accumulated + w
        w = w - 0.02 * accumulated
        twin.grad = twin.detach().clone()
        rule.step()
    checks.append(Check("TensorFlow's rule with momentum 0.9, five steps: optim=momentum", w, twin, 1e-15))
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
    means = [part.mean(dim=0) for part, _ in Batches(single, y, 8, shuffle=True)]
    noise = {B: _noise(single, full, B) for B in (1, 4, 16)}

    perceptron = ("model=perceptron", "data=pass_class", "callbacks=no_early_stopping")
    whole, _ = product.train(*perceptron, "optim=gd", "trainer.max_epochs=38")
    batches, data = product.train(*perceptron, "optim=sgd", "trainer.max_epochs=1")
    loss = {name: run.history[-1]["loss/val"] for name, run in {"gd": whole, "sgd": batches}.items()}
    first, second = (_inputs(data.train_dataloader(), epoch) for epoch in (0, 1))
    one, many = _work(1), _work(256)
    return Outcome(
        [
            Check("mean of the 512 single gradients is the full gradient", single.mean(dim=0), full, 1e-12),
            Check(
                "mean of the gradients of 64 batches of a run, too",
                torch.stack(means).mean(dim=0),
                full,
                1e-12,
            ),
            Check(
                "noise of B = 4 in units of B = 1: (N - B)/(N - 1)/B",
                noise[4] / noise[1],
                508 / 511 / 4,
                0.02,
            ),
            Check("noise of B = 16", noise[16] / noise[1], 496 / 511 / 16, 0.005),
            Check(
                "two epochs of a run: the same examples", first.sort(dim=0).values, second.sort(dim=0).values
            ),
            Check("... in another order", first, second, differ=True),
            within("lr 0.4, B = 1: distance from the best weights", _distance_after(1, lr=0.4), 100),
            within("lr 0.4, B = 64: distance from the best weights", _distance_after(64, lr=0.4), high=1e-3),
            Check("a perceptron's loss after 38 steps: B = 16 and all 600", loss["sgd"], loss["gd"], 0.03),
            Check("multiplications for one example: alone, in a batch of 256", one[0], many[0] / 256),
            Check("calls of torch, one after the other: for 1 example, for 256", one[1], many[1]),
        ],
        [
            "Variance of the mean of B different gradients of N: that of one, times (N - B)/(N - 1)/B.",
            f"38 steps with rate 0.1, from a loss of {math.log(2):.4f}: optim=gd ends at {loss['gd']:.4f}",
            f"after 38 x 600 = 22,800 examples, optim=sgd at {loss['sgd']:.4f} after 600.",
            f"MLP 64-64-10, forward and backward: {one[1]} calls of torch, for 1 example and for 256;",
            "the examples of a batch can run in parallel. How much time this saves depends on the machine:",
            "only work is counted here.",
        ],
    )


def _noise(single: Tensor, full: Tensor, B: int) -> float:
    """Return the mean squared distance of a batch's gradient from the full one, over shuffled epochs."""
    loader, squares = Batches(single, full.expand_as(single), B, shuffle=True), []
    for epoch in range(60 if B > 1 else 1):  # B = 1: each epoch has the same 512 gradients
        loader.set_epoch(epoch)
        squares += [((part.mean(dim=0) - full) ** 2).sum() for part, _ in loader]
    return torch.stack(squares).mean().item()


def _inputs(loader: Loader, epoch: int) -> Tensor:
    """Return the inputs of an epoch, in its order."""
    loader.set_epoch(epoch)
    return torch.cat([inputs for inputs, _ in loader])


def _distance_after(B: int, lr: float, steps: int = 100) -> float:
    """Return how far SGD ends from weights that fit every example exactly; new examples at every step."""
    best, w = normal(10), torch.zeros(10, dtype=torch.float64, requires_grad=True)
    rule = product.optimizer([w], "optim=sgd", f"optim.lr={lr}")
    for _ in range(steps):
        x = normal(B, 10)
        w.grad = x.T @ (x @ (w.detach() - best)) / B  # gradient of half the mean squared error
        rule.step()
    return (w.detach() - best).norm().item()


class _Calls(TorchDispatchMode):
    """Count the operations of torch."""

    number = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.number += 1
        return func(*args, **(kwargs or {}))


def _work(examples: int) -> tuple[int, int]:
    """Return the multiplications and additions, and the calls of torch, for the gradient of an MLP."""
    model = MLP((64,), 10, hidden=(64,))
    batch = torch.randn(examples, 64), torch.zeros(examples, dtype=torch.int64)
    with FlopCounterMode(display=False) as flops, _Calls() as calls:
        model.metrics(batch)["loss"].backward()
    return flops.get_total_flops(), calls.number
