"""Lecture 002: questions."""

import math
from collections.abc import Callable
from random import Random

import torch
from torch import nn
from torch.nn import functional as F

from intro_dl.lectures.engine.numerics import gradient, numbers, rounded
from intro_dl.lectures.engine.quiz import Choice, Problem, question
from intro_dl.scratch.autodiff import Node
from intro_dl.scratch.backprop import sigmoid, softmax_cross_entropy_delta
from intro_dl.scratch.layers import dropout_retaining
from intro_dl.scratch.losses import binary_cross_entropy
from intro_dl.scratch.optimizers import Adam, SlideMomentum
from intro_dl.scratch.schedules import inverse_sqrt


@question(lectures=["002"], slide="Single-Layer Neural Network", claim="N6")
def learnable_parameters(draw: Random) -> Problem:
    inputs, hidden, outputs = draw.choice([(3, 4, 2), (5, 4, 3), (4, 6, 2)])
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs), nn.Sigmoid())
    weights = sum(each.numel() for each in net.parameters() if each.ndim == 2)
    return Problem(
        f"A network has {inputs} inputs, {hidden} hidden units and {outputs} outputs, each layer fully "
        "connected to the next. How many learnable parameters does it have?",
        right=sum(each.numel() for each in net.parameters()),
        again=(inputs + 1) * hidden + (hidden + 1) * outputs,
        wrong=[
            Choice(weights, "These are the weights alone: each hidden unit and each output also has a bias."),
            Choice(
                weights + inputs + hidden + outputs,
                "This gives the inputs biases, too. An input is a given number: it computes nothing.",
            ),
            Choice(
                inputs * hidden * outputs + hidden + outputs,
                "This counts the paths from inputs to outputs. Paths share their weights: the weights of the "
                "two layers are added, not multiplied.",
            ),
        ],
        because=f"{inputs} × {hidden} + {hidden} × {outputs} = {weights} weights, and {hidden} + {outputs} "
        "biases.",
    )


@question(lectures=["002"], slide="Common Activation Functions", claim="F2")
def slope_at_the_kink(draw: Random) -> Problem:
    zero, step, node = numbers(0), numbers(1e-3), Node(0.0)
    node.relu().backward()
    return Problem(
        "ReLU(z) = max(0, z) has a kink at z = 0. Which derivative do the slide and PyTorch use there?",
        right=gradient(lambda z: z.relu().sum(), zero).item(),
        again=node.gradient.item(),
        wrong=[
            Choice(
                ((step.relu() - (-step).relu()) / (2 * step)).item(),
                "This is the mean of the slopes on both sides. It would be allowed, but the slide and "
                "PyTorch choose otherwise.",
            ),
            Choice(
                ((step.relu() - zero.relu()) / step).item(),
                "This is the slope to the right of 0. The slide has 1 only for z > 0.",
            ),
        ],
        because="There is no derivative at the kink, so one is chosen: the slide has 0 for z <= 0. In "
        "training, z is hardly ever exactly 0.",
        tex=r"\mathrm{ReLU}'(z) = \begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}",
    )


@question(lectures=["002"], slide="Network Neural Network: An Example", claim="N27")
def never_a_four(draw: Random) -> Problem:
    labels = torch.arange(10_000) % 10
    is_four, answer = labels == 4, torch.zeros(10_000, dtype=torch.bool)
    never = (answer == is_four).double().mean().item()
    return Problem(
        "Of 10,000 test digits, each of the ten occurs equally often. A broken network for '4 or not 4' says "
        "'not 4' to every image. What is its accuracy in percent?",
        right=100 * never,
        again=100 * (1 - 1 / len(labels.unique())),
        wrong=[
            Choice(
                100 / len(torch.unique(is_four)),
                "This is right for two classes of the same size. Here, one class is nine times as large.",
            ),
            Choice(
                100 * is_four.double().mean().item(),
                "This is the fraction of fours, which are the only images that it gets wrong.",
            ),
            Choice(
                100 * (answer & is_four).double().sum().item(),
                "It finds no four, but accuracy also counts the images that are rightly called 'not 4'.",
            ),
        ],
        because="9 of 10 images are not a 4. So compare an accuracy with the one of the most frequent class.",
    )


@question(lectures=["002"], slide="Gradient Descent for Single Layer Network", claim="F18")
def slope_of_one_weight(draw: Random) -> Problem:
    o, t, x = draw.choice([0.9, 0.8]), 0, draw.choice([2, 3])
    w = numbers(math.log(o / (1 - o)) / x)  # so that the output is o
    return Problem(
        f"One unit with the logistic function has the input x = {x}, the output o = {o} and the target t = "
        f"{t}. With E = (o - t)^2 / 2, what is dE/dw?",
        right=gradient(lambda w: ((torch.sigmoid(w * x) - t) ** 2).sum() / 2, w).item(),
        again=(o - t) * o * (1 - o) * x,
        wrong=[
            Choice(
                gradient(lambda w: binary_cross_entropy(sigmoid(w * x), numbers(t)), w).item(),
                "This is (o - t) x, the slope of the cross-entropy. With the squared error, the derivative o "
                "(1 - o) of the logistic function stays.",
            ),
            Choice(
                (o - t) * o * (1 - o),
                "This is dE/dz. Because z = w x, dE/dw has one more factor, x.",
            ),
            Choice(
                (t - o) * o * (1 - o) * x, "The sign is wrong: E grows with o here, because o is above t."
            ),
        ],
        because=f"(o - t) o (1 - o) x = {o} × {o} × {1 - o:.1f} × {x}.",
        tex=r"\frac{\partial E}{\partial w} = (o - t)\, o (1 - o)\, x",
    )


@question(lectures=["002"], slide="Gradient Descent for Multi-layer Network", claim="F15")
def blame_of_a_hidden_unit(draw: Random) -> Problem:
    w, errors = numbers(*draw.sample([2, 3, 5], 2)), numbers(0.5, 0.25)
    h = numbers(1)
    targets = w * h - errors  # so that o_k - t_k are these errors
    return Problem(
        f"A hidden unit h feeds two linear outputs with the weights {w[0]:g} and {w[1]:g}. Their errors "
        f"delta_k = dE/dz_k are {errors[0]:g} and {errors[1]:g}. What is dE/dh?",
        right=gradient(lambda h: ((w * h - targets) ** 2).sum() / 2, h).item(),
        again=(errors @ w).item(),
        wrong=[
            Choice(
                errors.sum().item(), "This adds the errors, but each counts by its weight: dz_k/dh = w_k."
            ),
            Choice(
                (errors @ w).item() / 2,
                "This is the mean of the effects. A small change of h has both effects, so they are added.",
            ),
            Choice(
                (errors * w).max().item(),
                "This takes only the larger effect. A small change of h changes the other output as well.",
            ),
        ],
        because=f"The effects through both outputs are added: {errors[0]:g} × {w[0]:g} + {errors[1]:g} × "
        f"{w[1]:g}.",
        tex=r"\frac{\partial E}{\partial h_j} = \sum_k \delta_k w_{kj}",
    )


@question(lectures=["002"], slide="Choosing Activation and Loss Functions", claim="E16")
def sigmoid_for_regression(draw: Random) -> Problem:
    target = draw.choice([3, 5])
    z = torch.linspace(-40, 40, 401, dtype=torch.float64)

    def loss(z: torch.Tensor) -> torch.Tensor:
        return (torch.sigmoid(z) - target) ** 2

    return Problem(
        f"A network for regression ends in a sigmoid. One target is {target}. What is the smallest squared "
        "error (o - t)^2 that its prediction can come close to?",
        right=loss(z).min().item(),
        again=float((1 - target) ** 2),
        wrong=[
            Choice(
                loss(torch.logit(numbers(0.5))).item(),
                "This is the error at z = 0, where o = 0.5. A large z brings o close to 1.",
            ),
            Choice(
                float((target - target) ** 2),
                "No weights reach it: they change z, but o = sigma(z) stays below 1.",
            ),
            Choice(
                loss(numbers(-40)).item(),
                "This is the error for o = 0. The other end, o = 1, is closer to t.",
            ),
        ],
        because=f"o stays below 1, so the error stays above (1 - {target})^2. Use a linear output for "
        "regression, or scale the targets to (0, 1).",
    )


@question(lectures=["002"], slide="Choosing Activation and Loss Functions", claim="F17")
def saturated_and_wrong(draw: Random) -> Problem:
    o = draw.choice([0.99, 0.9])
    z, t = torch.logit(numbers(o)), numbers(0)
    cross_entropy = gradient(lambda z: F.binary_cross_entropy_with_logits(z, t), z)
    squared = gradient(lambda z: ((torch.sigmoid(z) - t) ** 2).sum() / 2, z)
    losses = binary_cross_entropy(numbers(o), t).item(), o**2 / 2
    return Problem(
        f"A logistic output unit is wrong: o = {o}, but t = 0. How many times as large is dE/dz with the "
        "cross-entropy as with E = (o - t)^2 / 2?",
        right=(cross_entropy / squared).item(),
        again=1 / (o * (1 - o)),
        wrong=[
            Choice(
                (o - t.item()) / (o - t.item()),
                "This takes dE/dz = o - t for both. With the squared error, o - t is dE/do; dE/dz also has "
                "the factor do/dz = o (1 - o).",
            ),
            Choice(
                losses[0] / losses[1],
                "This compares the losses. What moves the weights is the slope of the loss.",
            ),
            Choice(
                (squared / cross_entropy).item(),
                "This is the inverse: the squared error is the one with the small slope, as sigma is flat "
                "there.",
            ),
        ],
        because=f"Slopes: {cross_entropy.item():.3g} = o - t against {squared.item():.3g} = (o - t) o (1 - "
        "o). So a confident mistake is hardly corrected with the squared error.",
    )


@question(lectures=["002"], slide="Multi-class Classification", claim="E5")
def softmax_slopes(draw: Random) -> Problem:
    z, true = numbers(1, 2, 0.5), draw.choice([0, 1, 2])
    t = F.one_hot(torch.tensor(true), 3).double()
    o = torch.softmax(z, dim=0)
    return Problem(
        f"The softmax outputs for three classes are o = ({o[0]:.3f}, {o[1]:.3f}, {o[2]:.3f}). Class "
        f"{true + 1} of 1, 2, 3 is the true one. What are the slopes dE/dz_k of the cross-entropy?",
        right=rounded(gradient(lambda z: F.cross_entropy(z, torch.tensor(true)), z)),
        again=rounded(softmax_cross_entropy_delta(z[None], t[None])[1][0]),
        wrong=[
            Choice(
                rounded((o - t) * o * (1 - o)),
                "This is the slide's formula. It uses do_k/dz_k alone, but each z_k changes all outputs.",
            ),
            Choice(
                rounded(t - o),
                "This is the direction of the step. The slope has the other sign: E falls if the true z_k "
                "grows.",
            ),
            Choice(
                rounded(-t / o), "These are the slopes dE/do_k. The softmax between z and o is still missing."
            ),
        ],
        because="dE/dz_k = o_k - t_k: the output, minus 1 for the true class.",
        tex=r"E = -\sum_k t_k \log o_k, \quad o_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
    )


@question(lectures=["002"], slide="Ways to Use Weight Derivatives", claim="F9")
def speed_of_momentum(draw: Random) -> Problem:
    gamma, eta = draw.choice([0.9, 0.5]), 0.01
    w, by_hand = numbers(0).requires_grad_(), numbers(0).requires_grad_()
    slope = numbers(1)

    def last_step(optimizer: torch.optim.Optimizer, w: torch.Tensor) -> float:
        before = w.detach().clone()
        for _ in range(100):
            before = w.detach().clone()
            w.grad = slope
            optimizer.step()
        return (before - w).item()

    return Problem(
        f"On a long slope, the gradient is always 1. With momentum gamma = {gamma} and eta = {eta}, how long "
        "are the steps after many steps?",
        right=last_step(torch.optim.SGD([w], lr=eta, momentum=gamma), w),
        again=last_step(SlideMomentum([by_hand], lr=eta, momentum=gamma), by_hand),
        wrong=[
            Choice(
                eta, "Momentum does not only smooth: each step still contains a part of all earlier ones."
            ),
            Choice(
                eta * (1 + gamma),
                "This adds only the last step. But v contains that of the step before, and so on.",
            ),
            Choice(eta * gamma, "gamma multiplies the old v; the new gradient is added with the full eta."),
        ],
        because=f"v = gamma v + eta stays the same at v = eta / (1 - gamma) = {eta / (1 - gamma):g}.",
        tex=r"v \leftarrow \gamma v + \eta \frac{\partial E}{\partial w}, \quad w \leftarrow w - v",
    )


@question(lectures=["002"], slide="Learning Rates", claim="E9")
def rate_after_epochs(draw: Random) -> Problem:
    eta, t = 0.1, draw.choice([3, 8, 15])
    optimizer = torch.optim.SGD([numbers(0).requires_grad_()], lr=eta)
    schedule = inverse_sqrt(optimizer)
    for _ in range(t):
        optimizer.step()
        schedule.step()
    return Problem(
        f"The slide's schedule is eta^t = eta / sqrt(t + 1). With eta = {eta}, what is the rate at t = {t}?",
        right=optimizer.param_groups[0]["lr"],
        again=eta / math.sqrt(t + 1),
        wrong=[
            Choice(
                eta / (t + 1),
                "This is 1/t decay, as the slide calls its formula. The formula has a root, and falls more "
                "slowly.",
            ),
            Choice(eta / math.sqrt(t), "This counts epochs from 1. At t = 0, the slide's rate must be eta."),
            Choice(eta / 2**t, "This halves the rate in each epoch, which is exponential decay."),
        ],
        because=f"sqrt({t} + 1) = {math.sqrt(t + 1):g}, so the rate is eta / {math.sqrt(t + 1):g}.",
    )


@question(lectures=["002"], slide="Algorithm 1: Adam", claim="N24")
def first_step_of_adam(draw: Random) -> Problem:
    g, alpha, beta_1, beta_2 = draw.choice([100, 0.01]), 0.001, 0.9, 0.999

    def first_step(optimizer: Callable[..., torch.optim.Optimizer]) -> float:
        w = numbers(0).requires_grad_()
        w.grad = numbers(g)
        optimizer([w], lr=alpha).step()
        return w.abs().item()

    return Problem(
        f"Adam starts with its default settings (alpha = 0.001). The first gradient of a weight is {g}. How "
        "far does this weight move in the first step?",
        right=first_step(torch.optim.Adam),
        again=first_step(Adam),
        wrong=[
            Choice(
                alpha * g, "This is a step of gradient descent. Adam divides by the size of the gradient."
            ),
            Choice(
                alpha * (1 - beta_1) * g / math.sqrt((1 - beta_2) * g**2),
                "This forgets the bias correction: m and v start at 0, and are divided by 1 - beta^t.",
            ),
            Choice(
                alpha * (1 - beta_1),
                "This corrects v, but not m. Both running averages start at 0, and both are corrected.",
            ),
        ],
        because="After the correction, m = g and v = g^2, so the step is alpha g / |g|: alpha, whatever the "
        "size of g.",
        tex=r"\theta_t = \theta_{t-1} - \alpha \, \hat{m}_t / (\sqrt{\hat{v}_t} + \epsilon)",
    )


@question(lectures=["002"], slide="Regularization: Dropout", claim="E13")
def testing_with_dropout(draw: Random) -> Problem:
    p, activity = draw.choice([0.8, 0.6]), 4.0
    units = torch.full((20_000,), activity, dtype=torch.float64)
    return Problem(
        f"In dropout as first published, each unit is retained with probability p = {p}, and training does "
        f"not scale. A unit has the activity {activity:g}. What value does the next layer get in testing?",
        right=dropout_retaining(units[:1], p, training=False).item(),
        again=round(dropout_retaining(units, p).mean().item(), 1),  # what the next layer saw in training
        wrong=[
            Choice(
                activity,
                "The next layer was trained with a fraction p of these activities. With all of them, its "
                "inputs would be too large.",
            ),
            Choice(
                activity / p,
                "This is what torch does in training. As first published, dropout scales down in testing.",
            ),
            Choice(
                activity * (1 - p), "This takes p for the probability to drop, as another slide and torch do."
            ),
        ],
        because=f"The mean in training was p times the activity: {p} × {activity:g}.",
    )


@question(lectures=["002"], slide="Regularization: L2 = weight decay", claim="F12")
def decay_of_a_weight(draw: Random) -> Problem:
    theta, rate, weight = draw.choice([2.0, 4.0]), 0.1, draw.choice([0.5, 0.2])
    w = numbers(theta).requires_grad_()
    w.grad = gradient(lambda w: weight * (w**2).sum(), w)
    torch.optim.SGD([w], lr=rate).step()
    decayed = numbers(theta).requires_grad_()
    decayed.grad = numbers(0)
    torch.optim.SGD([decayed], lr=rate, weight_decay=2 * weight).step()
    return Problem(
        f"J_reg = J + lambda sum_k theta_k^2 with lambda = {weight} and eta = {rate}. A weight is {theta:g}, "
        "and J does not depend on it. What is the weight after one step of gradient descent?",
        right=w.item(),
        again=decayed.item(),
        wrong=[
            Choice(
                theta - rate * weight * theta,
                "The factor 2 is missing: the derivative of lambda theta^2 is 2 lambda theta.",
            ),
            Choice(
                theta - rate * weight,
                "This subtracts the same amount from each weight, as L1 does. L2 takes more from large "
                "weights.",
            ),
            Choice(
                theta - 2 * weight * theta,
                "This forgets the learning rate, which multiplies this slope, too.",
            ),
            Choice(theta, "J does not change the weight, but the penalty pulls every weight towards 0."),
        ],
        because=f"theta (1 - 2 eta lambda) = {theta:g} × {1 - 2 * rate * weight:g}: hence the name weight "
        "decay.",
    )


@question(lectures=["002"], slide="Regularization 2: Early Stopping", claim="F13")
def patience(draw: Random) -> Problem:
    n = draw.choice([2, 3])
    val = [0.9, 0.7, 0.75, 0.6, 0.62, 0.61, 0.65, 0.66, 0.58]
    best, waited, stop = math.inf, 0, 0
    for loss in val:
        stop += 1
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == n:
            break
    lowest = next(
        epoch for epoch, loss in enumerate(val) if all(loss < late for late in val[epoch + 1 :][:n])
    )
    rises = [late > early for early, late in zip(val, val[1:], strict=False)]
    return Problem(
        f"Validation losses of epochs 1 to 9: {', '.join(map(str, val))}. With patience n = {n}, after which "
        "epoch does early stopping end the training?",
        right=stop,
        again=lowest + 1 + n,
        wrong=[
            Choice(
                rises.index(True) + 2,
                "This stops at the first epoch that is worse than the one before. Patience waits, because "
                "the loss is noisy.",
            ),
            Choice(
                lowest + 1,
                "This is the best epoch, whose weights are kept. Only n epochs later, we know that it is the "
                "best.",
            ),
            Choice(
                val.index(min(val)) + 1,
                "This has the lowest loss of all, but the training ends before: it cannot know of it.",
            ),
        ],
        because=f"Epoch {lowest + 1} is the best so far, and the next {n} epochs are not better.",
    )


@question(lectures=["002"], slide="Keras, Steps 1 to 3", claim="N26")
def number_of_updates(draw: Random) -> Problem:
    examples, batch, epochs = 60_000, draw.choice([100, 50, 200]), 20
    return Problem(
        f"fit(x_train, y_train, batch_size={batch}, nb_epoch={epochs}) trains on {examples:,} images. How "
        "often are the weights updated?",
        right=epochs * len(torch.arange(examples).split(batch)),
        again=examples * epochs // batch,
        wrong=[
            Choice(epochs, "This is one update for each epoch, as in batch gradient descent."),
            Choice(
                examples // batch, "These are the updates of one epoch, that is of one pass over the images."
            ),
            Choice(
                examples * epochs, "This is one update for each image. Here, a batch of images shares one."
            ),
        ],
        because=f"{examples:,} / {batch} = {examples // batch:,} updates in each of {epochs} epochs.",
    )
