"""Look up the classes that a config or a checkpoint may name: ours, and those of torch and Lightning.

A config may come from an untrusted run folder, and instantiating a name from it runs code. So every class is
looked up here, and checked by its base class and by the module that defines it. A config cannot reach
`os.system`, `torch.load` or `torch.hub.load` under any name. Imports torch only to look up a class.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from omegaconf import DictConfig, OmegaConf


@dataclass(frozen=True)
class Kind:
    """The classes that a group of the config may build.

    Args:
        base: the base class of all of them.
        packages: the packages that define them; nothing outside of these is imported.
        functions: a module whose functions are allowed too; they build an object of the kind.
        partial: whether the training adds an argument, with `_partial_: true`.
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
    "logger": Kind("pytorch_lightning.loggers.Logger", ("pytorch_lightning.loggers",)),
    "trainer": Kind("pytorch_lightning.Trainer", ("pytorch_lightning",)),
}


def class_of(node: Any, place: str) -> Any:
    """Return the class or function that a node of the config names, if the config may build it.

    Args:
        node: a config with a `_target_`.
        place: its place in the config, e.g. "model" or "callbacks.early_stopping".

    Raises:
        ValueError: if `_target_` is missing or not allowed here, or if a key below it would build something.
    """
    group = place.partition(".")[0]
    kind = KINDS[group]
    target = node.get("_target_") if isinstance(node, DictConfig) else None
    if not isinstance(target, str):
        raise ValueError(f"Cannot build {place}: its _target_ is missing. Choose an option of {group}=.")
    for key in _control_keys(OmegaConf.to_container(node, resolve=True), place):
        if key not in (f"{place}._target_", *([f"{place}._partial_"] if kind.partial else [])):
            raise ValueError(f"Refused {key}: only {place}._target_ names a class here. Leave it out.")
    module, _, name = target.rpartition(".")
    if _is_in(module, kind):
        try:
            found = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"{place}._target_={target} does not exist: {error}.") from error
        if _is_kind(found, kind):
            if kind.partial and node.get("_partial_") is not True:
                raise ValueError(f"Set {place}._partial_=true: the training adds the missing arguments.")
            return found
    raise ValueError(
        f"Refused {place}._target_={target}: a config may only name a {kind.base.rpartition('.')[-1]} of "
        f"{' or '.join(kind.packages)} here. Choose an option of {group}=."
    )


def model_class(name: str) -> type | None:
    """Return the lecture model with this class name, or None.

    A checkpoint names a class without its module, so it cannot make Python import another one.
    """
    (package,) = KINDS["model"].packages
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        found = getattr(import_module(module.name), name, None)
        if _is_kind(found, KINDS["model"]) and found.__module__ == module.name:
            return found
    return None


def _is_kind(found: Any, kind: Kind) -> bool:
    if inspect.isclass(found):
        module, _, name = kind.base.rpartition(".")
        return issubclass(found, getattr(import_module(module), name)) and _is_in(found.__module__, kind)
    return inspect.isfunction(found) and found.__module__ == kind.functions


def _is_in(module: str, kind: Kind) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in kind.packages)


def _control_keys(value: Any, place: str) -> Iterator[str]:
    """Yield the places of keys that Hydra would interpret, such as `_target_` and `_args_`."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if str(key).startswith("_"):
                yield f"{place}.{key}"
            yield from _control_keys(entry, f"{place}.{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _control_keys(entry, f"{place}[{number}]")
