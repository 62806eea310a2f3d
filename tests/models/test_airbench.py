"""The fast network for CIFAR-10: each of its tricks does what its option says."""

import re
from types import SimpleNamespace

import pytest
import torch
from hydra.utils import instantiate
from torch import nn
from torch.nn import functional as F

from intro_dl import load_run
from intro_dl.data.images import Digits
from intro_dl.models.airbench import Airbench, Group
from intro_dl.models.layers import average_views
from intro_dl.results.systems import TRICKS
from intro_dl.scratch.whitening import whitening_filters
from intro_dl.training.build import without
from intro_dl.training.lookahead import Lookahead
from tests.conftest import ROOT

CIFAR = {"in_shape": (3, 32, 32), "num_classes": 10}
SMALL = {"in_shape": (3, 32, 32), "num_classes": 10, "widths": (24, 24, 24)}


@pytest.fixture(autouse=True)
def same_draws_in_every_run():
    torch.manual_seed(0)


def smooth_images(count):
    """Images whose neighboring pixels and channels are alike, as in photographs."""
    rough = torch.randn(count, 3, 32, 32).cumsum(2).cumsum(3)
    return (rough + rough.roll(1, dims=1)) / rough.std() + 0.3 * torch.randn_like(rough)


def test_has_the_parameters_of_the_paper_and_trains_all_but_the_whitening_filters():
    model = Airbench(**CIFAR)
    counts = [parameter.numel() for parameter in model.parameters()]
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    assert sum(counts) == 1_971_640  # 1.97 million
    assert frozen == ["patches.weight"]
    assert all(parameter.requires_grad for parameter in Airbench(**SMALL, whiten=False).parameters())


def test_whitened_patches_are_uncorrelated_and_have_variance_one():
    images = smooth_images(50)
    filters = whitening_filters(images, side=2)
    assert torch.equal(filters[12:], -filters[:12])
    answers = F.conv2d(images, filters[:12]).transpose(0, 1).flatten(1)  # (12, patches)
    before = F.unfold(images, 2).transpose(0, 1).flatten(1).corrcoef()
    torch.testing.assert_close(answers.cov(), torch.eye(12), atol=0.05, rtol=0)
    assert (before - torch.eye(12)).abs().max() > 0.5


def test_eps_bounds_what_patches_without_contrast_are_multiplied_by():
    filters = whitening_filters(torch.ones(2, 3, 32, 32), side=2, eps=0.01)
    assert filters.flatten(1).norm(dim=1).tolist() == pytest.approx([10.0] * 24)


def test_identity_starts_convolutions_that_pass_their_input_on():
    maps = torch.randn(2, 5, 8, 8)
    group, random = Group(5, 7, True, 1.0), Group(5, 7, False, 1.0)
    assert torch.equal(group.conv1(maps)[:, :5], maps)
    torch.testing.assert_close(group.conv2(group.conv1(maps)), group.conv1(maps))
    assert not torch.allclose(random.conv1(maps)[:, :5], maps)


def test_biases_learn_speed_squared_times_as_fast_and_decay_as_before():
    fast, plain = Group(4, 4, True, 8.0).double(), Group(4, 4, True, 1.0).double()
    plain.load_state_dict(fast.state_dict())
    sgd = {"momentum": 0.85, "nesterov": True}
    of_fast = torch.optim.SGD(fast.parameters(), lr=0.01, weight_decay=0.02, **sgd)
    weights = [parameter for name, parameter in plain.named_parameters() if name != "biases"]
    of_plain = torch.optim.SGD(
        [
            {"params": weights, "lr": 0.01, "weight_decay": 0.02},
            {
                "params": [plain.biases],
                "lr": 0.01 * 64,
                "weight_decay": 0.02 / 64,
            },  # their product is the same
        ],
        **sgd,
    )
    for _ in range(10):
        maps = torch.randn(8, 4, 8, 8, dtype=torch.float64)
        for group, optimizer in ((fast, of_fast), (plain, of_plain)):
            optimizer.zero_grad()
            group(maps).sin().sum().backward()
            optimizer.step()
    assert plain.biases.abs().max() > 0.1
    torch.testing.assert_close(8 * fast.biases, plain.biases)
    torch.testing.assert_close(fast.conv1.weight, plain.conv1.weight)


def test_views_are_averaged_with_the_weights_of_the_paper():
    images = torch.randn(2, 3, 6, 7)
    weights = torch.randn(3 * 6 * 7, 4)

    def score(views):
        return views.flatten(1).exp() @ weights

    def both(views):
        return (score(views) + score(views.flip(3))) / 2

    border = F.pad(images, (1, 1, 1, 1), mode="reflect")
    moved = both(border[:, :, :6, :7]), both(border[:, :, 2:, 2:])
    torch.testing.assert_close(average_views(score, images, "one"), score(images))
    torch.testing.assert_close(average_views(score, images, "mirror"), both(images))
    expected = 0.5 * both(images) + 0.25 * moved[0] + 0.25 * moved[1]
    torch.testing.assert_close(average_views(score, images, "shift"), expected)


def test_smoothing_changes_the_loss_of_the_training_only():
    model, scores, labels = Airbench(**SMALL), torch.randn(5, 10), torch.arange(5)
    assert torch.equal(model.loss(scores, labels), F.cross_entropy(scores, labels, label_smoothing=0.2))
    assert torch.equal(model.eval().loss(scores, labels), F.cross_entropy(scores, labels))


def test_runs_with_channels_last_from_the_first_to_the_last_map():
    model = Airbench(**SMALL).to(memory_format=torch.channels_last)
    maps, layouts = torch.randn(2, 3, 32, 32).to(memory_format=torch.channels_last), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.register_forward_hook(
                lambda *seen: layouts.append(seen[-1].is_contiguous(memory_format=torch.channels_last))
            )
    model(maps)
    assert len(layouts) == 13 and all(layouts)


RUN = ["model=airbench", "model.widths=[8,8,8]", "data=digits", "callbacks=lookahead", "trainer=smoke"]


@pytest.fixture
def run(trained_run, monkeypatch):
    """Train, and count the views that the network scores in training, validation and test."""
    views = {}

    def counted(self, images):
        split = self.trainer.state.stage.value if self._trainer else "layer table"
        views.setdefault(split, []).append(len(images))
        return score(self, images)

    score = Airbench.score
    monkeypatch.setattr(Airbench, "score", counted)
    return trained_run(*RUN), views


def test_a_run_whitens_once_and_looks_at_more_than_one_view_in_the_test_only(run):
    folder, views = run
    data = Digits()
    data.setup()
    model = load_run(folder, weights="last").model
    filters = whitening_filters(data.whole("train", 1000)[0], side=2)
    assert torch.equal(model.patches.weight, filters)
    counts = {name: len(batches) for name, batches in views.items()}
    assert (counts["train"], counts["validate"], counts["test"]) == (2, 1, 6)  # for 2, 1 and 1 batches


def test_the_images_that_whiten_are_spread_over_the_split():
    data = Digits()
    data.setup()
    some, labels = data.whole("train", 10)
    everything, all_labels = data.whole("train")
    step = len(everything) // 10
    assert torch.equal(some, everything[::step][:10])
    assert torch.equal(labels, all_labels[::step][:10])


class Steps:
    """Give `Lookahead` the steps of a training, and set the weight after each step."""

    def __init__(self, lookahead, steps):
        self.model, self.lookahead = nn.Linear(1, 1, bias=False), lookahead
        self.trainer = SimpleNamespace(global_step=0, estimated_stepping_batches=steps)
        self.model.weight.data.zero_()
        lookahead.on_train_start(self.trainer, self.model)

    def take(self, change):
        self.model.weight.data += change
        self.trainer.global_step += 1
        self.lookahead.on_train_batch_end(self.trainer, self.model, None, None, 0)
        return self.model.weight.item()


def test_lookahead_pulls_to_the_slow_weights_by_the_formula_of_the_paper():
    training, slow, weight = Steps(Lookahead(), 12), 0.0, 0.0
    for step in range(1, 13):
        weight += step
        if step == 5:
            slow = weight
        if step % 5 == 0:
            kept = 0.95**5 * (step / 12) ** 3
            weight = slow = kept * slow + (1 - kept) * weight
        assert training.take(step) == pytest.approx(weight)


@pytest.mark.parametrize("steps", [1, 4, 5, 9])
def test_a_training_too_short_for_lookahead_ends_with_its_own_weights(steps):
    training = Steps(Lookahead(every=5, decay=0.5), steps)
    assert [training.take(1) for _ in range(steps)][-1] == steps


def test_lookahead_does_not_begin_before_the_first_step_if_that_takes_several_batches():
    training = Steps(Lookahead(every=1, decay=0.5), 1)
    training.lookahead.on_train_batch_end(training.trainer, training.model, None, None, 0)
    assert training.take(1) == 1


def test_lookahead_resumes_with_its_slow_weights():
    first, steps = Steps(Lookahead(), 10), range(10)
    expected = [first.take(step) for step in steps][-1]
    stopped = Steps(Lookahead(), 10)
    for step in steps[:7]:
        stopped.take(step)
    resumed = Steps(Lookahead(), 10)
    resumed.lookahead.load_state_dict(stopped.lookahead.state_dict())
    resumed.model.load_state_dict(stopped.model.state_dict())
    resumed.trainer.global_step = 7
    resumed.lookahead.on_train_start(resumed.trainer, resumed.model)
    assert [resumed.take(step) for step in steps[7:]][-1] == expected


def test_the_triangle_rises_for_23_percent_of_the_steps_and_then_falls(make_config):
    cfg = make_config("experiment=cifar10_fast")
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=cfg.optim.lr)
    schedule = instantiate(without(cfg.scheduler, "interval"), max_lr=1.0, total_steps=101)
    triangle, rates = schedule(optimizer), []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 101:
            triangle.step()
    assert (rates[0], max(rates), rates[-1]) == pytest.approx((0.2, 1.0, 0.07), abs=1e-2)
    assert rates.index(max(rates)) == pytest.approx(23, abs=1)
    assert rates[11] == pytest.approx(0.6, abs=0.03) and rates[62] == pytest.approx(0.535, abs=0.03)


def test_the_rate_and_the_decay_are_those_of_the_paper_for_the_mean_of_a_batch(make_config):
    cfg = make_config("experiment=cifar10_fast")
    kilostep_scale = 1024 * (1 + 1 / (1 - cfg.optim.momentum))  # how far a constant gradient moves
    assert cfg.optim.lr == pytest.approx(cfg.data.batch_size * 11.5 / kilostep_scale)
    assert cfg.regularization.weight_decay == pytest.approx(0.0153 / 11.5, rel=1e-2)
    short = make_config("experiment=cifar10_5min")
    assert short.optim.lr == pytest.approx(short.data.batch_size * 11.5 / kilostep_scale)


HOW_TO = (ROOT / "docs" / "howto" / "fast_cifar.md").read_text(encoding="utf-8")
OFF = re.findall(r"^\|.*\| `(\S+)` \|$", HOW_TO, re.MULTILINE)


@pytest.mark.parametrize("off", OFF)
def test_each_trick_can_be_turned_off_alone(off, make_config):
    whole, less = make_config("experiment=cifar10_fast"), make_config("experiment=cifar10_fast", off)
    changed = {group for group in whole if whole[group] != less[group]}
    assert changed == {off.partition("=")[0].partition(".")[0]}


def test_each_trick_has_a_row_in_the_table_of_what_it_buys():
    assert sorted(OFF) == sorted(TRICKS.values()) and len(OFF) == 8
