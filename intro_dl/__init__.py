"""Five introductory deep-learning lectures as code. Importing this module does not import torch."""

from typing import Any

__all__ = ["__version__", "load_run"]


def __getattr__(name: str) -> Any:
    """Import on first use: `load_run` needs torch."""
    if name == "load_run":
        from intro_dl.inference.load import load_run

        return load_run
    if name == "__version__":
        from importlib.metadata import version

        return version("intro-dl")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
