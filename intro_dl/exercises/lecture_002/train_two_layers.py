"""Train a network by hand: back-propagation in a loop.

Lecture 002; slides "Gradient Descent for Multi-layer Network", "Ways to Use Weight Derivatives". Claims F15.

Two moons of points lie in one another: no line separates them, but a network with one layer of hidden units
does. The slides' network: u_j = v_j0 + sum_i v_ji x_i, h_j = sigmoid(u_j), z_k = w_k0 + sum_j w_kj h_j,
o_k = sigmoid(z_k), and E = 1/2 sum (o_k - t_k)^2, summed over outputs and examples.

Write the gradients with the slides' deltas: delta_k^z = dE/dz_k and delta_j^u = dE/du_j. Then train with
them: each step changes all four parameters by -eta times their gradients (batch gradient descent). The check
asks for E below 1.5 after 500 steps, and for 95 % right answers.
"""

import torch
from torch import Tensor


def forward(x: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return h (N, J) and o (N, K) for x (N, D); weights are v (J, D), v0 (J,), w (K, J) and w0 (K,)."""
    v, v0, w, w0 = weights
    h = torch.sigmoid(x @ v.T + v0)
    return h, torch.sigmoid(h @ w.T + w0)


def gradients(x: Tensor, t: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """Return dE/dv, dE/dv0, dE/dw and dE/dw0, shaped as the weights, for targets t (N, K)."""
    # solution
    w = weights[2]
    h, o = forward(x, weights)
    delta_z = (o - t) * o * (1 - o)  # (N, K)
    delta_u = delta_z @ w * h * (1 - h)  # (N, J)
    return [delta_u.T @ x, delta_u.sum(dim=0), delta_z.T @ h, delta_z.sum(dim=0)]
    # end of solution


def train(x: Tensor, t: Tensor, weights: list[Tensor], eta: float, steps: int) -> list[Tensor]:
    """Return v, v0, w and w0 after `steps` steps of gradient descent; the given ones stay as they are."""
    # solution
    for _ in range(steps):
        slopes = gradients(x, t, weights)
        weights = [each - eta * slope for each, slope in zip(weights, slopes, strict=True)]
    return weights
    # end of solution


# The student's file ends here.

from collections.abc import Callable
from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

SECONDS = 15.0
FORBIDDEN = ("autograd", "backward", "func", "nn", "functional", "grad", "requires_grad_", "optim")
HINTS = (
    "delta_z = (o - t) * o * (1 - o) has the shape (N, K). The gradient of w is delta_z.T @ h.",
    "delta_u = delta_z @ w * h * (1 - h) has the shape (N, J). The gradient of v is delta_u.T @ x.",
    "A bias is a weight of an input that is always 1: its gradient is the sum of its deltas.",
    "Compute all four gradients first. Make a new list of weights, from each - eta * slope.",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    x, targets = draw(4, 3), torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0]]
    small = [draw(2, 3), draw(2), draw(3, 2), draw(3)]
    moons, labels = _two_moons(60, generator)
    start = [2 * draw(12, 2), draw(12), draw(1, 12), draw(1)]
    return [
        Case("gradients", (x, targets, small)),
        Case("gradients", (x[:1], targets[:1], small)),
        Case("gradients", (moons, labels, start)),
        *(Case("train", (x, targets, small, 0.5, steps)) for steps in (0, 1, 3)),
        Case("train", (moons, labels, start, 0.3, 500), judge=_separates(moons, labels, start)),
    ]


def _two_moons(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    angle = 3.1416 * torch.rand(n, generator=generator, dtype=torch.float64)
    upper = torch.arange(n) % 2 == 0
    across = torch.where(upper, angle.cos(), 1 - angle.cos())
    up = torch.where(upper, angle.sin(), 0.5 - angle.sin())
    noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    return torch.stack([across, up], dim=1) + 0.1 * noise, upper.double()[:, None]


def _separates(x: Tensor, t: Tensor, start: list[Tensor]) -> Callable[[list[Tensor]], str | None]:
    def judge(weights: list[Tensor]) -> str | None:
        if [each.shape for each in weights] != [each.shape for each in start]:
            return "must return v, v0, w and w0 with the shapes that they had."
        _, o = forward(x, weights)
        error, right = (o - t).square().sum().item() / 2, ((o > 0.5) == (t > 0.5)).double().mean().item()
        if not error < 1.5:
            return f"ends with E = {error:.3f}, but less than 1.5 is expected."
        return None if right >= 0.95 else f"ends with {right:.1%} right answers, but 95 % are expected."

    return judge


@mistake(
    "gradients",
    "Your delta_z is o - t, which belongs to the cross-entropy. For the squared error, the slope "
    "o (1 - o) of the sigmoid stays a factor.",
)
def cross_entropy(x: Tensor, t: Tensor, weights: list[Tensor]) -> list[Tensor]:
    h, o = forward(x, weights)
    delta_u = (o - t) @ weights[2] * h * (1 - h)
    return [delta_u.T @ x, delta_u.sum(dim=0), (o - t).T @ h, (o - t).sum(dim=0)]


@mistake(
    "gradients",
    "Your hidden deltas are dE/dh. The sigmoid stands between u and h: its slope h (1 - h) is a factor too.",
)
def hidden_slope_forgotten(x: Tensor, t: Tensor, weights: list[Tensor]) -> list[Tensor]:
    h, o = forward(x, weights)
    delta_z = (o - t) * o * (1 - o)
    delta_h = delta_z @ weights[2]
    return [delta_h.T @ x, delta_h.sum(dim=0), delta_z.T @ h, delta_z.sum(dim=0)]


@mistake(
    "gradients",
    "You passed dE/do = o - t back to the hidden units. What goes back through w is delta_z, the error at "
    "the input of the output units.",
)
def passed_back_too_early(x: Tensor, t: Tensor, weights: list[Tensor]) -> list[Tensor]:
    h, o = forward(x, weights)
    delta_z = (o - t) * o * (1 - o)
    delta_u = (o - t) @ weights[2] * h * (1 - h)
    return [delta_u.T @ x, delta_u.sum(dim=0), delta_z.T @ h, delta_z.sum(dim=0)]


@mistake(
    "gradients",
    "You took the mean over the examples. The slides' E is a sum, so its gradients are N times as large.",
)
def mean_over_examples(x: Tensor, t: Tensor, weights: list[Tensor]) -> list[Tensor]:
    h, o = forward(x, weights)
    delta_z = (o - t) * o * (1 - o) / len(x)
    delta_u = delta_z @ weights[2] * h * (1 - h)
    return [delta_u.T @ x, delta_u.sum(dim=0), delta_z.T @ h, delta_z.sum(dim=0)]


@mistake(
    "train",
    "You computed the gradients once, before the loop. They change with the weights: compute them each time.",
)
def gradients_of_the_start(
    x: Tensor, t: Tensor, weights: list[Tensor], eta: float, steps: int
) -> list[Tensor]:
    slopes = gradients(x, t, weights)
    return [each - steps * eta * slope for each, slope in zip(weights, slopes, strict=True)]


@mistake(
    "train",
    "Only w and w0 were trained. The hidden units learn too: change v and v0 in the same way.",
)
def only_the_output_layer(
    x: Tensor, t: Tensor, weights: list[Tensor], eta: float, steps: int
) -> list[Tensor]:
    v, v0, w, w0 = weights
    for _ in range(steps):
        _, _, slope, slope0 = gradients(x, t, [v, v0, w, w0])
        w, w0 = w - eta * slope, w0 - eta * slope0
    return [v, v0, w, w0]


@mistake(
    "train",
    "You changed w and w0 before you computed the deltas of the hidden units. All gradients of a step "
    "belong to the same weights: compute all four, then change all four.",
)
def changed_too_early(x: Tensor, t: Tensor, weights: list[Tensor], eta: float, steps: int) -> list[Tensor]:
    v, v0, w, w0 = weights
    for _ in range(steps):
        _, _, slope, slope0 = gradients(x, t, [v, v0, w, w0])
        w, w0 = w - eta * slope, w0 - eta * slope0
        slope, slope0, _, _ = gradients(x, t, [v, v0, w, w0])
        v, v0 = v - eta * slope, v0 - eta * slope0
    return [v, v0, w, w0]
