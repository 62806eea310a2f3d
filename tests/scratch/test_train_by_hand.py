"""The promise of train_by_hand: the hand-made tape and losses suffice to read digits."""

import torch
import torch.nn.functional as F

from intro_dl.scratch.losses import cross_entropy_gradient
from intro_dl.scratch.train_by_hand import digits, initialize, mlp, train


def test_a_network_trained_with_scratch_code_alone_reads_at_least_93_percent_of_the_digits(monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("torch's own derivatives were used")

    monkeypatch.setattr(torch.Tensor, "backward", forbidden)
    monkeypatch.setattr(torch.autograd, "grad", forbidden)
    assert train(epochs=10) >= 0.93


def test_its_gradients_are_those_of_torch():
    images, labels, _, _ = digits()
    parameters = initialize(hidden=64, seed=0)
    leaves = [theta.value.clone().requires_grad_() for theta in parameters]
    F.cross_entropy(F.relu(images @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3], labels).backward()
    logits = mlp(images, *parameters)
    logits.backward(cross_entropy_gradient(logits.value, labels))
    for theta, leaf in zip(parameters, leaves, strict=True):
        torch.testing.assert_close(theta.gradient, leaf.grad, rtol=1e-8, atol=1e-8)


def test_no_test_digit_is_a_training_digit_and_the_split_never_changes():
    train_images, train_labels, test_images, test_labels = digits()
    assert (len(train_images), len(test_images)) == (1437, 360)
    assert torch.equal(test_labels, digits()[3])
    everything = torch.cat([train_images, test_images]).unique(dim=0)
    assert len(everything) == 1797  # scikit-learn's digits are all different, so none is on both sides
    assert train_labels.unique().tolist() == test_labels.unique().tolist() == list(range(10))
