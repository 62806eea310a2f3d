"""Five introductory deep-learning lectures, executable. Importing this module does not import torch."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    if name == "load_run":  # on first use, because it needs torch
        from intro_dl.inference.load import load_run

        return load_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
