"""The loss of logistic regression and its gradient.

Lecture 004; slides "Negative log-likelihood: binary cross entropy loss function!". Claims F22.

A point x has the class 1 with probability p = sigmoid(w^T x), else the class 0. The loss is a sum over the
points: L(w) = -sum_i (y_i ln p_i + (1 - y_i) ln(1 - p_i)). Write it, and its gradient with respect to w,
which is much shorter than the loss. Use the whole matrix X at once, without a loop.
"""

import torch
from torch import Tensor


def loss(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """Return L(w), one number, for weights w (m,), points X (N, m) and classes y (N,), 0 or 1."""
    # solution
    p = torch.sigmoid(X @ w)  # (N,)
    return -(y * p.log() + (1 - y) * (1 - p).log()).sum()
    # end of solution


def gradient(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of L at w, (m,)."""
    # solution
    p = torch.sigmoid(X @ w)  # (N,)
    return X.T @ (p - y)
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("autograd", "backward", "func", "grad", "functional", "nn")
HINTS = (
    "z = X @ w has one number for each point. Everything else works on such vectors.",
    "The derivative of -(y ln p + (1 - y) ln(1 - p)) with respect to z is p - y: the sigmoid cancels.",
    "The chain rule multiplies p_i - y_i by x_i and adds up over the points: a product with X.T.",
)


def cases(generator: torch.Generator) -> list[Case]:
    X = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    w = torch.randn(3, generator=generator, dtype=torch.float64)
    y = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    points = [(w, X, y), (torch.zeros_like(w), X, 1 - y), (w, X[:1], y[:1])]
    return [Case(name, point) for name in ("loss", "gradient") for point in points]


@mistake(
    "loss", "You took the mean over the points. The slide's loss is a sum: one more point makes it larger."
)
def mean_of_the_losses(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    p = torch.sigmoid(X @ w)
    return -(y * p.log() + (1 - y) * (1 - p).log()).mean()


@mistake(
    "loss",
    "Your loss is the logarithm of the likelihood, which training would have to increase. "
    "A loss shall fall, so it has a minus in front.",
)
def likelihood(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    p = torch.sigmoid(X @ w)
    return (y * p.log() + (1 - y) * (1 - p).log()).sum()


@mistake(
    "loss",
    "Only points of class 1 count in your sum. A point of class 0 costs -ln(1 - p): without this term, "
    "a model that always says 1 would be perfect.",
)
def only_class_1(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return -(y * torch.sigmoid(X @ w).log()).sum()


@mistake(
    "gradient",
    "You have y - p, the direction that increases the likelihood. The loss has a minus, so its gradient "
    "is p - y.",
)
def gradient_of_the_likelihood(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return X.T @ (y - torch.sigmoid(X @ w))


@mistake(
    "gradient",
    "You multiplied by the derivative p (1 - p) of the sigmoid, which belongs to the squared error. "
    "For this loss it cancels with the derivative of the logarithm.",
)
def gradient_of_the_squared_error(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    p = torch.sigmoid(X @ w)
    return X.T @ ((p - y) * p * (1 - p))


@mistake(
    "gradient",
    "You used the sum X w in place of the probability. p = sigmoid(X w) must be between 0 and 1 before y is "
    "subtracted; without the sigmoid this is the gradient of linear regression.",
)
def gradient_without_the_sigmoid(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return X.T @ (X @ w - y)
