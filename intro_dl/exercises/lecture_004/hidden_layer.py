"""Train a hidden layer where no line separates the classes.

Lecture 004; slide "What if we want a non-linear decision boundary? Choose basis functions". Claims N22.

The four points of XOR cannot be separated by a line. A hidden layer learns its own basis functions: h =
tanh(X U^T + c), p = sigmoid(h w + b). Train all four parameters by gradient descent on the mean binary
cross entropy. autograd computes the gradients: set requires_grad, call backward, step without recording,
clear .grad.
"""

import torch
from torch import Tensor


def predict(X: Tensor, parameters: list[Tensor]) -> Tensor:
    """Return p, (N,), for points X (N, 2) and parameters U (H, 2), c (H,), w (H,), b ()."""
    U, c, w, b = parameters
    return torch.sigmoid(torch.tanh(X @ U.T + c) @ w + b)


def train(X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int) -> list[Tensor]:
    """Return U, c, w, b after `steps` steps of gradient descent from `parameters`, which stay as they are."""
    # solution
    parameters = [each.clone().requires_grad_() for each in parameters]
    for _ in range(steps):
        p = predict(X, parameters)
        loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
        loss.backward()
        with torch.no_grad():
            for each in parameters:
                each -= lr * each.grad
                each.grad = None
    return [each.detach() for each in parameters]
    # end of solution


# The student's file ends here.

from collections.abc import Callable

from intro_dl.exercises.engine.exercise import Case, mistake

HINTS = (
    "Copy the parameters first: each.clone().requires_grad_(). Then each copy has a .grad after backward().",
    "Change the copies inside `with torch.no_grad():`, by -= lr * gradient.",
    "backward() adds to .grad. Set it to None after each step.",
)
X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
y = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)


def cases(generator: torch.Generator) -> list[Case]:
    shapes = ((8, 2), (8,), (8,), ())
    parameters = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [
        Case("train", (X, y, parameters, 0.1, 0)),
        Case("train", (X, y, parameters, 0.1, 1)),
        Case("train", (X, y, parameters, 0.1, 2)),
        Case("train", (X, y, parameters, 1.0, 500), judge=solves_xor(parameters)),
    ]


def solves_xor(before: list[Tensor]) -> Callable[[list[Tensor]], str | None]:
    """Return a judge: every point is on its side, with a mean loss below 0.05."""

    def judge(parameters: list[Tensor]) -> str | None:
        if [each.shape for each in parameters] != [each.shape for each in before]:
            return "must return U, c, w and b with the shapes that they had."
        p = predict(X, parameters)
        loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean().item()
        return None if loss < 0.05 else f"ends with a loss of {loss:.3f}, but less than 0.05 is expected."

    return judge


def descend(
    X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int, sign: int = 1, first: int = 0,
    clear: bool = True, mean: bool = True,
) -> list[Tensor]:  # fmt: skip
    """Train with the flaws that the arguments name; used by the mistakes."""
    parameters = [each.clone().requires_grad_() for each in parameters]
    for _ in range(steps):
        p = predict(X, parameters)
        losses = -(y * p.log() + (1 - y) * (1 - p).log())
        (losses.mean() if mean else losses.sum()).backward()
        with torch.no_grad():
            for each in parameters[first:]:
                each -= sign * lr * each.grad
            for each in parameters:
                each.grad = None if clear else each.grad
    return [each.detach() for each in parameters]


@mistake(
    "train",
    "Your gradients add up over the steps: backward() adds to .grad. Clear it after each step, or each "
    "step also repeats all earlier ones.",
)
def gradients_add_up(X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int) -> list[Tensor]:
    return descend(X, y, parameters, lr, steps, clear=False)


@mistake(
    "train",
    "You stepped along the gradient, which points where the loss grows. Descent subtracts it.",
)
def uphill(X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int) -> list[Tensor]:
    return descend(X, y, parameters, lr, min(steps, 20), sign=-1)


@mistake(
    "train",
    "Only the output layer was trained, so the hidden units stay as random as they were. "
    "Learned basis functions need steps of U and c too.",
)
def only_the_output_layer(
    X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int
) -> list[Tensor]:
    return descend(X, y, parameters, lr, steps, first=2)


@mistake(
    "train",
    "Your loss is the sum over the points. Its gradient is four times that of the mean, as if the "
    "learning rate were four times as large.",
)
def sum_of_the_losses(X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int) -> list[Tensor]:
    return descend(X, y, parameters, lr, steps, mean=False)


@mistake(
    "train",
    "The parameters came back unchanged. Perhaps the steps changed copies, or the loop never ran.",
)
def nothing_changes(X: Tensor, y: Tensor, parameters: list[Tensor], lr: float, steps: int) -> list[Tensor]:
    return parameters
