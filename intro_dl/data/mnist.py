"""MNIST and Fashion-MNIST: 28x28 grey images in four files of the same format."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from intro_dl.config.types import Place, Size
from intro_dl.data.dataset import Split
from intro_dl.data.download import Archive, fetch_archives
from intro_dl.data.images import ImageData


@dataclass(kw_only=True, eq=False)
class MNIST(ImageData):
    """Handwritten digits, the example of the lectures: 55,000 / 5,000 / 10,000 images.

    Source: LeCun, Cortes and Burges (1998).

    Args:
        root: directory of all data sets. Missing files are downloaded into it.
        train_on_validation: also train on the validation images, as the source of lecture 001's slides did.
            The measures on the validation split then say nothing about new images.
        others: see ImageData.
    """

    root: Place = "data"
    batch_size: Size | None = 128
    train_on_validation: bool = False

    dims = {"in_shape": (1, 28, 28), "num_classes": 10}
    CLASSES = tuple("0123456789")
    # Of the 60,000 training images; recomputed by tests/data/test_image_data.py.
    MEAN, STD = (0.1307,), (0.3081,)
    DIGIT_BOX = 20  # its authors fitted each digit into 20x20 pixels and centered it by its center of mass
    MIRRORED_IS_ANOTHER = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_on_validation:
            self.notes.append(
                "data.train_on_validation=true: the validation images are training images too, so "
                "accuracy/val does not estimate the accuracy on new images."
            )

    def prepare_data(self) -> None:
        fetch_mnist("MNIST", self.root)

    def load(self) -> dict[str, Split]:
        training, test = read_mnist("MNIST", self.root)
        splits = self.hold_out(training, test)
        return splits | {"train": training} if self.train_on_validation else splits


@dataclass(kw_only=True, eq=False)
class FashionMNIST(ImageData):
    """Zalando's clothes, in the format and the numbers of MNIST.

    Source: Xiao, Rasul and Vollgraf (2017).
    """

    root: Place = "data"
    batch_size: Size | None = 128

    dims = {"in_shape": (1, 28, 28), "num_classes": 10}
    CLASSES = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    # Of the 60,000 training images; recomputed by tests/data/test_image_data.py.
    MEAN, STD = (0.2860,), (0.3530,)

    def prepare_data(self) -> None:
        fetch_mnist("FashionMNIST", self.root)

    def load(self) -> dict[str, Split]:
        return self.hold_out(*read_mnist("FashionMNIST", self.root))


def mnist_files(name: str, root: str) -> list[Path]:
    """Return the four files of MNIST or FashionMNIST: training images and labels, test images and labels."""
    folder = Path(root).expanduser() / name / "raw"  # torchvision's layout
    kinds = ("images-idx3", "labels-idx1")
    return [folder / f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in kinds]


def fetch_mnist(name: str, root: str) -> None:
    """Download the files that are missing, from the mirrors that torchvision knows."""
    if all(file.is_file() for file in mnist_files(name, root)):
        return
    from torchvision import datasets  # here, because it takes a second, and only a download needs it

    known = getattr(datasets, name)
    archives = [
        Archive([mirror + packed for mirror in known.mirrors], md5, [f"{name}/raw/{Path(packed).stem}"])
        for packed, md5 in known.resources
    ]
    fetch_archives(name, Path(root).expanduser(), archives, instead="data=digits")


def read_mnist(name: str, root: str) -> tuple[Split, Split]:
    """Return all training images (60000, 1, 28, 28) with their labels, and the test images with theirs."""
    files = mnist_files(name, root)
    train, test = (
        (read_idx(images, (count, 28, 28)).unsqueeze(1), read_idx(labels, (count,)).long())
        for images, labels, count in ((*files[:2], 60_000), (*files[2:], 10_000))
    )
    return train, test


def read_idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Return the uint8 values of an IDX file: a magic number, the sizes, then one byte per value.

    Raises:
        ValueError: if the file is not IDX, has other sizes than `shape`, or is truncated; it names the file.

    Source: the description of the format in LeCun, Cortes and Burges (1998).
    """
    content = path.read_bytes()
    header = 4 + 4 * len(shape)
    expected = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)  # 8: unsigned bytes
    advice = "Move the file away, and the next run downloads it again."
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file: it begins with {content[:8]!r}. {advice}")
    if content[:header] != expected:
        sizes = [int.from_bytes(content[i : i + 4], "big") for i in range(4, 4 + 4 * content[3], 4)]
        raise ValueError(f"{path} holds values of shape {sizes}, not {list(shape)}. {advice}")
    size = header + int(np.prod(shape))
    if len(content) != size:
        raise ValueError(f"{path} is damaged: it has {len(content):,} bytes, not {size:,}. {advice}")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).copy()).view(shape)
