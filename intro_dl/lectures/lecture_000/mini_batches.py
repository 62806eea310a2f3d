"""Lecture 000: one example, a mini-batch, or all. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from intro_dl.data.batches import Batches, Loader
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal
from intro_dl.models.mlp import MLP
from intro_dl.training import product


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
