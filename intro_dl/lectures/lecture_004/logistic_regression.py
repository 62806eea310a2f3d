"""Lecture 004: logistic regression, where it comes from, and gradient descent.

M. Kagan, IN2P3 School of Statistics 2021. The slides have no titles in the text of the lecture; here each
title is a phrase from its slide.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from intro_dl.lectures.engine.claims import Check, Outcome, claim
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
from intro_dl.scratch.losses import binary_cross_entropy, binary_cross_entropy_from_logits


@claim(
    "F20",
    lectures=["004"],
    slide="Framework to design learning algorithms",
    says="argmin_w 1/N sum_i L(h(x_i; w), y_i) + lambda Omega(w): Omega penalizes certain values of w, "
    "lambda controls how much penalty.",
    kind="holds",
)
def regularized_risk() -> Outcome:
    x, true = normal(200, 6), numbers(3, -2, 1, 0, 0, 0)
    y = x @ true + 0.3 * normal(200)

    def risk(w: Tensor) -> Tensor:
        return ((x @ w - y) ** 2).mean()

    def ridge(penalty: float) -> Tensor:  # Omega = |w|^2 has a closed form
        return torch.linalg.solve(x.T @ x / 200 + penalty * torch.eye(6), x.T @ y / 200)

    l2 = gradient(lambda w: risk(w) + 0.5 * (w**2).sum(), ridge(0.5))
    least_squares = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    sizes = [ridge(penalty).norm().item() for penalty in (0, 0.1, 1, 10)]

    w = torch.zeros(6, dtype=torch.float64)  # Omega = |w|_1: step down the risk, then shrink towards 0
    for _ in range(300):
        w = w - 0.2 * gradient(risk, w)
        w = w.sign() * (w.abs() - 0.2 * 0.5).clamp(min=0)
    slope, zero = gradient(risk, w), w == 0
    return Outcome(
        [
            Check("lambda = 0 is least squares", ridge(0), least_squares, 1e-12),
            Check("L2: the gradient of risk + 0.5 |w|^2 at its minimum", l2, torch.zeros(6), 1e-12),
            Check("L1: weights that are exactly 0, as in the rule that drew the data", zero, true == 0),
            Check("L1: slope where w is not 0: -lambda sign(w)", slope[~zero], -0.5 * w[~zero].sign(), 1e-9),
            Check("L1: slope where w is 0: at most lambda", (slope[zero].abs() <= 0.5).all().item(), True),
            Check("L2: a larger lambda gives a smaller w", sizes, sorted(sizes, reverse=True)),
        ],
        [
            f"lambda = 0: {rounded(ridge(0))}",
            f"L2, 0.5:    {rounded(ridge(0.5))}",
            f"L1, 0.5:    {rounded(w)}",
        ],
    )


def log_density(x: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Return ln p(x | y) of the slide's Gaussian, for each row of `x`."""
    from_mean = x - mean
    distance = (from_mean @ torch.linalg.inv(covariance) * from_mean).sum(dim=-1)
    return -(len(mean) * math.log(2 * math.pi) + torch.logdet(covariance) + distance) / 2


@claim(
    "F21",
    lectures=["004"],
    slide="Goal: Separate data from two classes / populations; Bayes Rule; For our Gaussian data",
    says="With Gaussian likelihoods of one Sigma, Bayes' rule gives p(y = 1 | x) = sigma(log p(x | 1)/p(x | "
    "0) + log p(1)/p(0)) = sigma(w^T x + b): the log-likelihood ratio is linear.",
    kind="holds",
)
def gaussian_discriminant() -> Outcome:
    mean_0, mean_1, prior_1 = numbers(-1, 0), numbers(1, 0.5), 0.3
    covariance = torch.tensor([[1.0, 0.4], [0.4, 0.8]], dtype=torch.float64)
    precision = torch.linalg.inv(covariance)
    w = precision @ (mean_1 - mean_0)
    b = (mean_0 @ precision @ mean_0 - mean_1 @ precision @ mean_1) / 2 + math.log(prior_1 / (1 - prior_1))

    x = 3 * normal(1000, 2)
    joint_1 = log_density(x, mean_1, covariance).exp() * prior_1
    joint_0 = log_density(x, mean_0, covariance).exp() * (1 - prior_1)
    bayes = joint_1 / (joint_0 + joint_1)

    labels = torch.bernoulli(torch.full((20_000,), prior_1, dtype=torch.float64))
    data = (
        torch.where(labels[:, None] > 0, mean_1, mean_0)
        + normal(20_000, 2) @ torch.linalg.cholesky(covariance).T
    )
    fitted = fit_logistic(with_one(data), labels)
    exact = torch.cat([b[None], w])
    error = (torch.linalg.inv(logistic_hessian(fitted, with_one(data))).diagonal() / 20_000).sqrt()

    def curvature(covariance_1: Tensor) -> Tensor:
        def log_odds(x: Tensor) -> Tensor:
            return log_density(x, mean_1, covariance_1) - log_density(x, mean_0, covariance)

        return torch.autograd.functional.hessian(log_odds, x[0])

    unshared = curvature(2 * covariance)
    return Outcome(
        [
            Check("Bayes' rule at 1,000 points: sigma(w^T x + b)", bayes, torch.sigmoid(x @ w + b), 1e-12),
            Check("logistic regression, in standard errors", (fitted - exact) / error, torch.zeros(3), 4),
            Check("one Sigma: curvature of the log ratio", curvature(covariance), torch.zeros(2, 2), 1e-12),
            Check("two Sigmas: a quadratic boundary", unshared, torch.zeros(2, 2), 0.1, differ=True),
            Check("... whose curvature is Sigma_0^-1 - Sigma_1^-1", unshared, precision / 2, 1e-12),
        ],
        [
            "w = Sigma^-1 (mu_1 - mu_0), b = (mu_0^T Sigma^-1 mu_0 - mu_1^T Sigma^-1 mu_1)/2 + log p(1)/p(0)",
            f"closed form (b, w) = {rounded(exact)}",
            f"fitted (b, w)      = {rounded(fitted)}, standard errors {rounded(error)}",
        ],
    )


@claim(
    "F22",
    lectures=["004"],
    slide="Negative log-likelihood: binary cross entropy loss function!",
    says="-ln prod_i p_i^y_i (1 - p_i)^(1 - y_i) = -sum_i y_i ln p_i + (1 - y_i) ln(1 - p_i) = sum_i y_i "
    "ln(1 + e^(-w^T x)) + (1 - y_i) ln(1 + e^(w^T x))",
    kind="holds",
)
def likelihood_to_cross_entropy() -> Outcome:
    z = 2 * normal(20)  # w^T x
    y = torch.bernoulli(torch.sigmoid(z))
    p = torch.sigmoid(z)
    likelihood = -torch.log(torch.prod(p**y * (1 - p) ** (1 - y)))
    cross_entropy = -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).sum()
    logits = (y * torch.log(1 + torch.exp(-z)) + (1 - y) * torch.log(1 + torch.exp(z))).sum()

    by_hand = [20 * binary_cross_entropy(p, y), 20 * binary_cross_entropy_from_logits(z, y)]  # means of 20

    far, wrong = numbers(1000), numbers(0)
    literal = torch.log(1 + torch.exp(far))
    stable = binary_cross_entropy_from_logits(far, wrong)
    return Outcome(
        [
            Check("-ln of the product against the sum of logarithms", likelihood, cross_entropy, 1e-12),
            Check("the sum of logarithms against the slide's last line", cross_entropy, logits, 1e-12),
            Check("the loss by hand, from probabilities", by_hand[0], cross_entropy, 1e-12),
            Check("the loss by hand, from w^T x", by_hand[1], cross_entropy, 1e-12),
            Check("torch's", F.binary_cross_entropy_with_logits(z, y, reduction="sum"), cross_entropy, 1e-12),
            Check("w^T x = 1000, y = 0: by hand, with max(z, 0) + ln(1 + e^-|z|)", stable, 1000.0, 1e-9),
            Check("... where the slide's last line overflows", literal, numbers(math.inf)),
        ],
        [f"-ln L = {likelihood.item():.12f} in every form"],
    )


def bowl(theta: Tensor) -> Tensor:
    """Return a loss of two parameters that is not quadratic, so that no claim holds only for quadratics."""
    return theta[0] ** 2 + torch.cosh(theta[1]) + 0.3 * torch.sin(theta[0] * theta[1])


@claim(
    "E8",
    lectures=["004"],
    slide="Gradient Descent: make a step",
    says="Make a step theta <- theta - eta v in direction v with step size gamma; steepest descent direction "
    "is v = -grad L. [Right: theta <- theta + eta v, as the sign is in v already; and one letter for the "
    "step size.]",
    kind="erratum",
)
def sign_is_doubled() -> Outcome:
    theta, eta = numbers(1, -1), 0.01
    v = -gradient(bowl, theta)
    before = bowl(theta)
    slide, right = bowl(theta - eta * v) - before, bowl(theta + eta * v) - before
    update = theta - eta * gradient(bowl, theta)
    linear = eta * v @ v  # first order: -eta v . grad L
    return Outcome(
        [
            Check("change of the loss by the slide's step: uphill", slide, linear, 0.1 * linear.item()),
            Check("change of the loss by theta + eta v: downhill", right, -linear, 0.1 * linear.item()),
            Check("the two changes", slide, right, linear.item(), differ=True),
            Check("v against finite differences", v, -finite_difference(bowl, theta), 1e-8),
            Check("theta + eta v is the next slide's update", theta + eta * v, update),
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

    def slope(rows: Tensor) -> Tensor:
        # A matrix product, which the counter below counts.
        return gradient(lambda w: F.binary_cross_entropy_with_logits(x[rows] @ w, y[rows]), w)[:, 0]

    everything = torch.arange(64)
    full = slope(everything)
    single = torch.stack([slope(row) for row in everything[:, None]])
    batches = torch.stack([slope(rows) for rows in torch.randperm(64).split(8)])

    work = []
    for count in (16, 32, 64, 1):
        with FlopCounterMode(display=False) as counter:
            slope(everything[:count])
        work.append(counter.get_total_flops())
    work = [flops / work[0] for flops in work]
    return Outcome(
        [
            Check("mean of the 64 gradients of one sample", single.mean(0), full, 1e-12),
            Check("mean of the 8 gradients of mini-batches of 8", batches.mean(0), full, 1e-12),
            Check("multiplications for N = 16, 32, 64, 1, relative to 16", work, [1, 2, 4, 1 / 16]),
            Check("one sample is noisy: the largest deviation", single, full.expand(64, 5), 0.1, differ=True),
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
    by_autograd = torch.autograd.functional.hessian(lambda w: logistic_loss(w, x, y), points[0])

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
