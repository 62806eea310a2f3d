"""The data that a run is judged on: its own, found in its saved config, or others with the same metadata."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from intro_dl.config.arguments import check_arguments
from intro_dl.config.names import nearest
from intro_dl.config.targets import class_of
from intro_dl.data.dataset import TensorData
from intro_dl.data.text import TextData
from intro_dl.inference.load import LoadedRun
from intro_dl.runs.folder import RunFolder


def data_for(run: LoadedRun, name: str | None, changes: Mapping[str, str]) -> TensorData:
    """The data of the run, or those called `name`, with their splits read.

    Args:
        name: an option of `data=`; None for the data that the run was trained on.
        changes: keys of the data and their values as typed, e.g. {"root": "/data"}.

    Raises:
        ValueError: if there are no such data, or their metadata are not those of the run.
    """
    config = _saved_config(run) if name is None else _option(run, name)
    for key, text in changes.items():
        config.merge_with(OmegaConf.from_dotlist([f"{key}={text}"]))
    data_class = class_of(config, "data")
    check_arguments(config, "data")
    arguments = OmegaConf.to_container(config, resolve=True)
    del arguments["_target_"]
    data = data_class(**arguments)
    data.prepare_data()
    data.setup()
    check_same_facts(run, data)
    return data


def check_same_facts(run: LoadedRun, data: TensorData) -> None:
    """Refuse data on which the model of the run would answer another question.

    The mean and the standard deviation may differ: the model gets inputs prepared with its own.
    """
    own, other, name = run.metadata, data.metadata(), type(data).__name__
    if own["kind"] != other["kind"]:
        raise ValueError(
            f"The run reads {own['kind']}, but {name} holds {other['kind']}: choose other data=."
        )
    if own["kind"] == "text":
        return  # whether its characters are known is found out character by character
    for key in own["dims"] | other["dims"]:
        if own["dims"].get(key) != other["dims"].get(key):
            raise ValueError(
                f"The run was trained with {key}={own['dims'].get(key)}, but {name} has "
                f"{key}={other['dims'].get(key)}: choose other data=."
            )
    for key in ("classes", "features", "target"):
        if own.get(key) != other.get(key):
            raise ValueError(
                f"The {key} of the run are {_shown(own.get(key))}, but those of {name} are "
                f"{_shown(other.get(key))}: choose other data=."
            )


def own_tokens(run: LoadedRun, data: TextData, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens of `data`, of any shape, as tokens of the run's alphabet.

    Raises:
        ValueError: naming the characters that the model has never seen.
    """
    alphabet = run.metadata["alphabet"]
    if data.alphabet == alphabet:
        return tokens
    used = {data.alphabet[token] for token in tokens.unique().tolist()}
    if unknown := sorted(used - set(alphabet)):
        shown = " ".join(map(repr, unknown[:10])) + (" ..." if len(unknown) > 10 else "")
        raise ValueError(
            f"{type(data).__name__} has {len(unknown)} characters that the model has never seen: {shown}. "
            "Choose other data=, or a text without them."
        )
    places = torch.tensor([alphabet.find(character) for character in data.alphabet])
    return places[tokens]


def _saved_config(run: LoadedRun) -> DictConfig:
    try:
        config = RunFolder(run.folder).read_config()
        return OmegaConf.create(OmegaConf.to_container(config.data, resolve=True))
    except (OmegaConfBaseException, ValueError, AttributeError) as error:
        what = error if isinstance(error, ValueError) else "its config does not name its data"
        raise ValueError(
            f"Cannot find the data of {run.folder}: {what}. Name it, e.g. data=mnist."
        ) from error


def _option(run: LoadedRun, name: str) -> DictConfig:
    """The config of `data=<name>`, with what the model asks for: its labels, and its size of images."""
    folder = files("intro_dl.configs").joinpath("data")
    options = [Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".yaml")]
    if name not in options:
        raise ValueError(f"There is no data={name}.{nearest(name, options)}")
    content = yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    config = OmegaConf.create({"data": content, "seed": 0})
    settings = OmegaConf.create(OmegaConf.to_container(config.data, resolve=True))
    if "labels" in settings:
        settings.labels = run.metadata.get("labels")
    if name == "image_folder" and run.metadata["kind"] == "images":
        settings.channels, settings.image_size, _ = run.metadata["dims"]["in_shape"]
    return settings


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
