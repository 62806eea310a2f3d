"""Read a checkpoint without running any code that it may hold."""

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch


class OldFormat(ValueError):
    """A checkpoint of an older version of intro_dl."""


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Load a checkpoint on the CPU. It may hold tensors and plain values only.

    Raises:
        OldFormat: if version 0.1 wrote it; a ValueError too.
        ValueError: if the file is missing, damaged, or holds anything else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own messages below replace torch's warnings
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if named := re.search(r"(?i)unsupported global:? (?:global )?([\w.]+)", str(error)):
            raise ValueError(
                f"Refused {file}: it holds more than tensors and plain values ({named[1]}), and loading it "
                "could execute code. No code in it was executed."
            ) from error
        raise ValueError(_unreadable(file, error)) from error
    except Exception as error:  # a damaged archive raises many types of errors
        raise ValueError(_unreadable(file, error)) from error
    if isinstance(checkpoint, dict) and "facts" in checkpoint:
        raise OldFormat(
            f"{file} was written by intro_dl 0.1, and this version cannot read it. Train it again."
        )
    needed = {"model": str, "hyper_parameters": dict, "state_dict": dict, "epoch": int}
    wrong = not isinstance(checkpoint, dict)
    if wrong or any(not isinstance(checkpoint.get(key), kind) for key, kind in needed.items()):
        raise ValueError(f"{file} is not a checkpoint of intro_dl. Name a run folder under outputs/.")
    return checkpoint


def _unreadable(file: Path, error: Exception) -> str:
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return f"Cannot read {file}: {error.strerror}."
    return (
        f"{file} is damaged or not a checkpoint: torch cannot read it. No code in it was executed. "
        f"Copy the run again, or use its other weights: weights={'last' if file.stem == 'best' else 'best'}."
    )
