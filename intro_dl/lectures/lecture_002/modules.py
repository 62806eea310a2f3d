"""Lecture 002: back-propagation module by module, cases 1 and 2."""

import torch
from torch import Tensor

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import finite_difference, gradient, normal, numbers, rounded
from intro_dl.scratch import backprop


def log_likelihood(y: Tensor, y_star: Tensor) -> Tensor:
    """Return the slides' J = y* log y + (1 - y*) log(1 - y), to be maximized; a sum over the examples."""
    return (y_star * torch.log(y) + (1 - y_star) * torch.log(1 - y)).sum()


@claim(
    "F16",
    lectures=["002"],
    slide="Backpropagation, Case 1: Logistic Regression; Case 2: Neural Network, Modules 1 to 5",
    says="dJ/dy = y*/y + (1 - y*)/(y - 1); dJ/db = dJ/dy dy/db, dy/db = exp(-b) / (exp(-b) + 1)^2; "
    "db/dbeta_j = z_j; db/dz_j = beta_j; dz_j/da_j = exp(-a_j) / (exp(-a_j) + 1)^2; da_j/dalpha_ji = x_i.",
    kind="holds",
)
def modules() -> Outcome:
    x, y_star = normal(4, 3), numbers(1, 0, 1, 0)
    theta = normal(3)
    a = x @ theta  # case 1
    y = 1 / (1 + torch.exp(-a))
    dJ_da = (y_star / y + (1 - y_star) / (y - 1)) * torch.exp(-a) / (torch.exp(-a) + 1) ** 2
    case_1 = gradient(lambda theta: log_likelihood(torch.sigmoid(x @ theta), y_star), theta)

    alpha, beta, x = (tensor.requires_grad_() for tensor in (normal(2, 3), normal(2), x))
    values = backprop.case_2_forward(x, y_star, alpha, beta)
    hand = backprop.case_2_backward(x, y_star, alpha, beta, values)
    wrt = [values.y, values.b, beta, values.z, values.a, alpha, x]
    by_autograd = torch.autograd.grad(values.J.sum(), wrt)
    names = [
        "module 5, dJ/dy",
        "module 4, dJ/db",
        "module 3, dJ/dbeta",
        "module 3, dJ/dz",
        "module 2, dJ/da",
        "module 1, dJ/dalpha",
        "module 1, dJ/dx",
    ]
    return Outcome(
        [Check("case 1, dJ/dtheta = sum dJ/da x_j", dJ_da @ x, case_1, 1e-12)]
        + [
            Check(f"case 2, {name}", by_hand, torch_s, 1e-12)
            for name, by_hand, torch_s in zip(names, hand, by_autograd, strict=True)
        ],
        [f"{name} = {rounded(by_hand)}" for name, by_hand in zip(names, hand, strict=True)]
        + ["Two slides differ from this: module 5 is E4, and da_j/dx_i of module 1 is E7."],
    )


@claim(
    "E7",
    lectures=["002"],
    slide="Backpropagation, Case 2: Neural Network",
    says="dJ/dx_i = dJ/da_j da_j/dx_i, da_j/dx_i = sum_j alpha_ji",
    right="dJ/dx_i = sum_j dJ/da_j da_j/dx_i, da_j/dx_i = alpha_ji",
    kind="erratum",
)
def sum_in_the_wrong_place() -> Outcome:
    x, y_star, alpha, beta = normal(1, 3), numbers(1), normal(2, 3), normal(2)
    da_dx = torch.autograd.functional.jacobian(lambda x: alpha @ x, x[0])  # (j, i)
    slide_da_dx = alpha.sum(dim=0).expand(2, 3)  # sum_j alpha_ji, the same for every j

    values = backprop.case_2_forward(x, y_star, alpha, beta)
    dJ_da = backprop.case_2_backward(x, y_star, alpha, beta, values).dJ_da[0]  # (j,)
    right = dJ_da @ alpha  # sum_j dJ/da_j alpha_ji
    slide = dJ_da[:, None] * slide_da_dx  # one answer for each j

    def J(x: Tensor) -> Tensor:
        return log_likelihood(torch.sigmoid(torch.sigmoid(alpha @ x) @ beta), y_star[0])

    return Outcome(
        [
            Check("da_j/dx_i: the slide's sum against autograd", slide_da_dx, da_dx, 1e-3, differ=True),
            Check("da_j/dx_i: alpha_ji against autograd", alpha, da_dx, 1e-12),
            Check(
                "dJ/dx: sum_j dJ/da_j alpha_ji against finite differences",
                right,
                finite_difference(J, x[0]),
                1e-8,
            ),
            Check(
                "dJ/dx: the slide's, with j = 1, against the right one", slide[0], right, 1e-3, differ=True
            ),
        ],
        [f"the slide's dJ/dx with j = {j + 1}: {rounded(slide[j])}" for j in range(2)]
        + [f"the right dJ/dx:             {rounded(right)}"],
    )


@claim(
    "E4",
    lectures=["002"],
    slide="Backpropagation, Case 2, Module 5",
    says="J = y* log y + (1 - y*) log(1 - y); dJ/dy = y*/y + (1 - y*)/(1 - y)",
    right="J = y* log y + (1 - y*) log(1 - y); dJ/dy = y*/y + (1 - y*)/(y - 1)",
    kind="erratum",
)
def module_5() -> Outcome:
    y, y_star = numbers(0.3, 0.3), numbers(0, 1)
    slide = y_star / y + (1 - y_star) / (1 - y)
    alpha, beta, x = normal(2, 3), normal(2), normal(2, 3)
    values = backprop.case_2_forward(x, y_star, alpha, beta)._replace(y=y)
    right = backprop.case_2_backward(x, y_star, alpha, beta, values).dJ_dy

    def J(y: Tensor) -> Tensor:
        return log_likelihood(y, y_star)

    return Outcome(
        [
            Check(
                "slide's dJ/dy at y = 0.3 for y* = 0 against autograd",
                slide[0],
                gradient(J, y)[0],
                1,
                differ=True,
            ),
            Check(
                "with (y - 1) in the denominator, y* = 0 and 1, against autograd",
                right,
                gradient(J, y),
                1e-12,
            ),
            Check("the same against finite differences", right, finite_difference(J, y), 1e-8),
        ],
        [
            f"y* = 0: slide {slide[0]:.4f}, right {right[0]:.4f}: the slide's has the wrong sign.",
            f"y* = 1: slide {slide[1]:.4f}, right {right[1]:.4f}: here both agree.",
        ],
    )
