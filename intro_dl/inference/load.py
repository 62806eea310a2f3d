"""A trained model back from its run folder: the weights, and what one has to know to use them.

Only tensors and plain values are read, never code: a checkpoint from a stranger can be opened. The folder
may have been moved or copied; neither the data, nor a GPU, nor the config is needed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from intro_dl.config.targets import model_class
from intro_dl.data.images import normalize
from intro_dl.models.size import count_parameters
from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Result, Status
from intro_dl.tasks import Task


@dataclass(frozen=True)
class LoadedRun:
    """A trained model with its metadata.

    Args:
        folder: the run folder.
        model: the model in eval mode, on the CPU; its gradients are off.
        metadata: what the data were, in plain values: `data` (the class), `kind` (images, points or text) and
            `dims` (what the model was built from). Images add `classes` (with `labels` [4]: not 4, 4), and
            `mean` and `std` of each channel in [0, 1], `background` (dark, light or None) and `frame` (pixels
            of the longer side of what is drawn, or None); points add `features`, their `mean` and `std`, and
            `classes` or, for a regression, `target` with its `name` and `unit`; texts add `alphabet` (a
            token is a place in it) and `window`.
        result: what result.json says; its status is `unfinished` where there is none.
        weights: "best" or "last".
        epoch: of the weights, counted from 1.
    """

    folder: Path
    model: Task
    metadata: dict[str, Any]
    result: Result = field(default_factory=lambda: Result(Status.UNFINISHED))
    weights: str = "best"
    epoch: int = 0

    def prepare(self, inputs: Tensor) -> Tensor:
        """Inputs of the model from raw ones, with the numbers of the training split.

        Args:
            inputs: images (B, C, H, W) of uint8, or points (B, N) in the units of the data, or tokens (B, T),
                which are passed on as they are.
        """
        if self.metadata["kind"] == "images":
            return normalize(inputs, self.metadata["mean"], self.metadata["std"])
        if self.metadata["kind"] == "points":
            return (inputs - torch.tensor(self.metadata["mean"])) / torch.tensor(self.metadata["std"])
        return inputs


def load_run(path: str | Path, weights: Literal["best", "last"] = "best") -> LoadedRun:
    """The model of a run folder, ready to predict.

    Args:
        path: the folder that training wrote, with `checkpoints/` in it; it may be a copy.
        weights: those of the "best" epoch, by the run's `monitor`, or of the "last" one.

    Raises:
        ValueError: if the folder is no run, or its checkpoint is damaged, holds more than tensors and plain
            values (nothing of it is executed), or does not fit the model that it names.
    """
    folder = Path(path).expanduser()
    if weights not in ("best", "last"):
        raise ValueError(f"There is no weights={weights}: choose best or last.")
    file = _checkpoint_file(folder, weights)
    checkpoint = read_checkpoint(file)
    model = _build(checkpoint, file)
    metadata = checkpoint.get("metadata")
    if not isinstance(metadata, dict):
        raise ValueError(
            f"{file} does not say what its data were: it comes from an older version, or from a training "
            "without a data module of intro_dl. Train it again."
        )
    _check_metadata(metadata, checkpoint["hyper_parameters"], file)
    return LoadedRun(
        folder, model, metadata, RunFolder(folder).read_result(), weights, int(checkpoint["epoch"]) + 1
    )


def _checkpoint_file(folder: Path, weights: str) -> Path:
    if not folder.exists():
        raise ValueError(f"There is no folder {folder}. Name a run, e.g. outputs/lenet/<time>.")
    if not folder.is_dir():
        run = folder.parent.parent if folder.suffix == ".ckpt" else "outputs/lenet/<time>"
        raise ValueError(f"{folder} is a file: name the folder of the run, e.g. {run}.")
    file = folder / "checkpoints" / f"{weights}.ckpt"
    if file.is_file():
        return file
    other = "last" if weights == "best" else "best"
    if file.with_name(f"{other}.ckpt").is_file():
        raise ValueError(f"{folder} has no checkpoints/{weights}.ckpt: take weights={other}.")
    runs = sorted(found.parent.parent for found in folder.glob("*/checkpoints/*.ckpt"))
    if runs:
        count = len(set(runs))
        raise ValueError(f"{folder} is no run, but holds {count}: name one of them, e.g. {runs[-1]}.")
    raise ValueError(
        f"{folder} is no run: it has no checkpoints/{weights}.ckpt. Name a folder that training wrote, "
        "e.g. outputs/lenet/<time>."
    )


def _build(checkpoint: dict[str, Any], file: Path) -> Task:
    name, arguments = checkpoint["model"], checkpoint["hyper_parameters"]
    found = model_class(name)
    if found is None:
        raise ValueError(
            f"{file} holds a {name}, which intro_dl.models does not have. Use the version of intro_dl that "
            "trained it."
        )
    try:
        if (count := count_parameters(lambda: found(**arguments))) * 2 > file.stat().st_size:
            # Told before it takes memory: a stranger's file may ask for all there is.
            raise ValueError(f"it would have {count:,} parameters, more than the file has")
        with torch.random.fork_rng(devices=[]):  # building draws weights; the caller's randomness is his own
            model = found(**arguments)
        model.load_state_dict(checkpoint["state_dict"])
    except Exception as error:
        raise ValueError(
            f"{file} does not fit {name}: its weights are those of another architecture "
            f"({_first_difference(error)}). Use the version of intro_dl that trained it."
        ) from error
    model.history = [row for row in checkpoint.get("history", []) if isinstance(row, dict)]
    return model.eval().requires_grad_(False)


def _first_difference(error: Exception) -> str:
    """The first thing that torch, or the constructor, did not like."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    lines = lines[1:] if len(lines) > 1 and lines[0].startswith("Error(s) in loading") else lines
    return lines[0].rstrip(".") if lines else type(error).__name__


def _check_metadata(metadata: dict[str, Any], arguments: dict[str, Any], file: Path) -> None:
    """Refuse metadata that contradict the model or themselves, e.g. nine names for ten classes."""
    dims = metadata.get("dims")
    wrong = []
    if not isinstance(dims, dict) or metadata.get("kind") not in ("images", "points", "text"):
        wrong.append("its kind or dims are missing")
    else:
        for name, value in dims.items():
            built_with = arguments.get(name)
            if (list(built_with) if isinstance(built_with, tuple) else built_with) != value:
                wrong.append(f"the model was built with {name}={built_with}, the data had {value}")
        for name, count in (("classes", dims.get("num_classes")), ("alphabet", dims.get("vocab_size"))):
            if count is not None and len(metadata.get(name, ())) != count:
                wrong.append(f"{len(metadata.get(name, ()))} {name} for {count}")
        needed = {"images": ("mean", "std"), "points": ("mean", "std", "features"), "text": ("alphabet",)}
        wrong += [f"{name} is missing" for name in needed[metadata["kind"]] if name not in metadata]
    if wrong:
        raise ValueError(f"The metadata in {file} contradict its weights: {wrong[0]}. Train it again.")
