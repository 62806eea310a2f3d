"""Compose a config as the command line does. Does not import torch."""

from functools import cache

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from intro_dl.config.schema import register_schema


@cache
def composed(*overrides: str) -> DictConfig:
    """Return the config of `intro-dl train <overrides>`. It is cached: copy it before you change it."""
    register_schema()
    GlobalHydra.instance().clear()
    with initialize_config_module("intro_dl.configs", version_base="1.3"):
        return compose("train", list(overrides))
