"""What the generated data sets promise: their rules, their splits and their scale."""

import math

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from intro_dl.data.toy import XOR, Circles, Grades, Moons, PassClass, Ring, Spirals, TwoGaussians
from intro_dl.training.build import build_data

SETS = [PassClass, Grades, TwoGaussians, XOR, Moons, Circles, Spirals, Ring]
OPTIONS = ["pass_class", "grades", "two_gaussians", "xor", "moons", "circles", "spirals", "ring"]


@pytest.fixture(params=SETS, ids=lambda data_class: data_class.__name__)
def data_class(request):
    return request.param


def loaded(data):
    data.prepare_data()
    data.setup()
    return data


def draw_many(data, count=100_000):
    return data.draw(count, torch.Generator().manual_seed(1))


def best_line_accuracy(inputs, labels):
    """Return the accuracy of the best of many lines: 180 directions, one between any two neighbors."""
    angles = torch.linspace(0, math.pi, 181)[:-1]
    best = 0.0
    for direction in torch.stack([angles.cos(), angles.sin()], dim=1):
        order = (inputs @ direction).argsort()
        ones_below = torch.cat([torch.zeros(1), labels[order].cumsum(0)])
        zeros_below = torch.arange(len(labels) + 1) - ones_below
        right = zeros_below + labels.sum() - ones_below  # class 0 below the line, class 1 above
        best = max(best, float(right.max()), float((len(labels) - right).max()))
    return best / len(labels)


def test_has_as_many_points_as_promised_of_the_promised_shape(data_class):
    data = loaded(data_class())
    ring = {"train": 12_800, "val": 1_000, "test": 1_000}
    for split, count in (ring if data_class is Ring else {"train": 600, "val": 200, "test": 200}).items():
        inputs, targets = data.splits[split]
        assert inputs.shape == (count, *data.dims["in_shape"]) and inputs.dtype == torch.float32
        assert targets.shape == (count,)
        assert targets.dtype == (torch.int64 if "num_classes" in data.dims else torch.float32)
    assert len(data.features) == 2


def test_split_seed_alone_decides_which_points_are_drawn(data_class):
    first, again = loaded(data_class(seed=0)), loaded(data_class(seed=1))
    other = loaded(data_class(split_seed=1))
    for split in ("train", "val", "test"):
        assert torch.equal(first.splits[split][0], again.splits[split][0])
        assert torch.equal(first.splits[split][1], again.splits[split][1])
        assert not torch.equal(first.splits[split][0], other.splits[split][0])


def test_the_splits_share_no_point(data_class):
    data = loaded(data_class())
    points = torch.cat([inputs for inputs, _ in data.splits.values()])
    assert len(points.unique(dim=0)) == sum(data.sizes().values())


def test_training_inputs_have_mean_0_and_deviation_1_and_the_others_the_same_scale(data_class):
    data = loaded(data_class())
    train, test = data.splits["train"][0], data.splits["test"][0]
    assert data.transform(train).mean(dim=0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert data.transform(train).std(dim=0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-5)
    constants = train.mean(dim=0), train.std(dim=0, correction=0)
    assert torch.allclose(data.transform(test), (test - constants[0]) / constants[1], atol=1e-6)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_option_lists_the_defaults_of_its_class(option, make_config):
    data = build_data(make_config(f"data={option}"))
    plain = type(data)()
    for key in ("batch_size", "split_seed", "noise", "distance"):
        assert getattr(data, key, None) == getattr(plain, key, None)
    assert data.dims == plain.dims


@pytest.mark.parametrize("data_class", [TwoGaussians, XOR, Moons, Circles])
def test_both_classes_are_equally_frequent_in_every_split(data_class):
    for _, labels in loaded(data_class()).splits.values():
        assert labels.bincount().tolist() == [len(labels) // 2] * 2


def test_students_pass_as_often_as_the_rule_says():
    inputs, passed = draw_many(PassClass())
    chance = PassClass.chance(inputs)
    for low in torch.arange(0, 1, 0.1):
        some = (chance >= low) & (chance < low + 0.1)
        deviation = math.sqrt(0.25 / some.sum())
        assert float(passed[some].float().mean()) == pytest.approx(
            float(chance[some].mean()), abs=4 * deviation
        )


def test_the_student_of_the_slide_passes_with_97_percent():
    assert PassClass.query == (4, 5)
    assert PassClass.chance(torch.tensor([PassClass.query])).item() == pytest.approx(1 / (1 + math.exp(-3.5)))


def test_best_accuracy_on_pass_class_is_92_percent():
    inputs, _ = draw_many(PassClass())
    chance = PassClass.chance(inputs)
    assert torch.maximum(chance, 1 - chance).mean() == pytest.approx(0.92, abs=0.005)


def test_lectures_are_whole_and_both_features_are_in_their_range():
    for data in (PassClass(), Grades()):
        lectures, hours = draw_many(data)[0].unbind(dim=1)
        assert lectures.unique().tolist() == list(range(9))
        assert 0 <= hours.min() < 0.1 and 9.9 < hours.max() <= 10


def test_grades_are_percent_and_follow_the_rule_up_to_the_stated_noise():
    inputs, grades = draw_many(Grades())
    lectures, hours = inputs.unbind(dim=1)
    error = grades - (20 + 4 * lectures + 14 * hours.sqrt())
    assert 0 <= grades.min() and grades.max() <= 100
    assert error.mean() == pytest.approx(0, abs=0.1)
    assert error.std() == pytest.approx(5, abs=0.1)
    assert error.abs().mean() == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("split_seed", range(5))
def test_a_line_separates_the_two_gaussians(split_seed):
    for inputs, labels in loaded(TwoGaussians(split_seed=split_seed)).splits.values():
        assert torch.equal((inputs.sum(dim=1) > 0).long(), labels)


def test_two_gaussians_at_distance_2_overlap_as_phi_of_1_says():
    inputs, labels = draw_many(TwoGaussians(distance=2.0))
    phi = (1 + math.erf(1 / math.sqrt(2))) / 2  # 0.841
    assert ((inputs.sum(dim=1) > 0) == labels).float().mean() == pytest.approx(phi, abs=0.005)


@pytest.mark.parametrize("split_seed", range(5))
def test_no_line_is_right_on_more_than_three_of_four_xor_clouds(split_seed):
    for inputs, labels in loaded(XOR(split_seed=split_seed)).splits.values():
        assert best_line_accuracy(inputs, labels) == 0.75
        assert torch.equal((inputs.prod(dim=1) < 0).long(), labels)


def test_the_squares_separate_the_circles_and_a_line_does_not():
    inputs, labels = draw_many(Circles(noise=0.05), 1000)
    assert ((inputs.square().sum(dim=1) < 0.75**2) == labels).float().mean() > 0.99
    assert best_line_accuracy(inputs, labels) < 0.75


@pytest.mark.parametrize("data_class", [Moons, Circles, Spirals])
def test_neighbors_tell_the_class_where_lines_cannot(data_class):
    data = loaded(data_class())
    nearest = KNeighborsClassifier(5).fit(*(part.numpy() for part in data.splits["train"]))
    assert nearest.score(*(part.numpy() for part in data.splits["test"])) > 0.95
    inputs, labels = data.splits["test"]
    assert best_line_accuracy(inputs, (labels > 0).long()) < 0.92


def test_spirals_have_a_class_for_each_arm():
    data = loaded(Spirals(arms=5))
    assert data.dims["num_classes"] == 5
    assert data.splits["train"][1].bincount().tolist() == [120] * 5
    assert Spirals().dims["num_classes"] == 3  # one set does not change another


def test_spirals_without_noise_follow_the_formula():
    inputs, labels = draw_many(Spirals(noise=0.0), 300)
    radius = inputs.norm(dim=1)
    angle = 2 * math.pi * labels / 3 + 4 * radius
    assert torch.allclose(inputs, radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1), atol=1e-5)


SHOWN = ("grades", "spirals")  # numbers to predict, and three classes; -m slow trains on all


@pytest.mark.parametrize(
    "option", [pytest.param(name, marks=() if name in SHOWN else pytest.mark.slow) for name in OPTIONS]
)
def test_trains_from_the_command_line(option, train):
    model = "regressor" if option == "grades" else "mlp"
    answer = train(f"model={model}", f"data={option}", "trainer=smoke")
    assert answer.code == 0, answer.err
