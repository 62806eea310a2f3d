"""Lecture 000: questions. Lecture 003 repeats most of the slides, and asks these questions, too."""

import math
from random import Random

import torch
from torch import nn
from torch.nn import functional as F

from intro_dl.lectures.engine.numerics import gradient, normal, numbers
from intro_dl.lectures.engine.quiz import Choice, Problem, question
from intro_dl.scratch.backprop import sigmoid
from intro_dl.scratch.layers import dense, dropout
from intro_dl.scratch.losses import binary_cross_entropy, mean_squared_error
from intro_dl.scratch.optimizers import GradientDescent

BOTH = ["000", "003"]


@question(lectures=BOTH, slide="The Perceptron: Example", claim="N1")
def perceptron_output(draw: Random) -> Problem:
    x = draw.choice([(-1, 2), (-1, 1), (1, 1)])
    W, b = numbers(3, -2)[:, None], numbers(1)
    z = dense(numbers(*x)[None], W, b).item()
    without_bias = dense(numbers(*x)[None], W, 0 * b)
    return Problem(
        f"A perceptron with the sigmoid g has w_0 = 1 and w = (3, -2). What is its output at x = {x}?",
        right=sigmoid(numbers(z)).item(),
        again=1 / (1 + math.exp(-1 - 3 * x[0] + 2 * x[1])),
        wrong=[
            Choice(z, "This is the weighted sum z. The output is g(z), between 0 and 1."),
            Choice(sigmoid(without_bias).item(), "This forgets the bias w_0 = 1, which is added to the sum."),
            Choice(
                sigmoid(numbers(-z)).item(),
                "The sign of z is lost: g(z) is above 0.5 if z is positive, and below if it is negative.",
            ),
        ],
        because=f"z = 1 + 3 × ({x[0]}) - 2 × {x[1]} = {z:g}, and g({z:g}) = 1 / (1 + e^{-z:g}).",
        tex=r"\hat{y} = g(w_0 + x^T w), \quad g(z) = \frac{1}{1 + e^{-z}}",
    )


@question(lectures=BOTH, slide="Importance of Activation Functions", claim="F3")
def linear_network(draw: Random) -> Problem:
    inputs, hidden = draw.choice([2, 3]), draw.choice([10, 20, 50])
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)).double()
    weights, biases = list(net.parameters())[::2], list(net.parameters())[1::2]
    one_matrix = weights[2] @ weights[1] @ weights[0]  # (1, inputs)
    slopes = [net(row) - net(torch.zeros(inputs).double()) for row in torch.eye(inputs).double()]
    return Problem(
        f"A network without activation functions has {inputs} inputs, two hidden layers of {hidden} units "
        "and one output. How many numbers does one need to write down the function that it computes?",
        right=one_matrix.numel() + biases[2].numel(),
        again=len(slopes) + 1,  # one slope for each input, and the value at 0
        wrong=[
            Choice(
                sum(each.numel() for each in net.parameters()),
                "This counts all weights and biases. But a product of matrices is one matrix: most of these "
                "numbers change nothing that others could not change as well.",
            ),
            Choice(
                one_matrix.numel(), "This forgets the offset: the biases of all layers add up to one number."
            ),
            Choice(
                hidden + 1,
                "This takes the hidden units for features of their own. Without an activation function, they "
                "are only weighted sums of the inputs.",
            ),
        ],
        because=f"Three linear layers are one linear layer, with {inputs} weights and one bias: the decision "
        "boundary is straight, however deep the network is.",
    )


@question(lectures=BOTH, slide="Example Problem: Will I pass this class?", claim="N3")
def confident_and_wrong(draw: Random) -> Problem:
    predicted = draw.choice([0.1, 0.05, 0.2])
    p, passed = numbers(predicted), numbers(1)
    return Problem(
        f"The network says that a student passes with probability {predicted}. The student passes (y = 1). "
        "What is the binary cross-entropy loss of this prediction?",
        right=binary_cross_entropy(p, passed).item(),
        again=F.binary_cross_entropy(p, passed).item(),
        wrong=[
            Choice(
                binary_cross_entropy(p, 1 - passed).item(),
                f"This is -ln(1 - {predicted}), the loss if the student had failed (y = 0).",
            ),
            Choice(
                mean_squared_error(p, passed).item(),
                f"This is (1 - {predicted})^2, the squared error. Cross-entropy takes a logarithm, so the "
                "loss has no bound.",
            ),
            Choice(
                math.log(predicted),
                "The minus is missing, as on the slide of this loss. With it, a worse prediction has a "
                "larger loss.",
            ),
        ],
        because=f"Of the two terms, only -y ln f(x) = -ln {predicted} is left, because 1 - y = 0.",
        tex=r"J = -y \log f(x) - (1 - y) \log(1 - f(x))",
    )


@question(lectures=["000"], slide="Binary Cross Entropy Loss", claim="N4")
def ten_times_less_probable(draw: Random) -> Problem:
    first = draw.choice([0.1, 0.01])
    p, y = numbers(first, first / 10), numbers(1, 1)
    loss, squared = F.binary_cross_entropy(p, y, reduction="none"), (1 - p) ** 2
    return Problem(
        f"For an example with y = 1, the predicted probability falls from {first} to {first / 10:g}. By "
        "which factor does its cross-entropy loss grow?",
        right=(loss[1] / loss[0]).item(),
        again=math.log(first / 10) / math.log(first),
        wrong=[
            Choice(
                (p[0] / p[1]).item(),
                "This takes the loss for 1 / f(x). It is -ln f(x): a tenth of the probability adds ln 10.",
            ),
            Choice(
                (squared[1] / squared[0]).item(),
                "This is the factor of the squared error, which hardly distinguishes small probabilities.",
            ),
            Choice(
                (loss[0] / loss[1]).item(),
                "This is the inverse: the loss becomes larger when the right answer becomes less probable.",
            ),
        ],
        because=f"-ln {first} = {loss[0]:.2f} and -ln {first / 10:g} = {loss[1]:.2f}: each factor of ten "
        "adds 2.30 to the loss.",
    )


@question(lectures=BOTH, slide="Mean Squared Error Loss", claim="N5")
def final_grades(draw: Random) -> Problem:
    predicted, actual = numbers(30, 80, 85), numbers(90, 20, 95)
    errors = predicted - actual
    return Problem(
        "The predicted grades are 30, 80, 85; the actual ones are 90, 20, 95. What is the mean squared "
        "error?",
        right=mean_squared_error(predicted, actual).item(),
        again=F.mse_loss(predicted, actual).item(),
        wrong=[
            Choice(
                errors.abs().mean().item(),
                "This is the mean absolute error. Squares count a large error more than several small ones.",
            ),
            Choice(
                errors.mean().item() ** 2,
                "This squares the mean error. There, +60 and -60 cancel; so square first, and average then.",
            ),
            Choice(
                (errors**2).sum().item(), "This is the sum. The mean divides it by 3, the number of examples."
            ),
            Choice(
                (errors**2).mean().sqrt().item(),
                "This is the root of it, often quoted because it has the unit of a grade. The loss has no "
                "root.",
            ),
        ],
        because="The squared errors are 3,600, 3,600 and 100; their mean is the sum divided by 3.",
        tex=r"J = \frac{1}{n} \sum_i (y_i - f(x_i))^2",
    )


@question(lectures=["000"], slide="Gradient Descent", claim="F5")
def one_step_down(draw: Random) -> Problem:
    goal, start, eta = draw.choice([3, 4, 5]), 0, 0.1
    theta = numbers(start).requires_grad_()
    slope = gradient(lambda theta: ((theta - goal) ** 2).sum(), theta).item()
    theta.grad = numbers(slope)
    GradientDescent([theta], lr=eta).step()
    return Problem(
        f"J(theta) = (theta - {goal})^2. Gradient descent starts at theta = {start} with eta = {eta}. Where "
        "is theta after one step?",
        right=theta.item(),
        again=start - eta * 2 * (start - goal),
        wrong=[
            Choice(
                start + eta * slope,
                "This goes up: the step is against the gradient, which points where J grows.",
            ),
            Choice(
                start - eta * slope / 2,
                f"The derivative of (theta - {goal})^2 has a factor 2, which is lost here.",
            ),
            Choice(start - slope, "This forgets the learning rate: a step is eta times the gradient."),
            Choice(
                start - eta * (start - goal) ** 2,
                "This steps by the loss instead of its gradient. The size of J does not say where it falls.",
            ),
        ],
        because=f"dJ/dtheta = 2 (theta - {goal}) = {slope:g}; the step is -eta dJ/dtheta = {-eta * slope:g}.",
    )


FATES = {  # the factor of theta in a step
    "it goes straight to the minimum": "between 0 and 1",
    "it jumps over the minimum in each step, but gets closer": "between -1 and 0",
    "it jumps between two points forever": "of exactly -1",
    "it jumps further away in each step": "below -1",
}


def fate(path: list[float]) -> str:
    """Return in words where gradient descent goes, from its values of theta; the minimum is at 0."""
    straight, jumps, cycles, diverges = FATES
    if path[0] * path[1] > 0:
        return straight
    if math.isclose(abs(path[0]), abs(path[-1])):
        return cycles
    return jumps if abs(path[-1]) < abs(path[0]) else diverges


@question(lectures=BOTH, slide="Gradient Descent", claim="F5")
def too_large_a_rate(draw: Random) -> Problem:
    eta = draw.choice([0.9, 0.2, 1.0, 1.1])
    theta = numbers(1).requires_grad_()
    optimizer, path = torch.optim.SGD([theta], lr=eta), [1.0]
    for _ in range(10):
        theta.grad = gradient(lambda theta: (theta**2).sum(), theta)
        optimizer.step()
        path.append(theta.item())
    right, factor = fate(path), path[1] / path[0]
    return Problem(
        "J(theta) = theta^2 has its minimum at 0. What does gradient descent do from theta = 1, with eta = "
        f"{eta}?",
        right=right,
        again=fate([(1 - 2 * eta) ** step for step in range(11)]),
        wrong=[
            Choice(
                each,
                f"This needs a factor {rule}. Here, each step multiplies theta by 1 - 2 eta = {factor:.2g}.",
            )
            for each, rule in FATES.items()
            if each != right
        ],
        because=f"theta <- theta - eta 2 theta = {factor:.2g} theta, a factor {FATES[right]}. It converges "
        "only if eta is less than 1, which is 2 divided by the curvature.",
    )


@question(lectures=BOTH, slide="Computing Gradients: Backpropagation", claim="F6")
def chain_of_three(draw: Random) -> Problem:
    x, w1, w2 = draw.sample([2, 3, 5], 3)
    target = w2 * w1 * x - draw.choice([3, -3])
    weights = numbers(w1, w2)

    def J(w: torch.Tensor) -> torch.Tensor:
        return (w[1] * (w[0] * x) - target) ** 2

    error = 2 * (w2 * w1 * x - target)  # dJ/dy
    return Problem(
        f"z_1 = w_1 x, y^ = w_2 z_1, J = (y^ - y)^2, with x = {x}, w_1 = {w1}, w_2 = {w2} and y = {target}. "
        "What is dJ/dw_1?",
        right=gradient(J, weights)[0].item(),
        again=float(error * w2 * x),
        wrong=[
            Choice(
                error * x, "The factor dy^/dz_1 = w_2 is missing: the path from w_1 to J leads through z_1."
            ),
            Choice(error * w2, "The factor dz_1/dw_1 = x is missing."),
            Choice(
                error + w2 + x,
                "This adds the local derivatives. Along one path they are multiplied; only paths are added.",
            ),
        ],
        because=f"dJ/dw_1 = dJ/dy^ dy^/dz_1 dz_1/dw_1 = 2 (y^ - y) w_2 x = {error} × {w2} × {x}.",
        tex=r"\frac{\partial J}{\partial w_1} = \frac{\partial J}{\partial \hat{y}} "
        r"\frac{\partial \hat{y}}{\partial z_1} \frac{\partial z_1}{\partial w_1}",
    )


@question(lectures=["000"], slide="Stochastic Gradient Descent", claim="F7")
def noise_of_a_batch(draw: Random) -> Problem:
    batch = draw.choice([25, 100])
    spread_of_one = normal(20_000).std()  # gradients of single examples
    spread_of_mean = normal(4_000, batch).mean(dim=1).std()
    return Problem(
        "The gradient of one random example has a standard deviation of 1. What is, roughly, that of the "
        f"mean gradient of a mini-batch of {batch} random examples?",
        right=1 / batch**0.5,
        again=round((spread_of_mean / spread_of_one * batch**0.5).item(), 1) / batch**0.5,
        wrong=[
            Choice(
                1 / batch, f"This is the variance: it falls by {batch}, the standard deviation by its root."
            ),
            Choice(
                round(spread_of_one.item(), 1),
                "The errors of the examples partly cancel in the mean, so it is less noisy than one.",
            ),
            Choice(
                batch**0.5, "This is the standard deviation of the sum of the gradients; the mean divides it."
            ),
        ],
        because=f"Independent errors add up in their squares: 1 / sqrt({batch}). Four times the computing "
        "halves the noise.",
    )


@question(lectures=BOTH, slide="Regularization 1: Dropout", claim="F11")
def what_dropout_keeps(draw: Random) -> Problem:
    p, activity = draw.choice([0.5, 0.2]), draw.choice([2.0, 4.0])
    units = torch.full((100,), activity, dtype=torch.float64)
    return Problem(
        f"A unit has the activity {activity:g}. In training, nn.Dropout({p}) follows, and does not drop it. "
        "What value does the next layer get?",
        right=nn.Dropout(p)(units).max().item(),
        again=dropout(units, p).max().item(),
        wrong=[
            Choice(
                activity,
                "With unscaled activities, the sum over the inputs of the next layer would be larger in "
                "testing, where nothing is dropped.",
            ),
            Choice(
                activity * (1 - p),
                "This scales down. That belongs to testing, in dropout as first published; torch scales up "
                "in training.",
            ),
            Choice(
                activity * (1 + p),
                f"This adds what was dropped, {p}. To keep the mean, divide by {1 - p:g}, the fraction that "
                "stays.",
            ),
        ],
        because=f"Kept units are divided by 1 - p = {1 - p:g}, so that the mean stays {activity:g}.",
    )


@question(lectures=BOTH, slide="Regularization 2: Early Stopping", claim="F13")
def stop_training_here(draw: Random) -> Problem:
    lowest = draw.choice([3, 4])
    val = [round(0.4 + 0.05 * (epoch - lowest) ** 2 / 2, 3) for epoch in range(7)]
    train = [round(1.0 / (1.5 + epoch), 3) for epoch in range(7)]

    def first(of: list[bool]) -> int:
        return of.index(True) + 1

    return Problem(
        f"Training loss of epochs 1 to 7: {', '.join(map(str, train))}. Validation loss: "
        f"{', '.join(map(str, val))}. The weights of which epoch does early stopping keep?",
        right=val.index(min(val)) + 1,
        again=int(numbers(*val).argmin()) + 1,
        wrong=[
            Choice(
                train.index(min(train)) + 1,
                "This has the lowest training loss, which also falls while the network only memorizes its "
                "examples.",
            ),
            Choice(
                first([after > before for before, after in zip(val, val[1:], strict=False)]) + 1,
                "This is the first epoch with a larger validation loss than the one before: the best one is "
                "past.",
            ),
            Choice(
                first([v > t for v, t in zip(val, train, strict=True)]),
                "This is the first epoch whose validation loss exceeds its training loss. Such a gap is "
                "normal; what counts is where the validation loss is lowest.",
            ),
        ],
        because="The validation loss, which stands for unseen data, is lowest there; after it, the network "
        "overfits.",
    )
