"""The recurrent cells written by hand are torch's, and back-propagation through time equals autograd."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from intro_dl.scratch import recurrent

pytestmark = pytest.mark.quick

modest = settings(max_examples=25, deadline=None, derandomize=True)
sizes = {
    "steps": st.integers(1, 6),
    "batch": st.integers(1, 3),
    "features": st.integers(1, 4),
    "hidden": st.integers(1, 4),
    "seed": st.integers(0, 10_000),
}


def random(seed: int, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]


def rnn_arguments(steps, batch, features, hidden, seed, outputs=2) -> list[torch.Tensor]:
    shapes = (
        (steps, batch, features),
        (batch, hidden),
        (features, hidden),
        (hidden, hidden),
        (hidden, outputs),
    )
    return random(seed, *shapes)


def lstm_twin(features: int, hidden: int, seed: int) -> tuple[nn.LSTM, list[torch.Tensor]]:
    twin = nn.LSTM(features, hidden).double()
    for parameter, values in zip(
        twin.parameters(), random(seed + 1, *[p.shape for p in twin.parameters()]), strict=True
    ):
        parameter.data = values.detach()
    return twin, list(twin.parameters())


def assert_close(mine, theirs, atol):
    torch.testing.assert_close(mine, theirs, rtol=0, atol=atol)


@modest
@given(**sizes)
def test_rnn_equals_torch_with_the_weights_transposed(steps, batch, features, hidden, seed):
    x, h0, W_xh, W_hh, W_hy = rnn_arguments(steps, batch, features, hidden, seed)
    twin = nn.RNN(features, hidden, bias=False).double()
    weights = {"weight_ih_l0": W_xh.T, "weight_hh_l0": W_hh.T}
    their_h, _ = torch.func.functional_call(twin, weights, (x, h0[None]))
    y, h = recurrent.rnn(x, h0, W_xh, W_hh, W_hy)
    assert_close(h, their_h, 1e-10)
    assert_close(y, their_h @ W_hy, 1e-10)


@modest
@given(**sizes)
def test_rnn_back_propagation_through_time_equals_autograd(steps, batch, features, hidden, seed):
    arguments = rnn_arguments(steps, batch, features, hidden, seed)
    y, h = recurrent.rnn(*arguments)
    (dy,) = random(seed + 1, tuple(y.shape))
    with torch.no_grad():
        x, h0, *weights = arguments
        mine = recurrent.rnn_backward(dy, x, h0, h, *weights)
    for name, gradient, expected in zip(
        mine._fields, mine, torch.autograd.grad(y, arguments, dy), strict=True
    ):
        torch.testing.assert_close(
            gradient, expected, rtol=0, atol=1e-8, msg=lambda text, n=name: f"{n}: {text}"
        )


@modest
@given(**sizes)
def test_lstm_equals_torch_in_the_slides_gate_order(steps, batch, features, hidden, seed):
    twin, parameters = lstm_twin(features, hidden, seed)
    x, h0, c0 = random(seed, (steps, batch, features), (batch, hidden), (batch, hidden))
    h, c = recurrent.lstm(x, h0, c0, *recurrent.slide_order(*parameters))
    their_h, (_, their_last_c) = twin(x, (h0[None], c0[None]))
    assert_close(h, their_h, 1e-10)
    assert_close(c[-1], their_last_c[0], 1e-10)

    (dh,) = random(seed + 2, tuple(h.shape))
    leaves = [x, h0, c0, *parameters]
    for mine, theirs in zip(
        torch.autograd.grad(h, leaves, dh), torch.autograd.grad(their_h, leaves, dh), strict=True
    ):
        assert_close(mine, theirs, 1e-8)


@modest
@given(**sizes)
def test_lstm_back_propagation_through_time_equals_autograd(steps, batch, features, hidden, seed):
    shapes = (steps, batch, features), (batch, hidden), (batch, hidden)
    weights = (4 * hidden, features), (4 * hidden, hidden), (4 * hidden,)
    arguments = random(seed, *shapes, *weights)
    h, c = recurrent.lstm(*arguments)
    (dh,) = random(seed + 1, tuple(h.shape))
    with torch.no_grad():
        x, h0, c0, W, U, b = arguments
        mine = recurrent.lstm_backward(dh, x, h0, c0, h, c, W, U, b)
    for name, gradient, expected in zip(
        mine._fields, mine, torch.autograd.grad(h, arguments, dh), strict=True
    ):
        torch.testing.assert_close(
            gradient, expected, rtol=0, atol=1e-8, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_a_batch_is_sequences_side_by_side():
    x, h0, *weights = rnn_arguments(steps=4, batch=3, features=2, hidden=3, seed=0)
    y, _ = recurrent.rnn(x, h0, *weights)
    for row in range(3):
        alone, _ = recurrent.rnn(x[:, row : row + 1], h0[row : row + 1], *weights)
        assert_close(y[:, row : row + 1], alone, 1e-12)


def test_the_gates_lie_between_closed_and_open():
    x, h, W, U, b = random(0, (5, 2), (5, 3), (12, 2), (12, 3), (12,))
    gates = recurrent.lstm_gates(x, h, W, U, b)
    for gate in gates[:3]:
        assert ((0 < gate) & (gate < 1)).all()
    assert (gates.c_tilde.abs() < 1).all()


def test_a_forget_gate_held_open_keeps_the_memory_and_its_gradient_over_100_steps():
    x, c0 = random(0, (100, 1, 2), (1, 3))
    W, U = torch.zeros(12, 2).double(), torch.zeros(12, 3).double()
    b = torch.cat(
        [torch.full((3,), 50.0), torch.full((3,), -50.0), torch.zeros(6)]
    ).double()  # f open, i closed
    _, c = recurrent.lstm(x, torch.zeros(1, 3).double(), c0, W, U, b)
    assert_close(c[-1], c0, 1e-10)
    (gradient,) = torch.autograd.grad(c[-1].sum(), c0)
    assert_close(gradient, torch.ones_like(gradient), 1e-10)


def test_an_rnn_with_small_weights_forgets_its_first_state_exponentially():
    x, h0, W_xh, W_hh, W_hy = (a.detach() for a in rnn_arguments(30, 1, 2, 3, seed=0))
    W_hh = 0.5 * W_hh / torch.linalg.matrix_norm(W_hh, 2)
    _, h = recurrent.rnn(x, h0, W_xh, W_hh, W_hy)
    dy = torch.zeros(30, 1, 2, dtype=torch.float64)
    dy[-1] = 1.0
    dh_last = (dy[-1] @ W_hy.T).norm()
    assert recurrent.rnn_backward(dy, x, h0, h, W_xh, W_hh, W_hy).h0.norm() <= 0.5**30 * dh_last


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


RNN_WEIGHTS = zeros(3, 4), zeros(4, 4), zeros(4, 2)
LSTM_WEIGHTS = zeros(16, 3), zeros(16, 4), zeros(16)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: recurrent.rnn_cell(zeros(2, 5), zeros(2, 4), *RNN_WEIGHTS),
            "W_xh (3, 4) does not fit inputs (2, 5)",
        ),
        (
            lambda: recurrent.rnn_cell(zeros(2, 3), zeros(2, 5), *RNN_WEIGHTS),
            "W_hh (4, 4) does not fit states (2, 5)",
        ),
        (
            lambda: recurrent.rnn_cell(zeros(2, 3), zeros(1, 4), *RNN_WEIGHTS),
            "inputs (2, 3) do not fit states (1, 4)",
        ),
        (
            lambda: recurrent.rnn_cell(zeros(2, 3), zeros(2, 4), *RNN_WEIGHTS[:2], zeros(5, 2)),
            "W_hy (5, 2) does not fit states (2, 4)",
        ),
        (
            lambda: recurrent.rnn(zeros(0, 2, 3), zeros(2, 4), *RNN_WEIGHTS),
            "inputs (0, 2, 3) are not a sequence",
        ),
        (
            lambda: recurrent.lstm_cell(zeros(2, 5), zeros(2, 4), zeros(2, 4), *LSTM_WEIGHTS),
            "W (16, 3) does not fit inputs (2, 5) and states (2, 4): give (16, 5)",
        ),
        (
            lambda: recurrent.lstm_cell(zeros(2, 3), zeros(2, 4), zeros(2, 5), *LSTM_WEIGHTS),
            "cell states (2, 5) do not fit states (2, 4)",
        ),
        (
            lambda: recurrent.lstm(zeros(6, 2, 3), zeros(3, 4), zeros(3, 4), *LSTM_WEIGHTS),
            "inputs (2, 3) do not fit states (3, 4)",
        ),
        (
            lambda: recurrent.lstm_cell(zeros(2, 3), zeros(2, 4), zeros(2, 4), *LSTM_WEIGHTS[:2], zeros(4)),
            "b (4,) does not fit",
        ),
        (
            lambda: recurrent.lstm(zeros(0, 2, 3), zeros(2, 4), zeros(2, 4), *LSTM_WEIGHTS),
            "at least one step",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused_naming_both(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
