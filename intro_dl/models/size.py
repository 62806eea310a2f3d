"""Count the parameters of a model before it takes any memory."""

import os
from collections.abc import Callable
from contextlib import suppress

import torch
from torch import nn


def count_parameters(build: Callable[[], nn.Module]) -> int:
    """Return the number of parameters of the model that `build` makes, without allocating them."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return sum(weights.numel() for weights in build().parameters())


def free_memory() -> float:
    """Return the bytes of memory that a new program can use; infinite if the system does not say."""
    with suppress(OSError, StopIteration, ValueError):
        with open("/proc/meminfo", encoding="ascii") as file:  # Linux
            return 1024.0 * next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    with suppress(AttributeError, OSError, ValueError):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return float("inf")
