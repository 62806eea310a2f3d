"""Lecture 004: what a wide layer can represent, what depth adds, and what gradients must fulfill."""

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import (
    count_pieces,
    fit_output_weights,
    minimize,
    normal,
    steep_sigmoids,
    tent,
    with_one,
)
from intro_dl.scratch.train_by_hand import digits


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
    hidden = {
        "sigmoid": steep_sigmoids,
        "ReLU": lambda x, width: with_one(torch.relu(x[:, None] - torch.arange(width) / width)),
    }
    errors = {}
    for name, units in hidden.items():
        fits = [units(x, width) @ fit_output_weights(units(x, width), target) for width in widths]
        errors[name] = [(fit - target).abs().max().item() for fit in fits]

    seen = torch.linspace(0, 1, 16, dtype=torch.float64)
    noisy = torch.sin(6 * seen) + 0.3 * normal(16)
    unseen = torch.linspace(0, 1, 300, dtype=torch.float64)
    train, test = {}, {}
    for width in (4, 16):
        output = fit_output_weights(steep_sigmoids(seen, width), noisy)
        train[width] = F.mse_loss(steep_sigmoids(seen, width) @ output, noisy).item()
        test[width] = F.mse_loss(steep_sigmoids(unseen, width) @ output, torch.sin(6 * unseen)).item()
    return Outcome(
        [
            Check(
                "sigmoid: a wider layer has a smaller error",
                errors["sigmoid"],
                sorted(errors["sigmoid"])[::-1],
            ),
            Check("ReLU: a wider layer has a smaller error", errors["ReLU"], sorted(errors["ReLU"])[::-1]),
            Check("largest error of 64 units", [errors["sigmoid"][-1], errors["ReLU"][-1]], [0.0, 0.0], 0.01),
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
            "Only output weights are fitted here, by least squares: the theorem does not say how to find the "
            "others."
        ],
    )


@claim(
    "E20",
    lectures=["004"],
    slide="f(x) = sigma(w1 x + b1) + sigma(w2 x + b2) + ...",
    says="f(x) = sigma(w1 x + b1) + sigma(w2 x + b2) + sigma(w3 x + b3) + ... approximates continuous "
    "functions. [Right: f(x) = c1 sigma(w1 x + b1) + c2 sigma(w2 x + b2) + ..., with output weights: a sum "
    "of sigmas is never negative.]",
    kind="erratum",
)
def output_weights_are_missing() -> Outcome:
    x = torch.linspace(0, 1, 200, dtype=torch.float64)
    target = torch.sin(6 * x)  # from -1 to 1
    hidden = torch.stack([torch.full((20,), 8.0), -8 * torch.rand(20)]).double().requires_grad_()  # w and b

    def slide() -> Tensor:
        return torch.sigmoid(x[:, None] * hidden[0] + hidden[1]).sum(dim=1)

    minimize(lambda: F.mse_loss(slide(), target), [hidden], steps=60)
    h = steep_sigmoids(x, 20)
    right = h @ fit_output_weights(h, target)
    errors = [(f - target).abs().max().item() for f in (slide(), right)]
    return Outcome(
        [
            Check("the slide's sum of 20 units, trained: largest error", errors[0], 0.0, 0.9, differ=True),
            Check("the least value of the slide's sum is not below 0", slide().min().item() >= 0, True),
            Check("with output weights, 20 units: largest error", errors[1], 0.0, 0.01),
        ],
        [f"largest error: slide {errors[0]:.3f}, with output weights {errors[1]:.5f}"],
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
    y, deep = x, []
    for _ in range(8):
        y = tent(y)  # one more layer of 2 units
        deep.append(count_pieces(x, y))

    shallow, widths = [], (2, 4, 8, 16, 254)
    for width in widths:  # one layer: every unit has one kink, here on the grid
        kinks = (1 + torch.randperm(2**12 - 1)[:width]) / 2**12  # not at the ends
        signs = torch.randint(0, 2, (width,)) * 2 - 1
        units = torch.relu(signs * (x[:, None] - kinks.double()))
        shallow.append(count_pieces(x, units @ normal(width)))
    return Outcome(
        [
            Check("pieces of D = 1 to 8 layers of 2 ReLU units: 2^D", deep, [2**D for D in range(1, 9)]),
            Check(
                "pieces of one layer of W = 2, 4, 8, 16, 254 units: W + 1", shallow, [W + 1 for W in widths]
            ),
            Check("254 units in one layer have fewer pieces than 16 in eight", shallow[-1] < deep[-1], True),
        ],
        [
            f"D = {D}: {2 * D} units in D layers, {n} pieces; one layer needs {n - 1}"
            for D, n in enumerate(deep, 1)
        ],
    )


@claim(
    "F32",
    lectures=["004"],
    slide="Over-parametrizing a deep model often improves test performance (Belkin et al. 2018, Figure 1)",
    says="The double descent risk curve: test risk peaks at the interpolation threshold; the predictors to "
    "the right of it have zero training risk.",
    kind="holds",
)
def double_descent() -> Outcome:
    images, labels, test_images, test_labels = digits()
    one_hot, n = torch.eye(10, dtype=torch.float64), 100
    widths = (5, 10, 20, 40, 70, n, 140, 200, 400, 2000)
    train, test = torch.zeros(len(widths)), torch.zeros(len(widths))
    for _ in range(3):
        rows = torch.randperm(len(images))[:n]
        noisy = torch.where(torch.rand(n) < 0.1, torch.randint(10, (n,)), labels[rows])  # 10 % random labels
        random = normal(64, max(widths))  # random ReLU units; only the output weights are fitted
        seen, unseen = torch.relu((images[rows] - 0.5) @ random), torch.relu((test_images - 0.5) @ random)
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
            Check(
                "below that width, a U: the best width is in the middle", 0 < int(test[:6].argmin()) < 5, True
            ),
        ],
        [
            f"{width:4} units: training error {a:.4f}, test error {b:.4f}"
            for width, a, b in zip(widths, train.tolist(), test.tolist(), strict=True)
        ],
    )


def layer_gradients(weights: list[Tensor], images: Tensor, labels: Tensor) -> list[Tensor]:
    """Return dE/dW of each layer of a tanh network under softmax cross-entropy."""
    weights = [W.detach().requires_grad_() for W in weights]
    h = images
    for W in weights[:-1]:
        h = torch.tanh(h @ W.T)
    return list(torch.autograd.grad(F.cross_entropy(h @ weights[-1].T, labels), weights))


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
    sizes = [64, *[100] * 8, 10]
    starts = {  # standard deviation of the weights of a layer with n inputs and m outputs
        "too small": lambda n, m: 0.01,
        "Xavier": lambda n, m: (2 / (n + m)) ** 0.5,
        "too large": lambda n, m: 0.5,
    }
    norms, changes = {}, {}
    for name, sigma in starts.items():
        weights = [sigma(n, m) * normal(m, n) for n, m in zip(sizes[:-1], sizes[1:], strict=True)]
        gradients = layer_gradients(weights, images, labels)
        moved = layer_gradients([W * (1 + 0.01 * torch.randn_like(W)) for W in weights], images, labels)
        norms[name] = [slope.norm().item() for slope in gradients]
        before, after = (torch.cat([slope.flatten() for slope in each]) for each in (gradients, moved))
        changes[name] = ((after - before).norm() / before.norm()).item()
    spread = {name: max(found) / min(found) for name, found in norms.items()}
    return Outcome(
        [
            Check("weights too small: every gradient vanishes", norms["too small"], [0.0] * 9, 1e-6),
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
        [f"{name}: gradient norms {[f'{norm:.1e}' for norm in found]}" for name, found in norms.items()]
        + [f"{name}: relative change {change:.3f}" for name, change in changes.items()],
    )
