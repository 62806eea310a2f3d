"""Your own images: a folder with one subfolder for each class."""

import logging
import math
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import track
from torch import Tensor

from intro_dl.data.dataset import Split
from intro_dl.data.images import ImageData
from intro_dl.data.pixel_file import PixelFile

MOST_PIXELS = 50_000_000  # more are taken for a decompression bomb: a small file that fills the memory
log = logging.getLogger(__name__)

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


class ImageFolder(ImageData):
    """Your own images: one subfolder for each class, or train/ and test/ with the same subfolders in both.

    All images are read once, into one tensor of N x channels x image_size^2 bytes, or where these are too
    many, into a file of which a batch reads its part, and which later runs find again. An image that is not
    square loses the ends of its longer side, so that nothing is stretched. Mean and standard deviation are
    those of the training images. `split_seed` fixes, class by class, which images are held out.

    Args:
        root: the folder.
        image_size: height and width of the images for the model, in pixels.
        channels: 3 for RGB, 1 for grey.
        split_fraction: share of each class for validation, and the same again for testing if there is no
            test/; above 0 and below 0.5.
        skip_broken: leave out files that are no readable image, instead of refusing the folder.
        in_memory_limit: gigabytes of pixels, decoded, up to which all are held in memory.
        cache: folder for the pixels of larger sets.
        others: see ImageData.
    """

    def __init__(
        self,
        root: str | None = None,
        image_size: int = 32,
        channels: int = 3,
        split_fraction: float = 0.1,
        skip_broken: bool = False,
        batch_size: int | None = 64,
        split_seed: int = 0,
        seed: int = 0,
        *,
        labels: list[int | str] | None = None,
        limit_train: int | None = None,
        label_noise: float = 0.0,
        augment: str = "none",
        in_memory_limit: float = 4.0,
        cache: str = "data/cache",
    ) -> None:
        options = {"limit_train": limit_train, "label_noise": label_noise, "augment": augment}
        super().__init__(batch_size, split_seed, seed, labels=labels, **options)
        if not root:
            raise ValueError(
                "data=image_folder needs a folder: add data.root=<folder with a subfolder for each class>."
            )
        if not 1 <= image_size <= 4096:
            raise ValueError(
                f"data.image_size={image_size} is no size: name the pixels of a side, 1 to 4096, e.g. 32."
            )
        if channels not in (1, 3):
            raise ValueError(f"data.channels={channels} is neither 3 (RGB) nor 1 (grey): take one of these.")
        if not 0 < split_fraction < 0.5:
            raise ValueError(
                f"data.split_fraction={split_fraction} leaves no image for one of the splits: "
                "take a share above 0 and below 0.5, e.g. 0.1."
            )
        if in_memory_limit < 0:
            raise ValueError(f"data.in_memory_limit={in_memory_limit} is below 0: name gigabytes, e.g. 4.")
        self.root, self.cache = Path(root).expanduser(), Path(cache).expanduser()
        self.in_memory_limit = in_memory_limit
        self.split_fraction, self.skip_broken = split_fraction, skip_broken
        self.dims = {"in_shape": (channels, image_size, image_size)}  # and num_classes, when it is known

    def load(self) -> dict[str, Split]:
        folders = class_folders(self.root)
        self.CLASSES = tuple(folders["train"])
        self.dims["num_classes"] = len(self.CLASSES)
        self._chosen_classes()
        files, labels, part = [], [], []
        for split, classes in folders.items():
            for number, name in enumerate(self.CLASSES):
                found = image_files(classes[name])
                files += found
                labels += [number] * len(found)
                part += [split] * len(found)
        channels, size, _ = self.dims["in_shape"]
        shape = len(files), size, size, channels
        self.on_device = math.prod(shape) <= self.in_memory_limit * 1e9
        if self.on_device:
            pixels, labels, positions = self._read(files, labels, part, torch.empty(shape, dtype=torch.uint8))
            images = pixels.permute(0, 3, 1, 2)  # (N, C, H, W), channels-last in memory
            splits = {split: (images[where], labels[where]) for split, where in positions.items()}
        else:
            kept = PixelFile(
                self.cache, files, (*shape, self.split_fraction, self.split_seed, self.skip_broken)
            )
            said = len(self.notes)
            if kept.splits() is None:
                try:
                    kept.keep(*self._read(files, labels, part, kept.scratch(shape)), self.notes[said:])
                finally:
                    kept.clean()
            splits, self.notes[said:] = kept.splits()
        self.MEAN, self.STD = pixel_statistics(splits["train"][0])
        return splits

    def _read(
        self, files: list[Path], labels: list[int], part: list[str], pixels: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The images (N, H, W, C) that can be read, stored in `pixels`, their labels, and the splits."""
        pixels, readable = self._decode(files, pixels)
        labels = torch.tensor(labels)[readable]
        in_train = torch.tensor([split == "train" for split in part])[readable]
        return pixels, labels, self._split(labels, in_train)

    def _decode(self, files: list[Path], pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The images (N, H, W, C) of the files that can be read, and their positions in `files` (N,)."""
        channels, size, _ = self.dims["in_shape"]
        readable, broken = [], []
        console = Console(stderr=True)
        shown = track(
            files, "Reading images", console=console, transient=True, disable=not console.is_terminal
        )
        for position, file in enumerate(shown):
            try:
                image = read_image(file, size, "RGB" if channels == 3 else "L")
            except Exception as error:  # PIL and its codecs have no common kind of error
                reason = " ".join(str(error).split()) or type(error).__name__
                if not self.skip_broken:
                    raise ValueError(
                        f"Cannot read the image {file} ({reason}). Remove it, or leave out all such files "
                        "with data.skip_broken=true."
                    ) from error
                log.warning("Skipped the broken image %s (%s)", file, reason)
                broken.append(file)
                continue
            pixels[len(readable)] = torch.from_numpy(image).view(size, size, channels)
            readable.append(position)
        if broken:
            self.notes.append(f"{len(broken)} broken images were skipped; train.log names them.")
        return pixels[: len(readable)], torch.tensor(readable, dtype=torch.long)

    def _split(self, labels: Tensor, in_train: Tensor) -> dict[str, Tensor]:
        """The positions of the images of each split; from every class the same share is held out."""
        has_test = not in_train.all()
        held_out = ("val",) if has_test else ("val", "test")
        positions = {split: [] for split in ("train", "val", "test")}
        generator = self._generator()
        for number, name in enumerate(self.CLASSES):
            of_class = (in_train & (labels == number)).nonzero().flatten()
            if len(of_class) <= len(held_out):
                raise ValueError(
                    f"The class {name} in {self.root} has too few images to train on: {len(of_class)}, where "
                    f"{len(held_out) + 1} is the least. Add images, or remove the folder."
                )
            order = of_class[torch.randperm(len(of_class), generator=generator)]
            share = max(1, round(self.split_fraction * len(order)))
            *parts, rest = order.split([share] * len(held_out) + [len(order) - share * len(held_out)])
            for split, part in zip((*held_out, "train"), (*parts, rest), strict=True):
                positions[split].append(part)
        if has_test:
            positions["test"] = [(~in_train).nonzero().flatten()]
        return {split: torch.cat(parts) for split, parts in positions.items()}


def class_folders(root: Path) -> dict[str, dict[str, Path]]:
    """The folders of the classes, by split and name: {"train": ..., "test": ...}, or only "train".

    Raises:
        ValueError: if `root` is missing, has fewer than two classes, an empty one, or other classes in test/
            than in train/; the message names the folder.
    """
    if not root.is_dir():
        raise ValueError(f"data.root={root} is no folder. Name one with a subfolder for each class.")
    train, test = root / "train", root / "test"
    if _subfolders(train) and _subfolders(test):
        folders = {"train": _subfolders(train), "test": _subfolders(test)}
        only = set(folders["train"]) ^ set(folders["test"])
        if only:
            raise ValueError(
                f"The classes in {train} and {test} differ: only one of them has {', '.join(sorted(only))}. "
                "Give both the same subfolders."
            )
    elif _subfolders(train) or _subfolders(test):
        there, missing = ("train", "test") if _subfolders(train) else ("test", "train")
        raise ValueError(
            f"data.root={root} has {there}/ with classes, but {missing}/ has none: add them, or split one "
            f"folder with data.root={root / there}."
        )
    else:
        folders = {"train": _subfolders(root)}
    names = list(folders["train"])
    if len(names) < 2:
        found = f"only one class, {names[0]}," if names else "no folder of a class"
        place = train if "test" in folders else root
        raise ValueError(
            f"There is {found} in {place}. Put the images of each of at least two classes into a subfolder."
        )
    for classes in folders.values():
        empty = [str(folder) for folder in classes.values() if not image_files(folder)]
        if empty:
            raise ValueError(
                f"There are no images in {', '.join(empty)}. Add some ({', '.join(sorted(SUFFIXES))}), "
                "or remove the folder."
            )
    return folders


def _subfolders(folder: Path) -> dict[str, Path]:
    """Folders by name, without hidden ones such as .ipynb_checkpoints and what macOS adds to archives."""
    if not folder.is_dir():
        return {}
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    return {child.name: child for child in children if not child.name.startswith((".", "__MACOSX"))}


def image_files(folder: Path, deep: bool = True) -> list[Path]:
    """The files in `folder`, and if `deep` below it, whose suffix says that they are images, sorted."""
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
    """The pixels (size, size) or (size, size, 3) of an image file, upright, on white where transparent.

    Args:
        mode: PIL's "L" for grey, "RGB" for color.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # said below, by our limit
        opened = Image.open(file)
    with opened as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"more than {MOST_PIXELS:,} pixels; make it smaller")
        if image.mode.startswith(("I", "F")):
            raise ValueError("more than 8 bits a channel")
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
    """Mean and standard deviation of each channel of images (N, C, H, W) of uint8, as shares of 255."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        parts = channel.split(1000)  # exact, with no float for each pixel, and no copy of them all
        counts = sum(torch.bincount(part.flatten(), minlength=256) for part in parts).double()
        mean = (counts @ values) / counts.sum()
        variance = (counts @ (values - mean) ** 2) / counts.sum()
        means.append(mean.item())
        deviations.append(max(variance.sqrt().item(), 1 / 255))  # never 0, to divide by
    return tuple(means), tuple(deviations)
