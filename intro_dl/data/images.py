"""Image sets: uint8 pixels in memory, normalized a batch at a time on the device that trains."""

from pathlib import Path
from typing import ClassVar

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from intro_dl.data.download import download_torchvision
from intro_dl.data.idx import read_idx
from intro_dl.data.splits import Split, TensorData


class ImageData(TensorData):
    """Images (N, C, H, W) of uint8 with integer labels. Abstract.

    `MEAN` and `STD` are those of all training pixels, in [0, 1], one value a channel.
    """

    MEAN: ClassVar[tuple[float, ...]]
    STD: ClassVar[tuple[float, ...]]

    def transform(self, images: Tensor) -> Tensor:
        """Float images (B, C, H, W) with mean 0 and standard deviation 1 over the training set."""
        mean = torch.tensor(self.MEAN, device=images.device).view(-1, 1, 1)
        std = torch.tensor(self.STD, device=images.device).view(-1, 1, 1)
        return (images.float() - 255 * mean) / (255 * std)


class Digits(ImageData):
    """1,797 scanned handwritten digits that come with scikit-learn, resized from 8x8 to 28x28: no download.

    A fixed permutation gives 1,297 training, 200 validation and 300 test images.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI (its test part).
    """

    dims: ClassVar = {"in_shape": (1, 28, 28), "num_classes": 10}
    # Of the 1,297 training images at 28x28; recomputed by tests/test_data.py.
    MEAN, STD = (0.3056,), (0.3514,)

    def __init__(self, batch_size: int | None = 32, split_seed: int = 0, seed: int = 0) -> None:
        super().__init__(batch_size, seed)
        self.split_seed = split_seed

    def load(self) -> dict[str, Split]:
        pixels, labels = load_digits(return_X_y=True)  # (1797, 64) in 0..16, (1797,)
        small = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
        large = F.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)
        images = (255 * large).round().to(torch.uint8)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(self.split_seed))
        images, labels = images[order], torch.from_numpy(labels)[order]
        parts = {"train": slice(0, 1297), "val": slice(1297, 1497), "test": slice(1497, 1797)}
        return {split: (images[part], labels[part]) for split, part in parts.items()}


class IdxImages(ImageData):
    """28x28 grey images in MNIST's four files: 55,000 training, 5,000 validation, 10,000 test images. Abstract.

    The validation images are the last 5,000 of a permutation of the 60,000 that is fixed by `split_seed`.

    Args:
        root: folder that holds `<name of the set>/raw`, or into which the four files are downloaded.
    """

    dims: ClassVar = {"in_shape": (1, 28, 28), "num_classes": 10}

    def __init__(
        self, root: str = "data", batch_size: int | None = 128, split_seed: int = 0, seed: int = 0
    ) -> None:
        super().__init__(batch_size, seed)
        self.root, self.split_seed = Path(root).expanduser(), split_seed
        self.raw = Path(type(self).__name__) / "raw"  # torchvision's layout

    def prepare_data(self) -> None:
        parts = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
        download_torchvision(type(self).__name__, self.root, [f"{self.raw}/{part}-ubyte" for part in parts])

    def load(self) -> dict[str, Split]:
        images, labels = self._read("train", 60_000)
        order = torch.randperm(60_000, generator=torch.Generator().manual_seed(self.split_seed))
        train, val = order[:55_000], order[55_000:]
        return {
            "train": (images[train], labels[train]),
            "val": (images[val], labels[val]),
            "test": self._read("t10k", 10_000),
        }

    def _read(self, part: str, count: int) -> Split:
        folder = self.root / self.raw
        images = read_idx(folder / f"{part}-images-idx3-ubyte", (count, 28, 28))
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte", (count,))
        return images.unsqueeze(1), labels.long()


class MNIST(IdxImages):
    """Handwritten digits, the lectures' example. Source: LeCun, Cortes and Burges (1998)."""

    # Of the 60,000 training images; recomputed by tests/test_data.py.
    MEAN, STD = (0.1307,), (0.3081,)
