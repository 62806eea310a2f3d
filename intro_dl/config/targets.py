"""Look up the classes that a config or a checkpoint may name: ours, and those of torch and Lightning.

A config may come from an untrusted run folder, and instantiating a name from it runs code. So every class is
looked up here, and checked by its base class and by the module that defines it. A config cannot reach
`os.system`, `torch.load` or `torch.hub.load` under any name. Imports torch only to look up a class.
"""

import inspect
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from intro_dl.runs.files import one_line, shown_path


@dataclass(frozen=True)
class Kind:
    """The classes that a group of the config may build.

    Args:
        base: the base class of all of them.
        packages: the packages that define them; nothing outside of these is imported.
        functions: a module whose functions are allowed too; they build an object of the kind.
        partial: whether the training adds an argument, with `_partial_: true`.
        own: the base class of the user's own classes, if it is another one.
    """

    base: str
    packages: tuple[str, ...]
    functions: str = ""
    partial: bool = False
    own: str = ""


KINDS = {
    "model": Kind("intro_dl.tasks.Task", ("intro_dl.models",), own="pytorch_lightning.LightningModule"),
    "data": Kind(
        "intro_dl.data.dataset.TensorData", ("intro_dl.data",), own="pytorch_lightning.LightningDataModule"
    ),
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
PARTS = ("torch.nn", "torch.optim")  # that arguments of the user's own classes may name
_own_folder: list[Path] = []


def allow_own_code(folder: str | None) -> None:
    """Let a config also name the classes in a folder that the user has typed; None forbids it again."""
    _own_folder[:] = [Path(folder).resolve()] if folder else []
    if folder and not _own_folder[0].is_dir():
        raise ValueError(f"own_code={folder} is not a directory: name the directory of your Python files.")
    if folder and str(_own_folder[0]) not in sys.path:
        sys.path.insert(0, str(_own_folder[0]))


def is_own(found: Any) -> bool:
    """Return whether a class is defined in the folder of own_code=."""
    if not _own_folder or not inspect.isclass(found) or found.__module__.startswith("intro_dl."):
        return False
    file = getattr(sys.modules.get(found.__module__), "__file__", None) or ""
    return "site-packages" not in file and Path(file).resolve().is_relative_to(_own_folder[0])


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
    module, _, name = target.rpartition(".")
    own = _find_own(target, place)
    for key, value in _control_keys(OmegaConf.to_container(node, resolve=True), place):
        if own and (key.endswith("._partial_") or _is_part(key, str(value), place)):
            continue
        if key not in (f"{place}._target_", *([f"{place}._partial_"] if kind.partial else [])):
            raise ValueError(f"Refused {key}: only {place}._target_ names a class here. Leave it out.")
    if own:
        base = kind.own or kind.base
        if issubclass(own, _look_up(base)):
            return own
        wrong = any(each.__module__.startswith("lightning.") for each in own.__mro__)
        hint = " Write import pytorch_lightning as pl instead of import lightning." if wrong else ""
        raise ValueError(f"{place}._target_={target} must be a subclass of {base}.{hint}")
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
        f"{' or '.join(kind.packages)} here. Choose an option of {group}=. For a class of your own, type "
        "own_code=<the folder of its Python file>."
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


def _look_up(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def _find_own(target: str, place: str) -> Any:
    """Return the class of the user's own that `target` names, or None; explain why it cannot be imported."""
    first = target.partition(".")[0]
    if not any((folder / f"{first}.py").is_file() or (folder / first).is_dir() for folder in _own_folder):
        return None
    try:
        found = _look_up(target)
    except Exception as error:  # their file, and its line
        frames = traceback.extract_tb(error.__traceback__)
        places = [(each.filename, each.lineno) for each in frames]
        if isinstance(error, SyntaxError):
            places.append((error.filename or "", error.lineno))
        inside = [each for each in places if Path(each[0]).resolve().is_relative_to(_own_folder[0])]
        where = f"{shown_path(inside[-1][0])}, line {inside[-1][1]}: " if inside else ""
        hint = ""
        if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "lightning":
            hint = " Write import pytorch_lightning as pl instead."
        raise ValueError(
            f"Cannot import {place}._target_={target}: {where}{type(error).__name__}: "
            f"{one_line(str(error))}.{hint}"
        ) from error
    return found if is_own(found) else None


def _is_part(key: str, target: str, place: str) -> bool:
    """Return whether `_target_` of an argument names a class of torch, or of the user's own."""
    if not key.endswith("._target_") or key == f"{place}._target_":
        return False
    if any(target.startswith(f"{package}.") for package in PARTS):
        try:
            found = _look_up(target)
        except (ImportError, AttributeError):
            return False
        return inspect.isclass(found) and any(found.__module__.startswith(package) for package in PARTS)
    return _find_own(target, key.removesuffix("._target_")) is not None


def _is_kind(found: Any, kind: Kind) -> bool:
    if inspect.isclass(found):
        return issubclass(found, _look_up(kind.base)) and _is_in(found.__module__, kind)
    return inspect.isfunction(found) and found.__module__ == kind.functions


def _is_in(module: str, kind: Kind) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in kind.packages)


def _control_keys(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the places and values of keys that Hydra would interpret, such as `_target_` and `_args_`."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if str(key).startswith("_"):
                yield f"{place}.{key}", entry
            yield from _control_keys(entry, f"{place}.{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _control_keys(entry, f"{place}[{number}]")
