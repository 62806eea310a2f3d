"""Measure a run on a split: its predictions, numbers by class or character, and calibration."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from sklearn.metrics import precision_recall_fscore_support, r2_score, root_mean_squared_error
from torch import Tensor
from torch.nn import functional as F

from intro_dl.data.batches import Batches
from intro_dl.data.dataset import TensorData
from intro_dl.inference.data import own_tokens
from intro_dl.inference.load import LoadedRun
from intro_dl.inference.tables import tracked
from intro_dl.tasks import Classifier, Regressor

Row = dict[Any, Any]  # values by the name of their column

BINS = 10  # number of bins of the reliability table


@dataclass
class Predictions:
    """What a model predicts on a split.

    Args:
        numbers: means over the split by name, e.g. loss and accuracy.
        inputs: raw inputs (N, ...).
        targets: labels (N,), or the numbers of a regression; of other tasks, as the data store them.
        predicted: classes (N,), or the numbers of a regression; empty for other tasks.
        probabilities: those of each class (N, K), or scores if the model gives no probabilities; empty for a
            regression.
    """

    numbers: dict[str, float]
    inputs: Tensor
    targets: Tensor
    predicted: Tensor
    probabilities: Tensor = field(default_factory=lambda: torch.empty(0, 0))


@torch.inference_mode()
def predict_split(run: LoadedRun, data: TensorData, split: str) -> Predictions:
    """Measure a split, and predict every example of it with a classifier or a regressor."""
    inputs, targets = data.splits[split]
    model: Any = run.model
    predicts = isinstance(model, Classifier | Regressor)
    batches = Batches(inputs, targets, batch_size=500, transform=run.prepare)
    totals, counts = defaultdict[str, float](float), defaultdict[str, int](int)
    outputs = []
    for batch in tracked(batches, "Evaluating"):
        for name, value in model.metrics(batch).items():
            counts[name] += (weight := model.count(batch, name))
            totals[name] += float(value) * weight
        if predicts:
            outputs.append(model(batch[0]))
    numbers = {name: total / counts[name] for name, total in totals.items()}
    if not predicts:
        return Predictions(numbers, inputs, targets, torch.empty(0))
    scores = torch.cat(outputs)
    if isinstance(model, Classifier):
        return Predictions(numbers, inputs, targets, model.predict(scores), model.probabilities(scores))
    numbers["root_mean_squared_error"] = float(root_mean_squared_error(targets.double(), scores.double()))
    numbers["explained_variance"] = float(r2_score(targets.double(), scores.double(), force_finite=False))
    return Predictions(numbers, inputs, targets, scores)


@torch.inference_mode()
def predict_text(run: LoadedRun, data: TensorData, split: str) -> Predictions:
    """Predict every character of a split from those before it, in the windows that training evaluates.

    Returns:
        `targets` and `predicted` are tokens (N,); `probabilities` (N, 2) are those of the true character and
        of the predicted one, since all V of them would not fit into memory.
    """
    windows: Any = data.val_dataloader() if split == "val" else data.test_dataloader()
    state, parts = None, []
    for window in tracked(windows, "Evaluating"):
        tokens, targets = (own_tokens(run, data, part) for part in window)  # (B, T) each
        logits, state = run.model(tokens, state)  # (B, T, V)
        logs = F.log_softmax(logits.flatten(0, 1), dim=1)  # (B T, V)
        targets = targets.flatten()
        best, predicted = logs.max(dim=1)
        parts.append((targets, predicted, torch.stack([logs.gather(1, targets[:, None])[:, 0], best], dim=1)))
    targets, predicted, logs = (torch.cat(part) for part in zip(*parts, strict=True))
    loss = -float(logs[:, 0].double().mean())
    numbers = {
        "loss": loss,
        run.model.leading: loss / math.log(2),
        "perplexity": math.exp(loss),
        "accuracy": float((targets == predicted).double().mean()),
    }
    return Predictions(numbers, targets, targets, predicted, logs.exp())


def class_table(targets: Tensor, predicted: Tensor, classes: list[str]) -> list[Row]:
    """Return one row per class: precision, recall, examples `n`, and how often it was `predicted`.

    Args:
        targets: true classes (N,).
        predicted: predicted classes (N,).
        classes: the K names.

    Returns:
        `precision` of a class that was never predicted and `recall` of a class without examples are None.
    """
    measure: Any = precision_recall_fscore_support  # its type stub does not know nan
    precision, recall, _, n = measure(targets, predicted, labels=range(len(classes)), zero_division=math.nan)
    columns = {"class": classes, "precision": precision, "recall": recall, "n": n}
    table = pd.DataFrame(columns | {"predicted": torch.bincount(predicted, minlength=len(classes)).numpy()})
    none: Any = None  # the type stubs of pandas do not know it here
    return table.astype(object).where(table.notna(), none).to_dict("records")


def character_table(found: Predictions, alphabet: str | list[str]) -> list[Row]:
    """Return one row per character or word, the most frequent first: its mean bits and its accuracy."""
    unit = "word" if isinstance(alphabet, list) else "character"
    rows = {
        unit: [repr(alphabet[token]) for token in found.targets.tolist()],
        "bits": -found.probabilities[:, 0].log2().double().numpy(),
        "right": (found.targets == found.predicted).numpy(),
    }
    by_character = pd.DataFrame(rows).groupby(unit, sort=False)
    table = by_character.agg(n=("bits", "size"), bits=("bits", "mean"), accuracy=("right", "mean"))
    return table.sort_values("n", ascending=False, kind="stable").reset_index().to_dict("records")


def reliability(confidence: Tensor, right: Tensor, bins: int = BINS) -> list[Row]:
    """Return the accuracy at each confidence level: one row for each bin of equal width that is not empty.

    Args:
        confidence: the probability of the predicted class, (N,), in [0, 1].
        right: whether the prediction was right, (N,) of bool.
        bins: number of bins; bin k is (k / bins, (k + 1) / bins], and the first also holds 0.
    """
    places = (confidence.double() * bins).ceil().long().sub(1).clamp(0, bins - 1)
    columns = {"place": places, "confidence": confidence.double(), "right": right}
    by_place = pd.DataFrame({name: column.numpy() for name, column in columns.items()}).groupby("place")
    table = by_place.agg(n=("right", "size"), confidence=("confidence", "mean"), accuracy=("right", "mean"))
    table.insert(0, "from", table.index / bins)
    table.insert(1, "to", (table.index + 1) / bins)
    return table.to_dict("records")


def expected_calibration_error(rows: list[Row]) -> float:
    """Return the mean of |accuracy - confidence| over the bins, weighted by their examples.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, equation 3.
    """
    total = sum(row["n"] for row in rows)
    return sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / total
