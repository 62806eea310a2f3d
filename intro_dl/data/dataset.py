"""What every data set has: metadata for the model, and one tensor of inputs and of targets a split."""

import hashlib
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

from intro_dl.data.batches import Batches

Split = tuple[Tensor, Tensor]  # inputs (N, ...), targets (N, ...)


class TensorData(pl.LightningDataModule):
    """A data set held in memory. Abstract: a data set defines `load`, and `dims` before or in it.

    Args:
        batch_size: examples per optimizer step; None takes the whole training split at once.
        seed: names the order of the training batches; the splits do not depend on it.
    """

    dims: ClassVar[
        dict
    ]  # the metadata a model is built from, e.g. {"in_shape": (1, 28, 28), "num_classes": 10}
    on_device: bool = True  # whether all inputs go to the device that trains, or each batch of its own
    watch_test: bool = False  # measure the test split after every epoch too; it decides nothing
    notes: tuple[str, ...] | list[str] = ()  # what a reader of the result should know about these data

    def __init__(self, batch_size: int | None, seed: int = 0) -> None:
        super().__init__()
        self.batch_size, self.seed = batch_size, seed
        self.splits: dict[str, Split] = {}
        self.fingerprint: dict[str, str] = {}  # a digest of each split, as it was read

    def load(self) -> dict[str, Split]:
        """The train, val and test split."""
        raise NotImplementedError(f"{type(self).__name__} must define load()")

    @property
    def kind(self) -> str:
        """Return what the inputs are: "images", "points" or "text"."""
        return self.metadata()["kind"]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the K classes; empty without classes."""
        return tuple(self.metadata().get("classes", ()))

    def metadata(self) -> dict[str, Any]:
        """What a user of the trained model has to know, in plain values; it is saved with the weights.

        A kind of data adds to `data` (the class) and `dims` its `kind` and what its `transform` does.
        """
        known = {"data": type(self).__name__, "dims": plain(self.dims)}
        return known | ({"fingerprint": self.fingerprint} if self.fingerprint else {})

    def change_since(self, metadata: dict[str, Any]) -> str | None:
        """A sentence, if these are not the examples that the data of `metadata` had; None if they are."""
        before = metadata.get("fingerprint", {}) if metadata.get("data") == type(self).__name__ else {}
        changed = [split for split, was in before.items() if self.fingerprint.get(split) != was]
        if not changed:
            return None
        return (
            f"The examples for {', '.join(changed)} are not those that the run was begun with: the data on "
            "disk, or a key of data=, has changed since. Numbers from before and after cannot be compared."
        )

    def transform(self, inputs: Tensor) -> Tensor:
        """Network inputs of a batch of stored ones; the same on every split."""
        return inputs

    def augment(self, inputs: Tensor) -> Tensor:
        """A batch of stored training inputs with random changes that keep the label."""
        return inputs

    def setup(self, stage: str | None = None) -> None:
        if not self.splits:
            self.splits = self.load()
            self.fingerprint = {split: digest(tensors) for split, tensors in self.splits.items()}

    def train_dataloader(self) -> Batches:
        return self._batches("train")

    def val_dataloader(self) -> Batches | list[Batches]:
        return [self._batches("val"), self._batches("test")] if self.watch_test else self._batches("val")

    def test_dataloader(self) -> Batches:
        return self._batches("test")

    def _batches(self, split: str) -> Batches:
        inputs, targets = self.splits[split]
        if self.trainer is None:
            device, place = torch.device("cpu"), {}
        else:  # once on the device, the data stay there
            device = self.trainer.strategy.root_device
            place = {"rank": self.trainer.global_rank, "world_size": self.trainer.world_size}
        training = split == "train"
        if self.on_device:
            inputs, targets = inputs.to(device), targets.to(device)

        def transform(batch: Tensor) -> Tensor:
            batch = batch.to(device)
            return self.transform(self.augment(batch) if training else batch)

        return Batches(
            inputs,
            targets,
            # Nothing is learned on the other splits, so the batch only has to fit: larger is faster.
            batch_size=self.batch_size if training else max(self.batch_size or 0, 500),
            transform=transform,
            shuffle=training,
            seed=self.seed,
            **place,
        )


def digest(tensors: Split) -> str:
    """A short name for the content of tensors: the same on every machine, wherever their files lie."""
    found = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        for part in tensor.split(1000):  # without a copy of them all
            part = part.permute(0, 2, 3, 1) if part.dim() == 4 else part  # images lie channels-last
            found.update(part.contiguous().numpy())
    return found.hexdigest()


def plain(value: Any) -> Any:
    """Tensors and tuples as lists, so that JSON and a checkpoint hold the same."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value
