"""Learning-rate schedules of the lectures that torch does not have."""

from math import exp, sqrt

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from intro_dl.config.types import NonNegative, Positive


def inverse_sqrt(optimizer: Optimizer) -> LambdaLR:
    """Divide the learning rate by sqrt(t + 1) after t epochs: eta, 0.71 eta, 0.58 eta, eta / 2, ...

    Source: lecture 002, "Learning Rates", which calls it 1/t decay; it is 1/sqrt(t) decay.
    """
    return LambdaLR(optimizer, lambda t: 1 / sqrt(t + 1))


def exponential_to_floor(optimizer: Optimizer, floor: NonNegative, steps: Positive) -> LambdaLR:
    """Set the rate to `floor + lr * exp(-t / steps)` after t steps of the optimizer.

    Source: M. Görner, Tensorflow without a PhD (2017), behind lecture 001: 1e-4 + 0.003 e^(-t/2000).
    """
    (rate,) = {group["lr"] for group in optimizer.param_groups}
    return LambdaLR(optimizer, lambda t: exp(-t / steps) + floor / rate)
