"""Lecture 004: logistic regression, and where it comes from."""

import math

import torch
from torch import Tensor

from intro_dl.data.toy import TwoGaussians
from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import (
    fit_logistic,
    logistic_hessian,
    normal,
    numbers,
    rounded,
    with_one,
)
from intro_dl.lectures.lecture_004.regularization import follow
from intro_dl.models.perceptron import Perceptron
from intro_dl.scratch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_from_logits,
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

    clouds = TwoGaussians(distance=2.0, split_seed=int(torch.randint(2**31, ())))
    clouds.setup()
    points, classes = clouds.splits["train"]
    neuron = Perceptron((2,), 2).double()
    follow(neuron, ["optim=gd", "optim.lr=2.0"], clouds.transform(points).double(), classes, steps=150)
    scaled = neuron.w.detach() / clouds.std  # undo the standardization of the inputs
    trained = torch.cat([(neuron.w0 - scaled @ clouds.mean.double())[None], scaled])
    rows = with_one(points.double())
    spread = (torch.linalg.inv(logistic_hessian(trained, rows)).diagonal() / len(rows)).sqrt()
    rule = numbers(0, 2**0.5, 2**0.5)  # Sigma = 1, mu = -+(1, 1) / sqrt(2), equal priors

    def curvature(covariance_1: Tensor) -> Tensor:
        def log_odds(x: Tensor) -> Tensor:
            return log_density(x, mean_1, covariance_1) - log_density(x, mean_0, covariance)

        return torch.autograd.functional.hessian(log_odds, x[0])

    unshared = curvature(2 * covariance)
    return Outcome(
        [
            Check("Bayes' rule at 1,000 points: sigma(w^T x + b)", bayes, torch.sigmoid(x @ w + b), 1e-12),
            Check("logistic regression, in standard errors", (fitted - exact) / error, torch.zeros(3), 4.5),
            Check(
                "model=perceptron, trained: the fit's weights",
                trained,
                fit_logistic(rows, classes.double()),
                1e-4,
            ),
            Check(
                "... and the closed form, in standard errors", (trained - rule) / spread, torch.zeros(3), 4.5
            ),
            Check("one Sigma: curvature of the log ratio", curvature(covariance), torch.zeros(2, 2), 1e-12),
            Check("two Sigmas: a quadratic boundary", unshared, torch.zeros(2, 2), 0.1, differ=True),
            Check("... whose curvature is Sigma_0^-1 - Sigma_1^-1", unshared, precision / 2, 1e-12),
        ],
        [
            "w = Sigma^-1 (mu_1 - mu_0), b = (mu_0^T Sigma^-1 mu_0 - mu_1^T Sigma^-1 mu_1)/2 + log p(1)/p(0)",
            f"closed form (b, w) = {rounded(exact)}",
            f"fitted (b, w)      = {rounded(fitted)}, standard errors {rounded(error)}, 20,000 points by "
            "Newton's method",
            "model=perceptron, optim=gd on data=two_gaussians data.distance=2, 600 points: "
            f"{rounded(trained)}, closed form {rounded(rule)}, standard errors {rounded(spread)}",
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

    neuron = Perceptron((1,), 2).double()
    neuron.w.data += 1  # so that its w^T x is z
    product = 20 * neuron.metrics((z[:, None], y))["loss"]

    far, wrong = numbers(1000), numbers(0)
    literal = torch.log(1 + torch.exp(far))
    stable = binary_cross_entropy_from_logits(far, wrong)
    return Outcome(
        [
            Check("-ln of the product against the sum of logarithms", likelihood, cross_entropy, 1e-12),
            Check("the sum of logarithms against the slide's last line", cross_entropy, logits, 1e-12),
            Check("the loss by hand, from probabilities", by_hand[0], cross_entropy, 1e-12),
            Check("the loss by hand, from w^T x", by_hand[1], cross_entropy, 1e-12),
            Check("the loss of model=perceptron", product, cross_entropy, 1e-12),
            Check("w^T x = 1000, y = 0: by hand, with max(z, 0) + ln(1 + e^-|z|)", stable, 1000.0, 1e-9),
            Check("... where the slide's last line overflows", literal, numbers(math.inf)),
        ],
        [f"-ln L = {likelihood.item():.12f} in every form"],
    )


@claim(
    "E28",
    lectures=["004"],
    slide="With p_i = p(y_i = y | x_i)",
    says="p_i = p(y_i = y | x_i), and P(y_i = y | x_i) = Bernoulli(p_i) = p_i^(y_i) (1 - p_i)^(1 - y_i)",
    right="p_i = p(y_i = 1 | x_i), and P(y_i = y | x_i) = Bernoulli(p_i) = p_i^(y_i) (1 - p_i)^(1 - y_i)",
    kind="erratum",
)
def probability_of_class_1() -> Outcome:
    def bernoulli(p: Tensor, y: Tensor) -> Tensor:
        return p**y * (1 - p) ** (1 - y)

    y = torch.arange(20) % 2
    z = (2 * y - 1) * 2 * normal(20).abs()  # a good model: its probability of each label is above 1/2
    z[0] = math.log(0.1 / 0.9)  # the label is 0, and the model gives it 0.9
    neuron = Perceptron((1,), 2).double()
    neuron.w.data += 1  # so that its w^T x is z
    both = neuron.probabilities(neuron(z[:, None]))  # (20, 2): of class 0 and of class 1
    of_label = both[torch.arange(20), y]  # p(y_i = y | x_i), the slide's p_i
    slide, right = bernoulli(of_label, y), bernoulli(both[:, 1], y)
    loss = binary_cross_entropy_from_logits(z, y.double())
    return Outcome(
        [
            Check("y = 0 with p(y = 0 | x) = 0.9: the slide's likelihood", slide[0], 0.1, 1e-12),
            Check("... with p_i = p(y_i = 1 | x_i) = 0.1", right[0], 0.9, 1e-12),
            Check(
                "20 labels: the slide's likelihood against the probability of the label",
                slide,
                of_label,
                0.5,
                True,
            ),
            Check("... with p_i = p(y_i = 1 | x_i)", right, of_label, 1e-12),
            Check("its mean -ln is the cross-entropy, by hand", -right.log().mean(), loss, 1e-12),
            Check("the slide's is not", -slide.log().mean(), loss, 0.1, differ=True),
        ],
        [
            f"mean -ln likelihood of 20 labels: slide {-slide.log().mean():.4f}, right "
            f"{-right.log().mean():.4f}",
            "The probabilities are those of model=perceptron with w = 1 and w0 = 0.",
        ],
    )
