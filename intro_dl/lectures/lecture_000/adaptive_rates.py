"""Lecture 000: optimizers that adapt their learning rates. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

from collections.abc import Callable

import torch
from torch import Tensor, optim
from torch.optim import Optimizer

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal, numbers
from intro_dl.training import product


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
