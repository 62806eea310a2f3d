"""Find the data of a run: those it was trained on, others to evaluate it on, and its training text."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
import yaml
from omegaconf import DictConfig, OmegaConf

from intro_dl.config.arguments import check_arguments
from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of
from intro_dl.config.types import places_of
from intro_dl.data.dataset import TensorData, plain
from intro_dl.data.text import DownloadedText, TextData
from intro_dl.inference.load import LoadedRun
from intro_dl.runs.files import one_line, shown_path, typed_path
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.program import tell
from intro_dl.runs.values import fits


def data_for(run: LoadedRun, name: str | None, changes: Mapping[str, str]) -> TensorData:
    """Build the data of the run, or those called `name`, and read their splits.

    The config of the run may be somebody else's. So its data are only read: nothing is downloaded to a
    directory that it names, and it does not choose the cache.

    Args:
        run: decides which data are allowed: they must have the same metadata.
        name: an option of `data=`; None for the data that the run was trained on.
        changes: keys of the data and their values as typed, e.g. {"root": "/data"}.

    Raises:
        ValueError: if there are no such data, or they do not fit the run.
    """
    config = _saved_config(run, "Name the data with data=.") if name is None else _option(run, name)
    data = _build(config, changes)
    check_same_kind(run, data)
    saved = {} if name else _places(data, changes)
    try:
        if missing := next((place for place in saved.values() if not place.exists()), None):
            raise FileNotFoundError(missing)
        if not saved:
            data.prepare_data()
        data.setup()
    except FileNotFoundError as error:
        if not saved:
            raise
        key, place = next(iter(saved.items()))
        raise ValueError(
            f"The data of the run are not in {shown_path(place)}, which it names, and nothing is downloaded "
            f"there. Name their place with data.{key}=."
        ) from error
    check_same_metadata(run, data)
    return data


def check_same_kind(run: LoadedRun, data: TensorData) -> None:
    """Refuse data of another kind or other sizes, as far as they are known before reading or downloading."""
    own, name = run.metadata, type(data).__name__
    known = {"kind": data.kind} | (plain(data.dims) if data.kind != "text" else {})
    for part, found in known.items():
        expected = own["kind"] if part == "kind" else own["dims"].get(part)
        if found is not None and expected != found:
            raise ValueError(_other(part, expected, name, found))


def _places(data: TensorData, typed: Mapping[str, str]) -> dict[str, Path]:
    """Return and print the places that the saved config names, except the directory of all data sets."""
    marks = places_of(type(data))
    found = {key: getattr(data, key) for key, mark in marks.items() if key not in typed and not mark.written}
    named = {key: typed_path(value) for key, value in found.items() if isinstance(value, str)}
    root = Path(_default_root()).resolve()
    places = {key: place for key, place in named.items() if place.resolve() != root}
    for key, place in places.items():
        tell(f"Reading data.{key}={shown_path(place)}, which the run names.")
    return places


def check_same_metadata(run: LoadedRun, data: TensorData) -> None:
    """Refuse data whose task, classes or sizes differ from those of the run.

    The mean and the standard deviation may differ: inputs are prepared with those of the run.
    """
    own, other, name = run.metadata, data.metadata(), type(data).__name__
    lists = ("classes", "features", "target", "vocabulary", "source_vocabulary")
    parts = ("kind", *own["dims"], *lists)
    if own["kind"] == "text":
        parts = ("kind",)  # `own_tokens` checks the characters
    for part in parts:
        expected, found = (each["dims"].get(part, each.get(part)) for each in (own, other))
        if expected != found and part in ("vocabulary", "source_vocabulary"):
            raise ValueError(f"{name} has other words than the run was trained with: choose other data=.")
        if expected != found:
            raise ValueError(_other(part, expected, name, found))


def _other(part: str, expected: object, name: str, found: object) -> str:
    return f"The run was trained with {part}={expected}, but {name} has {part}={found}: choose other data=."


def own_tokens(run: LoadedRun, data: TensorData, tokens: torch.Tensor) -> torch.Tensor:
    """Translate tokens of `data`, of any shape, into tokens of the run's alphabet.

    Raises:
        ValueError: naming the characters that the model has never seen.
    """
    alphabet, other = run.metadata["alphabet"], data.metadata()["alphabet"]
    if other == alphabet:
        return tokens
    if isinstance(alphabet, list) or isinstance(other, list):  # two vocabularies do not even split alike
        raise ValueError(
            f"{type(data).__name__} has other tokens than the run was trained with: leave out data=."
        )
    used = {other[token] for token in tokens.unique().tolist()}
    if unknown := sorted(used - set(alphabet)):
        shown = " ".join(map(repr, unknown[:10])) + (" ..." if len(unknown) > 10 else "")
        raise ValueError(
            f"{type(data).__name__} has {len(unknown)} characters that the model has never seen: {shown}. "
            "Choose other data=, or a text without them."
        )
    return torch.tensor([alphabet.find(character) for character in other])[tokens]


def training_text(run: LoadedRun) -> str:
    """Return the training split of a language model's text. Nothing is downloaded.

    Raises:
        ValueError: if the text is missing; the message says where it was expected.
    """
    data = _build(_saved_config(run, "Copy the run with its .hydra directory."), {})
    if not isinstance(data, TextData):
        raise ValueError(f"the config of {run.folder} names {type(data).__name__} instead of a text.")
    if isinstance(data, DownloadedText) and not data.path.is_file():
        raise ValueError(f"There is no {data.path}: copy the text to this place.")
    _places(data, {})
    data.setup()
    inputs, targets = data.splits["train"]
    return data.decode(inputs) + data.decode(targets[-1:])


def _build(config: DictConfig, changes: Mapping[str, str]) -> TensorData:
    for key, text in changes.items():
        if key in ("root", "path", "cache"):  # YAML would change some characters of a path
            config[key] = str(typed_path(text))
        else:
            config.merge_with(OmegaConf.from_dotlist([f"{key}={text}"]))
    data_class = class_of(config, "data")
    check_arguments(config, "data")
    return data_class(**{key: value for key, value in _plain(config).items() if key != "_target_"})


def _saved_config(run: LoadedRun, advice: str) -> DictConfig:
    """Return the config of the run's data with the default cache.

    Interpolations of other keys than ours are refused: they could read an environment variable, or expand to
    gigabytes.
    """
    try:
        folder = RunFolder(run.folder)
        saved = folder.read_config()
        if not fits(saved.get("data"), dict[str, Any]):
            raise ValueError("its config does not name its data")
        root = "${oc.env:INTRO_DL_DATA,data}"
        ours = {"${seed}": saved["seed"], root: _default_root(), f"{root}/cache": f"{_default_root()}/cache"}
        settings = {key: ours.get(str(value), value) for key, value in saved["data"].items()}
        if strange := [f"data.{key}={value}" for key, value in settings.items() if "${" in str(value)]:
            raise ValueError(f"only training looks up {one_line(strange[0])}")
        data_class = class_of(OmegaConf.create({"_target_": settings.get("_target_")}), "data")
        for key, mark in places_of(data_class).items():
            if mark.written:
                settings[key] = f"{_default_root()}/cache"
            elif isinstance(settings.get(key), str):
                settings[key] = folder.find(settings[key])
    except ValueError as error:
        raise ValueError(f"Cannot find the data of {run.folder}: {error}. {advice}") from error
    return OmegaConf.create(settings)


def _default_root() -> str:
    return os.environ.get("INTRO_DL_DATA", "data")


def _option(run: LoadedRun, name: str) -> DictConfig:
    """Return the config of `data=<name>` with the labels and the image size of the run."""
    folder = files("intro_dl.configs").joinpath("data")
    options = [Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".yaml")]
    if name not in options:
        raise ValueError(f"Unknown data={name}.{nearest(name, options)}")
    content = yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    settings = OmegaConf.create(_plain(OmegaConf.create({"data": content, "seed": 0}).data))
    if "labels" in settings:
        settings.labels = run.metadata.get("labels")
    if name == "image_folder" and run.kind == "images":
        settings.channels, settings.image_size, _ = run.metadata["dims"]["in_shape"]
    return settings


def _plain(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return plain
