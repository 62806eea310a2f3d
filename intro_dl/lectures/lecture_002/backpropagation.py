"""Lecture 002: the forward pass, every delta of the backward pass, and which loss to choose."""

from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import finite_difference, gradient, minimize, normal, numbers, rounded
from intro_dl.lectures.lecture_002.practice import best, two_losses
from intro_dl.models.mlp import MLP
from intro_dl.models.regressor import MLPRegressor
from intro_dl.scratch import backprop
from intro_dl.scratch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_from_logits_gradient,
    binary_cross_entropy_gradient,
    cross_entropy_gradient,
    mean_squared_error,
    mean_squared_error_gradient,
    squared_error,
    squared_error_gradient,
)


def rough(x: Tensor) -> Tensor:
    """Evaluate Weierstrass's function, sum of 2^-n cos(13^n pi x): continuous, nowhere differentiable.

    Ten terms: the others change less than the steps of the claim below can see.
    """
    return sum((0.5**n * torch.cos(13.0**n * pi * x) for n in range(10)), torch.zeros_like(x))


@claim(
    "E25",
    lectures=["002"],
    slide="Computing Gradients: Single Layer Network",
    says="Error gradient is computable for any continuous activation function g(), and any continuous error "
    "function. [Right: for differentiable ones; a few kinks, as that of ReLU, do no harm.]",
    kind="erratum",
)
def continuous_is_not_enough() -> Outcome:
    x, t, w, steps = torch.rand(200).double(), 0.3, 0.8, [13.0**-k for k in (1, 3, 5, 7)]
    changes: dict[str, list[float]] = {"rough": [], "sigmoid": []}
    slopes: dict[str, list[float]] = {"rough": [], "sigmoid": []}
    for name, g in (("rough", rough), ("sigmoid", backprop.ACTIVATIONS["sigmoid"][0])):
        for h in steps:  # E = (g(w x) - t)^2 / 2 for each x, and w moved by h
            output, moved = g(w * x), g((w + h) * x)
            changes[name].append((moved - output).abs().max().item())
            error = ((moved - t) ** 2 - (output - t) ** 2) / 2
            slopes[name].append((error / h).abs().median().item())
    g, derivative = backprop.ACTIVATIONS["sigmoid"]
    right = ((g(w * x) - t) * derivative(w * x) * x).abs().median().item()

    zero = numbers(0)
    relu, step_of_relu = backprop.ACTIVATIONS["relu"]
    sides = [((relu(zero + h) - relu(zero)) / h).item() for h in (-1e-6, 1e-6)]
    return Outcome(
        [
            within(
                "rough g is continuous: its largest change for a step of 13^-7",
                changes["rough"][-1],
                high=0.1,
            ),
            within(
                "rough g: the slope of E grows as the step shrinks, from 13^-1 to 13^-7, times",
                slopes["rough"][-1] / slopes["rough"][0],
                low=100,
            ),
            Check(
                "rough g: slope with 13^-5 and with 13^-7",
                slopes["rough"][2],
                slopes["rough"][3],
                10,
                differ=True,
            ),
            Check("sigmoid: the slope with 13^-7 is delta x", slopes["sigmoid"][-1], right, 1e-6),
            Check("ReLU at 0: slopes to the left and to the right", sides, [0.0, 1.0], 1e-9),
            Check("a convention decides there: 0 on the slide and in scratch", step_of_relu(zero), zero),
            Check("and in torch", gradient(lambda z: torch.relu(z).sum(), zero), step_of_relu(zero)),
        ],
        [
            "One unit o = g(w x), E = (o - t)^2 / 2, t = 0.3, w = 0.8; median over 200 random x of |dE/dw|.",
            f"steps of w:                      {[f'{h:.0e}' for h in steps]}",
            f"Weierstrass's function as g:     {[f'{slope:.3g}' for slope in slopes['rough']]}",
            f"sigmoid:                         {[f'{slope:.4f}' for slope in slopes['sigmoid']]}",
            "Differentiable almost everywhere is not enough to learn either: sign has slope 0 there (F14).",
        ],
    )


@claim(
    "E26",
    lectures=["002"],
    slide="Gradient Descent for Single Layer Network",
    says="Assuming the error function is mean-squared error (MSE), dE/do_k = o_k - t_k. [Right for half the "
    "sum of squares, the squared loss of an earlier slide; for the mean over K outputs it is 2 (o_k - t_k) / "
    "K.]",
    kind="erratum",
)
def half_the_sum() -> Outcome:
    o, t = normal(10), normal(10)
    slide = o - t
    mean = gradient(lambda o: mean_squared_error(o, t), o)

    net = MLPRegressor((3,), hidden=()).double()
    x, targets = normal(4, 3), normal(4)
    net.metrics((x, targets))["loss"].backward()
    by_slide = (net(x).detach() - targets).sum()  # the bias: sum of dE/do
    assert net.output.bias.grad is not None
    return Outcome(
        [
            Check("K = 10: o - t against the gradient of the mean", slide, mean, 1e-2, differ=True),
            Check(
                "o - t against that of half the sum", slide, gradient(lambda o: squared_error(o, t), o), 1e-12
            ),
            Check("scratch, half the sum", squared_error_gradient(o, t), slide, 1e-12),
            Check("scratch, the mean", mean_squared_error_gradient(o, t), mean, 1e-12),
            Check("the mean: 2 / K times o - t, K = 10", mean, slide / 5, 1e-12),
            Check(
                "finite differences of the mean",
                finite_difference(lambda o: mean_squared_error(o, t), o),
                mean,
                1e-8,
            ),
            Check("model=regressor, batch of 4: 2 / 4 times", net.output.bias.grad[0], by_slide / 2, 1e-12),
        ],
        ["Both have the same minimum; at the same rate a step with the mean is K / 2 times smaller."],
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
    wrt = [values.z, w, w0, values.h, values.u, v, v0]
    by_autograd = torch.autograd.grad(squared_error(values.o, t), wrt)
    by_hand = [errors.delta_z, errors.dE_dw, errors.dE_dw0, errors.delta_h, errors.delta_u, errors.dE_dv]
    by_hand.append(errors.dE_dv0)
    names = ["delta^z", "dE/dw", "dE/dw_0", "delta^h", "delta^u", "dE/dv", "dE/dv_0"]

    sizes, activations = [3, 5, 4, 2], ["relu", "tanh", "sigmoid"]  # the same step, layer after layer
    weights = [normal(n, m).requires_grad_() for m, n in zip(sizes, sizes[1:], strict=False)]
    biases = [normal(n).requires_grad_() for n in sizes[1:]]
    nets, layers = backprop.multi_layer_forward(x, weights, biases, activations)
    dE_dW, dE_db = backprop.multi_layer_backward(layers[-1] - t, weights, nets, layers, activations)
    deep = torch.autograd.grad(squared_error(layers[-1], t), [*weights, *biases])
    return Outcome(
        [Check("o: the slide's sums, and nn.Linear's, against the forward pass", o, values.o, 1e-12)]
        + [
            Check(f"{name} by hand against autograd", hand, torch_s, 1e-12)
            for name, hand, torch_s in zip(names, by_hand, by_autograd, strict=True)
        ]
        + [
            Check(f"three layers, {name} {1 + index % 3} by hand against autograd", hand, torch_s, 1e-12)
            for index, (name, hand, torch_s) in enumerate(
                zip(["dE/dW"] * 3 + ["dE/db"] * 3, [*dE_dW, *dE_db], deep, strict=True)
            )
        ],
        [f"{name}: {rounded(hand[0])}" for name, hand in zip(names, by_hand, strict=True) if hand.ndim == 2],
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


# Choosing Activation and Loss Functions ---------------------------------------------------------------------


@claim(
    "E16",
    lectures=["002"],
    slide="Choosing Activation and Loss Functions",
    says="When using a neural network for regression, sigmoid activation and MSE as the loss function work "
    "well. [True of hidden units. At the output, of which this slide speaks, only for targets in (0, 1): a "
    "sigmoid cannot leave it.]",
    kind="erratum",
)
def sigmoid_is_bounded() -> Outcome:
    x = torch.linspace(0, 4, 50, dtype=torch.float64)[:, None]
    grades = 2 * x[:, 0] + 1  # from 1 to 9
    scaled = grades / 10  # from 0.1 to 0.9

    def trained(targets: Tensor, sigmoid_output: bool) -> float:
        net = MLPRegressor((1,), hidden=(8,), activation="sigmoid").double()

        def loss() -> Tensor:
            return F.mse_loss(torch.sigmoid(net(x)) if sigmoid_output else net(x), targets)

        return minimize(loss, list(net.parameters()))

    bounded, free = trained(grades, True), trained(grades, False)
    least = ((grades - grades.clamp(0, 1)) ** 2).mean()  # of all functions with values in [0, 1]
    return Outcome(
        [
            Check("targets 1 to 9, sigmoid at the output: MSE after training", bounded, 0.0, 20, differ=True),
            Check("the smallest MSE of any function with values in (0, 1)", bounded, least, 0.1),
            Check("no activation at the output (model=regressor), sigmoid hidden units", free, 0.0, 0.01),
            Check("targets divided by 10, sigmoid at the output", trained(scaled, True), 0.0, 1e-3),
        ],
        [
            "Targets 2 x + 1 at 50 points of [0, 4]; 8 sigmoid hidden units, at most 100 steps of L-BFGS.",
            f"MSE: sigmoid at the output {bounded:.3f}, none {free:.2g}",
        ],
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
    through_sigmoid = backprop.ACTIVATIONS["sigmoid"][1](torch.logit(o))
    squared = squared_error_gradient(o, t) * through_sigmoid
    crossed = binary_cross_entropy_gradient(o, t) * through_sigmoid
    rates = (0.3, 1.0, 3.0)
    found = two_losses({"mse": rates, "cross_entropy": rates}, four=True)
    learned = {loss: sum(each.test > 0.95 for each in runs.values()) for loss, runs in found.items()}
    gap = best(found["cross_entropy"]) - best(found["mse"])
    return Outcome(
        [
            Check("confident and wrong, o = 0.001 for t = 1: squared loss, dE/dz", squared, numbers(0), 1e-3),
            Check("the same with cross-entropy", crossed, numbers(-1), 2e-3),
            Check("rates of 0.3, 1, 3 at which cross-entropy learns 4 or not 4", learned["cross_entropy"], 3),
            within("rates of these at which MSE does", learned["mse"], high=2),
            within("best rate of each: cross-entropy ahead by", gap, -0.02, 0.1),
        ],
        [
            "4 or not 4 on scikit-learn's digits, 8x8, 360 test images, of which 'not 4' is right for 91 %. "
            "model=mlp, 50 sigmoid units, 300 SGD steps of 100 images, each loss with each rate from the "
            "same start; the best rate is chosen on 300 other images. One seed.",
            *(
                f"{loss}, rate {rate:g}: {each.test:.3f}"
                for loss, runs in found.items()
                for rate, each in runs.items()
            ),
            f"With the best rate of each the gap is {100 * gap:+.1f} points: what cross-entropy has for sure "
            "is a wider range of rates. Ten classes: E15.",
        ],
    )


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

    dE_do = 8 * binary_cross_entropy_gradient(o, t)
    by_o = gradient(lambda o: 8 * binary_cross_entropy(o, t), o)
    chain = dE_do * backprop.ACTIVATIONS["sigmoid"][1](z)
    from_logits = 8 * binary_cross_entropy_from_logits_gradient(z, t)
    return Outcome(
        [
            Check("dE/do in scratch against autograd", dE_do, by_o, 1e-11),
            Check("dE/do in scratch against the slide", dE_do, (o - t) / (o * (1 - o)), 1e-11),
            Check("dE/do do/dz in scratch against o - t", chain, o - t, 1e-12),
            Check("dE/dz in scratch against o - t", from_logits, o - t, 1e-12),
            Check("o - t against autograd's dE/dz", o - t, gradient(E, z), 1e-12),
            Check("o - t against finite differences", o - t, finite_difference(E, z), 1e-8),
            Check("o - t against softmax and cross-entropy", o - t, gradient(E_softmax, z), 1e-12),
        ],
        [f"o - t = {rounded(o - t)}", "For more than two classes a slide says otherwise: E5."],
    )


@claim(
    "E5",
    lectures=["002"],
    slide="Multi-class Classification",
    says="Cross-entropy and softmax: do_k/dz_k = o_k (1 - o_k); dE/dz_k = sum_j dE/do_j do_j/dz_k = (o_k - "
    "t_k) o_k (1 - o_k). [The first is right, but only j = k. With do_j/dz_k = -o_j o_k for the others, "
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
    trained = cross_entropy_gradient(z[None], torch.tensor([1]))[0]  # of intro_dl/scratch/train_by_hand.py
    model = MLP((3,), 3, hidden=())
    by_model = gradient(lambda z: model.loss(z[None], torch.tensor([1])), z)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, dim=0), z)  # do_j/dz_k at (j, k)
    by_hand = backprop.softmax_jacobian(o[None])[0]
    sums = (-t / o) @ by_hand  # sum_j dE/do_j do_j/dz_k, with all terms
    return Outcome(
        [
            Check("the slide, at z = (1, 2, 0.5), t = (0, 1, 0)", slide, numbers(0.041, -0.087, 0.017), 5e-4),
            Check("o - t", right, numbers(0.231, -0.371, 0.140), 5e-4),
            Check("the two differ", slide, right, 0.1, differ=True),
            Check("o - t against finite differences", right, finite_difference(E, z), 1e-9),
            Check("o - t against autograd", right, gradient(E, z), 1e-12),
            Check("the gradient that scratch trains with", trained, gradient(E, z), 1e-12),
            Check("the gradient that model=mlp trains with", by_model, right, 1e-6),
            Check("the slide's do_k/dz_k against autograd's", o * (1 - o), jacobian.diagonal(), 1e-12),
            Check("all of do/dz in scratch, with -o_j o_k, against autograd's", by_hand, jacobian, 1e-12),
            Check("the slide's sum over j, with all its terms, is o - t", sums, right, 1e-12),
        ],
        [
            f"o = {rounded(o)}",
            f"slide: (o - t) o (1 - o) = {rounded(slide)}, the gradient of the squared loss with a sigmoid",
            f"right: o - t = {rounded(right)}",
            *(f"do_{j + 1}/dz = {rounded(by_hand[j])}" for j in range(3)),
        ],
    )
