"""Lecture 004: what a wide layer can represent, what depth adds, and what gradients must fulfill."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import (
    count_pieces,
    fit_output_weights,
    minimize,
    normal,
    numbers,
    with_one,
)
from intro_dl.models.layers import Activation, Init
from intro_dl.models.mlp import MLP
from intro_dl.models.regressor import MLPRegressor
from intro_dl.scratch.train_by_hand import digits


def wide_layer(width: int, activation: Activation) -> MLPRegressor:
    """Return model=regressor with one hidden layer whose units are spread evenly over [0, 1].

    Sigmoids each climb over about two spacings; ReLUs have their kinks at 0, 1/width, 2/width, ...
    """
    model = MLPRegressor((1,), hidden=(width,), activation=activation).double()
    weight, bias = model.features[0].parameters()
    steepness = 2.0 * (width - 1) if activation == "sigmoid" else 1.0
    centers = torch.linspace(0, 1, width) if activation == "sigmoid" else torch.arange(width) / width
    weight.data.fill_(steepness), bias.data.copy_(-steepness * centers.double())
    return model


def fit_output(model: MLPRegressor, x: Tensor, targets: Tensor) -> Tensor:
    """Give the last layer the output weights with the least squared error; return the outputs at `x` (n,)."""
    weights = fit_output_weights(with_one(model.features(x[:, None])).detach(), targets)
    model.output.bias.data, model.output.weight.data = weights[:1], weights[None, 1:]
    return model(x[:, None]).detach()


@claim(
    "F30",
    lectures=["004"],
    slide="Feed-forward neural network with a single hidden layer; NOTE!",
    says="... can approximate continuous functions arbitrarily well on a compact space. A better "
    "approximation requires a larger hidden layer. We can make training error as low as we want; result "
    "states nothing about test error. Doesn't say how to find the parameters.",
    kind="holds",
)
def universal_approximation() -> Outcome:
    x, widths = torch.linspace(0, 1, 1001, dtype=torch.float64), (4, 8, 16, 32, 64)
    target = torch.sin(6 * x) + torch.cos(17 * x) / 3
    errors = {}
    for name in ("sigmoid", "relu"):
        fits = [fit_output(wide_layer(width, name), x, target) for width in widths]
        errors[name] = [(fit - target).abs().max().item() for fit in fits]

    seen = torch.linspace(0, 1, 16, dtype=torch.float64)
    noisy = torch.sin(6 * seen) + 0.3 * normal(16)
    unseen = torch.linspace(0, 1, 300, dtype=torch.float64)
    train, test = {}, {}
    for width in (4, 16):
        model = wide_layer(width, "sigmoid")
        train[width] = F.mse_loss(fit_output(model, seen, noisy), noisy).item()
        test[width] = F.mse_loss(model(unseen[:, None]), torch.sin(6 * unseen)).item()
    return Outcome(
        [
            Check(
                "sigmoid: a wider layer has a smaller error",
                errors["sigmoid"],
                sorted(errors["sigmoid"])[::-1],
            ),
            Check("ReLU: a wider layer has a smaller error", errors["relu"], sorted(errors["relu"])[::-1]),
            Check("largest error of 64 units", [errors["sigmoid"][-1], errors["relu"][-1]], [0.0, 0.0], 0.01),
            Check("16 noisy points, 16 units: training error", train[16], 0.0, 1e-9),
            Check("... but its test error is above that of 4 units", test[16] > test[4], True),
        ],
        [
            f"{name}: {[f'{error:.1e}' for error in found]} for widths {widths}"
            for name, found in errors.items()
        ]
        + [
            f"{width} units: training error {train[width]:.4f}, test error {test[width]:.4f}"
            for width in train
        ]
        + [
            "One function, sin(6x) + cos(17x)/3 on [0, 1], by model=regressor: an example, not a proof "
            "of the theorem. Hidden units are placed evenly, and only output weights are fitted, by "
            "least squares: the theorem does not say how to find the others."
        ],
    )


@claim(
    "E20",
    lectures=["004"],
    slide="f(x) = sigma(w1 x + b1) + sigma(w2 x + b2) + ...",
    says="f(x) = sigma(w1 x + b1) + sigma(w2 x + b2) + sigma(w3 x + b3) + ... approximates continuous "
    "functions",
    right="f(x) = c1 sigma(w1 x + b1) + c2 sigma(w2 x + b2) + c3 sigma(w3 x + b3) + ... approximates "
    "continuous functions",
    kind="erratum",
)
def output_weights_are_missing() -> Outcome:
    x = torch.linspace(0, 1, 200, dtype=torch.float64)
    target = torch.sin(6 * x)  # from -1 to 1
    hidden = torch.stack([torch.full((20,), 8.0), -8 * torch.rand(20)]).double().requires_grad_()  # w and b

    def slide() -> Tensor:
        return torch.sigmoid(x[:, None] * hidden[0] + hidden[1]).sum(dim=1)

    minimize(lambda: F.mse_loss(slide(), target), [hidden], steps=60)
    right = fit_output(wide_layer(20, "sigmoid"), x, target)
    errors = [(f - target).abs().max().item() for f in (slide(), right)]
    return Outcome(
        [
            Check("the slide's sum of 20 units, trained: largest error", errors[0], 0.0, 0.9, differ=True),
            Check("with output weights, 20 units: largest error", errors[1], 0.0, 0.01),
        ],
        [
            f"largest error: slide {errors[0]:.3f}, with output weights {errors[1]:.5f}",
            "The target goes down to -1, and no sum of sigmas can follow it below 0.",
        ],
    )


@claim(
    "F31",
    lectures=["004"],
    slide="Simplified version of Telgarsky (2015, 2016)",
    says="A single layer network may need a width exponential in D to approximate a depth-D network's "
    "output.",
    kind="holds",
)
def depth() -> Outcome:
    x = torch.linspace(0, 1, 2**12 + 1, dtype=torch.float64)
    y, deep = [], []
    for depth_D in range(1, 9):
        with torch.no_grad():
            y.append(sawtooth(depth_D)(x[:, None]))
        deep.append(count_pieces(x, y[-1]))

    shallow, widths = [], (2, 4, 8, 16, 254)
    for width in widths:  # one layer: every unit has one kink, here on the grid
        kinks = (1 + torch.randperm(2**12 - 1)[:width]) / 2**12  # not at the ends
        signs = torch.randint(0, 2, (width,)) * 2 - 1
        model = MLPRegressor((1,), hidden=(width,)).double()
        weight, bias = model.features[0].parameters()
        weight.data, bias.data = signs[:, None].double(), -(signs * kinks).double()
        model.output.weight.data = normal(1, width)
        shallow.append(count_pieces(x, model(x[:, None]).detach()))

    errors = {}
    for width in (16, 64, 256):
        errors[width] = (
            (fit_output(wide_layer(width, "relu"), x, y[-1]) - y[-1]).square().mean().sqrt().item()
        )
    return Outcome(
        [
            Check(
                "pieces of model=regressor, D = 1 to 8 layers of 2 ReLUs: 2^D",
                deep,
                [2**D for D in range(1, 9)],
            ),
            Check(
                "pieces of one layer of W = 2, 4, 8, 16, 254 units: W + 1", shallow, [W + 1 for W in widths]
            ),
            Check("254 units in one layer have fewer pieces than 16 in eight", shallow[-1] < deep[-1], True),
            within(
                "one layer of 16 even ReLUs against eight layers: root mean square error", errors[16], 0.25
            ),
            within("... of 64, four times as many units as the deep net", errors[64], 0.25),
            within("... of 256, as many as pieces", errors[256], high=1e-6),
        ],
        [
            f"D = {D}: {2 * D} units in D layers, {n} pieces; one layer needs {n - 1} units"
            for D, n in enumerate(deep, 1)
        ]
        + [
            f"error of W even ReLUs with fitted output weights: "
            f"{', '.join(f'{W}: {e:.2g}' for W, e in errors.items())}"
            f"; of a constant: {y[-1].std().item():.2g}",
            "Computed for one family, Telgarsky's sawtooth, with weights set by hand: counts of pieces "
            "and fits with even kinks. The theorem is about every shallow network, and 'may need' is "
            "about such functions.",
        ],
    )


def sawtooth(depth: int) -> MLPRegressor:
    """Return model=regressor of `depth` layers of two ReLUs: the tent map applied `depth` times.

    Each tent goes up from 0 to 1 on [0, 1/2] and down to 0 on [1/2, 1]: 2 relu(x) - 4 relu(x - 1/2).
    """
    model = MLPRegressor((1,), hidden=(2,) * depth).double()
    maps = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    tent = numbers(2, -4)
    for index, layer in enumerate(maps):
        last = index == depth
        layer.weight.data = numbers(1, 1)[:, None] if index == 0 else tent.expand(1 if last else 2, 2).clone()
        layer.bias.data = numbers(0) if last else numbers(0, -0.5)
    return model


@claim(
    "F32",
    lectures=["004"],
    slide="Over-parametrizing a deep model often improves test performance (Belkin et al. 2018, Figure 1)",
    says="The double descent risk curve: test risk peaks at the interpolation threshold; the predictors to "
    "the right of it have zero training risk. [Run on a stand-in that is not deep: random ReLU units.]",
    kind="measured",
)
def double_descent() -> Outcome:
    images, labels, test_images, test_labels = digits()
    one_hot, n = torch.eye(10, dtype=torch.float64), 100
    widths = (5, 10, 20, 40, 70, n, 140, 200, 400, 2000)
    train, test = torch.zeros(len(widths)), torch.zeros(len(widths))
    for _ in range(3):
        rows = torch.randperm(len(images))[:n]
        noisy = torch.where(torch.rand(n) < 0.1, torch.randint(10, (n,)), labels[rows])  # 10 % random labels
        random = MLP((64,), 10, hidden=(max(widths),), init="he").double().features.requires_grad_(False)
        seen, unseen = random(images[rows] - 0.5), random(test_images - 0.5)
        for i, width in enumerate(widths):
            output = fit_output_weights(seen[:, :width], one_hot[noisy])
            train[i] += F.mse_loss(seen[:, :width] @ output, one_hot[noisy]) / 3
            test[i] += F.mse_loss(unseen[:, :width] @ output, one_hot[test_labels]) / 3
    classical = test[: widths.index(n)].min().item()
    return Outcome(
        [
            Check("width at the peak of the test error", widths[int(test.argmax())], n),
            Check(
                "training error of every larger width", train[widths.index(n) + 1 :], torch.zeros(4), 1e-12
            ),
            Check("2,000 units beat the best width below the threshold", test[-1].item() < classical, True),
        ],
        [
            f"{width:4} units: training error {a:.4f}, test error {b:.4f}"
            for width, a, b in zip(widths, train.tolist(), test.tolist(), strict=True)
        ]
        + [
            "Stand-in: the hidden layer of model=mlp stays random, and only output weights are fitted, "
            "by least squares (the shortest solution); 100 digits of 8x8 pixels, 10 % with random "
            "labels, mean of 3 draws. Whether a deep model improves with its size is not shown here.",
            f"Best width below the threshold: {widths[int(test[: widths.index(n)].argmin())]}. Whether the "
            "test error first falls there, as in the classical U, depends on the draws: it is not checked.",
        ],
    )


def layer_gradients(model: MLP, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Return the gradient of the loss for the weights of each layer, first layer first."""
    weights = [layer.weight for layer in model.modules() if isinstance(layer, nn.Linear)]
    return list(torch.autograd.grad(model.metrics((images, labels))["loss"], weights))


@claim(
    "F33",
    lectures=["004"],
    slide="But we must control that",
    says="Gradients don't vanish. Gradient amplitude is homogeneous across network. Gradients are under "
    "control when weights change.",
    kind="holds",
)
def control_gradients() -> Outcome:
    images, labels, _, _ = digits()
    images, labels = (images[:200] - images.mean()) / images.std(), labels[:200]
    starts: dict[str, tuple[Init, float]] = {  # init and sigma of model=mlp
        "too small": ("normal", 0.01),
        "Xavier": ("xavier", 0.0),
        "too large": ("normal", 0.5),
    }
    norms, changes = {}, {}
    for name, (init, sigma) in starts.items():
        model = MLP((64,), 10, hidden=(100,) * 8, activation="tanh", init=init, sigma=sigma).double()
        gradients = layer_gradients(model, images, labels)
        with torch.no_grad():
            for W in model.parameters():
                W *= 1 + 0.01 * torch.randn_like(W)
        moved = layer_gradients(model, images, labels)
        norms[name] = [slope.norm().item() for slope in gradients]
        before, after = (torch.cat([slope.flatten() for slope in each]) for each in (gradients, moved))
        changes[name] = ((after - before).norm() / before.norm()).item()
    spread = {name: max(found) / min(found) for name, found in norms.items()}
    return Outcome(
        [
            within("weights too small: the gradient of the first layer", norms["too small"][0], high=1e-6),
            Check("Xavier: none vanishes; the smallest is above 0.1", min(norms["Xavier"]) > 0.1, True),
            Check("Xavier: the largest is less than 3 times the smallest", spread["Xavier"] < 3, True),
            Check("weights too large: it is more than 10 times the smallest", spread["too large"] > 10, True),
            Check(
                "weights change by 1 %: Xavier's gradients by less than 10 %",
                changes["Xavier"] < 0.1,
                True,
            ),
            Check("... with too large weights by more than 50 %", changes["too large"] > 0.5, True),
        ],
        ["model=mlp, 8 hidden layers of 100 tanh units, first gradient on 200 digits"]
        + [
            f"{name}, init={init} sigma={sigma}: gradient norms {[f'{norm:.2g}' for norm in norms[name]]}"
            for name, (init, sigma) in starts.items()
        ]
        + [f"{name}: relative change {change:.3f}" for name, change in changes.items()],
    )
