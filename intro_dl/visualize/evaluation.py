"""Draw an evaluation: calibration and a regression. The rest is in mistakes.py."""

import io
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image
from torch import Tensor

from intro_dl.runs.files import write_whole
from intro_dl.visualize.style import COLORS, new_figure, pixels


def save(figure: Figure | Image.Image, path: Path) -> None:
    """Write a figure as an opaque PNG, whatever characters its class names have."""
    png = io.BytesIO()
    Image.fromarray(pixels(figure)).save(png, "PNG", optimize=True)
    write_whole(path, png.getbuffer())


def draw_reliability(rows: list[dict[str, float]], error: float, title: str) -> Figure:
    """Draw the accuracy at each confidence level, and below it the number of examples.

    Args:
        rows: of `intro_dl.inference.metrics.reliability`.
        error: the expected calibration error.
        title: the first line of the title.
    """
    figure = new_figure(5.6, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    accuracy = [row["accuracy"] for row in rows]
    bars: dict[str, Any] = {
        "x": [row["from"] for row in rows],
        "width": [row["to"] - row["from"] for row in rows],
        "align": "edge",
        "color": COLORS[4],
        "edgecolor": "black",
        "linewidth": 0.8,
    }
    upper.bar(height=accuracy, label="accuracy of the bin", **bars)
    upper.plot([0, 1], [0, 1], color="black", linestyle="--", label="accuracy = confidence")
    confidence, dots = (
        [row["confidence"] for row in rows],
        {"color": COLORS[5], "linestyle": "", "clip_on": False},
    )
    upper.plot(confidence, accuracy, marker="o", label="at the mean confidence of the bin", **dots)
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy (fraction correct)")
    figure.legend(loc="outside lower center", fontsize="small")
    upper.set_title(f"{title}\nexpected calibration error {error:.4f}", loc="left", fontsize="medium")
    lower.bar(height=[row["n"] for row in rows], **bars)
    lower.set(xlabel="confidence (probability of the predicted class)", ylabel="examples", yscale="log")
    lower.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    lower.yaxis.set_minor_formatter(NullFormatter())
    return figure


def draw_regression(targets: Tensor, predictions: Tensor, target: dict[str, Any], title: str) -> Figure:
    """Draw predictions over targets (N,), and the line on which both are equal."""
    figure = new_figure(5.2, 5.2)
    axes = figure.add_subplot()
    axes.scatter(targets.numpy(), predictions.numpy(), s=14, color=COLORS[0], marker="o", label="one example")
    both = torch.stack([targets, predictions])
    ends = [float(both.min()), float(both.max())]
    axes.plot(ends, ends, color="black", linestyle="--", label="prediction = target")
    name, unit = target.get("name", "target"), target.get("unit")
    shown = f"{name} ({unit})" if unit else name
    axes.set(xlabel=f"true {shown}", ylabel=f"predicted {shown}")
    axes.legend(loc="upper left", fontsize="small")
    axes.set_title(title, loc="left", fontsize="medium")
    return figure
