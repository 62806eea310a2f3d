"""The mini-batches of an epoch.

Lecture 000; slides "Stochastic Gradient Descent", "Mini-batches while training". Claims F7.

In one epoch training sees every example once, in batches of B. Cut N examples into batches, in the order that
a permutation gives: `order` has the numbers 0 to N - 1, and order[0] is the example that comes first. If B
does not divide N, the last batch is smaller. There is no empty batch.

Then count: how often does gradient descent update the weights in a number of epochs, with one update for each
batch?
"""

import torch
from torch import Tensor


def mini_batches(x: Tensor, y: Tensor, order: Tensor, B: int) -> list[tuple[Tensor, Tensor]]:
    """Return the batches of inputs x (N, m) and targets y (N,): pairs of shapes (B, m) and (B,)."""
    # solution
    return [(x[order[i : i + B]], y[order[i : i + B]]) for i in range(0, len(x), B)]
    # end of solution


def number_of_updates(N: int, B: int, epochs: int) -> int:
    """Return how many updates the epochs have."""
    # solution
    return epochs * ((N + B - 1) // B)
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "DataLoader", "randperm")
HINTS = (
    "range(0, N, B) gives the places where the batches begin.",
    "A slice may reach beyond the end: order[8:12] of 10 numbers has two.",
    "x[numbers] picks rows of x, if numbers is a tensor of integers. Pick x and y with the same numbers.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)

    def call(N: int, B: int) -> Case:
        return Case("mini_batches", (draw(N, 2), draw(N), torch.randperm(N, generator=generator), B))

    sizes = ((7, 3), (6, 2), (5, 1), (3, 8), (1, 1), (60_000, 100))
    return [
        *(call(N, B) for N, B in sizes[:-1]),
        *(Case("number_of_updates", (N, B, epochs)) for N, B in sizes for epochs in (1, 20)),
    ]


@mistake(
    "mini_batches",
    "You drop the last, smaller batch. Some loaders offer that (drop_last), but an epoch sees every example.",
)
def last_batch_dropped(x: Tensor, y: Tensor, order: Tensor, B: int) -> list[tuple[Tensor, Tensor]]:
    return [(x[order[i : i + B]], y[order[i : i + B]]) for i in range(0, len(x) - B + 1, B)]


@mistake(
    "mini_batches",
    "You cut the examples in the order of the data. Data are often sorted by class, and a batch of one "
    "class gives a bad estimate of the gradient: take them in the order of the permutation.",
)
def without_the_order(x: Tensor, y: Tensor, order: Tensor, B: int) -> list[tuple[Tensor, Tensor]]:
    return [(x[i : i + B], y[i : i + B]) for i in range(0, len(x), B)]


@mistake(
    "mini_batches",
    "You permute the inputs, but not the targets. Each input then has the target of another example, and "
    "there is nothing to learn.",
)
def only_inputs_in_order(x: Tensor, y: Tensor, order: Tensor, B: int) -> list[tuple[Tensor, Tensor]]:
    return [(x[order[i : i + B]], y[i : i + B]) for i in range(0, len(x), B)]


@mistake(
    "mini_batches",
    "You make one batch too many if B divides N: it is empty, and its mean loss is NaN. A batch begins "
    "only at a place before N.",
)
def empty_last_batch(x: Tensor, y: Tensor, order: Tensor, B: int) -> list[tuple[Tensor, Tensor]]:
    return [(x[order[i : i + B]], y[order[i : i + B]]) for i in range(0, len(x) + 1, B)]


@mistake(
    "mini_batches",
    "You make B batches. B is the number of examples in a batch; torch.chunk takes the number of pieces, "
    "torch.split their size.",
)
def number_for_size(x: Tensor, y: Tensor, order: Tensor, B: int) -> list[tuple[Tensor, Tensor]]:
    return [(x[part], y[part]) for part in order.chunk(B)]


@mistake(
    "number_of_updates",
    "You do not count the last, smaller batch. N // B rounds down, but this batch updates the weights too.",
)
def rounded_down(N: int, B: int, epochs: int) -> int:
    return epochs * (N // B)


@mistake(
    "number_of_updates",
    "You round up after all epochs. Every epoch ends with its own smaller batch: round up first, then "
    "multiply.",
)
def batches_across_epochs(N: int, B: int, epochs: int) -> int:
    return -(-N * epochs // B)


@mistake(
    "number_of_updates",
    "You count one update for each example. The examples of a batch share one update, and this is what "
    "makes an epoch cheap.",
)
def update_for_each_example(N: int, B: int, epochs: int) -> int:
    return N * epochs
