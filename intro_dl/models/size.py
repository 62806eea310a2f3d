"""How large a model would be, known before it takes any memory."""

from collections.abc import Callable

import torch
from torch import nn


def count_parameters(build: Callable[[], nn.Module]) -> int:
    """How many parameters the model that `build` makes would have; it is built without any."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return sum(weights.numel() for weights in build().parameters())
