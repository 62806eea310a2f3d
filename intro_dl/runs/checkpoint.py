"""Read a checkpoint of an unknown author: none of its code runs, and it cannot fill the memory."""

import io
import math
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, TypedDict

import torch
from annotated_types import Ge, Gt, Le, MinLen
from torch import Tensor

from intro_dl.runs.files import one_line, shown_path
from intro_dl.runs.values import fits, misfit

MOST_VALUES = 2_000_000  # in all lists and mappings; a list that is shared counts wherever it is named
MOST_DEPTH = 50  # of lists and mappings inside of each other
Count = Annotated[int, Ge(0)]


class Metadata(TypedDict, total=False):
    """What a checkpoint says about the data; `inference/load.py` checks the parts of each kind."""

    data: str
    kind: str
    dims: dict[str, Any]
    fingerprint: dict[str, str]


class EpochSoFar(TypedDict):
    """What an unfinished epoch has measured, see `tasks/epoch.py`."""

    seconds: float
    counts: list[Count]
    metrics: dict[str, Tensor]
    state: Any


class MiddleOfEpoch(TypedDict):
    """The position in an unfinished epoch, see `training/checkpoints.py`."""

    batches: Count
    of: Count
    random: list[Tensor]


class Needed(TypedDict):
    """What a checkpoint must have."""

    model: str
    hyper_parameters: dict[str, Any]
    state_dict: dict[str, Tensor]
    epoch: Count
    global_step: Count


class Checkpoint(Needed, total=False):
    """What a checkpoint may have. Lightning itself finds out whether its states are whole."""

    metadata: Metadata | None
    history: list[dict[str, float]]
    optimizer: dict[str, str]
    seed: int
    threads: Annotated[int, Gt(0), Le(1024)]
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
        with zipfile.ZipFile(file) as archive:
            checkpoint = _Plain(archive, file.stat().st_size).read()
    except Refused as error:
        raise ValueError(f"Refused {shown_path(file)}: {one_line(str(error))}") from error
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


class _Storage(NamedTuple):
    """Numbers in a record of their own."""

    dtype: torch.dtype
    record: str
    count: int


class _View(NamedTuple):
    """A tensor: some numbers of a storage."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Mapping(dict):
    """An OrderedDict, whose attributes are left out."""


def _view(storage: Any, offset: Any, size: Any, stride: Any, *others: Any) -> _View:
    return _View(storage, offset, tuple(size), tuple(stride))


def _parameter(data: Any, *others: Any) -> Any:
    return data


# All names that a checkpoint may call. torch's own list is longer: some ask for gigabytes or for old memory.
CALLS = {
    "torch._utils._rebuild_tensor_v2": _view,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": _Mapping,
    "collections.Counter": _Mapping,
}
STORAGES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}
LATER = 2  # the pickle protocol of torch.save: instructions of later ones can ask for memory
NOT_USED = "INST", "OBJ", "NEWOBJ", "EXT1", "EXT2", "EXT4"  # other ways to call something


class _Unpickler(pickle._Unpickler):
    """Read the values of a checkpoint, without calling anything but CALLS.

    The class in Python, since the one in C reserves memory for numbers in the file that may be invented.
    """

    stack: list[Any]
    dispatch: ClassVar[dict[int, Any]] = {
        ord(each.code): pickle._Unpickler.dispatch[ord(each.code)]
        for each in pickletools.opcodes
        if each.proto <= LATER and each.name not in NOT_USED
    }

    def find_class(self, module: str, name: str) -> Any:
        found = f"{module}.{name}"
        if made := CALLS.get(found) or STORAGES.get(found):
            return made
        raise Refused(
            f"it holds more than tensors and plain values ({found}), and loading it could execute code. No "
            "code in it was executed. Train it again."
        )

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, record, _, count = pid
        return _Storage(dtype, record, count)

    def load_build(self) -> None:
        self.stack.pop()  # attributes of an OrderedDict

    dispatch[ord("b")] = load_build


class _Plain:
    """Read a checkpoint as plain dicts, lists, tuples and tensors, up to a number of values.

    Args:
        archive: the file; Python alone reads it, since another reader could see other records in it.
        most: bytes of the file; all tensors together have at most twice as many, since two may share numbers.
    """

    def __init__(self, archive: zipfile.ZipFile, most: int) -> None:
        records = archive.infolist()
        compressed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
        if compressed or sum(record.file_size for record in records) > most:
            raise Refused("its records are compressed, so a small file could fill the memory.")
        self.archive, self.left, self.values = archive, 2 * most, 0
        self.records: dict[str, bytearray] = {}
        (self.folder,) = (name.removesuffix("data.pkl") for name in archive.namelist() if "data.pkl" in name)

    def read(self) -> Any:
        """Return the content of the checkpoint."""
        return self.copy(_Unpickler(io.BytesIO(self.archive.read(f"{self.folder}data.pkl"))).load())

    def copy(self, value: Any, depth: int = 0) -> Any:
        self.values += 1
        if depth > MOST_DEPTH or self.values > MOST_VALUES:
            raise Refused("it holds too many values inside of each other.")
        if isinstance(value, dict):
            if not all(isinstance(key, str | int) for key in value):
                raise Refused("it holds a mapping with keys that are not names.")
            return {key: self.copy(entry, depth + 1) for key, entry in value.items()}
        if isinstance(value, _View):
            return self.tensor(value)
        if isinstance(value, list | tuple):
            entries = [self.copy(entry, depth + 1) for entry in value]
            return entries if isinstance(value, list) else tuple(entries)
        if value is None or isinstance(value, bool | float | str):
            return value
        if isinstance(value, int) and abs(value) < 2**64:
            return value
        raise Refused(
            f"it holds {'a huge integer' if isinstance(value, int) else f'a {type(value).__name__}'}."
        )

    def tensor(self, view: _View) -> Tensor:
        """Return a tensor with numbers of its own."""
        if not fits(view, tuple[_Storage, Count, list[Count], list[Count]]) or len(view.size) > 8:
            raise Refused("it holds a tensor of a kind that no training writes.")
        dtype, record, count = view.storage
        if record not in self.records:
            self.records[record] = bytearray(self.archive.read(f"{self.folder}data/{record}"))
        content = self.records[record]
        last = view.offset + sum((size - 1) * step for size, step in zip(view.size, view.stride, strict=True))
        self.left -= 64 + math.prod(view.size) * dtype.itemsize
        if self.left < 0 or (math.prod(view.size) and not last < count <= len(content) // dtype.itemsize):
            raise Refused(f"it holds a tensor of {math.prod(view.size):,} numbers that are not in the file.")
        if not math.prod(view.size):
            return torch.empty(view.size, dtype=dtype)
        stored = torch.frombuffer(content, dtype=dtype, count=count)
        return stored.as_strided(view.size, view.stride, view.offset).clone()


def _unreadable(file: Path, error: Exception) -> str:
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return f"Cannot read {file}: {error.strerror}."
    return (
        f"{file} is damaged or not a checkpoint: torch cannot read it. No code in it was executed. "
        f"Copy the run again, or use its other weights: weights={'last' if file.stem == 'best' else 'best'}."
    )
