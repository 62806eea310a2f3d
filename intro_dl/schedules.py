"""Learning-rate schedules that torch does not have under their lecture's name."""

from math import sqrt

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def inverse_sqrt(optimizer: Optimizer) -> LambdaLR:
    """Divide the learning rate by sqrt(t + 1) after t epochs: eta, 0.71 eta, 0.58 eta, eta / 2, ...

    Source: lecture 002, "Learning Rates", which calls it 1/t decay; it is 1/sqrt(t) decay.
    """
    return LambdaLR(optimizer, lambda t: 1 / sqrt(t + 1))
