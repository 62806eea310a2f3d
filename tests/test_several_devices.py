"""One run on several devices learns what it would on one, and is one run: its files, words and end."""

import pytest
import torch

from intro_dl.data.loader import Batches, Windows
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.softmax import SoftmaxRegression


def gradient(model, batch):
    model.zero_grad()
    model.metrics(batch)["loss"].backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


def images(**place):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(11, 1, 2, 3, generator=generator)
    targets = torch.randint(4, (11,), generator=generator)
    return Batches(inputs, targets, batch_size=5, shuffle=True, **place)


def text(**place):
    tokens = torch.randint(4, (32,), generator=torch.Generator().manual_seed(0))
    return Windows(tokens[:-1], tokens[1:], batch_size=3, window=4, **place)


@pytest.mark.parametrize("devices", [2, 3, 4])
@pytest.mark.parametrize(
    ("loader", "model"),
    [(images, SoftmaxRegression((1, 2, 3), 4)), (text, CharLSTM(4, hidden_size=3))],
    ids=["images", "text"],
)
def test_devices_together_have_the_gradient_of_the_whole_batch(loader, model, devices):
    shares = [loader(rank=rank, world_size=devices) for rank in range(devices)]
    for number, (whole, *parts) in enumerate(zip(loader(), *shares, strict=True)):
        weights = [share.share(number) for share in shares]
        mean = sum(weight * gradient(model, part) for weight, part in zip(weights, parts, strict=True)) / len(
            parts
        )
        assert torch.allclose(mean, gradient(model, whole), atol=1e-6)
        assert sum(weights) == pytest.approx(devices)
        counts = [part[1].numel() for weight, part in zip(weights, parts, strict=True) if weight]
        assert sum(counts) == whole[1].numel()
