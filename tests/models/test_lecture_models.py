"""What is special to each lecture model: the numbers of its slide or paper, and its lesson."""

import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

from intro_dl.data.toy import XOR, PassClass, TwoGaussians
from intro_dl.models.cnn import CNN
from intro_dl.models.lenet import LeNet
from intro_dl.models.mlp import MLP
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.regressor import MLPRegressor
from intro_dl.models.resnet import Block, ResNet
from intro_dl.models.rosenblatt import Rosenblatt
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.models.torchvision import Torchvision

MNIST = {"in_shape": (1, 28, 28), "num_classes": 10}
CIFAR = {"in_shape": (3, 32, 32), "num_classes": 10}
PLANE = {"in_shape": (2,), "num_classes": 2}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("expected", "make"),
    [
        (7_850, lambda: SoftmaxRegression(**MNIST)),
        (18, lambda: SoftmaxRegression((5,), 3)),
        (26, lambda: MLP((3,), 2, hidden=(4,))),
        (185_300, lambda: MLP(**MNIST, hidden=(200, 100, 60, 30))),
        (648_010, lambda: MLP(**MNIST, hidden=(500, 500))),
        (3, lambda: Perceptron(**PLANE)),
        (61_706, lambda: LeNet(**MNIST)),
        (122_270, lambda: CNN(**MNIST)),
        (122_270, lambda: CNN(**MNIST, downsample="max_pool")),
        (244_076, lambda: CNN(**MNIST, widths=(6, 12, 24), kernels=(6, 5, 4))),
    ],
)
def test_has_as_many_parameters_as_the_lecture_counts(expected, make):
    assert count(make()) == expected


# Perceptron


def slide_perceptron(activation="sigmoid"):
    model = Perceptron(**PLANE, activation=activation)
    with torch.no_grad():
        model.w0.fill_(1.0)
        model.w.copy_(torch.tensor([3.0, -2.0]))
    return model


def test_perceptron_of_the_slide_gives_0_00247():
    assert slide_perceptron()(torch.tensor([[-1.0, 2.0]])).item() == pytest.approx(0.0024726, abs=1e-7)


def test_perceptron_is_a_line_in_the_plane():
    model, points = slide_perceptron(), 10 * torch.rand(1000, 2) - 5
    above = 1 + 3 * points[:, 0] - 2 * points[:, 1] > 0
    assert torch.equal(model(points) > 0.5, above)
    assert torch.equal(model.predict(model(points)), above.long())


@pytest.mark.parametrize(("activation", "y"), [("tanh", math.tanh(-6)), ("relu", 0.0), ("step", 0.0)])
def test_perceptron_shows_y_of_other_functions_but_does_not_train_with_them(activation, y):
    model, inputs = slide_perceptron(activation), torch.tensor([[-1.0, 2.0], [0.0, 0.4]])
    assert model(inputs)[0].item() == pytest.approx(y)
    assert model.predict(model(inputs)).tolist() == [0, 1]  # z is -6 and 0.2
    with pytest.raises(ValueError, match=f"model.activation={activation} .* model.activation=sigmoid"):
        model.metrics((inputs, torch.tensor([0, 1])))


def test_perceptron_refuses_ten_classes(train):
    answer = train("model=perceptron", "data=digits")
    assert answer.code == 1
    assert "the data have 10" in answer.err and "model=softmax" in answer.err


def test_perceptron_loss_is_binary_cross_entropy_of_y():
    model, inputs, labels = slide_perceptron(), torch.randn(50, 2), torch.randint(2, (50,))
    expected = F.binary_cross_entropy(model(inputs), labels.float())
    assert torch.allclose(model.metrics((inputs, labels))["loss"], expected)
    assert torch.allclose(F.nll_loss(model.probabilities(model(inputs)).log(), labels), expected)


def test_perceptron_learns_from_a_point_where_the_sigmoid_is_saturated():
    model = slide_perceptron()
    model.metrics((torch.tensor([[1000.0, 0.0]]), torch.tensor([0])))["loss"].backward()
    assert model.w.grad.tolist() == pytest.approx([1000, 0])


def test_perceptron_is_logistic_regression():
    data = PassClass()
    data.setup()
    inputs, labels = data.transform(data.splits["train"][0]), data.splits["train"][1]
    model = Perceptron(**PLANE)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = model.metrics((inputs, labels))["loss"]
        loss.backward()
        return loss

    optimizer.step(closure)
    reference = LogisticRegression(C=1e6).fit(inputs, labels)
    assert model.w.tolist() == pytest.approx(reference.coef_[0].tolist(), rel=0.01)
    assert model.w0.item() == pytest.approx(reference.intercept_[0], rel=0.01)
    query = data.transform(torch.tensor([data.query]))
    assert model(query).item() > 0.9  # the slide's untrained net said 0.1


def test_perceptron_by_its_defaults_is_nearly_as_good_as_the_rule_that_made_the_data(train):
    result = train("model=perceptron").result
    assert result["accuracy/test"] > 0.89  # the rule itself: 0.92
    assert result["parameters"] == 3


# Rosenblatt


def learn(model, data, epochs, lr=1.0):
    """Return the number of mistakes of each epoch of one-by-one updates."""
    data.setup()
    inputs, labels = data.transform(data.splits["train"][0]), data.splits["train"][1]
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    mistakes = []
    for _ in range(epochs):
        mistakes.append(0)
        for example in zip(inputs.split(1), labels.split(1), strict=True):
            metrics = model.metrics(example)
            optimizer.zero_grad()
            metrics["loss"].backward()
            optimizer.step()
            mistakes[-1] += int(metrics["accuracy"] == 0)
    return mistakes


def test_rosenblatt_adds_x_to_the_right_row_and_subtracts_it_from_the_winner():
    model = Rosenblatt((2,), 3)
    with torch.no_grad():
        model.scores.bias.copy_(torch.tensor([0.0, 0.5, 0.0]))
    x = torch.tensor([[2.0, -1.0]])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.metrics((x, torch.tensor([2])))["loss"].backward()
    optimizer.step()
    assert model.scores.weight.tolist() == [[0, 0], [-2, 1], [2, -1]]
    assert model.scores.bias.tolist() == [0, -0.5, 1]


def test_rosenblatt_changes_nothing_when_it_is_right():
    model = Rosenblatt(**PLANE)  # all scores are equal: it says class 0
    model.metrics((torch.randn(1, 2), torch.tensor([0])))["loss"].backward()
    assert all(not parameter.grad.any() for parameter in model.parameters())


def test_rosenblatt_stops_making_mistakes_on_separable_data():
    assert learn(Rosenblatt(**PLANE), TwoGaussians(), epochs=5)[-1] == 0


def test_rosenblatt_makes_mistakes_on_xor_in_every_epoch():
    model, data = Rosenblatt(**PLANE), XOR()
    assert min(learn(model, data, epochs=4)) > 0
    inputs, labels = data.splits["test"]
    assert model.metrics((data.transform(inputs), labels))["accuracy"] <= 0.75


def test_rosenblatt_decides_the_same_at_any_learning_rate():
    models = [Rosenblatt(**PLANE) for _ in range(2)]
    mistakes = [learn(model, XOR(), epochs=2, lr=lr) for model, lr in zip(models, (1.0, 0.25), strict=True)]
    assert mistakes[0] == mistakes[1]
    assert torch.allclose(0.25 * models[0].scores.weight, models[1].scores.weight)


def test_rosenblatt_says_that_xor_is_not_linearly_separable(train):
    answer = train("model=rosenblatt", "data=xor", "trainer.max_epochs=5")
    assert answer.result["accuracy/test"] <= 0.75
    assert "not linearly separable" in " ".join(answer.out.split())


def test_rosenblatt_remarks_on_updates_that_never_stop_only():
    model = Rosenblatt(**PLANE)
    model.history = [{"accuracy/train": 0.5}] * 4
    assert model.notes() == []  # too early to tell
    model.history = [{"accuracy/train": 0.5}] * 5
    assert "updates never stopped" in model.notes()[0] and "50%" in model.notes()[0]
    model.history = [*model.history, {"accuracy/train": 1.0}]
    assert model.notes() == []


def test_mlp_reaches_1_on_xor_by_its_defaults(train):
    assert train("model=mlp", "data=xor", "trainer.max_epochs=5").result["accuracy/test"] == 1.0


# Regressor


def test_regressor_predicts_one_number_for_each_input():
    assert MLPRegressor((2,))(torch.randn(7, 2)).shape == (7,)


def test_regressor_without_hidden_layers_is_linear_regression():
    model = MLPRegressor((2,), hidden=())
    x, y = torch.randn(2, 5, 2)
    assert torch.allclose(model(x + y) + model(torch.zeros(5, 2)), model(x) + model(y), atol=1e-5)


def test_regressor_by_its_defaults_comes_close_to_the_noise_of_the_grades(train):
    assert train("model=regressor").result["absolute_error/test"] < 5  # the rule itself: 4.0


def test_regressor_refuses_classes(train):
    answer = train("model=regressor", "data=xor")
    assert answer.code == 1 and "MLPRegressor cannot read XOR" in answer.err


# Convolutional networks


def shapes_after(model, layer_type, in_shape):
    shapes = []
    hooks = [
        layer.register_forward_hook(lambda module, args, output: shapes.append(tuple(output.shape[1:])))
        for layer in model.modules()
        if isinstance(layer, layer_type)
    ]
    model(torch.zeros(1, *in_shape))
    for hook in hooks:
        hook.remove()
    return shapes


def test_cnn_has_the_shapes_of_the_slide():
    model = CNN(**MNIST)
    assert shapes_after(model, nn.Conv2d, (1, 28, 28)) == [(4, 28, 28), (8, 14, 14), (12, 7, 7)]
    assert shapes_after(model, nn.Linear, (1, 28, 28)) == [(200,), (10,)]


def test_cnn_max_pool_has_the_shapes_of_stride():
    model = CNN(**MNIST, downsample="max_pool")
    assert shapes_after(model, nn.MaxPool2d, (1, 28, 28)) == [(8, 14, 14), (12, 7, 7)]


@pytest.mark.parametrize("kernels", [(1, 2, 3), (4, 5, 6), (6, 5, 4)])
@pytest.mark.parametrize("sides", [(6, 7), (9, 13), (28, 31)])
def test_cnn_halves_any_size_rounded_up_with_odd_and_even_kernels(kernels, sides):
    last = (12, *(math.ceil(math.ceil(side / 2) / 2) for side in sides))
    for downsample in ("stride", "max_pool"):
        model = CNN((1, *sides), 10, kernels=kernels, downsample=downsample)
        assert model.features(torch.zeros(1, 1, *sides)).shape[1:] == last


def test_cnn_with_batch_norm_has_no_bias_that_it_would_cancel():
    model = CNN(**MNIST, batch_norm=True, dropout=0.25)
    normalized = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)] + [model.hidden[0]]
    assert all(layer.bias is None for layer in normalized)
    assert count(model) == 122_270 + 4 + 8 + 12 + 200  # a scale more for each; the shift is the bias
    assert model(torch.randn(4, 1, 28, 28)).shape == (4, 10)


def test_cnn_refuses_widths_and_kernels_of_different_number():
    with pytest.raises(
        ValueError, match=r"model.widths=\[4, 8\] and model.kernels=\[5, 5, 4\] differ in length"
    ):
        CNN(**MNIST, widths=(4, 8))


@pytest.mark.parametrize(("model", "minimum"), [(LeNet, 12), (CNN, 5), (ResNet, 8)])
def test_image_net_says_how_small_an_image_may_be(model, minimum):
    with pytest.raises(ValueError, match=f"at least {minimum}x{minimum} pixels, got {minimum - 1}x40"):
        model((1, minimum - 1, 40), 10)
    assert model((1, minimum, minimum), 10)(torch.randn(2, 1, minimum, minimum)).shape == (2, 10)


@pytest.mark.parametrize("model", [LeNet, CNN, ResNet, Torchvision])
def test_image_net_refuses_points_in_the_plane(model):
    with pytest.raises(ValueError, match="reads images, but the data have inputs of shape 2"):
        model(**PLANE)


# ResNet


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_resnet_has_the_depth_and_the_size_of_the_papers_table_6(depth, millions):
    model = ResNet(**CIFAR, depth=depth)
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in model.modules()) == depth
    assert count(model) / 1e6 == pytest.approx(millions, abs=0.006 if depth < 110 else 0.06)


def test_resnet_20_has_269722_parameters_with_and_without_skips():
    assert count(ResNet(**CIFAR)) == count(ResNet(**CIFAR, skip=False)) == 269_722


def test_resnet_projections_add_two_1x1_convolutions_with_norm():
    added = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert count(ResNet(**CIFAR, shortcut="projection")) == 269_722 + added


def test_resnet_has_16_32_64_maps_and_halves_twice():
    shapes = shapes_after(ResNet(**CIFAR), Block, (3, 32, 32))
    assert shapes == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


@pytest.mark.parametrize(
    ("depth", "near"), [(21, "20 or 26"), (25, "20 or 26"), (57, "56 or 62"), (2, "8 or 14")]
)
def test_resnet_refuses_a_depth_that_is_not_6n_plus_2(depth, near):
    with pytest.raises(ValueError, match=f"Invalid model.depth={depth}: choose 6n \\+ 2, e.g. {near}"):
        ResNet(**CIFAR, depth=depth)


def test_resnet_block_that_adds_nothing_passes_on_every_second_pixel_and_zeros():
    block, x = Block(16, 32, skip=True, projection=False), torch.rand(2, 16, 8, 8)
    nn.init.zeros_(block.norm2.weight)
    y = block(x)
    assert torch.equal(y[:, :16], x[:, :, ::2, ::2])
    assert not y[:, 16:].any()


def test_truncated_normal_weights_stay_within_two_sigma_and_biases_start_at_a_tenth():
    model = CNN((1, 28, 28), 10, init="truncated_normal", sigma=0.1)
    weights = model.hidden[0].weight  # 117,600 of them
    assert weights.abs().max() <= 0.2 and weights.std().item() == pytest.approx(0.088, abs=0.001)
    assert all((layer.bias == 0.1).all() for layer in (*model.hidden, model.logits) if hasattr(layer, "bias"))


def test_resnet_with_zero_init_starts_as_the_identity():
    x = torch.rand(2, 16, 8, 8)
    first_stage = ResNet(**CIFAR, zero_init=True).blocks[:3]
    assert torch.equal(first_stage(x), x)
    assert not torch.equal(ResNet(**CIFAR).blocks[:3](x), x)


@pytest.mark.parametrize("depth", [20, 110])
def test_untrained_resnet_guesses_at_any_depth_and_starts_as_he_et_al(depth):
    model = ResNet((1, 8, 8), 10, depth=depth)
    loss = model.metrics((torch.randn(16, 1, 8, 8), torch.arange(16) % 10))["loss"]
    assert loss.item() == pytest.approx(math.log(10), abs=0.2)
    assert model.blocks[-1].conv2.weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.05)


def test_plain_net_refuses_zero_init():
    with pytest.raises(ValueError, match="model.skip=true"):
        ResNet(**CIFAR, skip=False, zero_init=True)


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 56},
        {"shortcut": "projection"},
        {"depth": 14, "zero_init": True},
        {"depth": 14, "skip": False},
    ],
)
def test_resnet_trains(options):
    torch.manual_seed(0)
    model = ResNet((3, 12, 12), 10, **options)
    batch = torch.randn(16, 3, 12, 12), torch.arange(16) % 10
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        losses.append(model.metrics(batch)["loss"])
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]
