"""What an evaluation draws beside the confusion matrix and the mistakes: calibration, and a regression."""

from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image
from torch import Tensor

from intro_dl.visualize.style import COLORS, new_figure, pixels


def save(figure: Figure, path: Path) -> None:
    """Write a figure as an opaque PNG, whatever characters its class names have."""
    Image.fromarray(pixels(figure)).save(path, optimize=True)


def draw_reliability(rows: list[dict[str, float]], error: float, title: str) -> Figure:
    """Accuracy over confidence, a bar a bin; below, how many examples each bin has.

    Args:
        rows: of `intro_dl.inference.metrics.reliability`.
        error: the expected calibration error.
    """
    figure = new_figure(5.6, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    left = [row["from"] for row in rows]
    width = [row["to"] - row["from"] for row in rows]
    style = {"width": width, "align": "edge", "edgecolor": "black", "linewidth": 0.8}
    upper.bar(left, [row["accuracy"] for row in rows], color=COLORS[4], label="accuracy of the bin", **style)
    confidence = [row["confidence"] for row in rows]
    upper.plot([0, 1], [0, 1], color="black", linestyle="--", label="accuracy = confidence")
    upper.plot(
        confidence,
        [row["accuracy"] for row in rows],
        color=COLORS[5],
        marker="o",
        linestyle="",
        label="at the mean confidence of the bin",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy (share that is right)")
    figure.legend(loc="outside lower center", fontsize="small")
    upper.set_title(f"{title}\nexpected calibration error {error:.4f}", loc="left", fontsize="medium")
    lower.bar(left, [row["n"] for row in rows], color=COLORS[4], **style)
    lower.set(xlabel="confidence (probability of the predicted class)", ylabel="examples")
    lower.set_yscale("log")
    lower.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    lower.yaxis.set_minor_formatter(NullFormatter())
    return figure


def draw_regression(targets: Tensor, predictions: Tensor, target: dict[str, Any], title: str) -> Figure:
    """Predictions over targets (N,), with the line on which both are the same."""
    figure = new_figure(5.2, 5.2)
    axes = figure.add_subplot()
    axes.scatter(targets.numpy(), predictions.numpy(), s=14, color=COLORS[0], marker="o", label="an example")
    ends = torch.stack([targets, predictions])
    low, high = float(ends.min()), float(ends.max())
    axes.plot([low, high], [low, high], color="black", linestyle="--", label="prediction = target")
    name, unit = target.get("name", "target"), target.get("unit")
    shown = f"{name} ({unit})" if unit else name
    axes.set(xlabel=f"true {shown}", ylabel=f"predicted {shown}")
    axes.legend(loc="upper left", fontsize="small")
    axes.set_title(title, loc="left", fontsize="medium")
    return figure


def draw_point_mistakes(
    points: Tensor, labels: Tensor, predicted: Tensor, features: list[str], classes: list[str], title: str
) -> Figure:
    """Points (N, 2) by their true class, the mistakes marked with a cross."""
    figure = new_figure(6.0, 4.8)
    axes = figure.add_subplot()
    markers = "os^DvPX"
    for number, name in enumerate(classes):
        mine = points[labels == number]
        style = {"color": COLORS[number % len(COLORS)], "marker": markers[number % len(markers)]}
        axes.scatter(*mine.T.numpy(), s=18, label=f"is {name}", **style)
    wrong = points[labels != predicted]
    axes.scatter(*wrong.T.numpy(), s=110, color="black", marker="x", label="taken for another")
    axes.set(xlabel=features[0], ylabel=features[1])
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    axes.set_title(title, loc="left", fontsize="medium")
    return figure
