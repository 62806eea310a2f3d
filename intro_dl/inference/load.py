"""Load a trained model from its run folder: the weights, and the metadata needed to use them.

An untrusted checkpoint is safe to open: only tensors and plain values are read, never code. The folder
may have been moved or copied; it needs no data, GPU or config.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from intro_dl.config.arguments import check_call
from intro_dl.config.targets import model_class
from intro_dl.data.images import normalize
from intro_dl.inference.inputs import read_images
from intro_dl.inference.metadata import contradiction
from intro_dl.models.size import count_parameters
from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.runs.files import one_line, shown_path
from intro_dl.runs.folder import RunFolder, find_checkpoint, named_run
from intro_dl.runs.result import Result, Status
from intro_dl.tasks import Classifier, LanguageModel, Task

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class LoadedRun:
    """A trained model with its metadata.

    Args:
        folder: the run folder.
        model: the model in eval mode, on the CPU, without gradients.
        metadata: plain values that describe the training data: `data` (the class), `kind` (images, points or
            text) and `dims` (what the model was built from).
            Images add `classes`, `labels`, `mean` and `std` of each channel in [0, 1], `background` (dark,
            light or None) and `digit_box` (the longer side of a drawn digit in pixels, or None).
            Points add `features`, their `mean` and `std`, and `classes` or, for a regression, `target` with
            its `name` and `unit`. Texts add `alphabet` (a token is an index into it; a string, or a
            list of words) and `window`.
            Other kinds: see `intro_dl/inference/metadata.py`.
        result: the content of result.json; its status is `unfinished` if the file is missing.
        weights: "best" or "last".
        epoch: the epoch of the weights, counted from 1.
    """

    folder: Path
    model: Task
    metadata: dict[str, Any]
    result: Result = field(default_factory=lambda: Result(Status.UNFINISHED))
    weights: str = "best"
    epoch: int = 0

    @property
    def kind(self) -> str:
        """What the model reads; the kinds are in `intro_dl/data/dataset.py`."""
        return self.metadata["kind"]

    @property
    def classes(self) -> list[str]:
        """The names of the classes of a classifier; of another task, none, even if the data have classes."""
        return self.metadata.get("classes", []) if isinstance(self.model, Classifier) else []

    @property
    def history(self) -> "pd.DataFrame":
        """The measurements of each epoch, as in history.csv."""
        import pandas as pd

        history = pd.DataFrame(RunFolder(self.folder).read_history())
        return history.astype({"epoch": int}) if "epoch" in history else history

    def plot(self) -> "Figure":
        """Return a figure of the learning curves; a notebook shows it, and `.savefig(path)` saves it."""
        from intro_dl.visualize.curves import learning_curves

        history = RunFolder(self.folder).read_history()
        if not history:
            raise ValueError(f"{shown_path(self.folder)} has no history.csv: there is nothing to plot.")
        return learning_curves(history, self.epoch if self.weights == "best" else self.result.best_epoch)

    def predict(self, inputs: Any, top: int | None = None) -> Any:
        """Predict one input, or each of several.

        Args:
            inputs: for a run on images, a path, a PIL image, or an array or tensor of one image; for points,
                a row of numbers or a CSV file. A directory, a list, a table of rows or a batch (N, ...) is
                several inputs.
            top: number of classes, the most likely first; at most three by default.

        Returns:
            A dict for one input, e.g. {"class": "7", "probability": 0.99}, or a list of them, as
            `predict.py format=json` prints it.

        Raises:
            ValueError: if the one input cannot be read; of several, its dict has an "error" instead.
        """
        from intro_dl.inference.predict import predict_inputs

        return predict_inputs(self, inputs, top)

    def sample(
        self, prompt: str | None = None, length: int = 500, temperature: float = 0.8, seed: int = 0
    ) -> str:
        """Return a text that begins with the prompt; for a run on text."""
        from intro_dl.inference.sample import default_prompt, write_texts

        if self.kind != "text":
            raise ValueError(f"{self} was trained on {self.kind}: use run.predict(...).")
        start = prompt or default_prompt(self.metadata)
        return write_texts(self, start, length, temperature=temperature, seed=seed)[0]

    def __str__(self) -> str:
        return shown_path(self.folder)

    def __repr__(self) -> str:
        metrics = (f"{name} {value:.4f}" for name, value in self.result.metrics.items())
        what = f"{type(self.model).__name__} on {one_line(self.metadata['data'])}"
        numbers = ", ".join([f"{self.weights} weights (epoch {self.epoch})", *metrics])
        return f"{what}: {numbers}\n{self}"

    def prepare(self, inputs: Any) -> Tensor:
        """Normalize raw inputs with the mean and the standard deviation of the training split.

        Args:
            inputs: images (B, C, H, W) of uint8, or points (B, N) in the units of the data, or tokens (B, T),
                which are returned unchanged. Other images are read as `predict` reads them: paths, PIL
                images, arrays of uint8 or of floats in [0, 1].
        """
        if self.kind == "images":
            if not (isinstance(inputs, Tensor) and inputs.dtype == torch.uint8 and inputs.ndim == 4):
                inputs = read_images(inputs, self.metadata)
            return normalize(inputs, self.metadata["mean"], self.metadata["std"])
        mean, std = self.metadata.get("mean"), self.metadata.get("std")
        if not mean or not std:
            return inputs
        if inputs.dtype == torch.uint8:
            return normalize(inputs, mean, std)
        return (inputs - torch.tensor(mean)) / torch.tensor(std)


def load_run(path: str | Path, weights: Literal["best", "last"] = "best") -> LoadedRun:
    """Load the model of a run folder, ready to predict.

    Args:
        path: the folder that training wrote, or a copy of it; "latest" is the newest one below outputs/.
        weights: those of the "best" epoch, by the run's `monitor`, or of the "last" epoch.

    Raises:
        ValueError: if the folder is not a run, or its checkpoint is damaged, was written by an older version,
            holds more than tensors and plain values, or does not fit its model.
    """
    if weights not in ("best", "last"):
        raise ValueError(f"Unknown weights={weights}: choose best or last.")
    file = find_checkpoint(named_run(path), weights)
    run = RunFolder(file.parent.parent)
    checkpoint = read_checkpoint(file)
    model = _build(checkpoint, file)
    metadata = checkpoint.get("metadata")
    if metadata is None:
        raise ValueError(
            f"{file} does not describe its data: the training used a data module that intro_dl does not "
            "know. Train it again."
        )
    if wrong := contradiction(metadata, model, checkpoint["hyper_parameters"]):
        raise ValueError(
            f"The metadata in {shown_path(file)} contradict its weights: {one_line(wrong)}. Train it again."
        )
    if isinstance(model, LanguageModel) and isinstance(metadata["alphabet"], list):
        model.read_words()
    return LoadedRun(run.path, model, metadata, run.read_result(), weights, checkpoint["epoch"] + 1)


def _build(checkpoint: dict[str, Any], file: Path) -> Task:
    name, arguments = checkpoint["model"], checkpoint["hyper_parameters"]
    found = model_class(name)
    if found is None:
        raise ValueError(
            f"{shown_path(file)} holds a {one_line(name)}, which intro_dl.models does not define. In Python, "
            f"load it with its own class: {one_line(name)}.load_from_checkpoint(<this file>)."
        )
    try:
        # Checked before memory is allocated: an untrusted file may name a model that fills it, or one of
        # millions of layers. The ranges of its arguments bound their number.
        check_call(found, arguments, "model")
        if (count := count_parameters(lambda: found(**arguments))) * 2 > file.stat().st_size:
            raise ValueError(f"the model would have {count:,} parameters, more than the file has")
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random state unchanged
            model = found(**arguments)
        model.load_state_dict(checkpoint["state_dict"])
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"{shown_path(file)} does not fit {name}: its weights belong to another architecture "
            f"({one_line(reason)}). "
            "Use the version of intro_dl that trained it."
        ) from error
    model.history = checkpoint.get("history", [])
    return model.eval().requires_grad_(False)
