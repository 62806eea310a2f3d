"""Read a checkpoint of an unknown author: none of its code runs, and it cannot fill the memory."""

import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Annotated, Any, TypedDict

import torch
from annotated_types import MinLen
from torch import Tensor

from intro_dl.runs.files import one_line, shown_path
from intro_dl.runs.values import misfit

MOST_VALUES = 2_000_000  # in all lists and mappings; a list that is shared counts wherever it is named
MOST_DEPTH = 50  # of lists and mappings inside of each other


class Metadata(TypedDict, total=False):
    """What a checkpoint says about the data; `inference/load.py` checks the parts of each kind."""

    data: str
    kind: str
    dims: dict[str, Any]
    fingerprint: dict[str, str]


class EpochSoFar(TypedDict):
    """What an unfinished epoch has measured, see `tasks/epoch.py`."""

    seconds: float
    counts: list[int]
    metrics: dict[str, Tensor]
    state: Any


class MiddleOfEpoch(TypedDict):
    """The position in an unfinished epoch, see `training/checkpoints.py`."""

    batches: int
    of: int
    random: list[Tensor]


class Needed(TypedDict):
    """What a checkpoint must have."""

    model: str
    hyper_parameters: dict[str, Any]
    state_dict: dict[str, Tensor]
    epoch: int
    global_step: int


class Checkpoint(Needed, total=False):
    """What a checkpoint may have. Lightning itself finds out whether its states are whole."""

    metadata: Metadata | None
    history: list[dict[str, float]]
    optimizer: dict[str, str]
    seed: int
    loops: dict[str, Any]
    callbacks: dict[str, Any]
    optimizer_states: Annotated[list[dict[str, Any]], MinLen(1)]
    lr_schedulers: list[Any]
    epoch_so_far: EpochSoFar
    middle_of_epoch: MiddleOfEpoch


class OldFormat(ValueError):
    """A checkpoint of an older version of intro_dl."""


class Refused(ValueError):
    """A checkpoint that holds what no training writes."""


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Load a checkpoint on the CPU. It may hold dense tensors and plain values only, with finite weights.

    Raises:
        OldFormat: if version 0.1 wrote it; a ValueError too.
        ValueError: if the file is missing, damaged, or holds anything else.
    """
    try:
        _check_records(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own messages below replace torch's warnings
            loaded = torch.load(file, map_location="cpu", weights_only=True)
        checkpoint = _Plain().copy(loaded)
    except Refused as error:
        raise ValueError(f"Refused {shown_path(file)}: {one_line(str(error))}. Train it again.") from error
    except pickle.UnpicklingError as error:
        if named := re.search(r"(?i)unsupported global:? (?:global )?([\w.]+)", str(error)):
            raise ValueError(
                f"Refused {shown_path(file)}: it holds more than tensors and plain values ({named[1]}), and "
                "loading it could execute code. No code in it was executed."
            ) from error
        raise ValueError(_unreadable(file, error)) from error
    except Exception as error:  # a damaged archive raises many types of errors
        raise ValueError(_unreadable(file, error)) from error
    if isinstance(checkpoint, dict) and "facts" in checkpoint:
        raise OldFormat(
            f"{file} was written by intro_dl 0.1, and this version cannot read it. Train it again."
        )
    wrong = misfit(checkpoint, Checkpoint) if isinstance(checkpoint, dict) else "it is not a mapping"
    if not wrong and not all({"epoch", "seconds"} <= row.keys() for row in checkpoint.get("history", [])):
        wrong = "its history is incomplete"
    if wrong:
        raise ValueError(
            f"{shown_path(file)} is not a checkpoint of intro_dl ({one_line(wrong)}). Name a run folder "
            "under outputs/."
        )
    for name, weight in checkpoint["state_dict"].items():
        if not weight.isfinite().all():
            raise ValueError(
                f"The weights in {shown_path(file)} are not finite ({one_line(name)}): the training had "
                "diverged. Train it again, e.g. with a smaller optim.lr."
            )
    return checkpoint


def _check_records(file: Path) -> None:
    """Refuse an archive that would be larger in memory than on the disk; `torch.save` does not compress."""
    with zipfile.ZipFile(file) as archive:
        records = archive.infolist()
    compressed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
    if compressed or sum(record.file_size for record in records) > file.stat().st_size:
        raise Refused("its records are compressed, so a small file could fill the memory")


class _Plain:
    """Copy a checkpoint into plain dicts, lists and tuples, up to a number of values."""

    def __init__(self) -> None:
        self.values = 0

    def copy(self, value: Any, depth: int = 0) -> Any:
        self.values += 1
        if depth > MOST_DEPTH or self.values > MOST_VALUES:
            raise Refused("it holds too many values inside of each other")
        if isinstance(value, dict):  # also an OrderedDict, whose own methods could be replaced
            if not all(isinstance(key, str | int) for key in dict.keys(value)):
                raise Refused("it holds a mapping with keys that are not names")
            return {key: self.copy(entry, depth + 1) for key, entry in dict.items(value)}
        if isinstance(value, list | tuple):
            entries = [self.copy(entry, depth + 1) for entry in value]
            return entries if isinstance(value, list) else tuple(entries)
        if isinstance(value, Tensor):
            return _dense(value)
        if value is None or isinstance(value, bool | float | str):
            return value
        if isinstance(value, int) and abs(value) < 2**64:
            return value
        raise Refused(
            f"it holds {'a huge integer' if isinstance(value, int) else f'a {type(value).__name__}'}"
        )


def _dense(tensor: Tensor) -> Tensor:
    """Refuse a tensor that is not stored as its plain numbers: views can claim any size."""
    strided = tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_nested
    if not strided or tensor.device.type != "cpu" or tensor.is_complex():
        raise Refused("it holds a tensor that is sparse, quantized, complex or without numbers")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise Refused(f"it holds a tensor of {tensor.numel():,} numbers that are not in the file")
    return tensor.detach()


def _unreadable(file: Path, error: Exception) -> str:
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return f"Cannot read {file}: {error.strerror}."
    return (
        f"{file} is damaged or not a checkpoint: torch cannot read it. No code in it was executed. "
        f"Copy the run again, or use its other weights: weights={'last' if file.stem == 'best' else 'best'}."
    )
