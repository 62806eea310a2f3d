"""Batch normalization, in training and after it.

Lecture 001; slide "Technical problems". Claims F38.

Batch normalization gives each feature (each column of a batch) the mean 0 and the variance 1, and then the
scale and the shift that the network learns: scale * (x - mean) / sqrt(variance + EPSILON) + shift. In
training, mean and variance are those of the batch; this variance divides by N. Two running averages, of the
mean and of the variance, are kept for later: new = (1 - MOMENTUM) * old + MOMENTUM * (value of this batch).
Here the variance of the batch divides by N - 1, as in torch. After training, the running averages replace
mean and variance, so that the output for an example no longer depends on the others in its batch.
"""

import torch
from torch import Tensor

EPSILON = 1e-5
MOMENTUM = 0.1


def batch_norm_train(
    x: Tensor, scale: Tensor, shift: Tensor, running_mean: Tensor, running_var: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the output (N, m), the new running mean (m,) and the new running variance (m,).

    Args:
        x: a batch (N, m) of at least two examples.
        scale, shift: of each feature, (m,).
        running_mean, running_var: before this batch, (m,).
    """
    # solution
    mean, var = x.mean(dim=0), x.var(dim=0, correction=0)  # (m,)
    out = scale * (x - mean) / torch.sqrt(var + EPSILON) + shift
    unbiased = x.var(dim=0, correction=1)
    new_mean = (1 - MOMENTUM) * running_mean + MOMENTUM * mean
    return out, new_mean, (1 - MOMENTUM) * running_var + MOMENTUM * unbiased
    # end of solution


def batch_norm_eval(
    x: Tensor, scale: Tensor, shift: Tensor, running_mean: Tensor, running_var: Tensor
) -> Tensor:
    """Return the output (N, m) after training, for a batch of any size."""
    # solution
    return scale * (x - running_mean) / torch.sqrt(running_var + EPSILON) + shift
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("batch_norm", "BatchNorm1d", "native_batch_norm", "nn", "functional", "ops")
HINTS = (
    "x.mean(dim=0) and x.var(dim=0, correction=0) have one number for each feature, (m,).",
    "correction=0 divides by N, correction=1 by N - 1. The output needs the first, the running variance the "
    "second.",
    "batch_norm_eval is one line: the same formula, with running_mean and running_var.",
)


def cases(generator: torch.Generator) -> list[Case]:
    x = 3 + 2 * torch.randn(5, 3, generator=generator, dtype=torch.float64)
    near = torch.cat([0.001 * x[:, :1], torch.full_like(x[:, :1], 7), x[:, 1:2] - 50], dim=1)
    scale, shift, mean = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    var = 0.5 + torch.rand(3, generator=generator, dtype=torch.float64)
    return [
        *(Case("batch_norm_train", (batch, scale, shift, mean, var)) for batch in (x, near, x[:2])),
        *(Case("batch_norm_eval", (batch, scale, shift, mean, var)) for batch in (x, x[:1])),
        Case("batch_norm_eval", (x, scale, shift, mean, 1e-5 * var)),
    ]


def normalized(
    x: Tensor, scale: Tensor, shift: Tensor, old_mean: Tensor, old_var: Tensor, *,
    keep: float = 0.9, out: int = 0, running: int = 1, outside: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Normalize with the flaws that the arguments name; used by the mistakes."""
    mean, var = x.mean(dim=0), x.var(dim=0, correction=out)
    root = torch.sqrt(var) + EPSILON if outside else torch.sqrt(var + EPSILON)
    new_var = keep * old_var + (1 - keep) * x.var(dim=0, correction=running)
    return scale * (x - mean) / root + shift, keep * old_mean + (1 - keep) * mean, new_var


@mistake(
    "batch_norm_train",
    "You normalized with the running averages. They are for later: in training, use the mean and variance of "
    "the batch, and only update the running averages.",
)
def running_averages_in_training(x: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return batch_norm_eval(x, *rest), *normalized(x, *rest)[1:]


@mistake(
    "batch_norm_train",
    "Your output uses the variance that divides by N - 1, the default of torch.var. Then the output has not "
    "quite the variance 1: the output needs correction=0.",
)
def output_divides_by_one_less(x: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return normalized(x, *rest, out=1)


@mistake(
    "batch_norm_train",
    "The running variance got the variance that divides by N. A small batch makes that one too small on "
    "average, and later inputs are not from this batch: use correction=1 here.",
)
def running_divides_by_all(x: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return normalized(x, *rest, running=0)


@mistake(
    "batch_norm_train",
    "You exchanged the weights of old and new. In torch, MOMENTUM is the weight of the batch, so an average "
    "keeps 0.9 of its old value; for optimizers the word means the opposite.",
)
def mostly_the_new_batch(x: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return normalized(x, *rest, keep=MOMENTUM)


@mistake(
    "batch_norm_train",
    "EPSILON is outside of the root in your formula. Inside, it is added to a variance: sqrt(variance + "
    "EPSILON); the difference shows where a feature hardly varies.",
)
def epsilon_outside_the_root(x: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return normalized(x, *rest, outside=True)


@mistake(
    "batch_norm_train",
    "You took one mean and one variance for the whole batch. Features may have different units: each column "
    "needs its own, so write dim=0.",
)
def one_mean_for_all_features(
    x: Tensor, scale: Tensor, shift: Tensor, running_mean: Tensor, running_var: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    out = scale * (x - x.mean()) / torch.sqrt(x.var(correction=0) + EPSILON) + shift
    mean = (1 - MOMENTUM) * running_mean + MOMENTUM * x.mean()
    return out, mean, (1 - MOMENTUM) * running_var + MOMENTUM * x.var()


@mistake(
    "batch_norm_train",
    "Your output ends with mean 0 and variance 1. The scale and the shift are missing: with them, the "
    "network can learn another mean and size where that is better.",
)
def without_scale_and_shift(x: Tensor, scale: Tensor, shift: Tensor, *running: Tensor) -> tuple[Tensor, ...]:
    return normalized(x, torch.ones_like(scale), torch.zeros_like(shift), *running)


@mistake(
    "batch_norm_eval",
    "You normalized with the mean and variance of the batch. Then the answer for one example depends on the "
    "others in its batch, and a batch of one always gives the shift: use the running averages.",
)
def batch_statistics_after_training(x: Tensor, scale: Tensor, shift: Tensor, *running: Tensor) -> Tensor:
    return scale * (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, correction=0) + EPSILON) + shift


@mistake(
    "batch_norm_eval",
    "You divided by the variance. It has the unit of x squared: divide by its square root, the standard "
    "deviation.",
)
def variance_without_the_root(x: Tensor, scale: Tensor, shift: Tensor, *running: Tensor) -> Tensor:
    return scale * (x - running[0]) / (running[1] + EPSILON) + shift
