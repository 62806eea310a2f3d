"""The axes of a plot: names with units, scales that fit the numbers, lines that differ not only in color."""

import math
from typing import Any

from matplotlib.axes import Axes

from intro_dl.compare.table import Comparison, cell

# Okabe and Ito, "Color Universal Design" (2008), without the yellow that is faint on white.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = ["-", "--", "-.", ":"]
MARKERS = "osD^vPX"

CHARACTER = 0.0135  # width of a digit, of the 6.6 inches between the first and the last tick

NAMES = {
    "optim": "optimizer",
    "optim.lr": "learning rate",
    "data.batch_size": "batch size (examples)",
    "data.limit_train": "training examples",
    "model.depth": "depth (layers)",
    "model.dropout": "dropout (probability)",
    "regularization.dropout": "dropout (probability)",
    "regularization.weight_decay": "weight decay",
    "trainer.max_epochs": "epochs",
}
SPLITS = {"train": "training", "val": "validation", "test": "test"}
UNITS = {
    "accuracy": "accuracy (share that is right)",
    "bits_per_char": "bits per character",
    "absolute_error": "absolute error (unit of the target)",
}


def look(number: int) -> dict[str, Any]:
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 5,
    }


def number_axis(axes: Axes, values: list[float]) -> None:
    """Logarithmic for numbers that span decades; a 0 among them keeps its place.

    Args:
        values: in ascending order; up to 12 of them are the ticks.
    """
    positive = [value for value in values if value > 0]
    if positive and max(positive) / min(positive) >= 20 and min(values) >= 0:
        if len(positive) < len(values):
            axes.set_xscale("symlog", linthresh=min(positive))
        else:
            axes.set_xscale("log")
    if len(values) <= 12:
        texts = list(map(cell, values))
        lines = free_lines(axes, values, texts)
        labels = ["" if line is None else "\n" * line + text for line, text in zip(lines, texts, strict=True)]
        axes.set_xticks(values, labels)
        axes.minorticks_off()


def free_lines(axes: Axes, values: list[float], texts: list[str]) -> list[int | None]:
    """Into which of three lines each text fits that stands at its value; None where all are full.

    Args:
        values: in ascending order, from the first to the last of the axis.
        texts: one for each value; an empty one takes no room.
    """
    places = axes.xaxis.get_transform().transform(values)
    written = [-math.inf] * 3  # up to where each line is full, as a share of the axis
    lines: list[int | None] = []
    for place, text in zip(places, texts, strict=True):
        center = (place - places[0]) / ((places[-1] - places[0]) or 1)
        half = CHARACTER * (len(text) + 1) / 2
        free = [line for line in range(3) if written[line] <= center - half]
        lines.append(free[0] if free else None)
        if free and text:
            written[free[0]] = center + half
    return lines


def value_axis(comparison: Comparison, axes: Axes, values: list[float], name: str | None = None) -> None:
    name = name or comparison.metric
    values = [value for value in values if value is not None]
    if values and min(values) > 0 and max(values) / min(values) > 20:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:.0e}"[0] in "25" else "")
    axes.set_ylabel(metric_name(comparison, name))
    axes.grid(alpha=0.3)


def guessing_line(comparison: Comparison, axes: Axes, name: str) -> None:
    """Where a model that knows nothing would be. Called when the axis has its limits."""
    guessing = comparison.chance_loss
    low, high = axes.get_ylim()
    if not guessing or not name.startswith("loss/") or not low < guessing < high:
        return
    axes.axhline(guessing, color="gray", lw=1, ls=(0, (1, 1)), zorder=0)
    classes = _classes(guessing)
    axes.annotate(
        f"guessing: log {classes} = {guessing:.3g}" if classes else f"guessing: {guessing:.3g}",
        (0.99, guessing),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        color="#555555",
        fontsize="small",
    )


def metric_name(comparison: Comparison, name: str) -> str:
    """A measure with its split and unit: "validation loss (nats)"."""
    measure, _, split = name.partition("/")
    unit = UNITS.get(measure, measure)
    if measure == "loss" and _classes(comparison.chance_loss):
        unit = "cross-entropy loss (nats)"
    return f"{SPLITS.get(split, split)} {unit}"


def _classes(guessing: float | None) -> int | None:
    """K, if the loss of guessing is log K, which says that the loss is a cross-entropy in nats."""
    classes = round(math.exp(guessing)) if guessing and guessing < 15 else 0
    return classes if classes > 1 and math.isclose(math.log(classes), guessing, rel_tol=1e-5) else None
