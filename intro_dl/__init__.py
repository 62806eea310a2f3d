"""Five introductory deep-learning lectures as code. Importing this module does not import torch."""

import os
import sys
from typing import Any

__all__ = ["__version__", "load_run", "train"]  # noqa: F822  __getattr__ defines them


def __getattr__(name: str) -> Any:
    """Import on first use: `load_run` needs torch, and `train` Hydra."""
    if name == "load_run":
        from intro_dl.inference.load import load_run

        return load_run
    if name == "train":
        from intro_dl.cli.in_python import train

        return train
    if name == "__version__":
        from importlib.metadata import version

        return version("intro-dl")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_program = getattr(sys, "argv", [])[:1]  # "-m" while `python -m` looks for its module
_package = os.path.dirname(os.path.realpath(__file__))
if _program == ["-m"] or (_program and os.path.realpath(_program[0]).startswith(_package + os.sep)):
    from intro_dl.cli.what_to_type import check_program

    check_program(_package)
