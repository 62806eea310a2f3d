"""Lecture 002: from logistic regression to hidden units, and what a network can represent."""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.data.dataset import TensorData
from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import (
    count_pieces,
    fit_logistic,
    fit_output_weights,
    normal,
    numbers,
    rounded,
)
from intro_dl.models.cnn import CNN
from intro_dl.models.mlp import MLP
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.regressor import MLPRegressor
from intro_dl.scratch.train_by_hand import digits
from intro_dl.tasks import Task
from intro_dl.training import product

cite(
    "E17",
    lectures=["002"],
    slide="2019 Turing Award",
    says="2019 Turing Award",
    reason="Bengio, Hinton and LeCun received the Turing Award of 2018; it was announced in March 2019 "
    "(https://awards.acm.org/about/2018-turing). A date cannot be computed.",
)


@claim(
    "F14",
    lectures=["002"],
    slide="Recall... Using gradient ascent for linear classifiers; Logistic Regression",
    says="h(x) = sign(theta^T x) isn't differentiable. Use a differentiable function instead: p(y = 1 | x) = "
    "1 / (1 + exp(-theta^T x)). Learning: theta* = argmin J(theta). Prediction: y^ = argmax p(y | x).",
    kind="holds",
)
def logistic_regression() -> Outcome:
    x, theta, step = normal(1000, 3), normal(3), 1e-6
    u = x @ theta
    flat = (torch.sign(u + step) - torch.sign(u - step)) / (2 * step)  # hits the jump with probability 1e-6
    jump = [((torch.sign(numbers(h)) - torch.sign(numbers(-h))) / (2 * h)).item() for h in (1e-3, 1e-6)]

    p = torch.sigmoid(u)
    slope = (torch.sigmoid(u + step) - torch.sigmoid(u - step)) / (2 * step)
    y = torch.bernoulli(p)
    best = fit_logistic(x, y)
    model, sign = Perceptron((3,), 2).double(), Perceptron((3,), 2, activation="step").double()
    with torch.no_grad():
        model.w.copy_(best)
        sign.w.copy_(best)
    at_best = torch.autograd.grad(model.metrics((x, y.long()))["loss"], model.w)[0]
    most_probable = model.probabilities(model(x)).argmax(dim=1)
    return Outcome(
        [
            Check(
                "slope of sign(u) at 1,000 random u: always zero, so nothing is learned",
                flat,
                torch.zeros_like(flat),
            ),
            Check("slope of sign across u = 0, with steps of 1e-3 and 1e-6", jump, [1e3, 1e6], 1e-3),
            Check("slope of logistic(u) at the same u against p (1 - p)", slope, p * (1 - p), 1e-9),
            Check(
                "gradient of the loss of model=perceptron at theta* (by Newton's method)",
                at_best,
                torch.zeros_like(best),
                1e-9,
            ),
            Check(
                "argmax p(y | x) of model=perceptron and its version with a step choose the same class",
                most_probable,
                sign(x).long(),
            ),
        ],
        [f"theta = {rounded(theta)} drew the classes; theta* = {rounded(best)}"],
    )


cite(
    "N28",
    lectures=["002"],
    slide="Inspiration: The Brain",
    says="Our brain has ~10^11 neurons, each of which communicates (is connected) to ~10^4 other neurons.",
    reason="These are numbers from biology; they cannot be computed.",
)


@claim(
    "N6",
    lectures=["002"],
    slide="Single-Layer Neural Network",
    says="4 + 2 = 6 neurons (not counting inputs), [3 x 4] + [4 x 2] = 20 weights, 4 + 2 = 6 biases, 26 "
    "learnable parameters.",
    kind="holds",
)
def count_3_4_2() -> Outcome:
    net = MLP(in_shape=(3,), num_classes=2, hidden=(4,), activation="sigmoid")
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    weights = [layer.weight.numel() for layer in layers]
    biases = [layer.bias.numel() for layer in layers]
    return Outcome(
        [
            Check("neurons", sum(layer.out_features for layer in layers), 4 + 2),
            Check("weights of each layer", weights, [3 * 4, 4 * 2]),
            Check("biases of each layer", biases, [4, 2]),
            Check("learnable parameters", sum(p.numel() for p in net.parameters()), 26),
        ],
        [
            f"{layer.in_features} -> {layer.out_features}: {w} weights, {b} biases"
            for layer, w, b in zip(layers, weights, biases, strict=True)
        ],
    )


@claim(
    "E24",
    lectures=["002"],
    slide="Single-Layer Neural Network; Neural Network Architecture (Multi-Layer Perceptron)",
    says="Single-Layer Neural Network: h = sigma(W_1 x + b_1), y = sigma(W_2 h + b_2)",
    right="2-Layer Neural Network: h = sigma(W_1 x + b_1), y = sigma(W_2 h + b_2)",
    kind="erratum",
)
def two_layers() -> Outcome:
    def count(hidden: tuple[int, ...]) -> tuple[int, int]:
        """Return how many layers have weights, and N by the slide's rule: hidden layers + 1."""
        modules = list(MLP((3,), 2, hidden=hidden, activation="sigmoid").modules())
        matrices = sum(isinstance(each, nn.Linear) for each in modules)
        return matrices, 1 + sum(isinstance(each, nn.Sigmoid) for each in modules)

    pictured, matrices_of_next = count((4,)), count((4, 4))
    return Outcome(
        [
            Check("weight matrices of the 3-4-2 network; its title says 1", pictured[0], 1, differ=True),
            Check("N of the 3-4-2 network by the slide's rule", pictured[1], 2),
            Check(
                "N of the next slide's network, two hidden layers: its title says 3", matrices_of_next[1], 3
            ),
            Check("the rule counts the weight matrices", [pictured[0], matrices_of_next[0]], [2, 3]),
            Check("a single-layer network has no hidden units: N", count(())[1], 1),
        ],
        ["Counted in model=mlp with hidden=[4], hidden=[4,4], and hidden=[]."],
    )


def bump(x: torch.Tensor) -> torch.Tensor:
    """Evaluate a continuous function on [0, 1] that networks approximate."""
    return torch.sin(6 * x) + torch.cos(17 * x) / 3


def sigmoid_network(x: Tensor, targets: Tensor, width: int, radius: float | None = None) -> MLPRegressor:
    """Return model=regressor with one hidden layer whose output weights fit `targets` best at `x`.

    Args:
        x: (n,), in [0, 1] or in [-radius, radius]; the steps of the units are spread evenly over it.
        targets: (n,).
        width: number of sigmoid units.
        radius: None for [0, 1].
    """
    low, high = (0.0, 1.0) if radius is None else (-radius, radius)
    centers = torch.linspace(low, high, width, dtype=x.dtype)
    slope = 2 * (width - 1) / (high - low)  # each unit climbs over about two spacings
    net = MLPRegressor((1,), hidden=(width,), activation="sigmoid").double()
    hidden = net.features[0]
    assert isinstance(hidden, nn.Linear)
    with torch.no_grad():
        hidden.weight.fill_(slope)
        hidden.bias.copy_(-slope * centers)
        h = torch.cat([net.features(x[:, None]), torch.ones_like(x[:, None])], dim=1)
        weights = fit_output_weights(h, targets)
        net.output.weight.copy_(weights[None, :-1])
        net.output.bias.copy_(weights[-1:])
    return net


def largest_error(net: MLPRegressor, x: Tensor, targets: Tensor) -> float:
    """Return the largest distance of the network to `targets` at `x`."""
    with torch.no_grad():
        return (net(x[:, None]) - targets).abs().max().item()


def relu_network(*layers: tuple[list[list[float]], list[float]]) -> MLPRegressor:
    """Return model=regressor with ReLU units and these weights and biases, the output last."""
    net = MLPRegressor((1,), hidden=tuple(len(bias) for _, bias in layers[:-1])).double()
    linear = [each for each in net.modules() if isinstance(each, nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, layers, strict=True):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))
    return net


@claim(
    "F19",
    lectures=["002"],
    slide="Why Deeper? Representation Power",
    says="Neural network with at least one hidden layer is a universal approximator. The capacity of the "
    "network increases with more hidden units and more hidden layers.",
    kind="holds",
)
def universal_approximator() -> Outcome:
    x, widths = torch.linspace(0, 1, 1001, dtype=torch.float64), (4, 8, 16, 32, 64)
    errors = [largest_error(sigmoid_network(x, bump(x), width), x, bump(x)) for width in widths]

    grid = torch.linspace(0, 1, 1025, dtype=torch.float64)
    one_layer = relu_network(
        ([[1.0]] * 6, [-i / 8 for i in range(6)]), (normal(1, 6).tolist(), [0.0])
    )  # kinks on the grid
    tent, combine = [2.0, -4.0], [0.0, -0.5]  # up to 1 at 1/2, and down to 0 at 1
    three_layers = relu_network(
        ([[1.0], [1.0]], combine), ([tent, tent], combine), ([tent, tent], combine), ([tent], [0.0])
    )
    with torch.no_grad():
        pieces = [count_pieces(grid, net(grid[:, None])) for net in (one_layer, three_layers)]
    return Outcome(
        [
            Check(
                "twice the units give a smaller error, 4 to 64 units",
                all(wide < narrow for narrow, wide in zip(errors, errors[1:], strict=False)),
                True,
            ),
            Check("largest error with 64 sigmoid units", errors[-1], 0.0, 2e-3),
            within("straight pieces of 6 ReLU units in one layer", pieces[0], high=7),
            Check("straight pieces of 6 ReLU units in three layers", pieces[1], 8),
        ],
        [
            "model=regressor on sin(6 x) + cos(17 x) / 3 over [0, 1]: the steps of the units are spread "
            "evenly, only the output weights are fitted. That training finds such weights is not shown.",
            *(f"{width:2} units: largest error {e:.2e}" for width, e in zip(widths, errors, strict=True)),
        ],
    )


@claim(
    "E18",
    lectures=["002"],
    slide="Why Deeper? Representation Power",
    says="Neural network with at least one hidden layer is a universal approximator (can represent any "
    "function).",
    right="Neural network with at least one hidden layer is a universal approximator (can approximate any "
    "continuous function on a compact domain arbitrarily well).",
    kind="erratum",
)
def not_any_function() -> Outcome:
    inside, widths = torch.linspace(0, 1, 1001, dtype=torch.float64), (8, 16, 32, 64)
    around = torch.cat([inside, numbers(0.5 - 1e-12)])  # both sides of the jump

    def step(x: Tensor) -> Tensor:
        return (x >= 0.5).double()

    compact, jump, line = [], [], []
    for width in widths:
        compact.append(largest_error(sigmoid_network(inside, bump(inside), width), inside, bump(inside)))
        jump.append(largest_error(sigmoid_network(inside, step(inside), width), around, step(around)))
        radius = 4.0 * width  # a longer interval for each width: no width serves the whole line
        x = torch.linspace(-radius, radius, 4001, dtype=torch.float64)
        line.append(largest_error(sigmoid_network(x, torch.sin(x), width, radius), x, torch.sin(x)))
    return Outcome(
        [
            Check("a jump: smallest error of 8 to 64 units; 'any' says 0", min(jump), 0.0, 0.49, differ=True),
            Check(
                "sin on the line: for each width, the error of a fit to an interval that is long enough",
                min(line),
                0.0,
                0.9,
                differ=True,
            ),
            Check("a continuous function on [0, 1]: largest error of 64 units", compact[-1], 0.0, 2e-3),
            within("the same: error of 8 units over that of 64", compact[0] / compact[-1], low=10),
        ],
        [
            f"{width:2} units: continuous on [0, 1] {a:.1e}, jump {b:.2f}, "
            f"sin on [-{4 * width}, {4 * width}] {c:.2f}"
            for width, a, b, c in zip(widths, compact, jump, line, strict=True)
        ]
        + [
            "A network is continuous: on both sides of a jump from 0 to 1 it has the same value, so it is "
            "wrong by 1/2 or more on one side, whatever its width (in the largest error, not in the mean).",
            "On the whole line sigmoid units level off, so each network has an interval that it misses.",
        ],
    )


def learn(net: MLP | CNN, images: Tensor, targets: Tensor, steps: int, lr: float) -> None:
    """Take Adam steps on batches of 100: cross-entropy for labels, squared error for a teacher's logits."""
    loss: Callable[[Tensor, Tensor], Tensor] = F.mse_loss if targets.is_floating_point() else net.loss
    optimizer = product.optimizer(net.parameters(), "optim=adam")
    optimizer.param_groups[0]["lr"] = lr
    for _ in range(steps):
        batch = torch.randperm(len(images))[:100]
        optimizer.zero_grad()
        loss(net(images[batch]), targets[batch]).backward()
        optimizer.step()


@claim(
    "R10",
    lectures=["002"],
    slide="Why Deeper? Representation Power",
    says="Why go deeper? Read e.g. 'Do Deep Nets Really Need to be Deep?', Jimmy Ba, Rich Caruana. [Their "
    "answer: a shallow net that learns a deep net's outputs comes close to it.]",
    kind="measured",
)
def shallow_mimics_deep() -> Outcome:
    images, labels, test_images, test_labels = digits()
    images, test_images = (each.float().view(-1, 1, 8, 8) for each in (images, test_images))

    def accuracy(net: MLP | CNN) -> float:
        with torch.no_grad():
            return net.metrics((test_images, test_labels))["accuracy"].item()

    teacher = CNN((1, 8, 8), 10, kernels=(3, 3, 3))
    learn(teacher, images, labels, steps=200, lr=0.005)
    with torch.no_grad():
        logits = teacher(images)
        logits = (logits - logits.mean()) / logits.std()  # so that the rate suits them

    by_labels, by_logits = [], []
    for number in (100, 100, 100, len(images)):
        kept = torch.randperm(len(images))[:number]
        student, mimic = MLP((1, 8, 8), 10, hidden=(32,)), MLP((1, 8, 8), 10, hidden=(32,))
        mimic.load_state_dict(student.state_dict())
        learn(student, images[kept], labels[kept], steps=150, lr=0.01)
        learn(mimic, images[kept], logits[kept], steps=150, lr=0.01)
        by_labels.append(accuracy(student))
        by_logits.append(accuracy(mimic))
    gains = [b - a for a, b in zip(by_labels[:3], by_logits[:3], strict=True)]
    gain, error = statistics.fmean(gains), statistics.stdev(gains) / 3**0.5
    behind = accuracy(teacher) - statistics.fmean(by_logits[:3])
    return Outcome(
        [
            within("100 images: accuracy that the teacher's outputs add to the student's", gain, low=0.01),
            within("the mimic on 100 images is behind its teacher by", behind, high=0.08),
            within(
                "all 1,437 images: what the outputs add there; no advantage is left",
                by_logits[3] - by_labels[3],
                high=0.01,
            ),
        ],
        [
            "scikit-learn's digits, 8x8, 360 test images. Teacher: model=cnn with 3x3 kernels, 1,437 labels. "
            "Students: model=mlp with one hidden layer of 32 units, by cross-entropy on labels or by squared "
            "error on the teacher's scaled logits of the same images, from the same start.",
            f"teacher {accuracy(teacher):.3f}",
            f"100 images, 3 pairs: labels {rounded(numbers(*by_labels[:3]), 3)}, "
            f"logits {rounded(numbers(*by_logits[:3]), 3)}: {gain:+.3f}, standard error {error:.3f}",
            f"all images, 1 pair: labels {by_labels[3]:.3f}, logits {by_logits[3]:.3f}",
            "The gain on few images contains what the teacher learned from the others. Where the student has "
            "all labels, copying the teacher does not pay on these small images.",
        ],
    )


@claim(
    "N27",
    lectures=["002"],
    slide="Network Neural Network: An Example; Ways to Use Weight Derivatives",
    says="Classify image of handwritten digit (32x32 pixels): 4 vs non-4. Use one hidden layer and the "
    "sigmoid activation function. Then: 10 output units, 1 per digit, use the softmax function.",
    kind="holds",
)
def four_or_not() -> Outcome:
    options = ("data=digits", "model=mlp", "model.hidden=[16]", "model.activation=sigmoid")
    four, data = product.train(*options, "data.labels=[4]", "optim.lr=0.001", "trainer.max_epochs=5")
    ten, all_data = product.train(*options, "optim.lr=0.003", "trainer.max_epochs=5")

    def answers(model: Task, data: TensorData) -> tuple[Tensor, Tensor]:
        """Return the test labels and the most probable classes."""
        assert isinstance(model, MLP)
        images, labels = data.splits["test"]
        with torch.no_grad():
            scores = model.eval()(data.transform(images))
        return labels, model.predict(scores)

    labels, found = answers(four, data)
    is_four = labels == 1
    accuracy = (found == labels).double().mean().item()
    always_no = (~is_four).double().mean().item()
    recall = (found[is_four] == 1).double().mean().item()
    digit, digit_found = answers(ten, all_data)
    right = (digit_found == digit).double().mean().item()
    return Outcome(
        [
            Check("accuracy of answering 'non-4' to every image", always_no, 0.9, 0.03),
            Check("the network makes less than half of the errors", 1 - accuracy < (1 - always_no) / 2, True),
            Check("recall of the 4s above 0.8; 'non-4' to every image finds none", recall > 0.8, True),
            Check("10 softmax outputs: accuracy above 0.8", right > 0.8, True),
        ],
        [
            "data=digits (8x8 scans resized to 28x28) stands in for the slide's 32x32 images; 300 test "
            "images. 4 or not 4: model=mlp has two softmax outputs: one sigmoid of their difference.",
            f"accuracy {accuracy:.3f} against {always_no:.3f}; 4s found {recall:.2f}; 10 classes {right:.3f}",
        ],
    )
