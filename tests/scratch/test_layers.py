"""The layers written by hand do what torch's do: outputs to 1e-10, gradients to 1e-8, in float64."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from intro_dl.scratch import layers

pytestmark = pytest.mark.quick

modest = settings(max_examples=20, deadline=None, derandomize=True)
small = st.integers(1, 4)
seeds = st.integers(0, 10_000)


def random(seed: int, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]


def assert_same(mine: torch.Tensor, theirs: torch.Tensor, *leaves: torch.Tensor) -> None:
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)
    weights = torch.sin(torch.arange(mine.numel(), dtype=torch.float64)).view(mine.shape)
    my_gradients = torch.autograd.grad((weights * mine).sum(), leaves)
    their_gradients = torch.autograd.grad((weights * theirs).sum(), leaves)
    for my_gradient, their_gradient in zip(my_gradients, their_gradients, strict=True):
        torch.testing.assert_close(my_gradient, their_gradient, rtol=0, atol=1e-8)


@modest
@given(batch=small, inputs=small, outputs=small, seed=seeds)
@pytest.mark.parametrize("dense", [layers.dense_loop, layers.dense], ids=lambda f: f.__name__)
def test_dense_equals_linear_with_the_weights_transposed(dense, batch, inputs, outputs, seed):
    x, W, b = random(seed, (batch, inputs), (inputs, outputs), (outputs,))
    assert_same(dense(x, W, b), F.linear(x, W.T, b), x, W, b)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dropout_keeps_the_mean_within_three_sigma(p, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.ones(100_000, dtype=torch.float64)
    mean = layers.dropout(x, p, generator=generator).mean()
    sigma = (p / (1 - p) / x.numel()) ** 0.5
    assert abs(mean - 1) <= 3 * sigma + 1e-12


def test_dropout_zeroes_or_scales_and_passes_gradient_only_where_it_kept():
    (x,) = random(0, (1000,))
    y = layers.dropout(x, 0.25)
    kept = y != 0
    torch.testing.assert_close(y[kept], x[kept] / 0.75, rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, kept / torch.tensor(0.75, dtype=torch.float64))


def test_dropout_does_exactly_nothing_when_predicting():
    (x,) = random(0, (7, 5))
    assert torch.equal(layers.dropout(x, 0.5, training=False), x)


def test_retaining_with_p_scales_in_testing_what_dropping_scales_in_training():
    (x,) = random(0, (50,))
    retained, dropped = (torch.Generator().manual_seed(3) for _ in range(2))
    torch.testing.assert_close(
        layers.dropout_retaining(x, 0.8, generator=retained) / 0.8, layers.dropout(x, 0.2, generator=dropped)
    )
    torch.testing.assert_close(layers.dropout_retaining(x, 0.8, training=False), 0.8 * x)
    torch.testing.assert_close(layers.dropout_retaining(x, 1.0), x)


def batch_norm_twins(seed: int, dims: tuple[int, ...], momentum: float):
    channels = dims[1]
    twin = (nn.BatchNorm1d if len(dims) < 4 else nn.BatchNorm2d)(channels, momentum=momentum).double()
    x, gamma, beta, mean, log_var = random(seed, dims, *[(channels,)] * 4)
    twin.running_mean, twin.running_var = mean.detach().clone(), log_var.detach().exp()
    return twin, x, gamma, beta


shapes_to_normalize = st.one_of(
    st.tuples(st.integers(2, 5), small),
    st.tuples(st.integers(2, 3), small, small),
    st.tuples(small, small, st.integers(2, 3), small),
)


@modest
@given(dims=shapes_to_normalize, seed=seeds, momentum=st.sampled_from([0.1, 0.5, 1.0]))
def test_batch_norm_trains_like_torch_running_statistics_included(dims, seed, momentum):
    twin, x, gamma, beta = batch_norm_twins(seed, dims, momentum)
    statistics = twin.running_mean.clone(), twin.running_var.clone()
    for _ in range(3):
        mine, *statistics = layers.batch_norm_train(x, gamma, beta, *statistics, momentum)
        theirs = torch.func.functional_call(twin, {"weight": gamma, "bias": beta}, x)
    assert_same(mine, theirs, x, gamma, beta)
    torch.testing.assert_close(statistics[0], twin.running_mean, rtol=0, atol=1e-10)
    torch.testing.assert_close(statistics[1], twin.running_var, rtol=0, atol=1e-10)


@modest
@given(dims=shapes_to_normalize, seed=seeds)
def test_batch_norm_predicts_like_torch_from_the_running_statistics(dims, seed):
    twin, x, gamma, beta = batch_norm_twins(seed, dims, momentum=0.1)
    twin.eval()
    mine = layers.batch_norm_eval(x, gamma, beta, twin.running_mean, twin.running_var)
    assert_same(mine, torch.func.functional_call(twin, {"weight": gamma, "bias": beta}, x), x, gamma, beta)


@modest
@given(
    batch=st.integers(1, 2),
    channels=st.integers(1, 3),
    kernels=st.integers(1, 3),
    length=st.integers(3, 9),
    k=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    with_bias=st.booleans(),
    seed=seeds,
)
@pytest.mark.parametrize("conv1d", [layers.conv1d_loop, layers.conv1d], ids=lambda f: f.__name__)
def test_conv1d_equals_torch(conv1d, batch, channels, kernels, length, k, stride, padding, with_bias, seed):
    x, u, b = random(seed, (batch, channels, length), (kernels, channels, k), (kernels,))
    leaves = (x, u, b) if with_bias else (x, u)
    mine = conv1d(x, u, b if with_bias else None, stride, padding)
    theirs = F.conv1d(x, u, b if with_bias else None, stride, padding)
    assert_same(mine, theirs, *leaves)


@modest
@given(
    batch=st.integers(1, 2),
    channels=st.integers(1, 2),
    kernels=st.integers(1, 2),
    size=st.tuples(st.integers(3, 5), st.integers(3, 5)),
    field=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    with_bias=st.booleans(),
    seed=seeds,
)
@pytest.mark.parametrize("conv2d", [layers.conv2d_loop, layers.conv2d], ids=lambda f: f.__name__)
def test_conv2d_equals_torch(conv2d, batch, channels, kernels, size, field, stride, padding, with_bias, seed):
    x, u, b = random(seed, (batch, channels, *size), (kernels, channels, *field), (kernels,))
    leaves = (x, u, b) if with_bias else (x, u)
    mine = conv2d(x, u, b if with_bias else None, stride, padding)
    theirs = F.conv2d(x, u, b if with_bias else None, stride, padding)
    assert_same(mine, theirs, *leaves)


@pytest.mark.parametrize("conv1d", [layers.conv1d_loop, layers.conv1d], ids=lambda f: f.__name__)
def test_conv1d_gives_the_differences_of_lecture_004(conv1d):
    signal = torch.tensor([[[0.0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4]]])
    kernel = torch.tensor([[[-1.0, 1]]])
    assert conv1d(signal, kernel).flatten().tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("conv2d", [layers.conv2d_loop, layers.conv2d], ids=lambda f: f.__name__)
def test_conv2d_gives_the_56_of_lecture_001(conv2d):
    image = torch.stack([torch.arange(9.0), torch.arange(1.0, 10)]).view(1, 2, 3, 3)
    kernel = torch.stack([torch.arange(4.0), torch.arange(1.0, 5)]).view(1, 2, 2, 2)
    assert conv2d(image, kernel).squeeze().tolist() == [[56, 72], [104, 120]]


@modest
@given(
    height=st.integers(3, 7),
    width=st.integers(3, 7),
    size=st.integers(1, 3),
    stride=st.sampled_from([None, 1, 2, 3]),
    seed=seeds,
)
def test_pooling_equals_torch(height, width, size, stride, seed):
    (x,) = random(seed, (2, 3, height, width))
    assert_same(layers.max_pool2d(x, size, stride), F.max_pool2d(x, size, stride), x)
    assert_same(layers.avg_pool2d(x, size, stride), F.avg_pool2d(x, size, stride), x)


@modest
@given(seed=seeds)
def test_max_pooling_gives_a_tie_to_the_first_like_torch(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 2, (2, 2, 4, 6), generator=generator).double().requires_grad_()
    assert_same(layers.max_pool2d(x, 2), F.max_pool2d(x, 2), x)


@modest
@given(batch=small, classes=small, dim=st.sampled_from([0, 1, -1]), seed=seeds)
def test_softmax_equals_torch(batch, classes, dim, seed):
    (z,) = random(seed, (batch, classes))
    assert_same(layers.softmax(z, dim), F.softmax(z, dim), z)


def test_softmax_survives_scores_of_a_thousand():
    z = torch.tensor([1000.0, 999.0, -1000.0])
    torch.testing.assert_close(layers.softmax(z), torch.softmax(z, 0))


def test_softmax_of_two_classes_is_the_sigmoid_of_the_difference():
    (z,) = random(0, (10, 2))
    torch.testing.assert_close(layers.softmax(z)[:, 0], torch.sigmoid(z[:, 0] - z[:, 1]), rtol=0, atol=1e-12)


@modest
@given(
    shape=st.lists(small, min_size=0, max_size=3), vocabulary=st.integers(1, 6), features=small, seed=seeds
)
@pytest.mark.parametrize("look_up", [layers.embedding, layers.embedding_one_hot], ids=lambda f: f.__name__)
def test_embedding_equals_torch(look_up, shape, vocabulary, features, seed):
    (E,) = random(seed, (vocabulary, features))
    tokens = torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))
    assert_same(look_up(tokens, E), F.embedding(tokens, E), E)


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: layers.dense(zeros(2, 3), zeros(4, 5), zeros(5)), "inputs (2, 3) do not fit weights (4, 5)"),
        (lambda: layers.dense_loop(zeros(2, 3), zeros(3, 5), zeros(4)), "biases (4,) do not fit weights"),
        (lambda: layers.dropout(zeros(3), 1.0), "p_dropped=1.0 is not a probability in [0, 1)"),
        (lambda: layers.dropout(zeros(3), -0.1), "p_dropped=-0.1"),
        (lambda: layers.dropout_retaining(zeros(3), 0.0), "p_retained=0.0 is not a probability in (0, 1]"),
        (lambda: layers.conv1d(zeros(1, 2, 5), zeros(1, 3, 2)), "(1, 2, 5) do not fit kernels (1, 3, 2)"),
        (lambda: layers.conv2d(zeros(1, 2, 5, 5), zeros(4, 2, 2, 2), zeros(3)), "biases (3,) do not fit"),
        (lambda: layers.conv1d(zeros(1, 1, 2), zeros(1, 1, 5), padding=1), "a window of 5 does not fit"),
        (lambda: layers.conv2d(zeros(1, 5, 5), zeros(1, 5, 2)), "(1, 5, 5) do not fit kernels (1, 5, 2)"),
        (lambda: layers.conv2d_loop(zeros(1, 1, 2, 9), zeros(1, 1, 3, 3)), "into an input of 2x9"),
        (lambda: layers.conv2d(zeros(1, 1, 4, 4), zeros(1, 1, 3, 3), stride=0), "stride=0"),
        (lambda: layers.conv2d(zeros(1, 1, 4, 4), zeros(1, 1, 3, 3), padding=-1), "padding=-1"),
        (lambda: layers.max_pool2d(zeros(1, 1, 2, 2), 3), "3x3 does not fit into an input of 2x2"),
        (lambda: layers.avg_pool2d(zeros(4, 4), 2), "pooling needs images (B, C, H, W), got (4, 4)"),
        (lambda: layers.embedding(torch.tensor([1, 7]), zeros(5, 2)), "token 7 is outside the vocabulary"),
        (lambda: layers.embedding_one_hot(torch.tensor([-1]), zeros(5, 2)), "token -1 is outside"),
        (lambda: layers.embedding(zeros(2), zeros(5, 2)), "tokens must be integers, got torch.float32"),
        (lambda: layers.batch_norm_train(zeros(1, 3), *[zeros(3)] * 4), "at least 2 values per channel"),
        (lambda: layers.batch_norm_eval(zeros(2, 3), *[zeros(2)] * 4), "inputs (2, 3) have 3 channels"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
