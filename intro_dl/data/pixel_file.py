"""Decoded images that do not fit into memory: one file of bytes, read as a tensor one batch at a time."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from intro_dl.data.dataset import Split
from intro_dl.runs.files import write_whole


class PixelFile:
    """Images (N, C, H, W) of uint8 with their labels on disk, decoded once and reused by later runs.

    The operating system reads only the part for a batch, and caches as much of the file as memory allows.

    Args:
        folder: directory of all such files; created if it is missing.
        files: the images on disk. Other names, sizes or times make another set.
        settings: everything else that determines the stored pixels, e.g. the image size and the split.
    """

    def __init__(self, folder: Path, files: Sequence[Path], settings: Sequence[object]) -> None:
        digest = hashlib.sha256(repr(list(settings)).encode())
        for file in files:
            stat = file.stat()
            digest.update(f"{file.resolve()}\n{stat.st_size} {stat.st_mtime_ns}\n".encode())
        self.path = folder / f"{digest.hexdigest()[:16]}.uint8"
        self.about = self.path.with_suffix(".pt")  # written last: if it exists, the pixels are complete

    def exists(self) -> bool:
        return self.about.is_file() and self.path.is_file()

    @contextmanager
    def unfinished(self, shape: Sequence[int]) -> Iterator[Tensor]:
        """Provide a temporary tensor of `shape` on disk, and remove all unfinished files at the end."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield _mapped(self._temporary("decoded"), shape, write=True)
        finally:
            for name in ("decoded", "ordered", "about"):
                self._temporary(name).unlink(missing_ok=True)

    def keep(self, pixels: Tensor, labels: Tensor, positions: dict[str, Tensor], notes: list[str]) -> None:
        """Store pixels (N, H, W, C) and labels (N,), split by split."""
        order = torch.cat(list(positions.values()))
        stored = _mapped(self._temporary("ordered"), (len(order), *pixels.shape[1:]), write=True)
        for start in range(0, len(order), 1000):
            stored[start : start + 1000] = pixels[order[start : start + 1000]]
        self._temporary("ordered").replace(self.path)
        counts = {split: len(where) for split, where in positions.items()}
        about = {"shape": list(stored.shape), "labels": labels[order], "counts": counts, "notes": notes}
        torch.save(about, self._temporary("about"))
        write_whole(self.about, self._temporary("about").read_bytes())

    def splits(self) -> tuple[dict[str, Split], list[str]]:
        """Return the splits, whose images stay in the file, and the notes on them."""
        about = torch.load(self.about, weights_only=True)
        images = _mapped(self.path, about["shape"]).permute(0, 3, 1, 2)
        sizes = list(about["counts"].values())
        parts = zip(images.split(sizes), about["labels"].split(sizes), strict=True)
        return dict(zip(about["counts"], parts, strict=True)), about["notes"]

    def _temporary(self, name: str) -> Path:
        return self.path.with_suffix(f".{name}.{os.getpid()}.tmp")  # several processes may decode at once


def _mapped(path: Path, shape: Sequence[int], write: bool = False) -> Tensor:
    size = torch.Size(shape).numel()
    return torch.from_file(str(path), shared=write, size=size, dtype=torch.uint8).view(*shape)
