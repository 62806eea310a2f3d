"""Image sets: uint8 pixels in memory, normalized a batch at a time on the device that trains."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from intro_dl.data.augment import make_augmentation
from intro_dl.data.dataset import Split, TensorData, plain
from intro_dl.data.download import Archive, fetch_archives
from intro_dl.data.idx import read_idx


class ImageData(TensorData):
    """Images (N, C, H, W) of uint8 with integer labels. Abstract.

    `CLASSES` are the names of the K classes; `MEAN` and `STD` are those of all training pixels, in [0, 1],
    one value a channel. An image set defines all three before `load` or in it.

    Args:
        batch_size: examples per optimizer step; None takes the whole training split at once.
        split_seed: fixes which images are held out, left out, and mislabeled.
        seed: names the order of the training batches.
        labels: classes, by number or name, that are told from all others: class 1 is any of them, class 0 the
            rest. None keeps the K classes.
        limit_train: how many training images are kept, drawn with `split_seed`; None keeps all.
        label_noise: share of the training labels replaced by a random other class, in [0, 1).
        augment: how training images vary: none, affine or crop_flip.
    """

    CLASSES: tuple[str, ...] = ()
    MEAN: tuple[float, ...]
    STD: tuple[float, ...]
    DIGIT_BOX: ClassVar[int | None] = (
        None  # pixels of the longer side of what is drawn, where all are drawn alike
    )
    MIRRORED_IS_ANOTHER: ClassVar[bool] = False  # whether a mirrored image may belong to no class or another

    def __init__(
        self,
        batch_size: int | None = 32,
        split_seed: int = 0,
        seed: int = 0,
        *,
        labels: list[int | str] | None = None,
        limit_train: int | None = None,
        label_noise: float = 0.0,
        augment: str = "none",
    ) -> None:
        super().__init__(batch_size, seed)
        if limit_train is not None and limit_train < 1:
            raise ValueError(
                f"data.limit_train={limit_train} leaves no image: take 1 or more, or null for all."
            )
        if not 0 <= label_noise < 1:
            raise ValueError(f"data.label_noise={label_noise} is no share: take 0 or more, and less than 1.")
        self.split_seed, self.labels = split_seed, labels
        self.limit_train, self.label_noise = limit_train, label_noise
        self.notes: list[str] = []  # what the summary of a run should say about the data
        self._augmentation = make_augmentation(augment)
        if augment == "crop_flip" and self.MIRRORED_IS_ANOTHER:
            self.notes.append(
                "data.augment=crop_flip mirrors images, and a mirrored 3 is no 3: take data.augment=affine."
            )
        if self.CLASSES:  # known before anything is read
            self._chosen_classes()

    def setup(self, stage: str | None = None) -> None:
        if self.splits:
            return
        super().setup(stage)
        if self.labels is not None:
            self._tell_chosen_from_others()
        self._limit_train()
        self._add_label_noise()

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels of the splits mean, in their order: with `labels=[4]`, "not 4" and "4"."""
        if self.labels is None:
            return tuple(self.CLASSES)
        name = " or ".join(self.CLASSES[number] for number in self._chosen_classes())
        return f"not {name}", name

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {
            "kind": "images",
            "classes": list(self.class_names),
            "labels": plain(self.labels),
            "mean": plain(self.MEAN),
            "std": plain(self.STD),
            "background": background(self.splits["train"][0]),
            "digit_box": self.DIGIT_BOX,
        }

    def transform(self, images: Tensor) -> Tensor:
        """Float images (B, C, H, W) with mean 0 and standard deviation 1 over the training set.

        Those of several channels lie channels-last in memory, in which convolutions are faster.
        """
        return normalize(images, self.MEAN, self.STD)

    def augment(self, images: Tensor) -> Tensor:
        return self._augmentation(images)

    def _chosen_classes(self) -> list[int]:
        """The numbers of the classes that `labels` names."""
        names, chosen = list(self.CLASSES), []
        for label in self.labels or []:
            number = names.index(str(label)) if str(label) in names else label  # a folder may be called 4
            if not isinstance(number, int) or not 0 <= number < len(names):
                raise ValueError(
                    f"data.labels={_shown(self.labels)} names {label}, but the classes are "
                    f"0 to {len(names) - 1}: {', '.join(names)}."
                )
            chosen.append(number)
        if self.labels is not None and not 0 < len(set(chosen)) < len(names):
            raise ValueError(
                f"data.labels={_shown(self.labels)} names {'all' if chosen else 'none'} of the {len(names)} "
                "classes: name some of them, e.g. data.labels=[0], or leave the key out."
            )
        return chosen

    def _tell_chosen_from_others(self) -> None:
        chosen = self._chosen_classes()
        self.splits = {
            split: (images, torch.isin(labels, torch.tensor(chosen)).long())
            for split, (images, labels) in self.splits.items()
        }
        self.dims = {**self.dims, "num_classes": 2}
        majority = int(self.splits["train"][1].float().mean() > 0.5)
        accuracy = (self.splits["test"][1] == majority).float().mean()
        self.notes.append(
            f"Class 1 is {self.class_names[1]}, class 0 all others: to answer "
            f"{self.class_names[majority]!r} every time "
            f"is right for {accuracy:.1%} of the test images."
        )

    def _limit_train(self) -> None:
        images, labels = self.splits["train"]
        if self.limit_train is None:
            return
        if self.limit_train > len(images):
            raise ValueError(
                f"data.limit_train={self.limit_train} is more than the {len(images)} training images: "
                "name fewer, or null for all."
            )
        kept = torch.randperm(len(images), generator=self._generator())[: self.limit_train]
        self.splits["train"] = images[kept], labels[kept]

    def _add_label_noise(self) -> None:
        images, labels = self.splits["train"]
        wrong = round(self.label_noise * len(labels))
        if not wrong:
            return
        num_classes, generator = self.dims["num_classes"], self._generator()
        which = torch.randperm(len(labels), generator=generator)[:wrong]
        steps = torch.randint(1, num_classes, (wrong,), generator=generator)  # never back to the right class
        labels = labels.clone()
        labels[which] = (labels[which] + steps) % num_classes
        self.splits["train"] = images, labels

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.split_seed)


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Float images of images (B, C, H, W) of uint8: in [0, 1], less `mean`, over `std`, a value a channel."""
    means, deviations = _pixel_units(tuple(mean), tuple(std), images.device)
    normalized = (images.float() - means) / deviations
    if len(mean) == 1:  # the same either way
        return normalized
    return normalized.contiguous(memory_format=torch.channels_last)


@cache
def _pixel_units(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, ...]:
    """Mean and deviation, (C, 1, 1) each, in 0..255; put on the device once: no batch waits for them."""
    with torch.inference_mode(False):
        means, deviations = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (mean, std))
        return 255 * means, 255 * deviations


def background(images: Tensor) -> str | None:
    """Whether grey images (N, 1, H, W) of uint8 are drawn on "dark" or "light"; None for photographs.

    The median of the pixels along the four sides decides, over about 1,000 images.
    """
    if images.shape[1] != 1:
        return None
    some = images[:: max(1, len(images) // 1000), 0]  # (N', H, W)
    sides = [some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1]]
    middle = torch.cat([side.flatten() for side in sides]).median().item()
    return "dark" if middle < 64 else "light" if middle >= 192 else None


def _shown(labels: list[int | str]) -> str:
    return f"[{','.join(map(str, labels))}]"  # as it is typed


class Digits(ImageData):
    """1,797 scanned handwritten digits that come with scikit-learn, resized from 8x8 to 28x28: no download.

    A fixed permutation gives 1,297 training, 200 validation and 300 test images.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI (its test part).
    """

    dims: ClassVar = {"in_shape": (1, 28, 28), "num_classes": 10}
    CLASSES = tuple("0123456789")
    # Of the 1,297 training images at 28x28 of `split_seed=0`; recomputed by tests/data/test_image_data.py.
    MEAN, STD = (0.3050,), (0.3244,)
    DIGIT_BOX = 28  # a digit reaches from the upper to the lower side
    MIRRORED_IS_ANOTHER = True

    def load(self) -> dict[str, Split]:
        pixels, labels = load_digits(return_X_y=True)  # (1797, 64) in 0..16, (1797,)
        small = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
        large = F.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)
        images = (255 * large).round().to(torch.uint8)
        order = torch.randperm(len(images), generator=self._generator())
        images, labels = images[order], torch.from_numpy(labels)[order]
        parts = {"train": slice(0, 1297), "val": slice(1297, 1497), "test": slice(1497, 1797)}
        return {split: (images[part], labels[part]) for split, part in parts.items()}


class DownloadedImages(ImageData):
    """An image set that is downloaded once. Abstract: it defines `files`, `archives`, `read`.

    The validation images are the last of a permutation of the training images that is fixed by `split_seed`.

    Args:
        root: folder of all data sets; the files are looked for below it, and else downloaded into it.
        others: see ImageData.
    """

    HELD_OUT: ClassVar[int] = 5_000  # validation images

    def __init__(
        self,
        root: str = "data",
        batch_size: int | None = 128,
        split_seed: int = 0,
        seed: int = 0,
        *,
        labels: list[int | str] | None = None,
        limit_train: int | None = None,
        label_noise: float = 0.0,
        augment: str = "none",
    ) -> None:
        options = {"limit_train": limit_train, "label_noise": label_noise, "augment": augment}
        super().__init__(batch_size, split_seed, seed, labels=labels, **options)
        self.root = Path(root).expanduser()

    def files(self) -> list[str]:
        """The paths below `root` that hold the set, in torchvision's layout."""
        raise NotImplementedError(f"{type(self).__name__} must define files()")

    def archives(self) -> list[Archive]:
        """Where the files are to be had, as torchvision knows it."""
        raise NotImplementedError(f"{type(self).__name__} must define archives()")

    def read(self) -> tuple[Split, Split]:
        """All training images with their labels, and the test images with theirs."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")

    def prepare_data(self) -> None:
        if not all((self.root / file).is_file() for file in self.files()):
            fetch_archives(type(self).__name__, self.root, self.archives(), instead="data=digits")

    def load(self) -> dict[str, Split]:
        (images, labels), test = self.read()
        order = torch.randperm(len(images), generator=self._generator())
        train, val = order[: -self.HELD_OUT], order[-self.HELD_OUT :]
        return {"train": (images[train], labels[train]), "val": (images[val], labels[val]), "test": test}


class IdxImages(DownloadedImages):
    """28x28 grey images in MNIST's four files: 55,000 / 5,000 / 10,000 images. Abstract."""

    dims: ClassVar = {"in_shape": (1, 28, 28), "num_classes": 10}

    def files(self) -> list[str]:
        kinds = ("images-idx3", "labels-idx1")  # torchvision's layout
        return [
            f"{type(self).__name__}/raw/{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in kinds
        ]

    def archives(self) -> list[Archive]:
        from torchvision import datasets  # here, because it takes a second, and only a download needs it

        known = getattr(datasets, type(self).__name__)
        return [
            Archive([mirror + name for mirror in known.mirrors], md5, [file])
            for name, md5 in known.resources
            for file in self.files()
            if file.endswith(f"/{name.removesuffix('.gz')}")
        ]

    def read(self) -> tuple[Split, Split]:
        paths = [self.root / file for file in self.files()]
        train, test = [
            (read_idx(images, (count, 28, 28)).unsqueeze(1), read_idx(labels, (count,)).long())
            for images, labels, count in ((*paths[:2], 60_000), (*paths[2:], 10_000))
        ]
        return train, test


class MNIST(IdxImages):
    """Handwritten digits, the lectures' example. Source: LeCun, Cortes and Burges (1998)."""

    CLASSES = tuple("0123456789")
    # Of the 60,000 training images; recomputed by tests/data/test_image_data.py.
    MEAN, STD = (0.1307,), (0.3081,)
    DIGIT_BOX = (
        20  # its authors fitted each digit into 20x20 pixels, and put its center of mass into the middle
    )
    MIRRORED_IS_ANOTHER = True


class FashionMNIST(IdxImages):
    """Zalando's clothes, in the format and the numbers of MNIST. Source: Xiao, Rasul and Vollgraf (2017)."""

    CLASSES = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    # Of the 60,000 training images; recomputed by tests/data/test_image_data.py.
    MEAN, STD = (0.2860,), (0.3530,)
