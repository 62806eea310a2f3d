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
        batch_size: examples a batch over all devices together; None takes all N at once. The last batch may
            be smaller.
        transform: makes network inputs of a batch of raw ones, e.g. uint8 pixels -> normalized floats.
        shuffle: draw a new order in every epoch; otherwise the order is that of `inputs`.
        seed: names the sequence of orders.
        rank, world_size: this device's number and how many share each batch; every device cuts its own part
            (see `share`). One that is left without an example gets another's, so that it keeps step.
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
        self.first = 0  # batch of the next pass
        self.rank, self.world_size = rank, world_size
        self.sampler, self.batch_sampler = self, None  # where Lightning looks for set_epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def share(self, number: int) -> float:
        """How much of batch `number` is this device's, where 1 is an equal part and 0 is nothing of it."""
        size = min(self.batch_size, len(self.inputs) - number * self.batch_size)
        return _share(size, self.rank, self.world_size)

    def order(self) -> Tensor:
        """The indices of this epoch, (N,), on the device of the inputs."""
        if not self.shuffle:
            return torch.arange(len(self.inputs), device=self.inputs.device)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**32)
        return torch.randperm(len(self.inputs), generator=generator).to(self.inputs.device)

    def skip(self, batches: int) -> None:
        """Leave out so many batches of the next pass, and of that alone: they were seen before a stop."""
        self.first = batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        first, self.first = self.first, 0
        for indices in self.order().split(self.batch_size)[first:]:
            mine = indices[self.rank % len(indices) :: self.world_size]
            yield self.transform(self.inputs[mine]), self.targets[mine]


class Windows:
    """A text read as B streams side by side, one window of T characters of each stream a batch.

    Stream b is the b-th of B equal parts of the text, and row b of the next batch goes on where row b of this
    one ended: so a recurrent state can be carried from batch to batch (truncated back-propagation through
    time). Every batch is a view of the tensors given; nothing is copied. Follows the protocol of `Batches`.

    Args:
        inputs: the text as N tokens, (N,).
        targets: the token to predict after each of them, (N,).
        batch_size: B, streams over all devices together, at most N. None takes every window at once.
        window: T, characters per window.
        shift: start in every epoch at a place drawn by (seed, epoch) from the characters that whole windows
            leave over, so that epochs differ in where the windows are cut. Otherwise start at the first
            character and end with a shorter window: all but the last N mod B characters are read.
        seed: names the sequence of starts.
        rank, world_size: this device's number and how many share the streams, as those of `Batches` do.
    """

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        batch_size: int | None,
        window: int,
        shift: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.inputs, self.targets, self.window = inputs, targets, window
        self.batch_size = batch_size or max(1, len(inputs) // window)
        if len(inputs) < self.batch_size * (window if shift else 1):
            raise ValueError(
                f"{len(inputs):,} characters are too few for {self.batch_size:,} streams of windows of "
                f"{window} characters. Choose a longer text, or a smaller data.window or data.batch_size."
            )
        self.stream_length = len(inputs) // self.batch_size
        if shift:
            self.stream_length = self.stream_length // window * window
        self.shift, self.seed, self.epoch = shift, seed, 0
        self.first = 0  # window of the next pass
        self.rank, self.world_size = rank, world_size
        self.sampler, self.batch_sampler = self, None  # where Lightning looks for set_epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the start of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.stream_length // self.window)

    def share(self, number: int) -> float:
        """How much of every batch is this device's, where 1 is an equal part and 0 is nothing of it."""
        return _share(self.batch_size, self.rank, self.world_size)

    def start(self) -> int:
        """The position of this epoch's first character."""
        if not self.shift:
            return 0
        left_over = len(self.inputs) - self.batch_size * self.stream_length
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**32)
        return int(torch.randint(left_over + 1, (), generator=generator))

    def skip(self, batches: int) -> None:
        """Leave out so many windows of the next pass, and of that alone: they were seen before a stop."""
        self.first = batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        read = slice(self.start(), self.start() + self.batch_size * self.stream_length)
        mine = slice(self.rank % self.batch_size, None, self.world_size)
        inputs = self.inputs[read].view(self.batch_size, -1)[mine]  # (B, stream length)
        targets = self.targets[read].view(self.batch_size, -1)[mine]
        first, self.first = self.first, 0
        windows = (part.split(self.window, dim=1)[first:] for part in (inputs, targets))
        yield from zip(*windows, strict=True)


def _share(size: int, rank: int, world_size: int) -> float:
    return len(range(rank, size, world_size)) * world_size / size
