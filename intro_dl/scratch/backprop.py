"""Back-propagation by hand, with every error named as on the slides of lecture 002.

On the slides delta_k^z is the error at z_k, i.e. dE/dz_k; here `delta_z[n, k]` is that of example n.
Activities are (B, units), weights (outputs, inputs) as in w_kj, and E is summed over the B examples.

Source: lecture 002, from "Forward Pass" to "Multi-class Classification". Where a slide is wrong, the
corrected formula names its erratum (E4, E5, E7).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


def sigmoid(z: Tensor) -> Tensor:
    """Squash any number into (0, 1): sigma(z) = 1 / (1 + exp(-z))."""
    return 1 / (1 + torch.exp(-z))


def tanh(z: Tensor) -> Tensor:
    """Squash any number into (-1, 1): (exp(z) - exp(-z)) / (exp(z) + exp(-z)), without its overflow."""
    return 2 * sigmoid(2 * z) - 1


def relu(z: Tensor) -> Tensor:
    """Replace negative numbers by 0: max(0, z)."""
    return torch.clamp(z, min=0)


# name: (function, derivative), both of the net input z. Source: lecture 002, "Useful Derivatives".
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (tanh, lambda z: 1 / torch.cosh(z) ** 2),
    "relu": (relu, lambda z: (z > 0).to(z.dtype)),  # 0 at z = 0, as on the slide and in torch
    "linear": (lambda z: z, torch.ones_like),
}


# One layer --------------------------------------------------------------------------------------------------


def single_layer_update(x: Tensor, t: Tensor, w: Tensor, w0: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """Move each weight against (o - t) o (1 - o) x: how wrong, how undecided, and how much input there was.

    Args:
        x: inputs (B, D).
        t: targets (B, K).
        w, w0: weights w_ki (K, D) and biases w_k0 (K,) of o_k = sigma(w_k0 + sum_i w_ki x_i).
        eta: learning rate; E is the squared loss sum_n sum_k 1/2 (o_k - t_k)^2.

    Returns:
        The new w and w0.

    Source: lecture 002, "Gradient Descent for Single Layer Network".
    """
    _check_layer("x", x, "w", w, w0)
    o = sigmoid(w0 + x @ w.T)  # (B, K)
    _check_same("t", t, "o", o)
    delta_o = o - t
    delta_z = delta_o * o * (1 - o)
    return w - eta * delta_z.T @ x, w0 - eta * delta_z.sum(dim=0)


# Two layers -------------------------------------------------------------------------------------------------


class TwoLayerValues(NamedTuple):
    """The values of all units of the two-layer network."""

    u: Tensor  # net input of the hidden units (B, J)
    h: Tensor  # hidden activities (B, J)
    z: Tensor  # net input of the output units (B, K)
    o: Tensor  # outputs (B, K)


def two_layer_forward(
    x: Tensor, v: Tensor, v0: Tensor, w: Tensor, w0: Tensor, f: str = "sigmoid", g: str = "sigmoid"
) -> TwoLayerValues:
    """Compute the outputs from the inputs: h_j = f(v_j0 + sum_i x_i v_ji), o_k = g(w_k0 + sum_j h_j w_kj).

    Args:
        x: inputs (B, D).
        v, v0: hidden weights v_ji (J, D) and biases v_j0 (J,).
        w, w0: output weights w_kj (K, J) and biases w_k0 (K,).
        f, g: activations of the hidden and of the output units: a name in `ACTIVATIONS`.

    Source: lecture 002, "Forward Pass".
    """
    _check_layer("x", x, "v", v, v0)
    u = v0 + x @ v.T
    h = _activation(f)[0](u)
    _check_layer("h", h, "w", w, w0)
    z = w0 + h @ w.T
    o = _activation(g)[0](z)
    return TwoLayerValues(u, h, z, o)


class TwoLayerErrors(NamedTuple):
    """How fast the error changes with each activity and each weight, in the order of computation."""

    delta_o: Tensor  # delta_k^o = dE/do_k (B, K)
    delta_z: Tensor  # delta_k^z = dE/dz_k (B, K)
    dE_dw: Tensor  # (K, J)
    dE_dw0: Tensor  # (K,)
    delta_h: Tensor  # delta_j^h = dE/dh_j (B, J)
    delta_u: Tensor  # delta_j^u = dE/du_j (B, J)
    dE_dv: Tensor  # (J, D)
    dE_dv0: Tensor  # (J,)


def two_layer_backward(
    x: Tensor, t: Tensor, w: Tensor, values: TwoLayerValues, f: str = "sigmoid", g: str = "sigmoid"
) -> TwoLayerErrors:
    """Send errors back through the same weights: a hidden unit collects its influence on each output.

    Args:
        x, t: inputs (B, D) and targets (B, K); the loss is E = sum_n sum_k 1/2 (o_k - t_k)^2.
        w: output weights w_kj (K, J).
        values: what `two_layer_forward` returned, with the same activations `f` and `g`.

    Source: lecture 002, "Computing Gradients: Single Layer Network" and "Gradient Descent for
    Multi-layer Network".
    """
    u, h, z, o = values
    _check_same("t", t, "o", o)
    delta_o = o - t
    delta_z = delta_o * _activation(g)[1](z)
    dE_dw = delta_z.T @ h  # sum_n delta_k^z h_j
    delta_h = delta_z @ w  # sum_k delta_k^z w_kj
    delta_u = delta_h * _activation(f)[1](u)
    dE_dv = delta_u.T @ x  # sum_n delta_j^u x_i
    return TwoLayerErrors(
        delta_o, delta_z, dE_dw, delta_z.sum(dim=0), delta_h, delta_u, dE_dv, delta_u.sum(dim=0)
    )


# Modules 1 to 5 ---------------------------------------------------------------------------------------------


class Case2Values(NamedTuple):
    """The values of modules 1 to 5 in the forward pass."""

    a: Tensor  # module 1 (B, D)
    z: Tensor  # module 2 (B, D)
    b: Tensor  # module 3 (B,)
    y: Tensor  # module 4 (B,)
    J: Tensor  # module 5 (B,)


def case_2_forward(x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor) -> Case2Values:
    """Evaluate a network with one output as five modules in a row; each sees only its own input.

    Args:
        x: inputs (B, M + 1); the slide's sums start at 0, so set x_0 = 1 for a bias.
        y_star: true classes (B,), 0 or 1.
        alpha: hidden weights alpha_ji (D, M + 1).
        beta: output weights beta_j (D,).

    J is the log-likelihood as on the slide, so training maximizes it; the loss to minimize is -J. The
    exponentials are also the slide's: in float32 y rounds to 1 from b = 17 on, and log(1 - y) is -inf.

    Source: lecture 002, "Backpropagation", case 2.
    """
    _check_layer("x", x, "alpha", alpha, beta)
    _check_same("y_star", y_star, "y", x[:, 0])
    a = x @ alpha.T  # module 1: a_j = sum_i alpha_ji x_i
    z = 1 / (1 + torch.exp(-a))  # module 2
    b = z @ beta  # module 3: b = sum_j beta_j z_j
    y = 1 / (1 + torch.exp(-b))  # module 4
    J = y_star * torch.log(y) + (1 - y_star) * torch.log(1 - y)  # module 5
    return Case2Values(a, z, b, y, J)


class Case2Gradients(NamedTuple):
    """The gradients of modules 5 to 1 in the backward pass."""

    dJ_dy: Tensor  # module 5 (B,)
    dJ_db: Tensor  # module 4 (B,)
    dJ_dbeta: Tensor  # module 3 (D,), summed over the examples
    dJ_dz: Tensor  # module 3 (B, D)
    dJ_da: Tensor  # module 2 (B, D)
    dJ_dalpha: Tensor  # module 1 (D, M + 1), summed over the examples
    dJ_dx: Tensor  # module 1 (B, M + 1)


def case_2_backward(
    x: Tensor, y_star: Tensor, alpha: Tensor, beta: Tensor, values: Case2Values
) -> Case2Gradients:
    """Go back from module to module: each multiplies the gradient from above by its own derivative.

    Two corrections to the slides. E4: dJ/dy has (y - 1) in the denominator, where one slide has (1 - y). E7:
    da_j/dx_i is alpha_ji; the sum over j belongs to dJ/dx_i, because x_i reaches J through every a_j.

    Args: as for `case_2_forward`; values: its result.
    """
    a, z, b, y, _ = values
    dJ_dy = y_star / y + (1 - y_star) / (y - 1)  # module 5
    dJ_db = dJ_dy * torch.exp(-b) / (torch.exp(-b) + 1) ** 2  # module 4
    dJ_dbeta = dJ_db @ z  # module 3: db/dbeta_j = z_j
    dJ_dz = dJ_db[:, None] * beta  # module 3: db/dz_j = beta_j
    dJ_da = dJ_dz * torch.exp(-a) / (torch.exp(-a) + 1) ** 2  # module 2
    dJ_dalpha = dJ_da.T @ x  # module 1: da_j/dalpha_ji = x_i
    dJ_dx = dJ_da @ alpha  # module 1: sum_j dJ/da_j alpha_ji
    return Case2Gradients(dJ_dy, dJ_db, dJ_dbeta, dJ_dz, dJ_da, dJ_dalpha, dJ_dx)


# Softmax ----------------------------------------------------------------------------------------------------


def softmax_jacobian(o: Tensor) -> Tensor:
    """Return the Jacobian of softmax: do_j/dz_k is o_k (1 - o_k) if j = k, else -o_j o_k.

    Raising one score lowers all other probabilities. The slide gives only the diagonal and treats it as the
    whole Jacobian (E5).

    Args:
        o: probabilities (B, K).

    Returns:
        do_j/dz_k at [n, j, k], (B, K, K).
    """
    return torch.diag_embed(o) - o[:, :, None] * o[:, None, :]


def softmax_cross_entropy_delta(z: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy after softmax and its error at the scores, output minus target: o_k - t_k.

    The slide has delta_k^z = (o_k - t_k) o_k (1 - o_k), which belongs to the squared loss (E5).

    Args:
        z: scores (B, K).
        t: targets (B, K), each row summing to 1, e.g. one-hot.

    Returns:
        E = -sum_n sum_k t_k log o_k, and delta_z (B, K).

    Source: lecture 002, "Multi-class Classification".
    """
    _check_same("t", t, "z", z)
    log_o = z - torch.logsumexp(z, dim=1, keepdim=True)  # log of softmax, finite for any score
    return -(t * log_o).sum(), torch.exp(log_o) - t


# Many layers ------------------------------------------------------------------------------------------------


def multi_layer_forward(
    x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], activations: Sequence[str]
) -> tuple[list[Tensor], list[Tensor]]:
    """Repeat the same step for every layer: u = b + W h, then h = f(u).

    Args:
        x: inputs (B, D).
        weights, biases: one (outputs, inputs) and one (outputs,) per layer, first layer first.
        activations: one name in `ACTIVATIONS` per layer.

    Returns:
        Net inputs u, one per layer, and activities h, where h[0] is x and h[-1] the output.

    Source: lecture 002, "Neural Network Architecture (Multi-Layer Perceptron)".
    """
    if not len(weights) == len(biases) == len(activations):
        raise ValueError(
            f"{len(weights)} weights, {len(biases)} biases and {len(activations)} activations: "
            "give one of each per layer"
        )
    u, h = [], [x]
    for W, b, f in zip(weights, biases, activations, strict=True):
        _check_layer("activities", h[-1], "weights", W, b)
        u.append(b + h[-1] @ W.T)
        h.append(_activation(f)[0](u[-1]))
    return u, h


def multi_layer_backward(
    delta_h: Tensor, weights: Sequence[Tensor], u: list[Tensor], h: list[Tensor], activations: Sequence[str]
) -> tuple[list[Tensor], list[Tensor]]:
    """Repeat the same step from the last layer to the first: net input, weights, layer below.

    Args:
        delta_h: dE/dh of the output (B, K): `o - t` for the squared loss; for softmax and cross-entropy make
            the last layer "linear" and use `softmax_cross_entropy_delta`.
        weights, activations: as in `multi_layer_forward`.
        u, h: what `multi_layer_forward` returned.

    Returns:
        dE/dW and dE/db, one per layer, first layer first.

    Source: lecture 002, "Gradient Descent for Multi-layer Network".
    """
    dE_dW, dE_db = [], []
    for layer in reversed(range(len(weights))):
        delta_u = delta_h * _activation(activations[layer])[1](u[layer])
        dE_dW.insert(0, delta_u.T @ h[layer])
        dE_db.insert(0, delta_u.sum(dim=0))
        delta_h = delta_u @ weights[layer]
    return dE_dW, dE_db


def gradient_norm_per_layer(
    x: Tensor, t: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], activation: str
) -> list[float]:
    """Measure how much of the error reaches each layer: through sigmoids it shrinks at every layer.

    A sigmoid's derivative is at most 1/4, and ReLU's is 1 wherever the unit is active.

    Args:
        x, t: inputs (B, D) and targets (B, K), each row of t summing to 1; the loss is softmax cross-entropy,
            averaged over the examples.
        weights, biases: as in `multi_layer_forward`.
        activation: of every hidden layer: "sigmoid", "tanh" or "relu".

    Returns:
        The norm of dE/dW of each layer, first layer first.

    Source: lecture 001, "Technical problems: gradient vanishing"; lecture 004, "Gradients for layers far from
    the output vanish to zero" (Glorot and Bengio, 2010).
    """
    activations = [activation] * (len(weights) - 1) + ["linear"]
    u, h = multi_layer_forward(x, weights, biases, activations)
    _, delta_z = softmax_cross_entropy_delta(h[-1], t)
    dE_dW, _ = multi_layer_backward(delta_z / len(x), weights, u, h, activations)
    return [gradient.norm().item() for gradient in dE_dW]


def _activation(name: str) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    if name not in ACTIVATIONS:
        raise ValueError(f"Unknown activation {name!r}: choose from {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _check_layer(x_name: str, x: Tensor, w_name: str, w: Tensor, w0: Tensor) -> None:
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1]:
        raise ValueError(
            f"{x_name} {tuple(x.shape)} does not fit {w_name} {tuple(w.shape)}: "
            f"give {x_name} as (examples, inputs) and {w_name} as (outputs, inputs)"
        )
    if w0.shape != w.shape[:1]:
        raise ValueError(
            f"values {tuple(w0.shape)} do not fit the rows of {w_name} {tuple(w.shape)}: give one per row"
        )


def _check_same(name: str, tensor: Tensor, other_name: str, other: Tensor) -> None:
    if tensor.shape != other.shape:
        raise ValueError(
            f"{name} {tuple(tensor.shape)} does not fit {other_name} {tuple(other.shape)}: give equal shapes"
        )
