"""Count the parameters of a model before it takes any memory."""

from collections.abc import Callable

import torch
from torch import nn


def count_parameters(build: Callable[[], nn.Module]) -> int:
    """Return the number of parameters of the model that `build` makes, without allocating them."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return sum(weights.numel() for weights in build().parameters())
