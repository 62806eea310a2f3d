"""Batches cut from tensors by index, instead of collated example by example."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor


@dataclass(eq=False, repr=False)
class Loader(ABC):
    """The batches of one split, in an order fixed by (seed, epoch). Abstract.

    A run that resumes in epoch 7 therefore sees the same batches as one that never stopped. Lightning accepts
    any iterable as a loader, and calls `sampler.set_epoch` before each epoch.

    On several devices, each device iterates over its own part of every batch. All devices have the same
    number of batches, and no batch is empty. The parts of a training batch have equal sizes, because DDP
    averages gradients without weights: up to `world_size - 1` examples of a batch are left out. The parts of
    an evaluation batch may differ by one example, because means over a split are weighted by counts.

    Args:
        inputs: the N inputs, (N, ...); they stay on their device.
        targets: the N targets, (N,) or (N, ...).
        batch_size: examples in a batch over all devices together; None takes all.
        shuffle: draw a new order in each epoch, for training.
        seed: selects the sequence of orders.
        rank, world_size: number of this device, and how many devices there are.

    Raises:
        ValueError: if a device would have no example.
    """

    inputs: Tensor
    targets: Tensor
    batch_size: int | None
    _: KW_ONLY
    shuffle: bool = False
    seed: int = 0
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        largest = self.largest_batch()
        self.size = largest if self.batch_size is None else min(self.batch_size, largest)
        if self.size < self.world_size:
            raise ValueError(
                f"A batch of {self.size} is too small for {self.world_size} devices: choose a larger "
                "data.batch_size, more data, or fewer trainer.devices."
            )
        self.epoch = 0
        self.skipped = 0  # batches of the next pass
        self.sampler: Loader | None = self  # where Lightning looks for set_epoch
        self.batch_sampler = None

    @abstractmethod
    def largest_batch(self) -> int:
        """Return the batch size that puts everything into one batch."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    @abstractmethod
    def batches_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of this epoch, from batch number `first` on."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # A generator: Lightning makes the iterator before a resumed epoch calls skip().
        first, self.skipped = self.skipped, 0
        yield from self.batches_from(first)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def skip(self, batches: int) -> None:
        """Skip the first batches of the next pass only: a resumed run has already used them."""
        self.skipped = batches

    def generator(self) -> torch.Generator:
        """Return the random generator of this epoch."""
        return torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**32)


@dataclass(kw_only=True, eq=False, repr=False)
class Batches(Loader):
    """All examples of a split, in batches; the last one may be smaller.

    Args:
        transform: maps a batch of stored inputs to network inputs, e.g. uint8 pixels to normalized floats.
        augment: changes stored inputs (B, ...) first; also given their turns, see `TensorData.augment_batch`.
        others: see Loader.
    """

    transform: Callable[[Tensor], Tensor] | None = None
    augment: Callable[[Tensor, Tensor], Tensor] | None = None

    def largest_batch(self) -> int:
        return len(self.inputs)

    def __len__(self) -> int:
        complete, rest = divmod(len(self.inputs), self.size)
        return complete + (rest >= self.world_size)  # a smaller rest cannot be a batch of its own

    def order(self) -> Tensor:
        """Return the indices of this epoch, (N,), on the device of the inputs."""
        if not self.shuffle:
            return torch.arange(len(self.inputs), device=self.inputs.device)
        return torch.randperm(len(self.inputs), generator=self.generator()).to(self.inputs.device)

    def batches_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        order, last = self.order(), len(self) - 1
        for number in range(first, last + 1):
            start, end = number * self.size, min((number + 1) * self.size, len(order))
            if self.shuffle:
                end -= (end - start) % self.world_size
            elif number == last:
                end = len(order)  # with a rest that is too small for a batch of its own
            mine = order[start + self.rank : end : self.world_size]
            inputs = self.inputs[mine]
            if self.augment is not None:
                inputs = self.augment(inputs, mine + self.epoch)
            yield inputs if self.transform is None else self.transform(inputs), self.targets[mine]


@dataclass(kw_only=True, eq=False, repr=False)
class Windows(Loader):
    """A text read as B parallel streams; a batch is one window of T characters from each stream.

    Stream b is the b-th of B equal parts of the text. Row b of the next batch continues where row b of this
    batch ended, so a recurrent state can be carried from batch to batch (truncated back-propagation through
    time). Every batch is a view of the tensors; nothing is copied.

    With `shuffle`, each epoch cuts different windows: (seed, epoch) selects the start position among the
    characters that complete windows leave over. B is rounded down to a multiple of `world_size`. Without
    `shuffle`, the first character is the start, the last window may be shorter, and all characters except the
    last N mod B are read.

    Args:
        inputs, targets: the text as N tokens, (N,), and the next token after each of them, (N,).
        batch_size: B, streams over all devices together; None reads all windows as one batch.
        window: T, characters per window.
        others: see Loader.
    """

    window: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shuffle:
            self.size -= self.size % self.world_size
        self.stream_length = len(self.inputs) // self.size
        if self.shuffle:
            self.stream_length -= self.stream_length % self.window

    def largest_batch(self) -> int:
        return max(1, len(self.inputs) // self.window)

    def __len__(self) -> int:
        return -(-self.stream_length // self.window)

    def start(self) -> int:
        """Return the position of this epoch's first character."""
        if not self.shuffle:
            return 0
        left_over = len(self.inputs) - self.size * self.stream_length
        return int(torch.randint(left_over + 1, (), generator=self.generator()))

    def batches_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        read = slice(self.start(), self.start() + self.size * self.stream_length)
        mine = slice(self.rank, None, self.world_size)
        inputs = self.inputs[read].view(self.size, -1)[mine]  # (B, stream length)
        targets = self.targets[read].view(self.size, -1)[mine]
        windows = (part.split(self.window, dim=1)[first:] for part in (inputs, targets))
        yield from zip(*windows, strict=True)
