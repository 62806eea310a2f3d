"""The deltas of a network with one hidden layer.

Lecture 002; slides "Backpropagation Training", "Backpropagation". Claims F16, E4, E7.

Case 2 of the slides, for N examples at once. Forward: a_nj = sum_i alpha_ji x_ni, z = sigmoid(a), b_n = sum_j
beta_j z_nj, y = sigmoid(b). A bias is a weight whose input is always 1, so it needs no code. J is that of the
slide, without a minus: J_n = y*_n log y_n + (1 - y*_n) log(1 - y_n). It grows as the answers get better.

First compute the deltas, dJ/db and dJ/da of each example. Multiply dJ/dy and dy/db out on paper: the result
is short, and stays right if y is rounded to exactly 0 or 1. Then compute the derivatives from the deltas.
Two formulas of the slides are wrong: with + (1 - y*) / (1 - y) in module 5, dJ/dy has the wrong sign for
y* = 0; and da_j/dx_i is alpha_ji alone, without the sum over j.
"""

import torch
from torch import Tensor


def forward(x: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Return z (N, D) and y (N,) for inputs x (N, M) and weights alpha (D, M) and beta (D,)."""
    z = torch.sigmoid(x @ alpha.T)
    return z, torch.sigmoid(z @ beta)


def deltas(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Return dJ_n/db_n (N,) and dJ_n/da_nj (N, D) of each example, for targets y_star (N,)."""
    # solution
    z, y = forward(x, alpha, beta)
    dJ_db = y_star - y
    dJ_dz = dJ_db[:, None] * beta  # (N, D)
    return dJ_db, dJ_dz * z * (1 - z)
    # end of solution


def derivatives(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return dJ/dbeta (D,) and dJ/dalpha (D, M), summed over the examples, and dJ_n/dx_ni (N, M) of each."""
    # solution
    z, _ = forward(x, alpha, beta)
    dJ_db, dJ_da = deltas(x, y_star, alpha, beta)
    return dJ_db @ z, dJ_da.T @ x, dJ_da @ alpha
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("autograd", "backward", "func", "nn", "functional", "grad", "requires_grad_")
HINTS = (
    "dJ/dy dy/db with dy/db = y (1 - y): the denominators cancel, and y* (1 - y) - (1 - y*) y remains.",
    "dJ/db is y* - y. It reaches unit j through beta_j and through the slope z_j (1 - z_j) of its sigmoid.",
    "dJ/db has one number for each example; dJ_db[:, None] * beta has one for each example and unit.",
    "Each derivative is a delta times what the weight multiplies: z for beta, x for alpha. Sums over "
    "examples or units are matrix products.",
)


def cases(generator: torch.Generator) -> list[Case]:
    x = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    alpha = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    beta = torch.randn(2, generator=generator, dtype=torch.float64)
    y_star = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    large = torch.full_like(beta, 1000.0)  # y is exactly 1
    calls = [(x, y_star, alpha, beta), (x[:1], y_star[1:2], alpha, beta), (x, y_star, alpha, large)]
    return [Case(name, each) for name in ("deltas", "derivatives") for each in calls]


@mistake(
    "deltas",
    "You have y - y*, the delta of a loss with a minus in front. The slide's J has none and is climbed, so "
    "its derivative is positive where y must grow.",
)
def delta_of_the_loss(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    z, y = forward(x, alpha, beta)
    return y - y_star, (y - y_star)[:, None] * beta * z * (1 - z)


@mistake(
    "deltas",
    "You multiplied dJ/dy by dy/db as numbers. If y is rounded to 1, this is infinity times 0, which is NaN, "
    "though the product on paper has no denominator.",
)
def infinity_times_zero(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    z, y = forward(x, alpha, beta)
    dJ_db = (y_star / y + (1 - y_star) / (y - 1)) * y * (1 - y)
    return dJ_db, dJ_db[:, None] * beta * z * (1 - z)


@mistake(
    "deltas",
    "You used dJ/dy of the slide with module 5, where the sign of the second term is wrong. "
    "Your y also grows for y* = 0; the derivative of log(1 - y) is 1 / (y - 1).",
)
def module_5_of_the_slide(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    z, y = forward(x, alpha, beta)
    dJ_db = (y_star / y + (1 - y_star) / (1 - y)) * y * (1 - y)
    return dJ_db, dJ_db[:, None] * beta * z * (1 - z)


@mistake(
    "deltas",
    "Your dJ/db still has the factor y (1 - y), which belongs to the squared error. For this J it cancels "
    "with the denominators of dJ/dy.",
)
def squared_error(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    z, y = forward(x, alpha, beta)
    dJ_db = (y_star - y) * y * (1 - y)
    return dJ_db, dJ_db[:, None] * beta * z * (1 - z)


@mistake(
    "deltas",
    "You stopped at dJ/dz, the output of the hidden units. Their input a comes before the sigmoid, so "
    "its slope z (1 - z) is a factor too.",
)
def slope_forgotten(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    _, y = forward(x, alpha, beta)
    return y_star - y, (y_star - y)[:, None] * beta


@mistake(
    "deltas",
    "Your slope of the hidden units is a (1 - a). It is a formula of the output of the sigmoid: z (1 - z).",
)
def input_for_output(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    _, y = forward(x, alpha, beta)
    a = x @ alpha.T
    return y_star - y, (y_star - y)[:, None] * beta * a * (1 - a)


@mistake(
    "deltas",
    "You used dJ/dy as dJ/db. The sigmoid stands between b and y, so dy/db = y (1 - y) is a factor too.",
)
def stopped_at_the_output(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    z, y = forward(x, alpha, beta)
    dJ_dy = y_star / y + (1 - y_star) / (y - 1)
    return dJ_dy, dJ_dy[:, None] * beta * z * (1 - z)


@mistake(
    "derivatives",
    "You divided by the number of examples. The slides add the derivatives of all examples up.",
)
def mean_over_examples(
    x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    z, _ = forward(x, alpha, beta)
    dJ_db, dJ_da = deltas(x, y_star, alpha, beta)
    return dJ_db @ z / len(x), dJ_da.T @ x / len(x), dJ_da @ alpha


@mistake(
    "derivatives",
    "Your dJ/dx adds up the weights alone, as the slide's da_j/dx_i does. Each weight alpha_ji first "
    "multiplies the delta of its own unit j; then the products are added.",
)
def sum_of_the_weights(
    x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    z, _ = forward(x, alpha, beta)
    dJ_db, dJ_da = deltas(x, y_star, alpha, beta)
    return dJ_db @ z, dJ_da.T @ x, dJ_da.sum(dim=1, keepdim=True) * alpha.sum(dim=0)
