"""What augmentation promises: each image its own change, repeatable, of the kind that its name says."""

import math

import pytest
import torch

from intro_dl.data.augment import (
    AUGMENTATIONS,
    affine,
    crop,
    crop_alternate,
    crop_flip,
    make_augmentation,
    warp,
)
from intro_dl.data.batches import Batches

pytestmark = pytest.mark.quick


@pytest.fixture(autouse=True)
def same_draws_in_every_run():
    torch.manual_seed(0)


def gradients(count: int, channels: int = 1, side: int = 12) -> torch.Tensor:
    """Images of uint8 that no shift, turn or flip leaves as they are."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, 256, (count, channels, side, side), generator=generator).to(torch.uint8)


def test_images_are_unchanged_by_an_affine_map_that_is_the_identity():
    images, none = gradients(5, channels=3), torch.zeros(5)
    assert torch.equal(warp(images, none, none + 1, torch.zeros(5, 2)), images)
    assert torch.equal(affine(images, degrees=0, shift=0, scale=0), images)


def test_images_are_unchanged_by_the_crop_in_the_middle():
    images, middle = gradients(5, channels=3), torch.full((5,), 4)
    assert torch.equal(crop(images, middle, middle, torch.zeros(5, dtype=torch.bool), padding=4), images)


def test_a_quarter_turn_is_counterclockwise():
    images, none = gradients(2), torch.zeros(2)
    turned = warp(images, none + math.pi / 2, none + 1, torch.zeros(2, 2))
    assert torch.equal(turned, images.rot90(1, dims=(2, 3)))


def test_a_move_is_to_the_right_and_down_and_leaves_black():
    images, none = gradients(2, side=10), torch.zeros(2)
    moved = warp(images, none, none + 1, torch.tensor([[0.2, 0.0], [0.0, 0.3]]))
    assert torch.equal(moved[0, :, :, 2:], images[0, :, :, :-2]) and not moved[0, :, :, :2].any()
    assert torch.equal(moved[1, :, 3:], images[1, :, :-3]) and not moved[1, :, :3].any()


def test_zooming_in_enlarges_the_middle():
    dot, none = torch.zeros(1, 1, 16, 16), torch.zeros(1)
    dot[:, :, 6:10, 6:10] = 1
    zoomed = warp(dot, none, none + 2, torch.zeros(1, 2))
    assert (zoomed[:, :, 5:11, 5:11] == 1).all() and zoomed.sum() == pytest.approx(4 * 16, rel=0.05)


def test_turning_keeps_shapes_in_images_that_are_not_square():
    tall = torch.zeros(1, 1, 40, 20)
    tall[:, :, 10:30, 9:11] = 1  # a bar 20 high and 2 wide
    turned = warp(tall, torch.tensor([math.pi / 2]), torch.ones(1), torch.zeros(1, 2))
    assert torch.equal(turned[0, 0].sum(dim=0).nonzero().flatten(), torch.arange(0, 20))
    assert turned[0, 0].sum() == pytest.approx(40, abs=2)


def test_a_crop_equals_the_slice_of_the_padded_image():
    images = gradients(3, channels=3)
    tops, lefts = torch.tensor([0, 3, 8]), torch.tensor([8, 4, 1])
    crops = crop(images, tops, lefts, torch.tensor([False, True, False]), padding=4)
    padded = torch.nn.functional.pad(images, [4] * 4)
    for number, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        expected = padded[number, :, top : top + 12, left : left + 12]
        assert torch.equal(crops[number], expected.flip(-1) if number == 1 else expected)


@pytest.mark.parametrize("name", ["affine", "crop_flip", "crop_reflect"])
def test_each_image_is_changed_in_its_own_way(name):
    same = gradients(1).expand(64, -1, -1, -1)
    changed = make_augmentation(name)(same, torch.zeros(64))
    assert (
        len({image.numpy().tobytes() for image in changed}) > 30
    )  # crop_flip has 162 ways, about 53 of them here


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_augmentation_repeats_with_torchs_seed_and_keeps_shape_and_type(name, dtype):
    images, turns = gradients(7, channels=3).to(dtype), torch.arange(7)
    before = images.clone()
    torch.manual_seed(5)
    first = make_augmentation(name)(images, turns)
    torch.manual_seed(5)
    assert torch.equal(first, make_augmentation(name)(images, turns))
    assert (first.shape, first.dtype) == (images.shape, dtype)
    assert torch.equal(images, before)  # the stored images stay as they are


def test_crop_flip_uses_every_corner_and_mirrors_about_half():
    marked = torch.zeros(2000, 1, 9, 9, dtype=torch.uint8)
    marked[:, :, 4, 4] = 1  # the middle, wherever it goes
    found = crop_flip(marked).nonzero()
    assert set(found[:, 2].tolist()) == set(found[:, 3].tolist()) == set(range(9))
    left_half = torch.zeros(2000, 1, 9, 9, dtype=torch.uint8)
    left_half[..., :4] = 1
    mirrored = crop_flip(left_half, padding=0)[..., 0, 8].float().mean()
    assert 0.45 < mirrored < 0.55


def test_crop_alternate_mirrors_each_image_in_every_second_epoch_at_random_corners():
    image = torch.zeros(1, 1, 9, 9, dtype=torch.uint8)
    image[..., :4] = 1  # the left half, which a shift by two pixels does not move to the right
    images = image.expand(1000, -1, -1, -1)
    turns = torch.arange(1000)
    mirrored = torch.stack([crop_alternate(images, turns + epoch)[:, 0, 4, 8] == 1 for epoch in range(4)])
    assert torch.equal(mirrored[0], turns % 2 == 1)
    assert torch.equal(mirrored[1], ~mirrored[0])
    assert torch.equal(mirrored[2:], mirrored[:2])
    dots = torch.zeros(1000, 1, 9, 9, dtype=torch.uint8)
    dots[:, :, 4, 4] = 1
    found = crop_alternate(dots, turns).nonzero()
    assert set(found[:, 2].tolist()) == set(found[:, 3].tolist()) == {2, 3, 4, 5, 6}


def test_a_reflected_border_repeats_the_pixels_beside_it():
    images, first = gradients(1), torch.tensor([0])
    shifted = crop(images, first, first, torch.tensor([False]), padding=2, mode="reflect")
    assert torch.equal(shifted[..., :2, 2:], images[..., 1:3, :-2].flip(2))


def test_the_batches_of_an_epoch_alternate_whatever_their_order():
    images = torch.arange(8, dtype=torch.uint8).view(8, 1, 1, 1)
    turns = []
    loader = Batches(
        images,
        torch.arange(8),
        3,
        shuffle=True,
        augment=lambda batch, turn: turns.append((batch, turn)) or batch,
    )
    for epoch in range(2):
        loader.set_epoch(epoch)
        list(loader)
    for number, (batch, turn) in enumerate(turns):
        assert torch.equal(batch.flatten().long() + number // 3, turn)
