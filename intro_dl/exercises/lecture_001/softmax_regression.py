"""Train softmax regression on small batches.

Lecture 001; slides "MNIST: a classification problem", "Technical problems: big data and step sizes". Claims
N8, F37.

Softmax regression learns one vector and one bias for each class: the scores of the examples X are X W^T + b,
and torch.softmax turns them into probabilities p. The loss is the mean of -ln p of the true classes. Its
derivative with respect to the scores of one example is p - t, where t is 1 for the true class and 0 for the
others (divided by N for the mean). Write the gradient by hand, and train with it: each step uses the next
subset of the data, and one pass through the data is an epoch. The data are shuffled already, so take the
subsets in order.
"""

import torch
from torch import Tensor


def gradient(W: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of the mean loss with respect to W, (K, m), and to b, (K,).

    Args:
        W, b: weights (K, m) and biases (K,).
        X: examples (N, m).
        y: their true classes (N,), integers from 0 to K - 1.
    """
    # solution
    p = torch.softmax(X @ W.T + b, dim=1)  # (N, K)
    error = (p - torch.eye(len(b))[y]) / len(X)  # (N, K)
    return error.T @ X, error.sum(dim=0)
    # end of solution


def train(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int
) -> tuple[Tensor, Tensor]:
    """Return W (classes, m) and b (classes,) after training; both start with zeros.

    The first step of an epoch uses the first `batch_size` examples, the next step those after them, and so
    on. The last subset may be smaller. A step subtracts lr times the gradient. After 30 epochs on points
    around three centers, at least 90 % of new points must be right, with a mean loss below 0.3.
    """
    # solution
    W, b = torch.zeros(classes, X.shape[1]), torch.zeros(classes)
    for _ in range(epochs):
        for start in range(0, len(X), batch_size):
            part = slice(start, start + batch_size)
            dW, db = gradient(W, b, X[part], y[part])
            W, b = W - lr * dW, b - lr * db
    return W, b
    # end of solution


# The student's file ends here.

from collections.abc import Callable

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("autograd", "backward", "grad", "func", "nn", "functional", "optim", "requires_grad_")
HINTS = (
    "torch.eye(K)[y] has a row for each example: 1 for the true class, 0 for the others.",
    "With error = (p - t) / N, (N, K), the gradient of W is a product of error.T and X. "
    "The gradient of b adds the errors of all examples.",
    "for start in range(0, len(X), batch_size): X[start : start + batch_size] is the next subset.",
)
CENTERS = torch.tensor([[1.0, 1.0], [4.0, 1.0], [2.5, 4.0]], dtype=torch.float64)


def cases(generator: torch.Generator) -> list[Case]:
    X, y = blobs(11, generator)
    W = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    b = torch.randn(3, generator=generator, dtype=torch.float64)
    new = blobs(300, generator)
    return [
        Case("gradient", (W, b, X, y)),
        Case("gradient", (W, b, X[:1], y[:1])),
        Case("train", (X, y, 3, 0.1, 4, 0)),
        Case("train", (X, y, 3, 0.1, 11, 1)),
        Case("train", (X, y, 3, 0.1, 4, 1)),
        Case("train", (X, y, 3, 0.1, 4, 2)),
        Case("train", (*blobs(90, generator), 3, 0.1, 10, 30), judge=right_on(*new)),
    ]


def blobs(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return points around three centers, (N, 2), and their classes (N,), in random order."""
    y = torch.randint(3, (size,), generator=generator)
    return CENTERS[y] + 0.5 * torch.randn(size, 2, generator=generator, dtype=torch.float64), y


def right_on(X: Tensor, y: Tensor) -> Callable[[tuple[Tensor, Tensor]], str | None]:
    """Return a judge: 90 % of these new points are right, with a mean loss below 0.3."""

    def judge(result: tuple[Tensor, Tensor]) -> str | None:
        W, b = result
        if W.shape != (3, 2) or b.shape != (3,):
            return f"must return W (3, 2) and b (3,), but returns {tuple(W.shape)} and {tuple(b.shape)}."
        p = torch.softmax(X @ W.T + b, dim=1)
        accuracy = (p.argmax(dim=1) == y).double().mean().item()
        loss = -p[torch.arange(len(y)), y].log().mean().item()
        if not accuracy >= 0.9:
            return f"classifies {accuracy:.0%} of new points right, but at least 90% are expected."
        if not loss < 0.3:
            return f"has the mean loss {loss:.3f} on new points, but less than 0.3 is expected."
        return None

    return judge


def descend(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int, bias: int = 1
) -> tuple[Tensor, Tensor]:
    """Train, without the biases if bias=0; used by the mistakes."""
    W, b = torch.zeros(classes, X.shape[1]), torch.zeros(classes)
    for start in list(range(0, len(X), batch_size)) * epochs:
        dW, db = gradient(W, b, X[start : start + batch_size], y[start : start + batch_size])
        W, b = W - lr * dW, b - bias * lr * db
    return W, b


@mistake(
    "gradient",
    "You added the gradients of the examples. The loss is their mean, so divide by N: otherwise a larger "
    "subset takes larger steps.",
)
def sum_of_the_gradients(W: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    error = torch.softmax(X @ W.T + b, dim=1) - torch.eye(len(b))[y]
    return error.T @ X, error.sum(dim=0)


@mistake(
    "gradient",
    "You have t - p, the direction in which the loss falls. The gradient points where it grows, p - t; the "
    "minus comes with the step.",
)
def downhill(W: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    error = (torch.eye(len(b))[y] - torch.softmax(X @ W.T + b, dim=1)) / len(X)
    return error.T @ X, error.sum(dim=0)


@mistake(
    "gradient",
    "You multiplied p - t by p (1 - p), as for a squared error behind a sigmoid. "
    "With the cross-entropy this factor cancels: the derivative with respect to the scores is p - t alone.",
)
def with_the_sigmoid_slope(W: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    p = torch.softmax(X @ W.T + b, dim=1)
    error = (p - torch.eye(len(b))[y]) * p * (1 - p) / len(X)
    return error.T @ X, error.sum(dim=0)


@mistake(
    "train",
    "Each epoch made one step with all data. Make a step for each subset: then the weights move many times "
    "in one pass, which is the slide's fast version.",
)
def one_step_for_all_data(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int
) -> tuple[Tensor, Tensor]:
    return descend(X, y, classes, lr, len(X), epochs)


@mistake(
    "train",
    "Every step used the first subset, so the other examples are never seen. The next step starts where the "
    "last one ended: X[start : start + batch_size].",
)
def always_the_first_subset(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int
) -> tuple[Tensor, Tensor]:
    steps = epochs * len(range(0, len(X), batch_size))
    return descend(X[:batch_size], y[:batch_size], classes, lr, batch_size, steps)


@mistake(
    "train",
    "The last subset of an epoch was left out, since it is smaller. Its examples would never be learned: "
    "X[start : start + batch_size] ends by itself where the data end.",
)
def last_subset_left_out(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int
) -> tuple[Tensor, Tensor]:
    size = len(X) // batch_size * batch_size
    return descend(X[:size], y[:size], classes, lr, batch_size, epochs)


@mistake(
    "train",
    "The biases stayed 0. Then every line between two classes goes through the origin: step b as well as W.",
)
def biases_stay_zero(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int
) -> tuple[Tensor, Tensor]:
    return descend(X, y, classes, lr, batch_size, epochs, bias=0)


@mistake(
    "train",
    "You added the gradient, so the loss grows with each step. The gradient points uphill: subtract it.",
)
def uphill(
    X: Tensor, y: Tensor, classes: int, lr: float, batch_size: int, epochs: int
) -> tuple[Tensor, Tensor]:
    return descend(X, y, classes, -lr, batch_size, epochs)
