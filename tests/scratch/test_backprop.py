"""Back-propagation written by hand gives the gradients of autograd, in the slides' notation, in float64."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from intro_dl.scratch import backprop

pytestmark = pytest.mark.quick

modest = settings(max_examples=25, deadline=None, derandomize=True)
small = st.integers(1, 4)
seeds = st.integers(0, 10_000)
names = st.sampled_from(["sigmoid", "tanh", "relu", "linear"])
TORCH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}


def random(seed: int, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]


def assert_close(mine, theirs, atol=1e-8):
    torch.testing.assert_close(mine, theirs, rtol=0, atol=atol)


def squared_loss(o, t):
    return ((o - t) ** 2).sum() / 2


@pytest.mark.parametrize("name", TORCH)
def test_activations_and_their_derivatives_equal_torch(name):
    z = (torch.arange(-300, 301, dtype=torch.float64) / 10).requires_grad_()  # has z = 0, where ReLU' is 0
    function, derivative = backprop.ACTIVATIONS[name]
    expected = TORCH[name](z)
    assert_close(function(z), expected, 1e-10)
    assert_close(derivative(z), torch.autograd.grad(expected.sum(), z)[0])


@modest
@given(batch=small, inputs=small, outputs=small, seed=seeds)
def test_a_single_layer_moves_by_o_minus_t_times_o_times_one_minus_o_times_x(batch, inputs, outputs, seed):
    x, t, w, w0 = random(seed, (batch, inputs), (batch, outputs), (outputs, inputs), (outputs,))
    E = squared_loss(torch.sigmoid(F.linear(x, w, w0)), t)
    dE_dw, dE_dw0 = torch.autograd.grad(E, (w, w0))
    new_w, new_w0 = backprop.single_layer_update(x, t, w, w0, eta=0.3)
    assert_close(new_w, w - 0.3 * dE_dw)
    assert_close(new_w0, w0 - 0.3 * dE_dw0)


@modest
@given(batch=small, inputs=small, hidden=small, outputs=small, f=names, g=names, seed=seeds)
def test_every_delta_of_the_two_layer_network_equals_autograd(batch, inputs, hidden, outputs, f, g, seed):
    x, t, v, v0, w, w0 = random(
        seed, (batch, inputs), (batch, outputs), (hidden, inputs), (hidden,), (outputs, hidden), (outputs,)
    )
    values = backprop.two_layer_forward(x, v, v0, w, w0, f, g)
    mine = backprop.two_layer_backward(x, t, w, values, f, g)

    u = F.linear(x, v, v0)
    h = TORCH[f](u)
    z = F.linear(h, w, w0)
    o = TORCH[g](z)
    for my_value, value in zip(values, (u, h, z, o), strict=True):
        assert_close(my_value, value, 1e-10)
    expected = torch.autograd.grad(squared_loss(o, t), (o, z, w, w0, h, u, v, v0))
    for name, gradient, theirs in zip(mine._fields, mine, expected, strict=True):
        torch.testing.assert_close(
            gradient, theirs, rtol=0, atol=1e-8, msg=lambda text, n=name: f"{n}: {text}"
        )


def case_2(seed, batch=2, inputs=3, hidden=4):
    x, alpha, beta = random(seed, (batch, inputs), (hidden, inputs), (hidden,))
    y_star = torch.arange(batch, dtype=torch.float64) % 2
    return x, y_star, alpha, beta


@modest
@given(batch=small, inputs=small, hidden=small, seed=seeds)
def test_every_module_of_case_2_equals_autograd(batch, inputs, hidden, seed):
    x, y_star, alpha, beta = case_2(seed, batch, inputs, hidden)
    values = backprop.case_2_forward(x, y_star, alpha, beta)
    mine = backprop.case_2_backward(x, y_star, alpha, beta, values)
    assert_close(values.J, -F.binary_cross_entropy(values.y, y_star, reduction="none"), 1e-10)
    wanted = values.y, values.b, beta, values.z, values.a, alpha, x
    expected = torch.autograd.grad(values.J.sum(), wanted)
    for name, gradient, theirs in zip(mine._fields, mine, expected, strict=True):
        torch.testing.assert_close(
            gradient, theirs, rtol=0, atol=1e-8, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_the_slide_with_one_minus_y_below_the_line_has_the_wrong_sign_for_class_0():
    x, y_star, alpha, beta = case_2(seed=0)
    values = backprop.case_2_forward(x, y_star, alpha, beta)
    right = backprop.case_2_backward(x, y_star, alpha, beta, values).dJ_dy
    slide = y_star / values.y + (1 - y_star) / (1 - values.y)  # E4
    assert_close(slide[y_star == 1], right[y_star == 1])
    assert_close(slide[y_star == 0], -right[y_star == 0])


def test_the_sum_over_j_belongs_to_the_error_of_x_and_not_to_each_modules_derivative():
    x, y_star, alpha, beta = case_2(seed=0)
    values = backprop.case_2_forward(x, y_star, alpha, beta)
    right = backprop.case_2_backward(x, y_star, alpha, beta, values)
    slide = right.dJ_da.sum(dim=1, keepdim=True) * alpha.sum(dim=0)  # E7: da_j/dx_i = sum_j alpha_ji
    assert not torch.allclose(slide, right.dJ_dx, atol=1e-3)


@modest
@given(batch=small, classes=st.integers(2, 5), seed=seeds)
def test_softmax_with_cross_entropy_has_the_error_o_minus_t(batch, classes, seed):
    z, scores = random(seed, (batch, classes), (batch, classes))
    t = torch.softmax(scores.detach(), dim=1)
    E, delta_z = backprop.softmax_cross_entropy_delta(z, t)
    expected = F.cross_entropy(z, t, reduction="sum")
    assert_close(E, expected, 1e-10)
    assert_close(delta_z, torch.autograd.grad(expected, z)[0])


@modest
@given(batch=small, classes=st.integers(2, 5), seed=seeds)
def test_o_minus_t_is_the_chain_rule_through_all_of_softmax_not_only_its_diagonal(batch, classes, seed):
    (z,) = random(seed, (batch, classes))
    o = torch.softmax(z, dim=1)
    t = F.one_hot(torch.zeros(batch, dtype=torch.int64), classes)
    dE_do = -t / o
    whole = torch.einsum("bj,bjk->bk", dE_do, backprop.softmax_jacobian(o))
    assert_close(whole, backprop.softmax_cross_entropy_delta(z, t)[1])
    assert not torch.allclose(dE_do * o * (1 - o), o - t, atol=1e-6)  # E5: the diagonal alone


def test_softmax_with_cross_entropy_survives_scores_of_a_thousand():
    z, t = torch.tensor([[1000.0, -1000.0]]), torch.tensor([[0.0, 1.0]])
    E, delta_z = backprop.softmax_cross_entropy_delta(z, t)
    assert E.item() == 2000
    assert delta_z.tolist() == [[1, -1]]


@modest
@given(
    batch=small,
    widths=st.lists(small, min_size=2, max_size=6),
    activations=st.lists(names, min_size=5, max_size=5),
    seed=seeds,
)
def test_any_number_of_layers_with_any_activations_equals_autograd(batch, widths, activations, seed):
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    x, t, *parameters = random(
        seed, (batch, widths[0]), (batch, widths[-1]), *shapes, *[(n,) for n in widths[1:]]
    )
    weights, biases = parameters[: len(shapes)], parameters[len(shapes) :]
    activations = activations[: len(shapes)]

    u, h = backprop.multi_layer_forward(x, weights, biases, activations)
    dE_dW, dE_db = backprop.multi_layer_backward(h[-1] - t, weights, u, h, activations)

    o = x
    for W, b, f in zip(weights, biases, activations, strict=True):
        o = TORCH[f](F.linear(o, W, b))
    assert_close(h[-1], o, 1e-10)
    for mine, theirs in zip(dE_dW + dE_db, torch.autograd.grad(squared_loss(o, t), parameters), strict=True):
        assert_close(mine, theirs)


def lecture_001_network(seed: int = 0):
    """Return the 200-100-60-30 network of lecture 001, its weights drawn as Glorot and Bengio propose."""
    widths = [784, 200, 100, 60, 30, 10]
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(100, 784, generator=generator)
    t = F.one_hot(torch.randint(10, (100,), generator=generator), 10).float()
    weights = [
        torch.randn(n, m, generator=generator) * (2 / (m + n)) ** 0.5
        for m, n in zip(widths, widths[1:], strict=False)
    ]
    return x, t, weights, [torch.zeros(n) for n in widths[1:]]


def test_the_gradient_norm_of_each_layer_is_that_of_autograd():
    x, t, weights, biases = lecture_001_network()
    o = x
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        o = torch.tanh(F.linear(o, W.requires_grad_(), b))
    loss = F.cross_entropy(F.linear(o, weights[-1].requires_grad_(), biases[-1]), t)
    expected = [gradient.norm().item() for gradient in torch.autograd.grad(loss, weights)]
    assert backprop.gradient_norm_per_layer(x, t, weights, biases, "tanh") == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gradients_vanish_through_sigmoids_and_not_through_relus(seed):
    network = lecture_001_network(seed)
    sigmoid = backprop.gradient_norm_per_layer(*network, "sigmoid")
    relu = backprop.gradient_norm_per_layer(*network, "relu")
    assert sigmoid == sorted(sigmoid)  # smaller at every layer on the way back
    assert sigmoid[0] / sigmoid[-1] < 0.05
    assert relu[0] / relu[-1] > 0.3


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: backprop.single_layer_update(zeros(2, 3), zeros(2, 4), zeros(4, 5), zeros(4), 0.1),
            "x (2, 3) does not fit w (4, 5)",
        ),
        (
            lambda: backprop.single_layer_update(zeros(2, 3), zeros(2, 1), zeros(4, 3), zeros(4), 0.1),
            "t (2, 1) does not fit o (2, 4)",
        ),
        (
            lambda: backprop.two_layer_forward(zeros(2, 3), zeros(4, 3), zeros(4), zeros(1, 5), zeros(1)),
            "h (2, 4) does not fit w (1, 5)",
        ),
        (
            lambda: backprop.two_layer_forward(zeros(2, 3), zeros(4, 3), zeros(3), zeros(1, 4), zeros(1)),
            "values (3,) do not fit the rows of v (4, 3)",
        ),
        (
            lambda: backprop.case_2_forward(zeros(2, 3), zeros(3), zeros(4, 3), zeros(4)),
            "y_star (3,) does not fit y (2,)",
        ),
        (
            lambda: backprop.softmax_cross_entropy_delta(zeros(2, 3), zeros(2, 4)),
            "t (2, 4) does not fit z (2, 3)",
        ),
        (
            lambda: backprop.multi_layer_forward(zeros(2, 3), [zeros(4, 3)], [zeros(4)], []),
            "1 weights, 1 biases and 0 activations: give one of each per layer",
        ),
        (
            lambda: backprop.multi_layer_forward(zeros(2, 3), [zeros(4, 3)], [zeros(4)], ["swish"]),
            "Unknown activation 'swish': choose from sigmoid, tanh, relu, linear",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
