"""CIFAR-10, read from the six batches that its authors published."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Gt, Lt

from intro_dl.config.types import Place, Size
from intro_dl.data.dataset import Split
from intro_dl.data.download import Archive, fetch_archives
from intro_dl.data.images import ImageData

FOLDER = "cifar-10-batches-py"  # torchvision's name


@dataclass(kw_only=True, eq=False)
class CIFAR10(ImageData):
    """Small photographs of ten kinds of objects, 32x32 RGB: 45,000 / 5,000 / 10,000 images.

    Source: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images.

    Args:
        root: directory of all data sets. Missing files are downloaded into it.
        split_fraction: fraction of the 50,000 training images for validation, in (0, 0.5).
        others: see ImageData.
    """

    root: Place = "data"
    batch_size: Size | None = 128
    split_fraction: Annotated[float, Gt(0), Lt(0.5)] = 0.1

    dims = {"in_shape": (3, 32, 32), "num_classes": 10}
    CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    # Of the 50,000 training images; recomputed by tests/data/test_image_data.py. (The common deviations
    # 0.2023, 0.1994, 0.2010 are not those of all pixels, but the mean of the deviations within each image.)
    MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

    def prepare_data(self) -> None:
        from torchvision import datasets  # here, because it takes a second

        batches = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]
        files = [f"{FOLDER}/{batch}" for batch in batches]
        archive = Archive([datasets.CIFAR10.url], datasets.CIFAR10.tgz_md5, files)
        fetch_archives("CIFAR10", Path(self.root).expanduser(), [archive], instead="data=digits")

    def load(self) -> dict[str, Split]:
        from torchvision import datasets

        root = Path(self.root).expanduser()
        try:
            with warnings.catch_warnings():
                # NumPy 2.4.0 to 2.4.4 warn about how the NumPy of 2009 described its arrays (numpy#31177).
                warnings.filterwarnings("ignore", message=".*align should be passed.*")
                # torchvision unpickles a batch only if its checksum is right.
                parts = [datasets.CIFAR10(root, train=train) for train in (True, False)]
        except RuntimeError as error:
            raise ValueError(
                f"A file in {root / FOLDER} is damaged: its checksum is wrong. Move the directory away, and "
                "the next run downloads it again."
            ) from error
        # (N, 32, 32, 3) -> (N, 3, 32, 32) without a copy: the memory stays channels-last.
        training, test = (
            (torch.from_numpy(part.data).permute(0, 3, 1, 2), torch.tensor(part.targets)) for part in parts
        )
        return self.hold_out(training, test, round(self.split_fraction * len(training[0])))
