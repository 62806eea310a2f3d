"""Which classes a config may name: those of the lectures, optimizers of torch, callbacks of Lightning.

A config is data, and may come from a stranger's run folder; building what it names is what makes it code. So
every class is looked up here. What counts is what an object is, not what it is called: no config reaches
`os.system`, `torch.load` or `torch.hub.load`, under any name. Free of torch, until a class is looked up.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from omegaconf import DictConfig, OmegaConf


@dataclass(frozen=True)
class Kind:
    """What a group of the config may build.

    Args:
        base: the class that all are subclasses of.
        packages: where they are defined; nothing outside of these is even imported.
        functions: module whose functions will do, too; they build one.
        partial: whether the config leaves an argument to the code, with `_partial_: true`.
    """

    base: str
    packages: tuple[str, ...]
    functions: str = ""
    partial: bool = False


KINDS = {
    "model": Kind("intro_dl.tasks.Task", ("intro_dl.models",)),
    "data": Kind("intro_dl.data.dataset.TensorData", ("intro_dl.data",)),
    "optim": Kind("torch.optim.Optimizer", ("torch.optim", "intro_dl.scratch.optimizers"), partial=True),
    "scheduler": Kind(
        "torch.optim.lr_scheduler.LRScheduler",
        ("torch.optim.lr_scheduler", "intro_dl.scratch.schedules"),
        functions="intro_dl.scratch.schedules",
        partial=True,
    ),
    "callbacks": Kind("pytorch_lightning.Callback", ("pytorch_lightning", "intro_dl")),
    "trainer": Kind("pytorch_lightning.Trainer", ("pytorch_lightning",)),
}


def class_of(node: Any, place: str) -> Any:
    """The class, or the function, that a part of the config names, if the config may build it.

    Args:
        node: the part, with a `_target_`.
        place: where it stands in the config, e.g. "model" or "callbacks.early_stopping".

    Raises:
        ValueError: if it names no class, or one of another kind, or holds what would be built besides.
    """
    group = place.partition(".")[0]
    kind = KINDS[group]
    target = node.get("_target_") if isinstance(node, DictConfig) else None
    if not isinstance(target, str):
        raise ValueError(
            f"{place} does not say what to build: its _target_ is missing. Choose an option of {group}=."
        )
    for key in _control_keys(OmegaConf.to_container(node, resolve=True), place):
        if key not in (f"{place}._target_", *([f"{place}._partial_"] if kind.partial else [])):
            raise ValueError(f"{key} is refused: only {place}._target_ names a class here. Leave it out.")
    module, _, name = target.rpartition(".")
    if _is_in(module, kind):
        found = _look_up(module, name, place)
        if _is_kind(found, kind):
            if kind.partial and node.get("_partial_") is not True:
                raise ValueError(f"{place}._partial_ must be true: the training adds what is missing.")
            return found
    raise ValueError(
        f"{place}._target_={target} is refused: a config may only name a {kind.base.rpartition('.')[-1]} of "
        f"{' or '.join(kind.packages)} here. Choose an option of {group}=."
    )


def _look_up(module: str, name: str, place: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{place}._target_={module}.{name} does not exist: {error}.") from error


def _is_kind(found: Any, kind: Kind) -> bool:
    if inspect.isclass(found):
        module, _, name = kind.base.rpartition(".")
        return issubclass(found, getattr(import_module(module), name)) and _is_in(found.__module__, kind)
    return inspect.isfunction(found) and found.__module__ == kind.functions


def _is_in(module: str, kind: Kind) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in kind.packages)


def _control_keys(value: Any, place: str) -> Iterator[str]:
    """Where in a config value there are keys that Hydra would obey, such as `_target_` and `_args_`."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if str(key).startswith("_"):
                yield f"{place}.{key}"
            yield from _control_keys(entry, f"{place}.{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _control_keys(entry, f"{place}[{number}]")
