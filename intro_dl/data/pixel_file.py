"""Decoded images that do not fit into memory: one file of bytes, read as a tensor one batch at a time."""

import hashlib
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from intro_dl.data.dataset import Split, digest

log = logging.getLogger(__name__)

FORMAT = 2  # of these files; another one is not read


class PixelFile:
    """Images (N, C, H, W) of uint8 with their labels on disk, decoded once and reused by later runs.

    The operating system reads only the part for a batch, and caches as much of the file as memory allows.

    Args:
        folder: directory of all such files; created if it is missing.
        files: the images on disk. Other names, sizes or times make another set.
        settings: everything else that determines the stored pixels, e.g. the image size and the split.
    """

    def __init__(self, folder: Path, files: Sequence[Path], settings: Sequence[object]) -> None:
        name = hashlib.sha256(repr([FORMAT, *settings]).encode())
        real = cache(os.path.realpath)  # once for each directory, not for each of a million files
        for file in files:
            stat, (parent, own) = os.stat(file), os.path.split(file)
            text = f"{real(parent)}/{own}\n{stat.st_size} {stat.st_mtime_ns}\n"
            name.update(text.encode(errors="surrogateescape"))
        self.path = folder / f"{name.hexdigest()[:16]}.uint8"
        self.lock = self.path.with_suffix(".lock")
        self.about = self.path.with_suffix(".pt")  # written last: if it exists, the pixels are complete
        self._own = secrets.token_hex(4)  # where nothing can be locked, several processes decode at once

    def exists(self) -> bool:
        """Return whether the set is stored. If its files are damaged, log that it is decoded again.

        The pixels are read only if their file was changed after it was written.
        """
        if not self.about.exists():
            return False
        try:
            about, status = torch.load(self.about, weights_only=True), self.path.stat()
            # A map of a truncated file would end the process with SIGBUS.
            if status.st_size == torch.Size(about["shape"]).numel():
                if status.st_mtime_ns == about["modified"]:
                    return True
                splits = _parts(_mapped(self.path, about["shape"]), about)
                if {split: digest(tensors) for split, tensors in splits.items()} == about["digests"]:
                    return True
        except Exception:  # torch.load raises many types of errors
            pass
        log.warning("The decoded images in %s are damaged or incomplete: decoding again.", self.path)
        return False

    @contextmanager
    def unfinished(self, shape: Sequence[int]) -> Iterator[Tensor]:
        """Provide a temporary tensor of `shape` on disk, and remove all unfinished files at the end.

        Raises:
            ValueError: if the directory cannot be written, or the disk is full.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            yield _mapped(self._temporary("decoded"), shape, write=True)
        except OSError as error:
            raise ValueError(
                f"Cannot store the decoded images in {self.path.parent}: {error.strerror}. They take "
                f"{2 * torch.Size(shape).numel() / 1e6:,.1f} MB while they are written. Choose another "
                "directory with data.cache=, a smaller data.image_size=, or a larger data.in_memory_limit=."
            ) from error
        finally:
            for name in ("decoded", "ordered", "about"):
                self._temporary(name).unlink(missing_ok=True)

    def keep(
        self, pixels: Tensor, labels: Tensor, positions: dict[str, Tensor], said: dict[str, list[str]]
    ) -> None:
        """Store pixels (N, H, W, C) and labels (N,), split by split, and sentences about them.

        Also stored is what takes a pass over all pixels: the digests, and mean and standard deviation.
        """
        order = torch.cat(list(positions.values()))
        stored = _mapped(self._temporary("ordered"), (len(order), *pixels.shape[1:]), write=True)
        for start in range(0, len(order), 1000):
            stored[start : start + 1000] = pixels[order[start : start + 1000]]
        _take_place(self._temporary("ordered"), self.path)
        counts = {split: len(where) for split, where in positions.items()}
        about: dict[str, Any] = {
            "shape": list(stored.shape),
            "labels": labels[order],
            "counts": counts,
            "said": said,
            "modified": self.path.stat().st_mtime_ns,
        }
        parts = _parts(stored, about)
        about["statistics"] = pixel_statistics(parts["train"][0])
        about["digests"] = {split: digest(tensors) for split, tensors in parts.items()}
        torch.save(about, self._temporary("about"))
        _take_place(self._temporary("about"), self.about)

    def splits(self) -> tuple[dict[str, Split], dict[str, Any]]:
        """Return the splits, whose images stay in the file, and what else is stored about them."""
        about = torch.load(self.about, weights_only=True)
        return _parts(_mapped(self.path, about["shape"]), about), about

    def _temporary(self, name: str) -> Path:
        return self.path.with_suffix(f".{name}.{self._own}.tmp")


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


def _parts(pixels: Tensor, about: dict[str, Any]) -> dict[str, Split]:
    """Cut stored pixels (N, H, W, C) into splits of images (N', C, H, W) and labels (N',)."""
    sizes = list(about["counts"].values())
    parts = zip(pixels.permute(0, 3, 1, 2).split(sizes), about["labels"].split(sizes), strict=True)
    return dict(zip(about["counts"], parts, strict=True))


def _mapped(path: Path, shape: Sequence[int], write: bool = False) -> Tensor:
    """Return a tensor whose memory is a file."""
    size = torch.Size(shape).numel()
    if write:
        _reserve(path, size)
    return torch.from_file(str(path), shared=write, size=size, dtype=torch.uint8).view(*shape)


def _take_place(temporary: Path, path: Path) -> None:
    """Give a file its name, once it is safe on the disk; fsync writes the mapped pages too."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def _reserve(path: Path, size: int) -> None:
    """Make a file of `size` bytes that the disk has room for.

    A full disk is an OSError here. Later, writing to a mapped page that has no place ends the process.
    """
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
            return
        for start in range(0, size, 1 << 20):  # macOS and Windows
            file.write(bytes(min(1 << 20, size - start)))
