"""Your own images: a directory with one subdirectory per class."""

import logging
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import track
from torch import Tensor

from intro_dl.config.types import NonNegative, Size
from intro_dl.data.dataset import Split
from intro_dl.data.images import ImageData
from intro_dl.data.pixel_file import PixelFile

MOST_PIXELS = 50_000_000  # a larger image is refused: it may be a small file that fills the memory
SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class ImageFolder(ImageData):
    """Your own images: one subdirectory per class, or train/ and test/ with the same subdirectories in both.

    All images are read once, into one tensor of N x channels x image_size^2 bytes. If that is too large, they
    are decoded into a file, which later runs reuse and from which each batch is read. An image that is not
    square is cropped at the ends of its longer side, so that nothing is stretched. Mean and standard
    deviation are those of the training images. `split_seed` fixes which images of each class are held out.

    Args:
        root: the directory.
        image_size: height and width of the network inputs, in pixels.
        channels: 3 for RGB, 1 for grey.
        split_fraction: fraction of each class for validation, and the same again for testing if there is no
            test/, in (0, 0.5).
        skip_broken: leave out files that cannot be read, instead of refusing the directory.
        in_memory_limit: gigabytes of decoded pixels up to which all images are held in memory.
        cache: directory for the pixels of larger sets.
        others: see ImageData.
    """

    root: str | None = None
    batch_size: Size | None = 64
    image_size: Annotated[int, Ge(1), Le(4096)] = 32
    channels: Literal[1, 3] = 3
    split_fraction: Annotated[float, Gt(0), Lt(0.5)] = 0.1
    skip_broken: bool = False
    in_memory_limit: NonNegative = 4.0
    cache: str = "data/cache"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.root:
            raise ValueError(
                "data=image_folder needs images: add data.root=<directory with a subdirectory per class>."
            )
        self.folder = Path(self.root).expanduser()
        self.dims = {"in_shape": (self.channels, self.image_size, self.image_size), "num_classes": None}

    def load(self) -> dict[str, Split]:
        folders = class_folders(self.folder)
        # Only an instance knows its classes and statistics, after reading the directory.
        self.CLASSES = tuple(folders["train"])  # pyrefly: ignore[read-only]
        self.dims["num_classes"] = len(self.CLASSES)
        self.chosen_classes()
        found = [
            (file, number, split == "train")
            for split, classes in folders.items()
            for number, name in enumerate(self.CLASSES)
            for file in image_files(classes[name])
        ]
        files = [file for file, _, _ in found]
        labels, in_train = (torch.tensor([entry[i] for entry in found]) for i in (1, 2))
        shape = len(files), self.image_size, self.image_size, self.channels
        self.on_device = math.prod(shape) <= self.in_memory_limit * 1e9
        if self.on_device:
            memory = torch.empty(shape, dtype=torch.uint8)
            pixels, labels, positions = self._read(files, labels, in_train, memory)
            images = pixels.permute(0, 3, 1, 2)  # (N, C, H, W), channels-last in memory
            splits = {split: (images[where], labels[where]) for split, where in positions.items()}
        else:
            settings = (*shape, self.split_fraction, self.split_seed, self.skip_broken)
            stored = PixelFile(Path(self.cache).expanduser(), files, settings)
            if not stored.exists():
                earlier = len(self.notes)
                with stored.unfinished(shape) as pixels:
                    stored.keep(*self._read(files, labels, in_train, pixels), self.notes[earlier:])
                del self.notes[earlier:]
            splits, notes = stored.splits()
            self.notes += notes
        self.MEAN, self.STD = pixel_statistics(splits["train"][0])  # pyrefly: ignore[read-only]
        return splits

    def _read(
        self, files: list[Path], labels: Tensor, in_train: Tensor, pixels: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Store the readable images in `pixels` (N, H, W, C); return them, their labels and the splits."""
        readable = torch.tensor(self._decode(files, pixels), dtype=torch.long)
        labels = labels[readable]
        return pixels[: len(readable)], labels, self._split(labels, in_train[readable])

    def _decode(self, files: list[Path], pixels: Tensor) -> list[int]:
        """Store the readable images in `pixels` (N, H, W, C); return their positions in `files`."""
        readable: list[int] = []
        console = Console(stderr=True)
        console.quiet = not console.is_terminal  # older releases of rich print an empty line even if disabled
        shown = track(files, "Reading images", console=console, transient=True, disable=console.quiet)
        for position, file in enumerate(shown):
            try:
                image = read_image(file, self.image_size, "RGB" if self.channels == 3 else "L")
            except Exception as error:  # PIL and its codecs have no common base of errors
                reason = " ".join(str(error).split()) or type(error).__name__
                if not self.skip_broken:
                    raise ValueError(
                        f"Cannot read the image {file} ({reason}). Remove it, or leave out all such files "
                        "with data.skip_broken=true."
                    ) from error
                log.warning("Skipped the broken image %s (%s)", file, reason)
            else:
                pixels[len(readable)] = torch.from_numpy(image).view(pixels.shape[1:])
                readable.append(position)
        if broken := len(files) - len(readable):
            self.notes.append(f"{broken} broken images were skipped; train.log names them.")
        return readable

    def _split(self, labels: Tensor, in_train: Tensor) -> dict[str, Tensor]:
        """Return the positions of the images of each split; the same fraction of each class is held out."""
        has_test = not in_train.all()
        held_out = ("val",) if has_test else ("val", "test")
        positions: dict[str, list[Tensor]] = {split: [] for split in ("train", "val", "test")}
        generator = self._generator()
        for number, name in enumerate(self.CLASSES):
            of_class = (in_train & (labels == number)).nonzero().flatten()
            if len(of_class) <= len(held_out):
                raise ValueError(
                    f"The class {name} in {self.folder} has too few images: {len(of_class)}, but at least "
                    f"{len(held_out) + 1} are needed. Add images, or remove the directory."
                )
            order = of_class[torch.randperm(len(of_class), generator=generator)]
            count = max(1, round(self.split_fraction * len(order)))
            for split in held_out:
                positions[split].append(order[:count])
                order = order[count:]
            positions["train"].append(order)
        if has_test:
            positions["test"] = [(~in_train).nonzero().flatten()]
        return {split: torch.cat(parts) for split, parts in positions.items()}


def class_folders(root: Path) -> dict[str, dict[str, Path]]:
    """Return the directories of the classes by split and name: {"train": ..., "test": ...}, or only "train".

    Raises:
        ValueError: if `root` is missing, has fewer than two classes, an empty class, or other classes in
            test/ than in train/; the message names the directory.
    """
    if not root.is_dir():
        raise ValueError(f"data.root={root} is not a directory. Name one with a subdirectory per class.")
    folders = {split: found for split in ("train", "test") if (found := _subfolders(root / split))}
    if len(folders) == 1:
        there, missing = ("train", "test") if "train" in folders else ("test", "train")
        raise ValueError(
            f"data.root={root} has {there}/ with classes, but {missing}/ has none: add them, or split one "
            f"directory with data.root={root / there}."
        )
    folders = folders or {"train": _subfolders(root)}
    names = list(folders["train"])
    if only := set(names) ^ set(folders.get("test", names)):
        raise ValueError(
            f"The classes in {root / 'train'} and {root / 'test'} differ: only one of them has "
            f"{', '.join(sorted(only))}. Give both the same subdirectories."
        )
    if len(names) < 2:
        found = f"only one class, {names[0]}," if names else "no class"
        raise ValueError(
            f"There is {found} in {root}. Put the images of at least two classes into a subdirectory each."
        )
    for classes in folders.values():
        empty = [str(folder) for folder in classes.values() if not image_files(folder)]
        if empty:
            raise ValueError(
                f"There are no images in {', '.join(empty)}. Add some ({', '.join(sorted(SUFFIXES))}), "
                "or remove the directory."
            )
    return folders


def _subfolders(folder: Path) -> dict[str, Path]:
    """Return subdirectories by name, without hidden ones and the __MACOSX that macOS adds to archives."""
    if not folder.is_dir():
        return {}
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    return {child.name: child for child in children if not child.name.startswith((".", "__MACOSX"))}


def image_files(folder: Path, deep: bool = True) -> list[Path]:
    """Return the files with the suffix of an image in `folder`, and if `deep` below it, sorted."""
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if deep and not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in names
            if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)


def read_image(file: Path, size: int, mode: str) -> np.ndarray:
    """Return the pixels (size, size) or (size, size, 3) of an image file, upright and on a white background.

    Args:
        mode: PIL's "L" for grey, "RGB" for color.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
        opened = Image.open(file)
    with opened as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"more than {MOST_PIXELS:,} pixels: reduce it")
        if image.mode.startswith(("I", "F")):
            raise ValueError("more than 8 bits per channel")
        image.draft(mode, (2 * size, 2 * size))  # a large JPEG need not be decoded in full
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert(mode)
        if image.size != (size, size):
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
        return np.array(image)


def pixel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel of uint8 images (N, C, H, W), in units of 255."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        counts = torch.zeros(256, dtype=torch.float64)  # exact, and without a float for each pixel
        for part in channel.split(1000):
            counts += torch.bincount(part.flatten(), minlength=256)
        mean = (counts @ values) / counts.sum()
        variance = (counts @ (values - mean) ** 2) / counts.sum()
        means.append(mean.item())
        deviations.append(max(variance.sqrt().item(), 1 / 255))  # never 0: images are divided by it
    return tuple(means), tuple(deviations)
