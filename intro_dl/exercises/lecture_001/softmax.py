"""Softmax and cross-entropy.

Lecture 001; slide "Multinomial logistic regression as a 'neural network'". Claims N7.

A network gives each class k a score z_k. The softmax turns the scores into probabilities: p_k = exp(z_k) /
(exp(z_1) + ... + exp(z_K)). The cross-entropy of one example is -ln p_k of its true class k. Each row is one
example. Scores may be as large as 1000, and exp(1000) is too large for a computer. But the softmax stays the
same if you subtract one number from all scores of an example, for instance the largest of them.
"""

import torch
from torch import Tensor


def softmax(scores: Tensor) -> Tensor:
    """Return the probabilities of the classes, (N, K), for scores (N, K)."""
    # solution
    powers = torch.exp(scores - scores.amax(dim=1, keepdim=True))  # (N, K)
    return powers / powers.sum(dim=1, keepdim=True)
    # end of solution


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Return -ln p of the true class of each example, (N,), for scores (N, K) and true classes (N,) from 0.

    It is finite even if p is so small that the computer rounds it to 0.
    """
    # solution
    shifted = scores - scores.amax(dim=1, keepdim=True)
    log_p = shifted - shifted.exp().sum(dim=1, keepdim=True).log()  # (N, K)
    return -log_p[torch.arange(len(labels)), labels]
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = (
    "softmax", "log_softmax", "_softmax", "_log_softmax", "logsumexp", "logaddexp", "cross_entropy", "nn",
    "functional", "special", "ops",
)  # fmt: skip
HINTS = (
    "scores.amax(dim=1, keepdim=True), (N, 1), has one number for each row, and can be subtracted.",
    "Put the formula into the logarithm before you compute: ln p_k = z_k - ln(exp(z_1) + ... + exp(z_K)).",
    "log_p[torch.arange(N), labels] takes one number from each row.",
)


def cases(generator: torch.Generator) -> list[Case]:
    few = 2 * torch.randn(3, 4, generator=generator, dtype=torch.float64)
    one = torch.randn(1, 3, generator=generator, dtype=torch.float64)
    ties = torch.zeros(2, 3, dtype=torch.float64)
    large = torch.tensor([[1000.0, 0, -1000], [-1000, -1001, -1003], [1000, 1002, 999]], dtype=torch.float64)
    labels = torch.randint(3, (3,), generator=generator)
    return [
        *(Case("softmax", (scores,)) for scores in (few, one, ties, large)),
        *(Case("cross_entropy", (scores, labels[: len(scores)])) for scores in (few, one, ties)),
        Case("cross_entropy", (large, torch.tensor([2, 0, 1]))),
    ]


@mistake(
    "softmax",
    "exp(1000) is too large for a computer, and infinity / infinity is not a number. "
    "Subtract the largest score of each row first: the probabilities stay the same.",
)
def overflow(scores: Tensor) -> Tensor:
    return torch.exp(scores) / torch.exp(scores).sum(dim=1, keepdim=True)


@mistake(
    "softmax",
    "You subtracted the largest score of the whole batch. A row with far smaller scores then becomes "
    "0 / 0: each row needs its own largest score.",
)
def largest_of_the_batch(scores: Tensor) -> Tensor:
    powers = torch.exp(scores - scores.max())
    return powers / powers.sum(dim=1, keepdim=True)


@mistake(
    "softmax",
    "You divided by the sum over the whole batch, so the probabilities of one example do not add up to 1. "
    "Each row is an example of its own: sum with dim=1 and keepdim=True.",
)
def sum_over_the_batch(scores: Tensor) -> Tensor:
    return torch.exp(scores) / torch.exp(scores).sum()


@mistake(
    "softmax",
    "You summed over the examples (dim=0), so each column adds up to 1. The classes are the columns: the "
    "sum over the classes of one row has dim=1.",
)
def sum_over_the_examples(scores: Tensor) -> Tensor:
    return torch.exp(scores) / torch.exp(scores).sum(dim=0)


@mistake(
    "softmax",
    "You took the sigmoid of each score. That answers K separate yes-or-no questions, and the results "
    "do not add up to 1; the softmax lets the classes compete.",
)
def sigmoid_of_each_score(scores: Tensor) -> Tensor:
    return torch.sigmoid(scores)


@mistake(
    "cross_entropy",
    "You took the logarithm of the finished softmax. Where the probability was rounded to 0 this is "
    "infinite: simplify ln of the formula first, so that exp and ln cancel.",
)
def logarithm_of_zero(scores: Tensor, labels: Tensor) -> Tensor:
    return -softmax(scores).log()[torch.arange(len(labels)), labels]


@mistake(
    "cross_entropy",
    "log_p[:, labels] takes the columns of all labels from every row, which gives (N, N). You need one "
    "number from each row: put torch.arange(N) in place of the colon.",
)
def columns_of_all_labels(scores: Tensor, labels: Tensor) -> Tensor:
    shifted = scores - scores.amax(dim=1, keepdim=True)
    return -(shifted - shifted.exp().sum(dim=1, keepdim=True).log())[:, labels]


@mistake(
    "cross_entropy",
    "You returned ln p, which is negative, and largest for the best answer. A loss must fall when the answer "
    "gets better, so put a minus in front.",
)
def without_the_minus(scores: Tensor, labels: Tensor) -> Tensor:
    shifted = scores - scores.amax(dim=1, keepdim=True)
    log_p = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return log_p[torch.arange(len(labels)), labels]


@mistake(
    "cross_entropy",
    "You added -ln p of all classes. Only the true class counts: when its probability grows, the "
    "others shrink by themselves, since the sum is 1.",
)
def all_classes(scores: Tensor, labels: Tensor) -> Tensor:
    shifted = scores - scores.amax(dim=1, keepdim=True)
    return -(shifted - shifted.exp().sum(dim=1, keepdim=True).log()).sum(dim=1)
