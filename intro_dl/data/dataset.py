"""What every data set has: metadata for the model, and one tensor of inputs and one of targets per split."""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor

from intro_dl.config.types import Seed, Size
from intro_dl.data.batches import Batches, Loader

Split = tuple[Tensor, Tensor]  # inputs (N, ...), targets (N, ...)
# Inputs: images (N, C, H, W) of uint8; points (N, F); text (N,), one stream of tokens; tokens (N, T), word
# ids, 0 is padding; pairs, each target has the shape of its input; captions, a target is a sentence of
# tokens (N, T); graph (1, N, F + N), features beside the adjacency, labels (1, N), -100 is unknown;
# series (N, T, F).
Kind = Literal["images", "points", "text", "tokens", "pairs", "captions", "graph", "series"]
FEW_CLASSES, UNEQUAL = 10, 1.5  # up to this many classes are counted, if the largest is this much larger


@dataclass(kw_only=True, eq=False)
class TensorData(pl.LightningDataModule):
    """A data set held in memory. Abstract: a data set defines `kind`, `dims` and `load`.

    The fields of a data set are its options (`data.<field>=`); a subclass inherits those of its base.

    Args:
        batch_size: examples per optimizer step; None takes the whole training split at once.
        seed: selects the order of the training batches; the splits do not depend on it.
    """

    batch_size: Size | None = 32
    seed: Seed = 0

    kind: ClassVar[Kind]
    EXAMPLES: ClassVar[str]  # what one counts, e.g. "images"
    CLASSES: ClassVar[tuple[str, ...]] = ()  # names of the K classes; () numbers them
    # What a model is built from, e.g. {"in_shape": (1, 28, 28), "num_classes": 10}; a value that only `load`
    # knows is None until then.
    dims = {}

    def __post_init__(self) -> None:
        super().__init__()
        self.splits: dict[str, Split] = {}
        self.fingerprint: dict[str, str] = {}  # a digest of each split, as it was loaded
        self.notes: list[str] = []  # sentences about the data for a reader of the result
        self.left_out: list[str] = []  # what is not used and why, e.g. "3 files are not images: a.txt, b.doc"
        self.watch_test = False  # also measure the test split after each epoch; this does not change the run
        self.same_batches = False  # train on the same batches in each epoch, in the same order
        self.on_device = True  # move all inputs to the training device at once, or batch by batch

    def load(self) -> dict[str, Split]:
        """Return the train, val and test split."""
        raise NotImplementedError(f"{type(self).__name__} must define load()")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels; () for a regression or a text."""
        return self.CLASSES or tuple(str(number) for number in range(self.dims.get("num_classes", 0)))

    def description(self) -> str:
        """Return in one line what was read, how it is split, and what was left out and why."""
        sizes = self.sizes()
        facts = ", ".join([f"{sum(sizes.values()):,} {self.EXAMPLES}", *self.facts()])
        line = f"{facts}: {', '.join(f'{size:,} {split}' for split, size in sizes.items())}"
        return f"{line}. Left out: {'; '.join(self.left_out)}" if self.left_out else line

    def sizes(self) -> dict[str, int]:
        """Return the number of examples in each split."""
        return {split: len(targets) for split, (_, targets) in self.splits.items()}

    def facts(self) -> list[str]:
        """Return what else to say of the examples, e.g. ["2 classes (cat 30, dog 12)"]."""
        names = self.class_names
        if not names:
            return []
        labels = torch.cat([targets.flatten() for _, targets in self.splits.values()])
        counts = torch.bincount(labels[labels >= 0], minlength=len(names)).tolist()
        if len(names) > FEW_CLASSES or max(counts) < UNEQUAL * min(counts):
            return [f"{len(names)} classes"]
        colon = ":" * any(name[-1:].isdigit() for name in names)  # "4: 177", not "4 177"
        shown = ", ".join(f"{name}{colon} {count:,}" for name, count in zip(names, counts, strict=True))
        return [f"{len(names)} classes ({shown})"]

    def whole(self, split: str, count: int | None = None) -> Split:
        """Return inputs of a split as the model reads them, without augmentation, and their targets.

        Args:
            split: train, val or test.
            count: take about so many, evenly spaced, since a directory of images is in the order of its
                classes; None takes all.
        """
        inputs, targets = self.splits[split]
        step = max(1, len(targets) // count) if count else 1
        return self.transform(inputs[::step][:count]), targets[::step][:count]

    def rivals(self, split: str) -> dict[str, float]:
        """Return the accuracy that simple methods reach on a split, by their names; see `Task.rivals`."""
        return {}

    def metadata(self) -> dict[str, Any]:
        """Return what a user of the trained model needs, as plain values; it is saved with the weights.

        `intro_dl/inference/metadata.py` lists what each kind of data must have, and checks it on loading.
        """
        known = {"data": type(self).__name__, "kind": self.kind, "dims": plain(self.dims)}
        classes = {"classes": list(self.class_names)} if self.class_names else {}
        return known | classes | ({"fingerprint": self.fingerprint} if self.fingerprint else {})

    def change_since(self, metadata: dict[str, Any]) -> str | None:
        """Return a sentence if the examples differ from those described by `metadata`, else None."""
        before = metadata.get("fingerprint", {}) if metadata.get("data") == type(self).__name__ else {}
        changed = [split for split, digest in before.items() if self.fingerprint.get(split) != digest]
        if not changed:
            return None
        return (
            f"The {', '.join(changed)} examples have changed since the run started: the files on disk or an "
            "option of data= are different. Do not compare numbers from before and after."
        )

    def transform(self, inputs: Tensor) -> Tensor:
        """Map a batch of stored inputs to network inputs; the same on every split."""
        return inputs

    def augment_batch(self, inputs: Tensor, turns: Tensor) -> Tensor:
        """Change a batch of stored training inputs at random, without changing their labels.

        Args:
            inputs: (B, ...).
            turns: (B,) integers: the position of each example in the split plus the number of the epoch: even
                for half of the examples, and an epoch later for the other half.
        """
        return inputs

    def setup(self, stage: str | None = None) -> None:
        if not self.splits:
            self.splits = self.load()
            if not self.fingerprint:  # `load` may know it
                self.fingerprint = {split: digest(tensors) for split, tensors in self.splits.items()}

    def train_dataloader(self) -> Loader:
        return self._loader("train")

    def val_dataloader(self) -> Loader | list[Loader]:
        return [self._loader("val"), self._loader("test")] if self.watch_test else self._loader("val")

    def test_dataloader(self) -> Loader:
        return self._loader("test")

    def _loader(self, split: str) -> Loader:
        inputs, targets = self.splits[split]
        device, place = torch.device("cpu"), {}
        if self.trainer is not None:
            device = self.trainer.strategy.root_device
            place = {"rank": self.trainer.global_rank, "world_size": self.trainer.world_size}
        if self.on_device:  # moved once, not in each epoch
            inputs, targets = inputs.to(device), targets.to(device)
        loader = self.make_loader(inputs, targets, split == "train", device, **place)
        if self.same_batches:
            loader.sampler = None  # Lightning then does not choose the order of each epoch
        return loader

    def make_loader(
        self, inputs: Tensor, targets: Tensor, training: bool, device: torch.device, **place: int
    ) -> Loader:
        """Return the batches of a split for the device with the `rank` and `world_size` of `place`."""

        def move(batch: Tensor) -> Tensor:
            if device.type == "cuda" and not batch.is_cuda:  # the GPU still computes the step before
                return batch.pin_memory().to(device, non_blocking=True)
            return batch.to(device)

        def augment(batch: Tensor, turns: Tensor) -> Tensor:
            return self.augment_batch(move(batch), turns)

        def transform(batch: Tensor) -> Tensor:
            return self.transform(move(batch))

        return Batches(
            inputs,
            targets,
            # Without gradients. On a CPU larger ones are not faster; a ResNet's maps would leave the cache.
            batch_size=self.batch_size if training else max(self.batch_size or 0, 500),
            transform=transform,
            augment=augment if training else None,
            shuffle=training,
            seed=self.seed,
            **place,
        )


def digest(tensors: Split) -> str:
    """Return a short hash of the content of tensors; it does not depend on the machine or on file paths."""
    found = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        for part in tensor.split(1000):  # without copying the whole tensor
            part = part.permute(0, 2, 3, 1) if part.dim() == 4 else part  # images are stored channels-last
            found.update(part.contiguous().numpy().tobytes())
    return found.hexdigest()


def plain(value: Any) -> Any:
    """Return tensors and tuples as lists, so that JSON and a checkpoint hold the same values."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value
