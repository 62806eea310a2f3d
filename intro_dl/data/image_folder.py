"""Your own images: a directory with one subdirectory per class."""

import hashlib
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le, Lt
from rich.console import Console
from rich.progress import track
from torch import Tensor

from intro_dl.config.types import Cache, NonNegative, Place, Size
from intro_dl.data.class_folders import SPLITS, read_layout
from intro_dl.data.dataset import Split
from intro_dl.data.image_file import Unreadable, read_image, shown_name
from intro_dl.data.images import ImageData
from intro_dl.data.pixel_file import PixelFile, pixel_statistics
from intro_dl.runs.files import alone

LARGE = 2e9  # bytes; what takes more memory is said before it is read

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class ImageFolder(ImageData):
    """Your own images: one subdirectory per class, or train/, val/ and test/ with the same ones.

    val/ and test/ may be missing: they are then split off, with all copies of an image in one split. Files
    that cannot be read are left out and named.

    All images are read once, into one tensor of N x channels x image_size^2 bytes. If that is too large, they
    are decoded into a file, which later runs reuse and from which each batch is read. An image that is not
    square is cropped at the ends of its longer side, so that nothing is stretched. Mean and standard
    deviation are those of the training images. `split_seed` fixes which images of each class are held out.

    Args:
        root: the directory.
        image_size: height and width of the network inputs, in pixels.
        channels: 3 for RGB, 1 for grey.
        split_fraction: fraction of each class for validation, and the same again for testing, if there is no
            val/ or no test/; in (0, 0.5).
        in_memory_limit: gigabytes of decoded pixels up to which all images are held in memory.
        cache: directory for the pixels of larger sets.
        others: see ImageData.
    """

    root: Place | None = None
    batch_size: Size | None = 64
    image_size: Annotated[int, Ge(1), Le(4096)] = 32
    channels: Literal[1, 3] = 3
    split_fraction: Annotated[float, Gt(0), Lt(0.5)] = 0.1
    in_memory_limit: NonNegative = 4.0
    cache: Cache = "data/cache"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.root:
            raise ValueError(
                "data=image_folder needs images: add data.root=<directory with a subdirectory per class>."
            )
        self.folder = Path(self.root).expanduser()
        self.dims = {"in_shape": (self.channels, self.image_size, self.image_size), "num_classes": None}

    def load(self) -> dict[str, Split]:
        folders, self.left_out = read_layout(self.folder)
        # Only an instance knows its classes and statistics, after reading the directory.
        self.CLASSES = tuple(map(shown_name, folders["train"]))  # pyrefly: ignore[read-only]
        self.dims["num_classes"] = len(self.CLASSES)
        self.chosen_classes()
        found = [
            (file, number, SPLITS.index(split))
            for split, classes in folders.items()
            for number, files in enumerate(classes.values())
            for file in files
        ]
        files = [file for file, _, _ in found]
        labels, places = (torch.tensor([entry[i] for entry in found]) for i in (1, 2))
        shape = len(files), self.image_size, self.image_size, self.channels
        self._say_cost(shape)
        self.on_device = math.prod(shape) <= self.in_memory_limit * 1e9
        if self.on_device:
            memory = torch.empty(shape, dtype=torch.uint8)
            pixels, labels, positions, said = self._read(files, labels, places, memory)
            images = pixels.permute(0, 3, 1, 2)  # (N, C, H, W), channels-last in memory
            splits = {split: (images[where], labels[where]) for split, where in positions.items()}
            statistics = pixel_statistics(splits["train"][0])
        else:
            settings = (*shape, self.split_fraction, self.split_seed, labels.tolist(), places.tolist())
            stored = PixelFile(Path(self.cache).expanduser(), files, settings)
            with alone(stored.lock):  # the first process decodes, the others then find the file
                if not stored.exists():
                    with stored.unfinished(shape) as pixels:
                        stored.keep(*self._read(files, labels, places, pixels))
            splits, about = stored.splits()
            said, statistics, self.fingerprint = about["said"], about["statistics"], about["digests"]
        self.left_out += said["left_out"]
        self.notes += [*_alike(self.CLASSES), *said["notes"]]
        self.MEAN, self.STD = statistics  # pyrefly: ignore[read-only]
        return splits

    def _say_cost(self, shape: tuple[int, ...]) -> None:
        """Warn before reading if the images or a batch of floats take gigabytes."""
        batch = 4 * math.prod(shape[1:]) * min(self.batch_size or shape[0], shape[0])
        if max(math.prod(shape), batch) > LARGE:
            log.warning(
                "%d images of %dx%d pixels take %.1f GB, and a batch of them takes %.1f GB. If that is too "
                "much, choose a smaller data.image_size= or data.batch_size=.",
                *(shape[0], *shape[1:3], math.prod(shape) / 1e9, batch / 1e9),
            )

    def _read(
        self, files: list[Path], labels: Tensor, places: Tensor, pixels: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor], dict[str, list[str]]]:
        """Store the readable images in `pixels` (N, H, W, C).

        Returns:
            These pixels, their labels, the positions of each split, and what to say: `notes` and `left_out`.
        """
        kept, first, said = self._decode(files, pixels)
        readable = torch.tensor(kept, dtype=torch.long)
        labels, same = labels[readable], torch.tensor(first, dtype=torch.long)
        positions = self._split(labels, places[readable], same, said["left_out"])
        said["notes"] += about_copies(same, labels, positions)
        return pixels[: len(kept)], labels, positions, said

    def _decode(self, files: list[Path], pixels: Tensor) -> tuple[list[int], list[int], dict[str, list[str]]]:
        """Store the readable images in `pixels` (N, H, W, C).

        Returns:
            Their positions in `files`; for each of them, the number of the first with the same pixels; and
            `notes` about images of more than 8 bits and what was `left_out`.
        """
        size, mode = (self.image_size, self.image_size), "RGB" if self.channels == 3 else "L"
        kept: list[int] = []
        first: list[int] = []
        numbers: dict[bytes, int] = {}
        broken: list[str] = []
        scalings: Counter[str] = Counter()
        console = Console(stderr=True)
        console.quiet = not console.is_terminal  # older releases of rich print an empty line even if disabled
        shown = track(files, "Reading images", console=console, transient=True, disable=console.quiet)
        for position, file in enumerate(shown):
            try:
                image, scaling = read_image(file, size, mode)
            except Unreadable as error:
                log.info("Left out an image: %s", error)
                broken.append(shown_name(file.relative_to(self.folder)))
                continue
            scalings.update([scaling] if scaling else [])
            same = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
            first.append(numbers.setdefault(same, len(kept)))
            pixels[len(kept)] = torch.from_numpy(image).view(pixels.shape[1:])
            kept.append(position)
        notes = [f"Images scaled ({scaling}): {count} of {len(kept)}." for scaling, count in scalings.items()]
        left_out = []
        if broken:
            names = ", ".join(broken[:3]) + (", ..." if len(broken) > 3 else "")
            count = "1 image" if len(broken) == 1 else f"{len(broken)} images"
            left_out.append(f"{count} that could not be read: {names} (train.log has the reasons)")
        return kept, first, {"notes": notes, "left_out": left_out}

    def _split(self, labels: Tensor, places: Tensor, first: Tensor, left_out: list[str]) -> dict[str, Tensor]:
        """Return the positions of the images of each split.

        Splits that the directory lacks get the same fraction of each class from the training images. Copies
        of an image follow the first of them, unless a class has too few different images.
        """
        held_out = [split for number, split in enumerate(SPLITS) if not (places == number).any()]
        copies = first != torch.arange(len(first))
        split_of, unknown = places.clone(), places == 0
        positions: dict[str, list[Tensor]] = {split: [] for split in SPLITS}
        generator = self._generator()
        for number, name in enumerate(self.CLASSES):
            of_class = (places == 0) & (labels == number)
            order = (of_class & ~copies).nonzero().flatten()
            if len(order) <= len(held_out):
                order = of_class.nonzero().flatten()
            if len(order) <= len(held_out):
                why = "".join(f"Left out: {what}. " for what in left_out)
                raise ValueError(
                    f"The class {name} in {self.folder} has too few images: {len(order)}, but at least "
                    f"{len(held_out) + 1} are needed. {why}Add images, or remove the directory."
                )
            order = order[torch.randperm(len(order), generator=generator)]
            unknown[order] = False
            count = max(1, round(self.split_fraction * len(order)))
            for split in held_out:
                positions[split].append(order[:count])
                split_of[order[:count]] = SPLITS.index(split)
                order = order[count:]
            positions["train"].append(order)
        split_of[unknown] = split_of[first[unknown]]  # a copy in train/ is a copy of an image in train/
        rest = (unknown | (places > 0)).nonzero().flatten()
        for number, split in enumerate(SPLITS):
            positions[split].append(rest[split_of[rest] == number])
        return {split: torch.cat(parts) for split, parts in positions.items()}


def about_copies(first: Tensor, labels: Tensor, positions: dict[str, Tensor]) -> list[str]:
    """Return sentences about images with the same pixels.

    Args:
        first: (N,) for each image, the number of the first one with its pixels.
        labels: (N,)
        positions: the numbers of the images of each split.
    """
    copies = int((first != torch.arange(len(first))).sum())
    if not copies:
        return []
    notes = [f"Images that are copies of others: {copies} of {len(first)}."]
    for split in SPLITS[1:]:
        known = int(torch.isin(first[positions[split]], first[positions["train"]]).sum())
        if known:
            notes.append(
                f"The training images contain {known} of the {len(positions[split])} {split} images, so the "
                f"results on the {split} split may be too good."
            )
    images_with_label = torch.stack([first, labels], dim=1).unique(dim=0)[:, 0]
    if several := int((images_with_label.bincount() > 1).sum()):
        notes.append(f"Images with several labels: {several}, with copies in directories of other classes.")
    return notes


def _alike(names: Sequence[str]) -> list[str]:
    """Return a sentence if names differ only in upper and lower case."""
    counts = Counter(name.casefold() for name in names)
    pairs = [name for name in names if counts[name.casefold()] > 1]
    return [f"The classes {', '.join(pairs)} differ only in upper and lower case."] if pairs else []
