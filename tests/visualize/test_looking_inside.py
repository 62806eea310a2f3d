"""The strongest inputs of a unit, what it sees of them, and what the model does with a part covered."""

from types import SimpleNamespace

import pytest
import torch

from intro_dl.models.cnn import CNN
from intro_dl.models.lenet import LeNet
from intro_dl.models.mlp import MLP
from intro_dl.models.resnet import ResNet
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.visualize.occlusion import draw_falls, falls
from intro_dl.visualize.recorder import record_outputs
from intro_dl.visualize.strongest import cut, receptive_fields, strongest, tile
from intro_dl.visualize.style import pixels

IMAGE = (1, 28, 28)
DATA = SimpleNamespace(transform=lambda images: images.float() / 255)
LAST = {  # the last step of each layer, after norm, activation and pooling
    LeNet: {"stage1.0": "stage1.2", "stage2.0": "stage2.2", "hidden1.0": "hidden1.2", "logits": "logits"},
    MLP: {"features.0": "features.1", "logits": "logits"},
    ResNet: {"stem.0": "stem.1", "blocks.2.conv2": "blocks.2.norm2", "logits": "logits"},
}


def model_of(kind, seed=0):
    torch.manual_seed(seed)
    model = kind(IMAGE, 10, **({"depth": 8} if kind is ResNet else {}))
    return model.eval()


@pytest.fixture
def images():
    return torch.randint(256, (40, *IMAGE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", LAST)
@torch.no_grad()
def test_the_nine_inputs_are_the_strongest_of_all_and_sorted(kind, images):
    model = model_of(kind)
    found = strongest(model, DATA, images, batch_size=16)
    with record_outputs(model) as calls:
        model(DATA.transform(images))
    outputs = dict(calls)
    for layer, last in LAST[kind].items():
        by_hand = outputs[last].flatten(2).amax(dim=2) if outputs[last].ndim == 4 else outputs[last]  # (N, M)
        values, which, places = found[layer]
        torch.testing.assert_close(values, by_hand.sort(dim=0, descending=True).values[:9].T)
        torch.testing.assert_close(by_hand.T.gather(1, which), values)
        maps = outputs[last].flatten(2) if outputs[last].ndim == 4 else outputs[last][:, :, None]
        unit = torch.arange(len(values))[:, None]
        torch.testing.assert_close(maps[which, unit, places], values)


def test_a_unit_of_lenet_sees_the_pixels_that_its_kernels_and_poolings_add_up_to():
    fields = receptive_fields(model_of(LeNet), torch.zeros(1, *IMAGE))
    first, second = (fields[name][0] for name in ("stage1.0", "stage2.0"))  # (28, 14), (28, 5)
    for place in range(14):  # 5 pixels, padded by 2, then 2 places: 6 pixels
        assert first[:, place].nonzero().flatten().tolist() == [
            row for row in range(2 * place - 2, 2 * place + 4) if 0 <= row < 28
        ]
    for place in range(5):  # 2 * 5 + 6 = 16 pixels
        assert second[:, place].nonzero().flatten().tolist() == [
            row for row in range(4 * place - 2, 4 * place + 14) if 0 <= row < 28
        ]
    assert all(each.all() for each in fields["logits"])


@pytest.mark.parametrize("kind", [CNN, ResNet])
@torch.no_grad()
def test_only_the_pixels_that_a_unit_sees_change_it(kind):
    model, generator = model_of(kind), torch.Generator().manual_seed(1)
    name = {CNN: "features.4", ResNet: "blocks.1.conv2"}[kind]
    last = {CNN: "features.5", ResNet: "blocks.1.norm2"}[kind]
    rows, columns = receptive_fields(model, torch.zeros(1, *IMAGE))[name]
    image = torch.rand(1, *IMAGE, generator=generator)
    for i, j in ((0, 0), (5, 9), (rows.shape[1] - 1, 3)):
        inside = rows[:, i, None] & columns[:, j]  # (28, 28)
        assert 0 < inside.sum() < inside.numel()
        noise = torch.rand(1, *IMAGE, generator=generator)
        with record_outputs(model) as calls:
            model(torch.cat([image, image.where(inside, noise), noise.where(inside, image)]))
        before, other_outside, other_inside = dict(calls)[last][:, :, i, j]
        torch.testing.assert_close(before, other_outside)
        assert not torch.allclose(before, other_inside, atol=1e-4)


def test_the_patch_is_cut_where_the_unit_is_largest_and_has_one_size():
    image = torch.arange(28, dtype=torch.uint8).view(1, 28, 1) + torch.arange(28, dtype=torch.uint8)
    rows, columns = receptive_fields(model_of(LeNet), torch.zeros(1, *IMAGE))["stage1.0"]
    assert torch.equal(cut(image, rows, columns, 14 * 3 + 5), image[:, 4:10, 8:14])
    corner, end = cut(image, rows, columns, 0), cut(image, rows, columns, 14 * 14 - 1)
    assert torch.equal(corner[:, 2:, 2:], image[:, :4, :4]) and (corner[:, :2] == 128).all()
    assert torch.equal(end[:, :4, :4], image[:, 24:, 24:]) and (end[:, 4:] == 128).all()
    assert tile([corner] * 9).shape == (20, 20, 3)


def test_covering_the_only_part_that_matters_lowers_the_probability_most():
    model = SoftmaxRegression(IMAGE, 3).eval()
    with torch.no_grad():
        model.logits.weight.zero_()
        model.logits.weight.view(3, *IMAGE)[1, 0, 12:16, 20:24] = 1.0  # class 1 is a bright square here
    image = torch.zeros(IMAGE, dtype=torch.uint8)
    image[0, 12:16, 20:24] = 255
    with torch.no_grad():
        found = falls(model, DATA, image, 1, side=4, step=2, color=torch.zeros(1, dtype=torch.uint8))
    assert found.shape == (13, 13)
    assert (
        divmod(int(found.argmax()), 13) == (6, 10) and found[6, 10] > 0.6
    )  # the square at row 12, column 20
    elsewhere = found.clone()
    elsewhere[5:8, 9:12] = 0  # squares that cover a part of it
    assert (elsewhere == 0).all() and (found[5:8, 9:12] > 0).all()
    pixels(draw_falls(image[None], [found], ["1"], 4, 2, "title"))
