"""Lecture 004: logistic regression, where it comes from, and gradient descent.

M. Kagan, IN2P3 School of Statistics 2021. The slides have no titles in the text of the lecture; here each
title is a phrase from its slide.
"""

import math
from collections.abc import Sequence

import torch
from hydra.utils import instantiate
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from intro_dl.data.batches import Batches
from intro_dl.data.toy import TwoGaussians
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import (
    finite_difference,
    fit_logistic,
    gradient,
    logistic_hessian,
    logistic_loss,
    mean_and_error,
    normal,
    numbers,
    rounded,
    with_one,
)
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.regressor import MLPRegressor
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.scratch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_from_logits,
    binary_cross_entropy_from_logits_gradient,
)
from intro_dl.tasks import Task
from intro_dl.training.build import give_optimizer
from intro_dl.training.product import config, optimizer


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

    least_squares = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    sizes = [ridge(penalty).norm().item() for penalty in (0, 0.1, 1, 10)]

    def descend(*options: str) -> Tensor:  # 400 steps of the product's optimizer
        w = torch.zeros(6, dtype=torch.float64, requires_grad=True)
        steps = optimizer([w], "optim.lr=0.2", *options)
        for _ in range(400):
            w.grad = gradient(risk, w)
            steps.step()
        return w.detach()

    strength = config("regularization=l2").regularization.weight_decay
    by_option = [descend(f"optim={name}", "regularization=l2") for name in ("sgd", "scratch_sgd")]
    strong = descend("optim=sgd", "regularization=l2", "regularization.weight_decay=1.0")

    w = torch.zeros(6, dtype=torch.float64)  # Omega = |w|_1: step down the risk, then shrink towards 0
    for _ in range(300):
        w = w - 0.2 * gradient(risk, w)
        w = w.sign() * (w.abs() - 0.2 * 0.5).clamp(min=0)
    slope, zero = gradient(risk, w), w == 0

    model = MLPRegressor((6,), hidden=()).double()
    give_optimizer(config("optim=sgd", "regularization=l1"), model)
    weights, l1 = list(model.parameters()), config("regularization=l1").regularization.l1
    plain = torch.autograd.grad(model.metrics((x, y))["loss"], weights)
    trained = torch.autograd.grad(model.training_step((x, y), 0), weights)
    added = [with_l1 - without for with_l1, without in zip(trained, plain, strict=True)]
    return Outcome(
        [
            Check("lambda = 0 is least squares", ridge(0), least_squares, 1e-12),
            within("the option regularization=l2: its weight_decay", strength, 1e-6, 1e-2),
            Check(
                "optim=sgd with it minimizes risk + weight_decay/2 |w|^2",
                by_option[0],
                ridge(strength / 2),
                1e-9,
            ),
            Check("... and so does optim=scratch_sgd", by_option[1], by_option[0], 1e-12),
            Check("... with weight_decay = 1", strong, ridge(0.5), 1e-9),
            Check("L1: weights that are exactly 0, as in the rule that drew the data", zero, true == 0),
            Check("L1: slope where w is not 0: -lambda sign(w)", slope[~zero], -0.5 * w[~zero].sign(), 1e-9),
            Check("L1: slope where w is 0: at most lambda", (slope[zero].abs() <= 0.5).all().item(), True),
            within("the option regularization=l1: its strength", l1, 1e-6, 1e-1),
            Check("what it adds to the gradient: l1 sign(w)", added[0], l1 * weights[0].sign(), 1e-12),
            Check("... and for the bias", added[1], l1 * weights[1].sign(), 1e-12),
            Check("L2: a larger lambda gives a smaller w", sizes, sorted(sizes, reverse=True)),
        ],
        [
            f"lambda = 0: {rounded(ridge(0))}",
            f"L2, 0.5:    {rounded(strong)}, by optim=sgd regularization.weight_decay=1",
            f"L1, 0.5:    {rounded(w)}, by soft thresholding, which reaches exact zeros",
            "Computed on linear regression: 200 points, 6 inputs, 3 of which matter.",
        ],
    )


@claim(
    "R11",
    lectures=["004"],
    slide="Framework to design learning algorithms",
    says="lambda Omega(w): a regularizer, penalizing certain values of w. [Run: what Omega = |w|_1 and "
    "Omega = |w|^2 penalize, where most inputs are useless.]",
    kind="measured",
)
def sparsity() -> Outcome:
    options = {
        "none": ("regularization=none",),
        "l2": ("regularization=l2", "regularization.weight_decay=0.04"),  # 0.02 |w|^2
        "l1": ("regularization=l1", "regularization.l1=0.02"),  # 0.02 |w|_1
    }
    near_zero, accuracy = {name: [] for name in options}, {name: [] for name in options}
    for _ in range(5):
        x = normal(1100, 40)
        labels = torch.bernoulli(torch.sigmoid(3 * x[:, 0] - 2 * x[:, 1] + 2 * x[:, 2])).long()  # 37 useless
        for name, chosen in options.items():
            model = Perceptron((40,), 2).double()
            follow(model, ("optim=sgd", "optim.lr=0.5", *chosen), x[:100], labels[:100], steps=200)
            near_zero[name].append((model.w[3:].abs() < 0.02).double().mean().item())
            accuracy[name].append(model.metrics((x[100:], labels[100:]))["accuracy"].item())
    zeros, right = (
        {name: mean_and_error(each) for name, each in found.items()} for found in (near_zero, accuracy)
    )
    return Outcome(
        [
            within(
                "L1: share of the 37 useless weights with |w| < 0.02, mean of 5 draws", zeros["l1"][0], 0.45
            ),
            within("L2: the same share", zeros["l2"][0], high=0.3),
            within("no penalty: the same share", zeros["none"][0], high=0.1),
            within("test accuracy: L1 over none, in points", 100 * (right["l1"][0] - right["none"][0]), 1),
        ],
        [
            "model=perceptron on 100 points of 40 inputs, labels drawn by 3 of them; 1,000 test points; 5 "
            "draws."
        ]
        + [
            f"{name}: {mean:.1%} +- {error:.1%} of the useless weights near 0, test accuracy "
            f"{right[name][0]:.1%} +- {right[name][1]:.1%} (standard errors)"
            for name, (mean, error) in zeros.items()
        ]
        + [
            "The penalty l1 sum |w| is added to the loss: weights end within about lr * l1 = 0.01 of 0, "
            "not at 0."
        ],
    )


def follow(model: Task, options: Sequence[str], inputs: Tensor, labels: Tensor, steps: int) -> None:
    """Take training steps on all examples at once, with the optimizer and the penalty of these options."""
    give_optimizer(config(*options), model)
    update = optimizer(model.parameters(), *options)
    for _ in range(steps):
        update.zero_grad()
        model.training_step((inputs, labels), 0).backward()
        update.step()


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
    says="p_i = p(y_i = y | x_i), and P(y_i = y | x_i) = Bernoulli(p_i) = p_i^(y_i) (1 - p_i)^(1 - y_i). "
    "[Right: p_i = p(y_i = 1 | x_i), as a later slide has it; p_i of the observed label would count a "
    "label 0 the wrong way round.]",
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
            Check("the two changes", slide, right, linear.item(), differ=True),
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
