"""Batches cut by index from tensors, instead of single examples put together one by one."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor


class Batches:
    """All examples of a split, in batches; when shuffled, in an order fixed by (seed, epoch).

    A run that is resumed in epoch 7 therefore sees the batches that it would have seen. Lightning takes any
    iterable for a loader, and calls `sampler.set_epoch` before each epoch.

    Args:
        inputs: the N inputs, (N, ...); they stay on the device where they are.
        targets: the N targets, (N,) or (N, ...).
        batch_size: examples a batch over all devices together; None takes all N at once. The last batch may be smaller.
        transform: makes network inputs of a batch of raw ones, e.g. uint8 pixels -> normalized floats.
        shuffle: draw a new order in every epoch; otherwise the order is that of `inputs`.
        seed: names the sequence of orders.
        rank, world_size: this device's number and how many share each batch; every device cuts its own part.
    """

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        batch_size: int | None,
        transform: Callable[[Tensor], Tensor] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.inputs, self.targets = inputs, targets
        self.batch_size = batch_size or len(inputs)
        self.transform = transform or (lambda batch: batch)
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0
        self.rank, self.world_size = rank, world_size
        self.sampler, self.batch_sampler = self, None  # where Lightning looks for set_epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def order(self) -> Tensor:
        """The indices of this epoch, (N,), on the device of the inputs."""
        if not self.shuffle:
            return torch.arange(len(self.inputs), device=self.inputs.device)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**32)
        return torch.randperm(len(self.inputs), generator=generator).to(self.inputs.device)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for indices in self.order().split(self.batch_size):
            mine = indices[self.rank :: self.world_size]
            yield self.transform(self.inputs[mine]), self.targets[mine]
