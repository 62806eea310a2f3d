"""The RNN and the LSTM cell of lecture 001, run over a sequence, and back-propagated through time by hand.

A step takes inputs (B, m) and states (B, H): B sequences side by side, m features, H hidden units. A run
takes inputs (T, B, m): T steps. The forward functions are plain tensor operations, so autograd trains them
too; the backward functions are the chain rule written out, where dX stands for dL/dX.

Source: lecture 001, "Recurrent Neural Networks (RNN)", "RNNs: Computational Graph Across Time" and "LSTM".
"""

from typing import NamedTuple

import torch
from torch import Tensor


def rnn_cell(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> tuple[Tensor, Tensor]:
    """Mix the new input with the old state, squash, and read the output off the new state.

    h_t = tanh(W_hh^T h_{t-1} + W_xh^T x_t),  y_t = W_hy^T h_t. With one sequence per row, W^T x is x @ W.

    Args:
        x: input x_t (B, m).
        h: old state h_{t-1} (B, H).
        W_xh, W_hh, W_hy: weights (m, H), (H, H), (H, n); no biases, as on the slide. `nn.RNN(bias=False)` has
            the transposes of the first two as `weight_ih_l0` and `weight_hh_l0`.

    Returns:
        Output y_t (B, n) and new state h_t (B, H).

    Source: lecture 001, "Update Hidden State" and "Output Vector". (The code on "RNN Implementation"
    multiplies elementwise where the formula has matrix products.)
    """
    _check_rnn(x, h, W_xh, W_hh, W_hy)
    h = torch.tanh(h @ W_hh + x @ W_xh)  # (B, H)
    return h @ W_hy, h


def rnn(x: Tensor, h0: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> tuple[Tensor, Tensor]:
    """Apply the same cell, with the same weights, at every time step.

    Args:
        x: inputs (T, B, m), T at least 1.
        h0: first state (B, H). Weights as in `rnn_cell`.

    Returns:
        Outputs y (T, B, n) and states h (T, B, H); the last state is h[-1].
    """
    _check_sequence(x)
    h, ys, hs = h0, [], []
    for x_t in x:
        y, h = rnn_cell(x_t, h, W_xh, W_hh, W_hy)
        ys.append(y)
        hs.append(h)
    return torch.stack(ys), torch.stack(hs)


class RNNGradients(NamedTuple):
    """dL/d(each argument of `rnn`), shaped as that argument."""

    x: Tensor
    h0: Tensor
    W_xh: Tensor
    W_hh: Tensor
    W_hy: Tensor


def rnn_backward(
    dy: Tensor, x: Tensor, h0: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor
) -> RNNGradients:
    """Back-propagate through time: errors flow from the last step to the first, and each step adds a term.

    Args:
        dy: dL/dy (T, B, n), how the loss changes with each output.
        x, h0, W_xh, W_hh, W_hy: what `rnn` was given.
        h: the states (T, B, H) that `rnn` returned.
    """
    dx = torch.zeros_like(x)
    dW_xh, dW_hh, dW_hy = torch.zeros_like(W_xh), torch.zeros_like(W_hh), torch.zeros_like(W_hy)
    dh = torch.zeros_like(h0)  # gradient from later steps; the last step has none
    for t in reversed(range(len(x))):
        h_before = h[t - 1] if t > 0 else h0
        dW_hy += h[t].T @ dy[t]
        dh = dh + dy[t] @ W_hy.T  # h_t feeds the output and the next step
        da = dh * (1 - h[t] ** 2)  # through tanh: tanh' = 1 - tanh^2
        dW_hh += h_before.T @ da
        dW_xh += x[t].T @ da
        dx[t] = da @ W_xh.T
        dh = da @ W_hh.T  # on to h_{t-1}: one factor of W_hh and tanh' per step
    return RNNGradients(dx, dh, dW_xh, dW_hh, dW_hy)


class Gates(NamedTuple):
    """The gates of an LSTM at one step, each (B, H); f, i and o lie in (0, 1), the candidate in (-1, 1)."""

    f: Tensor  # 1) forget: how much of the old cell state to keep
    i: Tensor  # 2) store: how much of the candidate to write
    o: Tensor  # 4) output: how much of the cell state to show
    c_tilde: Tensor  # the candidate to write


def lstm_gates(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Gates:
    """Compute each gate as a dense layer on the new input and the old state: f = sigma(W_f x + U_f h + b_f).

    Args: as for `lstm_cell`.
    """
    _check_lstm(x, h, W, U, b)
    f, i, o, c_tilde = (x @ W.T + h @ U.T + b).chunk(4, dim=-1)  # each (B, H)
    return Gates(torch.sigmoid(f), torch.sigmoid(i), torch.sigmoid(o), torch.tanh(c_tilde))


def lstm_cell(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Forget some of the memory, write something new, and show a part of it.

    c_t = f_t o c_{t-1} + i_t o c~_t,  h_t = o_t o tanh(c_t).

    Args:
        x: input x_t (B, m).
        h, c: old output and old cell state h_{t-1}, c_{t-1} (B, H).
        W: input weights (4H, m): W_f, W_i, W_o, W_c stacked in the order of the slide.
        U: state weights (4H, H) and b: biases (4H,), stacked alike.

    `nn.LSTM` stacks i, f, g, o instead (g is the slide's c~) and has two biases, of which
    only the sum matters. `slide_order` turns its parameters into W, U, b.

    Returns:
        New output h_t and new cell state c_t, both (B, H).

    Source: lecture 001, "LSTM" (1 forget, 2 store, 3 update, 4 output), with sigma_c = sigma_h = tanh.
    """
    if c.shape != h.shape:
        raise ValueError(f"cell states {_shape(c)} do not fit states {_shape(h)}: give both as (B, H)")
    f, i, o, c_tilde = lstm_gates(x, h, W, U, b)
    c = f * c + i * c_tilde  # 3) update
    return o * torch.tanh(c), c


def lstm(x: Tensor, h0: Tensor, c0: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Apply the same LSTM cell at every time step.

    Args:
        x: inputs (T, B, m), T at least 1.
        h0, c0: first output and cell state (B, H). Weights as in `lstm_cell`.

    Returns:
        All outputs h and all cell states c, both (T, B, H); the last ones are h[-1] and c[-1].
    """
    _check_sequence(x)
    h, c, hs, cs = h0, c0, [], []
    for x_t in x:
        h, c = lstm_cell(x_t, h, c, W, U, b)
        hs.append(h)
        cs.append(c)
    return torch.stack(hs), torch.stack(cs)


class LSTMGradients(NamedTuple):
    """dL/d(each argument of `lstm` or `lstm_cell`), shaped as that argument."""

    x: Tensor
    h0: Tensor
    c0: Tensor
    W: Tensor
    U: Tensor
    b: Tensor


def lstm_cell_backward(
    dh: Tensor, dc: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> LSTMGradients:
    """Send the errors of one step's new output and new cell state back to everything that the step was given.

    Args:
        dh, dc: dL/dh_t and dL/dc_t (B, H); dc is the gradient from later steps only, without h_t's.
        x, h, c, W, U, b: what `lstm_cell` was given.
    """
    f, i, o, c_tilde = lstm_gates(x, h, W, U, b)
    tanh_c = torch.tanh(f * c + i * c_tilde)

    do = dh * tanh_c  # h_t = o o tanh(c_t)
    dc = dc + dh * o * (1 - tanh_c**2)
    df, di, dc_tilde = dc * c, dc * c_tilde, dc * i  # c_t = f o c_{t-1} + i o c~

    da_f, da_i, da_o = df * f * (1 - f), di * i * (1 - i), do * o * (1 - o)  # sigma' = sigma (1 - sigma)
    da_c = dc_tilde * (1 - c_tilde**2)  # tanh' = 1 - tanh^2
    da = torch.cat([da_f, da_i, da_o, da_c], dim=-1)  # (B, 4H)
    return LSTMGradients(x=da @ W, h0=da @ U, c0=dc * f, W=da.T @ x, U=da.T @ h, b=da.sum(dim=0))


def lstm_backward(
    dh: Tensor, x: Tensor, h0: Tensor, c0: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> LSTMGradients:
    """Back-propagate an LSTM through time: from c_t to c_{t-1} an error is only multiplied by f_t.

    While the forget gate stays open it does not vanish, unlike in `rnn_backward`.

    Args:
        dh: dL/dh (T, B, H), how the loss changes with each output.
        x, h0, c0, W, U, b: what `lstm` was given.
        h, c: the outputs and cell states (T, B, H) that `lstm` returned.
    """
    dx = torch.zeros_like(x)
    dW, dU, db = torch.zeros_like(W), torch.zeros_like(U), torch.zeros_like(b)
    dh_later, dc_later = torch.zeros_like(h0), torch.zeros_like(c0)  # gradients from later steps
    for t in reversed(range(len(x))):
        h_before, c_before = (h[t - 1], c[t - 1]) if t > 0 else (h0, c0)
        step = lstm_cell_backward(dh[t] + dh_later, dc_later, x[t], h_before, c_before, W, U, b)
        dx[t], dh_later, dc_later = step.x, step.h0, step.c0
        dW += step.W
        dU += step.U
        db += step.b
    return LSTMGradients(dx, dh_later, dc_later, dW, dU, db)


def slide_order(
    weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Turn a layer of `nn.LSTM` into the slide's W, U, b: from i, f, g, o to f, i, o, c~, biases added.

    Gradients pass through to the four tensors, so a layer trained this way learns exactly as `nn.LSTM` does.

    Args:
        weight_ih, weight_hh, bias_ih, bias_hh: (4H, m), (4H, H), (4H,), (4H,), e.g. `nn.LSTM.weight_ih_l0`.
    """
    stacked = []
    for values in (weight_ih, weight_hh, bias_ih + bias_hh):
        i, f, g, o = values.chunk(4)
        stacked.append(torch.cat([f, i, o, g]))
    W, U, b = stacked
    return W, U, b


def _check_rnn(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> None:
    hidden = W_hh.shape[0]
    if x.shape[:-1] != h.shape[:-1]:
        raise ValueError(f"inputs {_shape(x)} do not fit states {_shape(h)}: give one state for each input")
    if W_xh.shape != (x.shape[-1], hidden):
        raise ValueError(
            f"W_xh {_shape(W_xh)} does not fit inputs {_shape(x)} and W_hh {_shape(W_hh)}: give (m, H)"
        )
    if W_hh.shape != (h.shape[-1], hidden):
        raise ValueError(f"W_hh {_shape(W_hh)} does not fit states {_shape(h)}: give (H, H)")
    if W_hy.shape[0] != hidden:
        raise ValueError(f"W_hy {_shape(W_hy)} does not fit states {_shape(h)}: give (H, n)")


def _check_lstm(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> None:
    features, hidden = x.shape[-1], h.shape[-1]
    if x.shape[:-1] != h.shape[:-1]:
        raise ValueError(f"inputs {_shape(x)} do not fit states {_shape(h)}: give one state for each input")
    for name, values, needed in (
        ("W", W, (4 * hidden, features)),
        ("U", U, (4 * hidden, hidden)),
        ("b", b, (4 * hidden,)),
    ):
        if values.shape != needed:
            raise ValueError(
                f"{name} {_shape(values)} does not fit inputs {_shape(x)} and states {_shape(h)}: "
                f"give {needed}"
            )


def _check_sequence(x: Tensor) -> None:
    if x.ndim < 2 or len(x) == 0:
        raise ValueError(f"inputs {_shape(x)} are not a sequence: give (T, B, m) with at least one step")


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
