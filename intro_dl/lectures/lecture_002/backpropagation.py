"""Lecture 002: the forward pass, every delta of the backward pass, and which loss to choose."""

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import finite_difference, gradient, minimize, normal, numbers, rounded
from intro_dl.results.evidence import read_runs
from intro_dl.scratch import backprop
from intro_dl.scratch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    squared_error,
    squared_error_gradient,
)


@claim(
    "F18",
    lectures=["002"],
    slide="Gradient Descent for Single Layer Network",
    says="With MSE and logistic activation, w_ki <- w_ki - eta sum_n (o_k - t_k) o_k (1 - o_k) x_i.",
    kind="holds",
)
def squared_loss_update() -> Outcome:
    x, t, w, w0, eta = normal(5, 3), torch.rand(5, 2).double(), normal(2, 3), normal(2), 0.1
    new_w, new_w0 = backprop.single_layer_update(x, t, w, w0, eta)

    def E(w: Tensor) -> Tensor:
        return squared_error(torch.sigmoid(x @ w.T + w0), t)

    o = torch.sigmoid(x @ w.T + w0)  # (N, K)
    sums = torch.zeros_like(w)
    for n in range(5):  # the slide's sum, term by term
        for k in range(2):
            for i in range(3):
                sums[k, i] += (o[n, k] - t[n, k]) * o[n, k] * (1 - o[n, k]) * x[n, i]
    by_bias = gradient(lambda bias: squared_error(torch.sigmoid(x @ w.T + bias), t), w0)
    return Outcome(
        [
            Check("the slide's sum against autograd's dE/dw", sums, gradient(E, w), 1e-12),
            Check("the slide's sum against finite differences", sums, finite_difference(E, w), 1e-8),
            Check("w after the update", new_w, w - eta * gradient(E, w), 1e-12),
            Check("w_0 after the update", new_w0, w0 - eta * by_bias, 1e-12),
        ],
        [f"dE/dw = {rounded(sums)}"],
    )


@claim(
    "F15",
    lectures=["002"],
    slide="Forward Pass; Gradient Descent for Multi-layer Network",
    says="h_j = f(v_j0 + sum_i x_i v_ji), o_k = g(w_k0 + sum_j h_j w_kj). Backward: dE/dw_kj = sum_n "
    "delta_k^z h_j; delta_j^h = sum_k delta_k^z w_kj; delta_j^u = delta_j^h f'(u_j); dE/dv_ji = sum_n "
    "delta_j^u x_i.",
    kind="holds",
)
def deltas() -> Outcome:
    x, t = normal(6, 3), torch.rand(6, 2).double()
    v, v0, w, w0 = (tensor.requires_grad_() for tensor in (normal(4, 3), normal(4), normal(2, 4), normal(2)))
    values = backprop.two_layer_forward(x, v, v0, w, w0)
    errors = backprop.two_layer_backward(x, t, w, values)

    sums = torch.stack([v0[j] + sum(x[:, i] * v[j, i] for i in range(3)) for j in range(4)], dim=1)
    h = torch.sigmoid(sums)
    o = torch.sigmoid(F.linear(h, w, w0))
    by_autograd = torch.autograd.grad(squared_error(values.o, t), [values.z, w, values.h, values.u, v])
    by_hand = [errors.delta_z, errors.dE_dw, errors.delta_h, errors.delta_u, errors.dE_dv]
    names = ["delta^z", "dE/dw", "delta^h", "delta^u", "dE/dv"]
    return Outcome(
        [Check("o: the slide's sums, and nn.Linear's, against the forward pass", o, values.o, 1e-12)]
        + [
            Check(f"{name} by hand against autograd", hand, torch_s, 1e-12)
            for name, hand, torch_s in zip(names, by_hand, by_autograd, strict=True)
        ],
        [f"{name}, first row: {rounded(hand[0])}" for name, hand in zip(names, by_hand, strict=True)],
    )


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
    says="dJ/dx_i = dJ/da_j da_j/dx_i, da_j/dx_i = sum_j alpha_ji. [Right: da_j/dx_i = alpha_ji, and the sum "
    "over j belongs to dJ/dx_i.]",
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
    says="J = y* log y + (1 - y*) log(1 - y); dJ/dy = y*/y + (1 - y*)/(1 - y). [Right, and so on the slides "
    "before: dJ/dy = y*/y + (1 - y*)/(y - 1).]",
    kind="erratum",
)
def module_5() -> Outcome:
    y, y_star = numbers(0.3, 0.3), numbers(0, 1)
    slide = y_star / y + (1 - y_star) / (1 - y)
    right = y_star / y + (1 - y_star) / (y - 1)

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


# Choosing Activation and Loss Functions ---------------------------------------------------------------------


@claim(
    "E16",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="When using a neural network for regression, sigmoid activation and MSE as the loss function work "
    "well. [Right: no activation at the output: a sigmoid cannot leave (0, 1).]",
    kind="erratum",
)
def sigmoid_is_bounded() -> Outcome:
    x = torch.linspace(0, 4, 50, dtype=torch.float64)
    t = 2 * x + 1  # from 1 to 9
    losses = {}
    for name, g in {"sigmoid": torch.sigmoid, "none": lambda z: z}.items():
        w = numbers(0.1, 0.0).requires_grad_()
        losses[name] = minimize(lambda g=g, w=w: F.mse_loss(g(w[0] * x + w[1]), t), [w])
    scaled = (t - t.min() + 1) / (t.max() - t.min() + 2)  # from 0.1 to 0.9
    least = ((t - t.clamp(0, 1)) ** 2).mean()  # of all functions with values in [0, 1]
    least_scaled = ((scaled - scaled.clamp(0, 1)) ** 2).mean()
    return Outcome(
        [
            Check(
                "grades 1 to 9, sigmoid output, MSE after training", losses["sigmoid"], 0.0, 20, differ=True
            ),
            Check("this is the smallest loss that a sigmoid can reach", losses["sigmoid"], least, 1e-3),
            Check("no activation at the output, MSE after training", losses["none"], 0.0, 1e-9),
            Check("smallest loss of a sigmoid if the targets are scaled into (0, 1)", least_scaled, 0.0),
        ],
        ["In hidden layers a sigmoid is fine: the linear output scales and shifts its values."],
    )


@claim(
    "H9",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="For classification, if it is a binary (2-class) problem, then cross-entropy error function often "
    "does better.",
    kind="measured",
)
def cross_entropy_does_better() -> Outcome:
    o, t = numbers(0.001), numbers(1.0)  # confident and wrong: the case with most to learn
    through_sigmoid = o * (1 - o)
    squared = squared_error_gradient(o, t) * through_sigmoid
    crossed = binary_cross_entropy_gradient(o, t) * through_sigmoid
    checks = [
        Check("confident and wrong, o = 0.001 for t = 1: squared loss, dE/dz", squared, numbers(0), 1e-3),
        Check("the same with cross-entropy", crossed, numbers(-1), 2e-3),
    ]
    working = ["Both losses train the network of lecture 002's Keras example, 784-500-500-10, on MNIST:"]
    mse, cross_entropy = read_runs("mnist_unsw_mse"), read_runs("mnist_unsw_ce")
    ahead = min(cross_entropy) > max(mse)
    checks.append(Check("the worst seed with cross-entropy is better than the best with MSE", ahead, True))
    return Outcome(checks, [*working, f"MSE {mse}", f"cross-entropy {cross_entropy}"])


@claim(
    "F17",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="E = -sum t log o + (1 - t) log(1 - o), o = 1 / (1 + exp(-z)): dE/do = (o - t)/(o (1 - o)), do/dz = "
    "o (1 - o), dE/dz = dE/do do/dz = o - t.",
    kind="holds",
)
def output_minus_target() -> Outcome:
    z, t = normal(8), torch.bernoulli(torch.full((8,), 0.5, dtype=torch.float64))
    o = torch.sigmoid(z)

    def E(z: Tensor) -> Tensor:
        return 8 * binary_cross_entropy(torch.sigmoid(z), t)  # the slide's sum, not a mean

    def E_softmax(z: Tensor) -> Tensor:
        return F.cross_entropy(torch.stack([torch.zeros(8), z], dim=1), t.long(), reduction="sum")

    product = (o - t) / (o * (1 - o)) * (o * (1 - o))
    return Outcome(
        [
            Check("dE/do do/dz, as on the slide, against o - t", product, o - t, 1e-12),
            Check("o - t against autograd's dE/dz", o - t, gradient(E, z), 1e-12),
            Check("o - t against finite differences", o - t, finite_difference(E, z), 1e-8),
            Check("o - t against softmax and cross-entropy", o - t, gradient(E_softmax, z), 1e-12),
        ],
        [f"o - t = {rounded(o - t)}", "For more than two classes a slide says otherwise: E5."],
    )


@claim(
    "E5b",
    lectures=["002"],
    slide="Multi-class Classification",
    says="And the derivatives become do_k/dz_k = o_k (1 - o_k) [Only for j = k. Right: do_j/dz_k = -o_j o_k "
    "for all others, because every o depends on every z.]",
    kind="erratum",
)
def softmax_derivatives() -> Outcome:
    z = numbers(1, 2, 0.5)
    o = torch.softmax(z, dim=0)
    true = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, dim=0), z)  # do_j/dz_k at (j, k)
    slide = torch.diag(o * (1 - o))  # the slide's derivatives, and no others
    right = backprop.softmax_jacobian(o[None])[0]
    step = 1e-6 * numbers(0, 1, 0)
    column = (torch.softmax(z + step, 0) - torch.softmax(z - step, 0)) / 2e-6
    return Outcome(
        [
            Check("the slide's derivatives against all of do/dz", slide, true, 0.05, differ=True),
            Check("with -o_j o_k beside the diagonal, against autograd", right, true, 1e-12),
            Check("do/dz_2 against finite differences", right[:, 1], column, 1e-9),
            Check("the o add up to 1, so each column adds up to 0", right.sum(0), torch.zeros_like(o), 1e-12),
        ],
        [f"z = {rounded(z)}, o = {rounded(o)}", *(f"do_{j + 1}/dz = {rounded(right[j])}" for j in range(3))],
    )


@claim(
    "E5",
    lectures=["002"],
    slide="Multi-class Classification",
    says="Cross-entropy and softmax: dE/dz_k = sum_j dE/do_j do_j/dz_k = (o_k - t_k) o_k (1 - o_k). [Right: "
    "dE/dz_k = o_k - t_k.]",
    kind="erratum",
)
def softmax_with_cross_entropy() -> Outcome:
    z, t = numbers(1, 2, 0.5), numbers(0, 1, 0)

    def E(z: Tensor) -> Tensor:
        return -(t * torch.log_softmax(z, dim=0)).sum()

    o = torch.softmax(z, dim=0)
    slide = (o - t) * o * (1 - o)
    right = backprop.softmax_cross_entropy_delta(z[None], t[None])[1][0]
    sums = (-t / o) @ backprop.softmax_jacobian(o[None])[0]  # sum_j dE/do_j do_j/dz_k, with all terms
    return Outcome(
        [
            Check("the slide, at z = (1, 2, 0.5), t = (0, 1, 0)", slide, numbers(0.041, -0.087, 0.017), 5e-4),
            Check("o - t", right, numbers(0.231, -0.371, 0.140), 5e-4),
            Check("the two differ", slide, right, 0.1, differ=True),
            Check("o - t against finite differences", right, finite_difference(E, z), 1e-9),
            Check("o - t against autograd", right, gradient(E, z), 1e-12),
            Check("the slide's sum over j, with all its terms, is o - t", sums, right, 1e-12),
        ],
        [
            f"o = {rounded(o)}",
            f"slide: (o - t) o (1 - o) = {rounded(slide)}, the gradient of the squared loss with a sigmoid",
            f"right: o - t = {rounded(right)}",
        ],
    )
