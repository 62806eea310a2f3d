"""Compose a config as the command line does. Does not import torch."""

from collections.abc import Sequence
from functools import cache

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from intro_dl.config.override_syntax import quote
from intro_dl.config.schema import register_schema


@cache
def composed(*overrides: str) -> DictConfig:
    """Return the config of `intro-dl train <overrides>`. It is cached: copy it before you change it."""
    register_schema()
    GlobalHydra.instance().clear()
    with initialize_config_module("intro_dl.configs", version_base="1.3"):
        return compose("train", list(overrides))


def which_sets(
    keys: Sequence[str], option: str, others: Sequence[str], folders: Sequence[str]
) -> tuple[str, list[str]]:
    """Return which of `others` sets keys that `option` does not set, and these keys; "" and [] if none does.

    Args:
        keys: e.g. ["optim.momentum"].
        option: e.g. "optim=adam".
        others: e.g. ["experiment=cifar10_fast"].
        folders: of the user's own options.
    """
    search = f"hydra.searchpath=[{','.join(quote(f'file://{folder}') for folder in folders)}]"

    def are_set(*options: str) -> list[str]:
        try:
            cfg = composed(search, *options)
        except HydraException:
            return []
        return [key for key in keys if OmegaConf.select(cfg, key) is not None]

    known = are_set(option)
    found = {other: [key for key in are_set(option, other) if key not in known] for other in others}
    return next(((other, set_by) for other, set_by in found.items() if set_by), ("", []))
