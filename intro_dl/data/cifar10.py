"""CIFAR-10, read from the six batches that its authors published."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import torch

from intro_dl.data.dataset import Split
from intro_dl.data.download import Archive
from intro_dl.data.images import DownloadedImages


class CIFAR10(DownloadedImages):
    """Small photographs of ten kinds of things, 32x32 RGB: 45,000 / 5,000 / 10,000 images.

    Source: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images.
    """

    dims: ClassVar = {"in_shape": (3, 32, 32), "num_classes": 10}
    CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    # Of the 50,000 training images; recomputed by tests/data/test_image_data.py. (The 0.2023, 0.1994, 0.2010
    # that many programs divide by are not the deviation of all pixels, but the mean of the images' own.)
    MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

    def files(self) -> list[str]:
        batches = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]
        return [f"cifar-10-batches-py/{batch}" for batch in batches]

    def archives(self) -> list[Archive]:
        from torchvision import datasets  # here, because it takes a second, and only a download needs it

        return [Archive([datasets.CIFAR10.url], datasets.CIFAR10.tgz_md5, self.files())]

    def read(self) -> tuple[Split, Split]:
        from torchvision import datasets  # here, because it takes a second

        try:
            with _old_pickles():  # torchvision unpickles a batch only if its checksum is right
                parts = [datasets.CIFAR10(self.root, train=train) for train in (True, False)]
        except RuntimeError as error:
            raise ValueError(
                f"A file in {self.root / 'cifar-10-batches-py'} is damaged: its checksum is not CIFAR-10's. "
                "Move the folder away, and the next run downloads a whole one."
            ) from error
        # (N, 32, 32, 3) -> (N, 3, 32, 32) without a copy: the memory stays channels-last.
        train, test = [
            (torch.from_numpy(part.data).permute(0, 3, 1, 2), torch.tensor(part.targets)) for part in parts
        ]
        return train, test


@contextmanager
def _old_pickles() -> Iterator[None]:
    """NumPy 2.4.0 to 2.4.4 complain about how the NumPy of 2009 described its arrays (numpy#31177)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*align should be passed.*")
        yield
