"""Lecture 002: from logistic regression to hidden units, and what a network can represent."""

import torch
from torch import nn

from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim
from intro_dl.lectures.engine.numerics import (
    count_pieces,
    fit_logistic,
    fit_output_weights,
    gradient,
    logistic_loss,
    normal,
    numbers,
    rounded,
    steep_sigmoids,
    tent,
)
from intro_dl.models.mlp import MLP
from intro_dl.scratch.train_by_hand import digits

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
    at_best = gradient(lambda weights: logistic_loss(weights, x, y), best)
    chosen = torch.stack([1 - torch.sigmoid(x @ best), torch.sigmoid(x @ best)], dim=1).argmax(dim=1)
    return Outcome(
        [
            Check(
                "slope of sign(u) at 1,000 random u: always zero, so nothing is learned",
                flat,
                torch.zeros_like(flat),
            ),
            Check("slope of sign across u = 0, with steps of 1e-3 and 1e-6", jump, [1e3, 1e6], 1e-3),
            Check("slope of logistic(u) at the same u against p (1 - p)", slope, p * (1 - p), 1e-9),
            Check("gradient of J at theta*", at_best, torch.zeros_like(best), 1e-9),
            Check("argmax p(y | x) and sign(theta^T x) choose the same class", chosen, (x @ best > 0).long()),
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


def bump(x: torch.Tensor) -> torch.Tensor:
    """Evaluate a continuous function on [0, 1] that networks approximate."""
    return torch.sin(6 * x) + torch.cos(17 * x) / 3


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
    errors = []
    for width in widths:
        h = steep_sigmoids(x, width)
        errors.append((h @ fit_output_weights(h, bump(x)) - bump(x)).abs().max().item())

    grid = torch.linspace(0, 1, 1025, dtype=torch.float64)
    one_layer = torch.relu(grid[:, None] - torch.arange(6) / 8) @ normal(6)  # 6 units, kinks on the grid
    three_layers = tent(tent(tent(grid)))  # 6 units
    return Outcome(
        [
            Check(
                "more units give a smaller error: the errors are sorted", errors, sorted(errors, reverse=True)
            ),
            Check("largest error with 64 sigmoid units", errors[-1], 0.0, 2e-3),
            Check("pieces of 6 ReLU units in one layer, at most 7", count_pieces(grid, one_layer) <= 7, True),
            Check("pieces of 6 ReLU units in three layers", count_pieces(grid, three_layers), 8),
        ],
        [f"{width:2} units: largest error {e:.2e}" for width, e in zip(widths, errors, strict=True)],
    )


@claim(
    "E18",
    lectures=["002"],
    slide="Why Deeper? Representation Power",
    says="... is a universal approximator (can represent any function). [Right: any continuous function, on "
    "a compact domain, approximately; lecture 004 says so.]",
    kind="erratum",
)
def not_any_function() -> Outcome:
    inside = torch.linspace(0, 1, 1001, dtype=torch.float64)
    h = steep_sigmoids(inside, 64)
    continuous = (h @ fit_output_weights(h, bump(inside)) - bump(inside)).abs().max().item()

    jump_weights = fit_output_weights(h, (inside >= 0.5).double())  # a function that is not continuous
    at_jump = steep_sigmoids(numbers(0.5 - 1e-12, 0.5), 64) @ jump_weights
    jump = (at_jump - numbers(0, 1)).abs().max().item()

    outside = torch.linspace(-50, 50, 1001, dtype=torch.float64)  # outside the domain of the fit
    wave = steep_sigmoids(outside, 64) @ fit_output_weights(h, torch.sin(inside))
    unbounded = (wave - torch.sin(outside)).abs().max().item()
    return Outcome(
        [
            Check("a jump: largest error of 64 units; 'any function' says 0", jump, 0.0, 0.49, differ=True),
            Check("sin far outside: largest error; 'any function' says 0", unbounded, 0.0, 0.99, differ=True),
            Check("a continuous function on [0, 1]: largest error", continuous, 0.0, 2e-3),
        ],
        [
            "A network is continuous: on both sides of a jump from 0 to 1 it has the same value, so it is "
            "wrong by 1/2 or more on one side, whatever its width.",
            "Far from the data, sigmoids are constant, so the fit cannot follow a wave there.",
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
    images, labels, test_images, test_labels = digits()
    enlarge = nn.Upsample(size=(32, 32))  # 8x8 -> 32x32, each pixel repeated
    x = enlarge(images[:500].float().view(-1, 1, 8, 8) - 0.5)
    test_x = enlarge(test_images.float().view(-1, 1, 8, 8) - 0.5)
    four, test_four = labels[:500] == 4, test_labels == 4

    one = nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 16), nn.Sigmoid(), nn.Linear(16, 1), nn.Flatten(0))
    ten = MLP((1, 32, 32), num_classes=10, hidden=(16,), activation="sigmoid")
    optimizer = torch.optim.Adam([*one.parameters(), *ten.parameters()], lr=0.005)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(one(x), four.float())
        (loss + ten.loss(ten(x), labels[:500])).backward()
        optimizer.step()
    found = torch.sigmoid(one(test_x)) > 0.5
    accuracy = (found == test_four).double().mean().item()
    always_no = (~test_four).double().mean().item()
    recall = found[test_four].double().mean().item()
    right = (ten(test_x).argmax(dim=1) == test_labels).double().mean().item()
    return Outcome(
        [
            Check("accuracy of answering 'non-4' to every image", always_no, 0.9, 0.03),
            Check("the network makes less than half of the errors", 1 - accuracy < (1 - always_no) / 2, True),
            Check("recall of the 4s above 0.8; 'non-4' to every image finds none", recall > 0.8, True),
            Check("10 softmax outputs: accuracy above 0.8", right > 0.8, True),
            Check("their probabilities add up to 1", ten(test_x).softmax(1).sum(1), torch.ones(360), 1e-6),
        ],
        [f"accuracy {accuracy:.3f} against {always_no:.3f}; 4s found {recall:.2f}; 10 classes {right:.3f}"],
    )
