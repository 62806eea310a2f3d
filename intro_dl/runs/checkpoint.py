"""Read a checkpoint without running any code that it may hold."""

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What a checkpoint holds, on the CPU, if it is tensors and plain values only.

    Raises:
        ValueError: if the file is missing, damaged, no checkpoint, or refused.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch notes on strange files is said below
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if named := re.search(r"(?i)unsupported global:? (?:global )?([\w.]+)", str(error)):
            raise ValueError(
                f"Refused {file}: it holds more than tensors and plain values ({named[1]}), and loading that "
                "could execute code. Nothing of it was executed."
            ) from error
        raise ValueError(_unreadable(file, error)) from error
    except Exception as error:  # a damaged archive has no single kind of error
        raise ValueError(_unreadable(file, error)) from error
    needed = {"model": str, "hyper_parameters": dict, "state_dict": dict, "epoch": int}
    wrong = not isinstance(checkpoint, dict)
    if wrong or any(not isinstance(checkpoint.get(key), kind) for key, kind in needed.items()):
        raise ValueError(f"{file} is no checkpoint of a run of intro_dl. Name a folder under outputs/.")
    return checkpoint


def _unreadable(file: Path, error: Exception) -> str:
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return f"Cannot read {file}: {error.strerror}."
    return (
        f"{file} is damaged, or no checkpoint: torch cannot read it, and nothing of it was executed. "
        f"Copy the run again, or take its other weights: weights={'last' if file.stem == 'best' else 'best'}."
    )
