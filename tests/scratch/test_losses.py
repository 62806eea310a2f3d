"""What intro_dl.scratch.losses promises: every loss and every gradient by hand equals torch."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from intro_dl.scratch import losses

pytestmark = pytest.mark.quick

quick = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31)
SHAPES = st.lists(st.integers(1, 5), max_size=3)


def equals(loss, gradient, expected, leaf):
    """Hold a loss to torch within 1e-10 and its gradient to autograd within 1e-8."""
    (expected_gradient,) = torch.autograd.grad(expected, leaf)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-8, atol=1e-8)


def random(shape, seed):
    """Return outputs that require a gradient, and their plain values."""
    torch.manual_seed(seed)
    leaf = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    return leaf, leaf.detach()


@quick
@given(shape=SHAPES, seed=SEEDS)
def test_squared_error_is_half_of_torchs_summed_mse(shape, seed):
    leaf, o = random(shape, seed)
    t = torch.randn_like(o)
    expected = F.mse_loss(leaf, t, reduction="sum") / 2
    equals(losses.squared_error(o, t), losses.squared_error_gradient(o, t), expected, leaf)


@quick
@given(shape=SHAPES, seed=SEEDS)
def test_mean_squared_error_equals_torch(shape, seed):
    leaf, o = random(shape, seed)
    t = torch.randn_like(o)
    loss, gradient = losses.mean_squared_error(o, t), losses.mean_squared_error_gradient(o, t)
    equals(loss, gradient, F.mse_loss(leaf, t), leaf)


@quick
@given(shape=SHAPES, seed=SEEDS, soft=st.booleans())
def test_binary_cross_entropy_equals_torch(shape, seed, soft):
    torch.manual_seed(seed)
    o = torch.rand(shape, dtype=torch.float64) * 0.98 + 0.01
    t = torch.rand_like(o) if soft else torch.rand_like(o).round()
    leaf = o.clone().requires_grad_()
    loss, gradient = losses.binary_cross_entropy(o, t), losses.binary_cross_entropy_gradient(o, t)
    equals(loss, gradient, F.binary_cross_entropy(leaf, t), leaf)


@quick
@given(shape=SHAPES, seed=SEEDS, soft=st.booleans())
def test_binary_cross_entropy_from_logits_equals_torch(shape, seed, soft):
    leaf, z = random(shape, seed)
    t = torch.rand_like(z) if soft else torch.rand_like(z).round()
    loss = losses.binary_cross_entropy_from_logits(z, t)
    gradient = losses.binary_cross_entropy_from_logits_gradient(z, t)
    equals(loss, gradient, F.binary_cross_entropy_with_logits(leaf, t), leaf)


@quick
@given(rows=st.integers(1, 6), classes=st.integers(1, 6), seed=SEEDS)
def test_cross_entropy_equals_torch(rows, classes, seed):
    leaf, z = random((rows, classes), seed)
    y = torch.randint(classes, (rows,))
    equals(losses.cross_entropy(z, y), losses.cross_entropy_gradient(z, y), F.cross_entropy(leaf, y), leaf)


@quick
@given(rows=st.integers(1, 6), classes=st.integers(1, 6), seed=SEEDS)
def test_perceptron_loss_has_the_gradient_that_autograd_finds_for_its_formula(rows, classes, seed):
    leaf, z = random((rows, classes), seed)
    y = torch.randint(classes, (rows,))
    expected = (leaf.amax(dim=1) - leaf.gather(1, y[:, None]).squeeze(1)).mean()
    equals(losses.perceptron_loss(z, y), losses.perceptron_loss_gradient(z, y), expected, leaf)


@quick
@given(rows=st.integers(1, 6), seed=SEEDS)
def test_perceptron_loss_of_two_classes_is_torchs_multi_margin_loss_without_margin(rows, seed):
    leaf, z = random((rows, 2), seed)
    y = torch.randint(2, (rows,))
    expected = 2 * F.multi_margin_loss(leaf, y, margin=0.0)  # torch divides by the number of classes
    equals(losses.perceptron_loss(z, y), losses.perceptron_loss_gradient(z, y), expected, leaf)


def test_a_perceptron_step_adds_the_input_to_the_true_class_and_subtracts_it_from_the_winner():
    x, scores = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 3.0, 1.0]])
    step = (
        -losses.perceptron_loss_gradient(scores, torch.tensor([2])).T @ x
    )  # one row of weights for each class
    assert step.tolist() == [[0.0, 0.0], [-1.0, 2.0], [1.0, -2.0]]


def test_a_perceptron_with_all_zero_weights_learns():
    gradient = losses.perceptron_loss_gradient(torch.zeros(1, 3), torch.tensor([2]))
    assert gradient.tolist() == [[1.0, 0.0, -1.0]]


# The numbers of the slides


def test_the_binary_cross_entropy_of_lecture_000_is_1_474283():
    predicted, actual = torch.tensor([0.1, 0.8, 0.6]).double(), torch.tensor([1.0, 0.0, 1.0]).double()
    assert losses.binary_cross_entropy(predicted, actual).item() == pytest.approx(1.474283, abs=1e-6)


def test_the_mean_squared_error_of_lecture_000_is_2433_33():
    predicted, actual = torch.tensor([30.0, 80.0, 85.0]), torch.tensor([90.0, 20.0, 95.0])
    assert losses.mean_squared_error(predicted, actual).item() == pytest.approx(2433.3333, abs=1e-3)


def test_the_likelihood_of_lecture_004_is_binary_cross_entropy_from_logits():
    torch.manual_seed(0)
    z, y = torch.randn(20).double(), torch.rand(20).double().round()
    slide = (y * torch.log(1 + torch.exp(-z)) + (1 - y) * torch.log(1 + torch.exp(z))).mean()
    torch.testing.assert_close(losses.binary_cross_entropy_from_logits(z, y), slide, rtol=0, atol=1e-12)


# Large numbers


@pytest.mark.parametrize("x", [-1000.0, 1000.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_binary_cross_entropy_from_logits_is_exact_at_a_thousand_where_the_naive_form_breaks(x, target):
    z, t = torch.tensor([x]).double(), torch.tensor([target]).double()
    right = (x > 0) == (target == 1)
    assert losses.binary_cross_entropy_from_logits(z, t).item() == (0.0 if right else 1000.0)
    expected = 0.0 if right else (1.0 if x > 0 else -1.0)
    assert losses.binary_cross_entropy_from_logits_gradient(z, t).item() == expected
    assert not losses.binary_cross_entropy(torch.sigmoid(z), t).isfinite()


def test_cross_entropy_is_exact_at_a_thousand():
    z, y = torch.tensor([[1000.0, 0.0], [1000.0, 0.0]]).double(), torch.tensor([0, 1])
    assert losses.cross_entropy(z, y).item() == 500.0
    assert losses.cross_entropy_gradient(z, y).tolist() == [[0.0, 0.0], [0.5, -0.5]]


# Bad input, answered in the user's words

PAIRS = [
    "squared_error", "mean_squared_error", "binary_cross_entropy", "binary_cross_entropy_from_logits",
]  # fmt: skip
WITH_LABELS = ["cross_entropy", "perceptron_loss"]


def both(names):
    """Every loss and its gradient: they refuse the same input."""
    return pytest.mark.parametrize("name", [name + end for name in names for end in ("", "_gradient")])


@both(PAIRS)
def test_outputs_and_targets_of_different_shapes_are_refused_with_both_shapes(name):
    with pytest.raises(ValueError, match=r"\(3, 1\) but targets have shape \(3,\)"):
        getattr(losses, name)(torch.rand(3, 1), torch.rand(3))


@both(["binary_cross_entropy"])
@pytest.mark.parametrize("bad", [-0.1, 1.5, float("nan")])
def test_probabilities_outside_0_to_1_are_refused_with_the_value(name, bad):
    with pytest.raises(ValueError, match=rf"probabilities must lie in \[0, 1\], but one is {bad:g}"):
        getattr(losses, name)(torch.tensor([0.5, bad]), torch.ones(2))


@both(["binary_cross_entropy", "binary_cross_entropy_from_logits"])
def test_binary_targets_outside_0_to_1_are_refused_with_the_value(name):
    with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\], but one is 2"):
        getattr(losses, name)(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 2.0]))


@both(WITH_LABELS)
@pytest.mark.parametrize("bad", [-1, 3])
def test_labels_outside_the_classes_are_refused_with_the_value(name, bad):
    with pytest.raises(ValueError, match=rf"label {bad} is outside 0\.\.2 for 3 classes"):
        getattr(losses, name)(torch.randn(2, 3), torch.tensor([0, bad]))


@both(WITH_LABELS)
def test_labels_that_do_not_fit_the_logits_are_refused_with_both_shapes(name):
    with pytest.raises(ValueError, match=r"logits of shape \(2, 3\) and labels of shape \(3,\)"):
        getattr(losses, name)(torch.randn(2, 3), torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match=r"logits of shape \(3,\) and labels of shape \(\)"):
        getattr(losses, name)(torch.randn(3), torch.tensor(0))


@both(WITH_LABELS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.bool])
def test_labels_that_are_not_int64_are_refused(name, dtype):
    with pytest.raises(ValueError, match=rf"dtype is {dtype}: use labels\.long\(\)"):
        getattr(losses, name)(torch.randn(2, 3), torch.tensor([0, 1]).to(dtype))


def test_autograd_of_binary_cross_entropy_from_logits_is_right_where_a_model_starts_at_zero():
    logits, targets = (
        torch.zeros(3, dtype=torch.float64, requires_grad=True),
        torch.tensor([0.0, 1.0, 1.0]).double(),
    )
    losses.binary_cross_entropy_from_logits(logits, targets).backward()
    torch.testing.assert_close(
        logits.grad, losses.binary_cross_entropy_from_logits_gradient(logits.detach(), targets)
    )
