"""Image sets: uint8 pixels in memory, normalized one batch at a time on the training device."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.config.types import Fraction, Seed, Size
from intro_dl.data.augment import make_augmentation
from intro_dl.data.dataset import Split, TensorData, plain


@dataclass(kw_only=True, eq=False)
class ImageData(TensorData):
    """Images (N, C, H, W) of uint8 with integer labels. Abstract.

    `CLASSES` are the names of the K classes; `MEAN` and `STD` are those of all training pixels, in [0, 1],
    one value per channel. An image set defines all three, at the latest in `load`.

    Args:
        split_seed: fixes which images are held out, left out and mislabeled.
        labels: classes, by number or name, that become class 1; all other classes become class 0. None keeps
            the K classes.
        limit_train: number of training images to keep, drawn with `split_seed`; None keeps all.
        label_noise: fraction of the training labels replaced by a random other class, in [0, 1).
        augment: how training images vary: none, affine, crop_flip, crop_reflect or crop_alternate.
        normalize: give the model pixels with mean 0 and standard deviation 1; False leaves them in [0, 1].
        others: see TensorData.
    """

    split_seed: Seed = 0
    labels: list[int | str] | None = None
    limit_train: Size | None = None
    label_noise: Fraction = 0.0
    augment: str = "none"
    normalize: bool = True

    kind = EXAMPLES = "images"
    MEAN: ClassVar[tuple[float, ...]]
    STD: ClassVar[tuple[float, ...]]
    DIGIT_BOX: ClassVar[int | None] = None  # longer side of a digit in pixels, if all are scaled to it
    MIRRORED_IS_ANOTHER: ClassVar[bool] = False  # whether mirroring an image may change its class

    def __post_init__(self) -> None:
        super().__post_init__()
        self._augmentation = make_augmentation(self.augment)
        if self.augment.startswith("crop") and self.MIRRORED_IS_ANOTHER:
            self.notes.append(
                f"data.augment={self.augment} mirrors images, and a mirrored 3 is not a 3: use "
                "data.augment=affine."
            )
        if self.CLASSES:  # known before anything is read
            self.chosen_classes()
        if self.labels is not None:
            self.dims = {**self.dims, "num_classes": 2}

    def setup(self, stage: str | None = None) -> None:
        if self.splits:
            return
        super().setup(stage)
        if not self.normalize:
            zeros, ones = (0.0,) * len(self.MEAN), (1.0,) * len(self.STD)
            vars(self).update(MEAN=zeros, STD=ones)
        if self.labels is not None:
            self._merge_classes()
        self._limit_train()
        self._add_label_noise()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels; with `labels=[4]`: "not 4" and "4"."""
        if self.labels is None:
            return tuple(self.CLASSES)
        name = " or ".join(self.CLASSES[number] for number in self.chosen_classes())
        return f"not {name}", name

    def facts(self) -> list[str]:
        noise = [f"{self.label_noise:.0%} of the training labels wrong (data.label_noise)"]
        return super().facts() + noise * bool(self.label_noise)

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {
            "labels": plain(self.labels),
            "mean": plain(self.MEAN),
            "std": plain(self.STD),
            "background": background(self.splits["train"][0]),
            "digit_box": self.DIGIT_BOX,
        }

    def transform(self, inputs: Tensor) -> Tensor:
        """Return float images (B, C, H, W) with mean 0 and standard deviation 1 over the training set.

        With `normalize=False`, they are in [0, 1].
        """
        return normalize(inputs, self.MEAN, self.STD)

    def augment_batch(self, inputs: Tensor, turns: Tensor) -> Tensor:
        return self._augmentation(inputs, turns)

    def hold_out(self, training: Split, test: Split, count: int = 5_000) -> dict[str, Split]:
        """Split the last `count` of a permutation of the training images off for validation."""
        images, labels = training
        order = torch.randperm(len(images), generator=self._generator())
        train, val = order[:-count], order[-count:]
        return {"train": (images[train], labels[train]), "val": (images[val], labels[val]), "test": test}

    def chosen_classes(self) -> list[int]:
        """Return the numbers of the classes that `labels` names.

        Raises:
            ValueError: if `labels` names an unknown class, no class or all of them.
        """
        names, chosen = list(self.CLASSES), []
        if self.labels is None:
            return chosen
        given = f"data.labels=[{','.join(map(str, self.labels))}]"  # as it is typed
        for label in self.labels:
            number = names.index(str(label)) if str(label) in names else label  # a folder may be called 4
            if not isinstance(number, int) or not 0 <= number < len(names):
                raise ValueError(
                    f"{given} names {label}, but the classes are 0 to {len(names) - 1}: {', '.join(names)}."
                )
            chosen.append(number)
        if not 0 < len(set(chosen)) < len(names):
            raise ValueError(
                f"{given} names {'all' if chosen else 'none'} of the {len(names)} classes: name some of "
                "them, e.g. data.labels=[0], or leave the option out."
            )
        return chosen

    def _merge_classes(self) -> None:
        """Turn the labels into 1 for the chosen classes and 0 for all others."""
        chosen = torch.tensor(self.chosen_classes())
        self.splits = {
            split: (images, torch.isin(labels, chosen).long())
            for split, (images, labels) in self.splits.items()
        }
        self.dims = {**self.dims, "num_classes": 2}  # again: reading an image folder counts its classes
        majority = int(self.splits["train"][1].float().mean() > 0.5)
        accuracy = (self.splits["test"][1] == majority).float().mean()
        self.notes.append(
            f"Class 1 is {self.class_names[1]}, class 0 all others: always answering "
            f"{self.class_names[majority]!r} is right for {accuracy:.1%} of the test images."
        )

    def _limit_train(self) -> None:
        images, labels = self.splits["train"]
        if self.limit_train is None:
            return
        if not 1 <= self.limit_train <= len(images):
            raise ValueError(
                f"Invalid data.limit_train={self.limit_train}: choose an integer from 1 to {len(images)}, "
                "the number of training images, or null for all."
            )
        kept = torch.randperm(len(images), generator=self._generator())[: self.limit_train]
        self.splits["train"] = images[kept], labels[kept]
        if rest := len(images) - self.limit_train:
            self.left_out.append(f"{rest:,} training images (data.limit_train={self.limit_train})")

    def _add_label_noise(self) -> None:
        if not 0 <= self.label_noise < 1:
            raise ValueError(f"Invalid data.label_noise={self.label_noise}: choose a fraction in [0, 1).")
        images, labels = self.splits["train"]
        num_classes, generator = self.dims["num_classes"], self._generator()
        wrong = round(self.label_noise * len(labels))
        which = torch.randperm(len(labels), generator=generator)[:wrong]
        steps = torch.randint(1, num_classes, (wrong,), generator=generator)  # never back to the right class
        labels = labels.clone()
        labels[which] = (labels[which] + steps) % num_classes
        self.splits["train"] = images, labels

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.split_seed)


@dataclass(kw_only=True, eq=False)
class Digits(ImageData):
    """1,797 scanned handwritten digits that come with scikit-learn, resized from 8x8 to 28x28: no download.

    A fixed permutation gives 1,297 training, 200 validation and 300 test images.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI (its test part).
    """

    dims = {"in_shape": (1, 28, 28), "num_classes": 10}
    CLASSES = tuple("0123456789")
    # Of the 1,297 training images at 28x28 of `split_seed=0`; recomputed by tests/data/test_image_data.py.
    MEAN, STD = (0.3050,), (0.3244,)
    DIGIT_BOX = 28  # a digit reaches from the top to the bottom
    MIRRORED_IS_ANOTHER = True

    def load(self) -> dict[str, Split]:
        pixels, labels = read_digits()
        small = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
        large = F.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)
        images = (255 * large).round().to(torch.uint8)
        order = torch.randperm(len(images), generator=self._generator())
        images, labels = images[order], torch.from_numpy(labels)[order]
        parts = {"train": slice(0, 1297), "val": slice(1297, 1497), "test": slice(1497, 1797)}
        return {split: (images[part], labels[part]) for split, part in parts.items()}


@cache
def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return pixels (1797, 64) in 0..16 and labels (1797,), which a process reads once."""
    from sklearn.datasets import load_digits  # here, so that other runs start without its 0.2 s

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels), np.asarray(labels)


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return float images of uint8 images (B, C, H, W): scaled to [0, 1], minus `mean`, divided by `std`.

    Images of several channels become channels-last in memory, which makes convolutions faster.

    Args:
        images: uint8, (B, C, H, W).
        mean, std: one value per channel, in units of [0, 1].
    """
    means, deviations = _pixel_units(tuple(mean), tuple(std), images.device)
    normalized = (images.float() - means) / deviations
    if len(mean) == 1:  # both layouts are the same
        return normalized
    return normalized.contiguous(memory_format=torch.channels_last)


def to_pixels(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return uint8 images (B, C, H, W) of normalized ones: the inverse of `normalize`, cut to 0..255."""
    means, deviations = _pixel_units(tuple(mean), tuple(std), images.device)
    return (images * deviations + means).round().clamp(0, 255).to(torch.uint8)


@cache
def _pixel_units(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, ...]:
    """Return mean and deviation, (C, 1, 1) each, in 0..255; cached, so that no batch waits for the copy."""
    with torch.inference_mode(False):
        means, deviations = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (mean, std))
        return 255 * means, 255 * deviations


def background(images: Tensor) -> str | None:
    """Return whether grey uint8 images (N, 1, H, W) have a "dark" or a "light" background, else None.

    The median of the pixels along the four sides decides, over about 1,000 images. Photographs have none.
    """
    if images.shape[1] != 1:
        return None
    some = images[:: max(1, len(images) // 1000), 0]  # (N', H, W)
    sides = [some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1]]
    middle = torch.cat([side.flatten() for side in sides]).median().item()
    return "dark" if middle < 64 else "light" if middle >= 192 else None
