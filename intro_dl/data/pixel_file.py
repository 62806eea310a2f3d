"""Decoded images that are too many for the memory: one file of bytes, read as a tensor a batch at a time."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from intro_dl.data.dataset import Split
from intro_dl.runs.files import write_whole


class PixelFile:
    """Images (N, C, H, W) of uint8 with their labels in a folder, decoded once and found again by later runs.

    The operating system reads what a batch asks for, and keeps as much of the file as there is room for.

    Args:
        folder: of all such files; made if it is missing.
        files: the images on disk. A change of their names, sizes or times is another set.
        metadata: what else decides what is stored, e.g. the size of the images and how they are split.
    """

    def __init__(self, folder: Path, files: Sequence[Path], metadata: Sequence[object]) -> None:
        digest = hashlib.sha256(repr(list(metadata)).encode())
        for file in files:
            stat = file.stat()
            digest.update(f"{file.resolve()}\n{stat.st_size} {stat.st_mtime_ns}\n".encode())
        self.path = folder / f"{digest.hexdigest()[:16]}.uint8"
        self.about = self.path.with_suffix(".pt")  # written last: where it is, the pixels are whole

    def scratch(self, shape: Sequence[int]) -> Tensor:
        """Room on the disk for pixels of `shape`, as a tensor; `clean` removes it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return _mapped(self._unfinished("decoded"), shape, write=True)

    def keep(self, pixels: Tensor, labels: Tensor, positions: dict[str, Tensor], notes: list[str]) -> None:
        """Store pixels (N, H, W, C) and labels (N,), split by split."""
        order = torch.cat(list(positions.values()))
        stored = _mapped(self._unfinished("ordered"), (len(order), *pixels.shape[1:]), write=True)
        for start in range(0, len(order), 1000):
            stored[start : start + 1000] = pixels[order[start : start + 1000]]
        self._unfinished("ordered").replace(self.path)
        counts = {split: len(where) for split, where in positions.items()}
        about = {"shape": list(stored.shape), "labels": labels[order], "counts": counts, "notes": notes}
        torch.save(about, self._unfinished("about"))
        write_whole(self.about, self._unfinished("about").read_bytes())

    def clean(self) -> None:
        """Remove what is not needed any more, or was not finished."""
        for what in ("decoded", "ordered", "about"):
            self._unfinished(what).unlink(missing_ok=True)

    def splits(self) -> tuple[dict[str, Split], list[str]] | None:
        """The splits, whose images stay in the file, and notes on them; None where nothing is stored."""
        if not self.about.is_file() or not self.path.is_file():
            return None
        about = torch.load(self.about, weights_only=True)
        images = _mapped(self.path, about["shape"]).permute(0, 3, 1, 2)
        counts = about["counts"]
        parts = zip(
            images.split(list(counts.values())), about["labels"].split(list(counts.values())), strict=True
        )
        return dict(zip(counts, parts, strict=True)), about["notes"]

    def _unfinished(self, what: str) -> Path:
        return self.path.with_suffix(f".{what}.{os.getpid()}.tmp")  # several processes may be at it


def _mapped(path: Path, shape: Sequence[int], write: bool = False) -> Tensor:
    size = torch.Size(shape).numel()
    return torch.from_file(str(path), shared=write, size=size, dtype=torch.uint8).view(*shape)
