"""What the weights of a run are worth: numbers by class, calibration, and the surest mistakes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.nn import functional as F

from intro_dl.data.batches import Batches
from intro_dl.data.dataset import TensorData
from intro_dl.inference.data import own_tokens
from intro_dl.inference.load import LoadedRun

BINS = 10  # of the reliability table


@dataclass
class Judged:
    """What a model answered on a split, and how right it was.

    Args:
        numbers: the means over the split, by name, e.g. loss and accuracy.
        inputs: the raw inputs (N, ...).
        targets: labels (N,), or the numbers of a regression.
        predicted: classes (N,), or the numbers of a regression.
        probabilities: of each class (N, K); scores, if the model gives no probabilities; empty otherwise.
    """

    numbers: dict[str, float]
    inputs: Tensor
    targets: Tensor
    predicted: Tensor
    probabilities: Tensor = field(default_factory=lambda: torch.empty(0, 0))


@torch.inference_mode()
def judge(run: LoadedRun, data: TensorData, split: str) -> Judged:
    """Let a classifier or a regressor answer every example of a split."""
    inputs, targets = data.splits[split]
    batches = Batches(inputs, targets, batch_size=500, transform=run.prepare)
    totals: dict[str, float] = {}
    outputs = []
    for batch in _tracked(batches, len(batches)):
        for name, value in run.model.metrics(batch).items():
            totals[name] = totals.get(name, 0.0) + float(value) * len(batch[1])
        outputs.append(run.model(batch[0]))
    numbers = {name: total / len(targets) for name, total in totals.items()}
    scores = torch.cat(outputs)
    if "classes" not in run.metadata:
        return Judged(regression_numbers(numbers, targets, scores), inputs, targets, scores)
    return Judged(numbers, inputs, targets, run.model.predict(scores), run.model.probabilities(scores))


def regression_numbers(numbers: dict[str, float], targets: Tensor, predictions: Tensor) -> dict[str, float]:
    """Beside the loss: its root, in the unit of the target, and the share of the variance explained."""
    residual = float(((targets - predictions) ** 2).mean())
    variance = float(targets.var(correction=0))
    return numbers | {
        "root_mean_squared_error": math.sqrt(residual),
        "explained_variance": 1 - residual / variance if variance else math.nan,
    }


@torch.inference_mode()
def judge_text(run: LoadedRun, data: TensorData, split: str) -> Judged:
    """Let a language model predict every character of a split from those before it, as training measures it.

    Returns:
        `targets` and `predicted` are tokens (N,); `probabilities` (N, 2) are those of the right character and
        of the predicted one, since all V of them would fill the memory.
    """
    windows = data.val_dataloader() if split == "val" else data.test_dataloader()
    state, targets, predicted, chances = None, [], [], []
    for window in _tracked(windows, len(windows)):
        tokens, right = (own_tokens(run, data, part) for part in window)
        logits, state = run.model(tokens, state)  # (B, T, V)
        logs = F.log_softmax(logits.flatten(0, 1), dim=1)  # (B T, V)
        right = right.flatten()
        best, winner = logs.max(dim=1)
        targets.append(right)
        predicted.append(winner)
        chances.append(torch.stack([logs.gather(1, right[:, None]).squeeze(1), best], dim=1))
    targets, predicted, logs = torch.cat(targets), torch.cat(predicted), torch.cat(chances)
    loss = -float(logs[:, 0].double().mean())
    numbers = {
        "loss": loss,
        "bits_per_char": loss / math.log(2),
        "perplexity": math.exp(loss),
        "accuracy": float((targets == predicted).double().mean()),
    }
    return Judged(numbers, targets, targets, predicted, logs.exp())


def class_table(confusion: Tensor, classes: list[str]) -> list[dict[str, Any]]:
    """One row a class: how many of the answers that name it are right, how many of its examples are found.

    Args:
        confusion: counts (K, K), true class by predicted class.

    Returns:
        For each class `precision` and `recall`, None where nothing is divided by, `n` and `predicted`.
    """
    rows = []
    for number, name in enumerate(classes):
        right, n, answers = (
            int(count)
            for count in (confusion[number, number], confusion[number].sum(), confusion[:, number].sum())
        )
        rows.append(
            {
                "class": name,
                "precision": right / answers if answers else None,
                "recall": right / n if n else None,
                "n": n,
                "predicted": answers,
            }
        )
    return rows


def character_table(judged: Judged, alphabet: str) -> list[dict[str, Any]]:
    """One row a character of the text, the commonest first: its bits, and how often it was guessed."""
    bits = -judged.probabilities[:, 0].log2()
    right = (judged.targets == judged.predicted).double()
    size = len(alphabet)
    counts = torch.bincount(judged.targets, minlength=size)
    sum_bits = torch.bincount(judged.targets, weights=bits.double(), minlength=size)
    sum_right = torch.bincount(judged.targets, weights=right, minlength=size)
    return [
        {
            "character": alphabet[token],
            "n": int(counts[token]),
            "bits": float(sum_bits[token] / counts[token]),
            "accuracy": float(sum_right[token] / counts[token]),
        }
        for token in counts.argsort(descending=True, stable=True).tolist()
        if counts[token]
    ]


def reliability(confidence: Tensor, right: Tensor, bins: int = BINS) -> list[dict[str, float]]:
    """How often the model is right when it is so sure: one row a bin of equal width that is not empty.

    Args:
        confidence: the probability of the predicted class, (N,), in [0, 1].
        right: whether the prediction was right, (N,) of bool.
    """
    places = (confidence.double() * bins).ceil().long().sub(1).clamp(0, bins - 1)  # bin k is (k/B, (k+1)/B]
    rows = []
    for place in range(bins):
        mine = places == place
        if mine.any():
            rows.append(
                {
                    "from": place / bins,
                    "to": (place + 1) / bins,
                    "n": int(mine.sum()),
                    "confidence": float(confidence[mine].double().mean()),
                    "accuracy": float(right[mine].double().mean()),
                }
            )
    return rows


def expected_calibration_error(rows: list[dict[str, float]]) -> float:
    """The mean distance of accuracy and confidence over the bins, each weighted by its examples.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, equation 3.
    """
    total = sum(row["n"] for row in rows)
    return sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / total


def _tracked(batches: Iterable, count: int) -> Iterable:
    console = Console(stderr=True)
    return track(
        batches, "Evaluating", total=count, console=console, transient=True, disable=not console.is_terminal
    )
