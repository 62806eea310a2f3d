"""Find out where a wrong key comes from: a yaml file, or the command line. Free of torch."""

from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from intro_dl.runs.files import shown_path


def unknown_key(key: str) -> str:
    """Return the start of a message about an unknown key; it names the file that sets the key."""
    file = file_with(key)
    return f"{shown_path(str(file))} has an unknown key {key}." if file else f"Unknown key {key}."


def file_with(key: str) -> Path | None:
    """Return the yaml of a chosen option that sets `key`; None for a key of the command line."""
    if not HydraConfig.initialized():
        return None
    runtime = HydraConfig.get().runtime
    for source in runtime.config_sources:
        for group, name in runtime.choices.items():
            path = Path(source.path, group, f"{name}.yaml")
            if source.schema == "file" and path.is_file() and _sets(path, group, key):
                return path
    return None


def _sets(path: Path, group: str, key: str) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
        content: Any = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return False
    if "@package _global_" not in text:
        content = {group: content}
    if not isinstance(content, dict):
        return False
    missing = object()
    return OmegaConf.select(OmegaConf.create(content), key, default=missing) is not missing
