"""Lecture 004: gradient descent, one example or all, on a convex loss."""

import torch
from hydra.utils import instantiate
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from intro_dl.data.batches import Batches
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import (
    finite_difference,
    fit_logistic,
    gradient,
    logistic_hessian,
    logistic_loss,
    normal,
    numbers,
    rounded,
    with_one,
)
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.scratch.losses import (
    binary_cross_entropy_from_logits,
    binary_cross_entropy_from_logits_gradient,
)
from intro_dl.training.product import config, optimizer


def bowl(theta: Tensor) -> Tensor:
    """Return a loss of two parameters that is not quadratic, so that no claim holds only for quadratics."""
    return theta[0] ** 2 + torch.cosh(theta[1]) + 0.3 * torch.sin(theta[0] * theta[1])


@claim(
    "E8",
    lectures=["004"],
    slide="Gradient Descent: make a step",
    says="Make a step theta <- theta - eta v in direction v with step size gamma; steepest descent "
    "direction is v = -grad L",
    right="Make a step theta <- theta + eta v in direction v with step size eta; steepest descent direction "
    "is v = -grad L",
    kind="erratum",
)
def sign_is_doubled() -> Outcome:
    theta, eta = numbers(1, -1), 0.01
    v = -gradient(bowl, theta)
    before = bowl(theta)
    slide, right = bowl(theta - eta * v) - before, bowl(theta + eta * v) - before
    moved = {}
    for name in ("sgd", "scratch_sgd"):  # the next slide's update, theta <- theta - eta grad L
        moved[name] = theta.clone().requires_grad_()
        moved[name].grad = gradient(bowl, theta)
        optimizer([moved[name]], f"optim={name}", f"optim.lr={eta}").step()
    linear = eta * v @ v  # first order: -eta v . grad L
    return Outcome(
        [
            Check("change of the loss by the slide's step: uphill", slide, linear, 0.1 * linear.item()),
            Check("change of the loss by theta + eta v: downhill", right, -linear, 0.1 * linear.item()),
            Check("change of the loss: slide, right", slide, right, linear.item(), differ=True),
            Check("v against finite differences", v, -finite_difference(bowl, theta), 1e-8),
            Check("one step of optim=sgd goes to theta + eta v", moved["sgd"], theta + eta * v, 1e-15),
            Check("... and one of optim=scratch_sgd", moved["scratch_sgd"], theta + eta * v, 1e-15),
        ],
        [f"L before {before:.6f}, slide's step {before + slide:.6f}, right step {before + right:.6f}"],
    )


@claim(
    "F23",
    lectures=["004"],
    slide="How does loss change in different directions?",
    says="d/dlambda L(theta + lambda v) at lambda = 0 is v . grad L; then steepest descent direction is v = "
    "-grad L.",
    kind="holds",
)
def steepest_descent() -> Outcome:
    theta = numbers(1, -1)
    slope = gradient(bowl, theta)
    directions = F.normalize(normal(1000, 2), dim=1)
    step = 1e-6
    moved = torch.stack([bowl(theta + step * v) - bowl(theta - step * v) for v in directions]) / (2 * step)
    steepest = directions[moved.argmin()]
    return Outcome(
        [
            Check("change along 1,000 unit vectors against v . grad L", moved, directions @ slope, 1e-8),
            Check(
                "no direction falls faster than -grad L",
                moved.min().item() >= -slope.norm().item() - 1e-8,
                True,
            ),
            Check("the fastest of them is close to -grad L", steepest, -slope / slope.norm(), 0.02),
        ],
        [f"grad L = {rounded(slope)}, steepest of 1,000: {rounded(steepest)}"],
    )


@claim(
    "F24",
    lectures=["004"],
    slide="(Mini-Batch) Stochastic Gradient Descent",
    says="Loss is composed of a sum over samples: computing gradient grows linearly with N! Gradient of 1 "
    "random sample is unbiased -> on average it moves in correct direction.",
    kind="holds",
)
def stochastic_gradient() -> Outcome:
    x, y, w = normal(64, 5), torch.bernoulli(torch.full((64, 1), 0.5, dtype=torch.float64)), normal(5, 1)
    neuron = Perceptron((5,), 2).double()
    neuron.w.data = w[:, 0].clone()

    def slope(rows: Tensor) -> Tensor:
        # A matrix product, which the counter below counts.
        return gradient(lambda w: binary_cross_entropy_from_logits(x[rows] @ w, y[rows]), w)[:, 0]

    def of_batch(inputs: Tensor, labels: Tensor) -> Tensor:
        return torch.autograd.grad(neuron.metrics((inputs, labels))["loss"], neuron.w)[0]

    everything = torch.arange(64)
    full = slope(everything)
    by_rule = x.T @ binary_cross_entropy_from_logits_gradient(x @ w, y)[:, 0]  # scratch: x_i (o_i - t_i) / N
    single = torch.stack([slope(row) for row in everything[:, None]])
    loader = Batches(x, y[:, 0], 8, shuffle=True)  # what training reads
    batches = torch.stack([of_batch(*batch) for batch in loader])

    work = []
    for count in (16, 32, 64, 1):
        with FlopCounterMode(display=False) as counter:
            slope(everything[:count])
        work.append(counter.get_total_flops())
    work = [flops / work[0] for flops in work]
    return Outcome(
        [
            Check("the full gradient against the rule (1/N) sum x_i (o_i - t_i)", full, by_rule, 1e-12),
            Check("mean of the 64 gradients of one sample", single.mean(0), full, 1e-12),
            Check("mean over the 8 mini-batches of an epoch, model=perceptron", batches.mean(0), full, 1e-12),
            Check("multiplications for N = 16, 32, 64, 1, relative to 16", work, [1, 2, 4, 1 / 16]),
            Check("one sample is noisy: the largest deviation", single, full.expand(64, 5), 0.1, differ=True),
        ],
        ["The work is counted in multiplications, not measured in seconds."],
    )


@claim(
    "R7",
    lectures=["004"],
    slide="(Mini-Batch) Stochastic Gradient Descent",
    says="Tends to be much faster than full gradient descent. [Run: the number of examples that each "
    "reads until the training loss is 0.3.]",
    kind="measured",
)
def examples_to_a_loss() -> Outcome:
    rates = (0.1, 0.03, 0.3)
    digits = instantiate(config("data=digits").data, _convert_="all")
    digits.setup()
    digits.batch_size = None
    images, labels = next(iter(digits.train_dataloader()))

    def examples(seed: int, *options: str, at_most: int = 40 * len(labels)) -> int:
        """Count the examples read until the loss of the whole training set is below 0.3."""
        cfg = config("data=digits", *options)
        torch.manual_seed(seed)  # the same first weights for all
        model = SoftmaxRegression((1, 28, 28), 10)
        update = optimizer(model.parameters(), *options)
        batches = Batches(images, labels, cfg.data.batch_size, shuffle=True, seed=seed)
        seen, epoch = 0, 0
        while True:
            batches.set_epoch(epoch)
            epoch += 1
            for batch in batches:
                update.zero_grad()
                model.training_step(batch, 0).backward()
                update.step()
                seen += len(batch[1])
                with torch.no_grad():
                    if seen >= at_most or model.metrics((images, labels))["loss"] < 0.3:
                        return seen

    counts = {"sgd": [], "gd": []}
    for seed in torch.randint(2**31, (3,)).tolist():
        for name, found in counts.items():
            best = 40 * len(labels)
            for rate in rates:  # a rate that is slower than the best so far need not finish
                best = examples(seed, f"optim={name}", f"optim.lr={rate}", at_most=best)
            found.append(best)
    same = [examples(0, f"optim={name}", "optim.lr=0.03", at_most=400) for name in ("scratch_sgd", "sgd")]
    ratios = [full / part for full, part in zip(counts["gd"], counts["sgd"], strict=True)]
    return Outcome(
        [
            within("examples of optim=gd over those of optim=sgd, the least of 3 seeds", min(ratios), 5),
            Check("optim=scratch_sgd needs as many as optim=sgd", same[0], same[1]),
        ],
        [
            "model=softmax on 1,297 digits; optim=sgd reads mini-batches of 32, optim=gd all at once; "
            f"each with the best of the rates {rates}; 3 seeds.",
            *(f"optim={name}: {found} examples" for name, found in counts.items()),
            "'Faster' is counted in examples read, not in seconds: with a GPU a full batch may cost no "
            "more time than a small one.",
        ],
    )


@claim(
    "F25",
    lectures=["004"],
    slide="Logistic Regression Loss is convex",
    says="Logistic regression loss is convex: single global minimum.",
    kind="holds",
)
def convex() -> Outcome:
    x = with_one(normal(100, 3))
    y = torch.bernoulli(torch.sigmoid(x @ numbers(0.5, 1, -1, 0)))
    points = 3 * normal(100, 4)
    least = min(torch.linalg.eigvalsh(logistic_hessian(w, x)).min().item() for w in points)
    by_autograd = torch.autograd.functional.hessian(
        lambda w: binary_cross_entropy_from_logits(x @ w, y), points[0]
    )

    ends = [fit_logistic(x, y, start=start) for start in 3 * normal(20, 4)]
    losses = torch.stack([logistic_loss(end, x, y) for end in ends])

    def network(parameters: Tensor) -> Tensor:  # one hidden layer of 2 units: no longer convex
        U, w = parameters[:8].view(4, 2), parameters[8:]
        return logistic_loss(w, torch.tanh(x @ U), y)

    curvature = torch.autograd.functional.hessian(network, normal(10))
    bent_down = torch.linalg.eigvalsh(curvature).min().item() < -1e-3
    return Outcome(
        [
            Check("the Hessian against autograd", logistic_hessian(points[0], x), by_autograd, 1e-12),
            Check("its smallest eigenvalue at 100 random points is not negative", least >= -1e-15, True),
            Check("loss at the end of 20 random starts", losses, losses[0].expand(20), 1e-12),
            Check("weights at the end of 20 random starts", torch.stack(ends), ends[0].expand(20, 4), 1e-6),
            Check("with a hidden layer: a negative eigenvalue", bent_down, True),
        ],
        [f"the minimum: {losses[0]:.6f} at {rounded(ends[0])}"],
    )
