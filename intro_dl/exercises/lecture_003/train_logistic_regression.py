"""Train a perceptron by gradient descent.

Lecture 003; slides "Gradient Descent", "Putting it all together". Claims S6, E10, F5.

Write the slide's loop: compute the loss, get its gradient, take a step against it, and repeat. The model is
one perceptron with the logit z = x w + b; the loss is the binary cross-entropy, which is given.
tf.GradientTape is torch.autograd here: it records what you do with tensors that have requires_grad=True, and
torch.autograd.grad(loss, (w, b)) returns the two gradients. Start from zeros, and do not use torch.optim.

The check trains on points of two classes. It asks for a loss near the lowest that `steps` steps can reach,
and where a line separates the classes, for no wrong point.
"""

import torch
from torch import Tensor


def cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits z (n,) and labels y (n,). This function is complete."""
    return (z.clamp(min=0) - z * y + torch.log1p(torch.exp(-z.abs()))).mean()


def train(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    """Return the trained w (m,) and b (one number), after `steps` steps on all points x (n, m), y (n,)."""
    # solution
    w = torch.zeros(x.shape[1], requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    for _ in range(steps):
        loss = cross_entropy(x @ w + b, y)
        slope_w, slope_b = torch.autograd.grad(loss, (w, b))
        w = (w - lr * slope_w).detach().requires_grad_()
        b = (b - lr * slope_b).detach().requires_grad_()
    return w, b
    # end of solution


# The student's file ends here.

from functools import partial
from typing import Any

from intro_dl.exercises.engine.apart import in_float64
from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "optim")
SECONDS = 60.0
HINTS = (
    "w = torch.zeros(x.shape[1], requires_grad=True), and likewise b, before the loop.",
    "Make the prediction inside the loop: after each step the weights are others.",
    "After a step write w = (w - lr * slope).detach().requires_grad_(): a new start for the record.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    y = torch.tensor([0.0, 1.0] * 20, dtype=torch.float64)
    center = 1.5 + draw(2) / 4  # away from the origin: the line needs its bias
    overlapping = draw(40, 2) + center + 1.5 * y[:, None]
    apart = 0.3 * draw(40, 2).clamp(-2, 2) + center + 3 * y[:, None]
    return [
        Case("train", (x, y, lr, steps), partial(_judge, x, y, lr, steps, separable))
        for x, lr, steps, separable in ((overlapping, 0.3, 200, False), (apart, 0.3, 200, True))
    ]


def _judge(x: Tensor, y: Tensor, lr: float, steps: int, separable: bool, result: Any) -> str | None:
    w, b = (torch.as_tensor(part).detach() for part in result)
    if w.shape != x.shape[1:] or b.numel() != 1:
        given, expected = f"{tuple(w.shape)} and {tuple(b.shape)}", f"{tuple(x.shape[1:])} and ()"
        return f"returns the shapes {given}, but {expected} are expected."
    z, best = x @ w + b, in_float64(train, (x, y, lr, steps))
    loss, least = cross_entropy(z, y), cross_entropy(x @ best[0] + best[1], y)
    if not loss <= least + 0.02:
        return f"has the loss {loss:.4f} on its own points, but these steps can reach {least:.4f}."
    wrong = int(((z > 0) != (y == 1)).sum())
    return (
        f"puts {wrong} of {len(y)} points on the wrong side of a line that exists."
        if separable and wrong
        else None
    )


@mistake(
    "train",
    "Your gradients add up: backward() adds to w.grad, it does not replace it. Set w.grad and b.grad to "
    "None after each step, or every step repeats all steps before it.",
)
def gradients_add_up(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    w = torch.zeros(x.shape[1], requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    for _ in range(steps):
        cross_entropy(x @ w + b, y).backward()
        with torch.no_grad():
            w -= lr * w.grad  # pyrefly: ignore
            b -= lr * b.grad  # pyrefly: ignore
    return w, b


@mistake(
    "train",
    "You train w, but not b. Then the line goes through the origin, and both classes lie on the same side "
    "of it.",
)
def bias_not_trained(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    w = torch.zeros(x.shape[1], requires_grad=True)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(cross_entropy(x @ w, y), w)
        w = (w - lr * slope).detach().requires_grad_()
    return w, torch.zeros(())


@mistake(
    "train",
    "You return after the first step: the return stands inside the loop. Training repeats the step.",
)
def returns_after_one_step(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    w, b = torch.zeros(x.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    slope_w, slope_b = torch.autograd.grad(cross_entropy(x @ w + b, y), (w, b))
    return w - lr * slope_w, b - lr * slope_b


@mistake(
    "train",
    "You return the weights of the start, zeros. w - lr * slope is a new tensor: give it the name w, so "
    "that the next step begins there.",
)
def step_not_kept(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(x.shape[1]), torch.zeros(())


@mistake(
    "train",
    "You walk uphill: the gradient shows where the loss grows. Subtract lr times the gradient.",
)
def uphill(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    w, b = torch.zeros(x.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    for _ in range(steps):
        slope_w, slope_b = torch.autograd.grad(cross_entropy(x @ w + b, y), (w, b))
        w = (w + lr * slope_w).detach().requires_grad_()
        b = (b + lr * slope_b).detach().requires_grad_()
    return w, b


@mistake(
    "train",
    "You make the prediction once, before the loop, so it belongs to the weights of the start. The slide's "
    "snippet has the same error, outside the tape: compute x @ w + b in every step.",
)
def prediction_before_the_loop(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, Tensor]:
    w = torch.zeros(x.shape[1], requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    z = x @ w + b
    for _ in range(steps):
        slope_w, slope_b = torch.autograd.grad(cross_entropy(z, y), (w, b))
        w = (w - lr * slope_w).detach().requires_grad_()
        b = (b - lr * slope_b).detach().requires_grad_()
    return w, b
