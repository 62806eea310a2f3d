"""Lecture 002: the forward pass, and every delta of the backward pass."""

from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import finite_difference, gradient, normal, numbers, rounded
from intro_dl.models.regressor import MLPRegressor
from intro_dl.scratch import backprop
from intro_dl.scratch.losses import (
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
    "function",
    right="Error gradient is computable for any differentiable activation function g(), and any "
    "differentiable error function; a few kinks, as that of ReLU, do no harm",
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
    says="Assuming the error function is mean-squared error (MSE), on a single training example n, we have "
    "dE/do_k = o_k - t_k",
    right="Assuming the error function is half the sum of squares, E = 1/2 sum_k (o_k - t_k)^2, on a single "
    "training example n, we have dE/do_k = o_k - t_k",
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
