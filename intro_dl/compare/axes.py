"""The axes of a plot: names with units, and scales that fit the numbers."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from intro_dl.compare.table import Comparison, cell

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
    "accuracy": "accuracy (fraction correct)",
    "bits_per_char": "bits per character",
    "absolute_error": "absolute error (unit of the target)",
}


def setting_name(key: str) -> str:
    """Return a setting in words and as it is typed: "learning rate, optim.lr"."""
    return f"{NAMES[key]}, {key}" if key in NAMES else key


def metric_name(comparison: Comparison, name: str) -> str:
    """Return a measure with its split and unit: "validation loss (nats)"."""
    measure, _, split = name.partition("/")
    unit = UNITS.get(measure, measure)
    if measure == "loss" and number_of_classes(comparison.chance_loss):
        unit = "cross-entropy loss (nats)"
    return f"{SPLITS.get(split, split)} {unit}"


def number_of_classes(chance_loss: float | None) -> int | None:
    """Return K if the chance-level loss is log K, which says that the loss is a cross-entropy in nats."""
    if not chance_loss or chance_loss > 15:
        return None
    classes = round(math.exp(chance_loss))
    return classes if classes > 1 and math.isclose(math.log(classes), chance_loss, rel_tol=1e-5) else None


def number_axis(axes: Axes, values: Sequence[float]) -> None:
    """Scale the horizontal axis: logarithmic for numbers that span decades, with a place for 0.

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
        axes.set_xticks(values, _staggered(axes, values))
        axes.minorticks_off()


def _staggered(axes: Axes, values: Sequence[float]) -> list[str]:
    """Return tick labels that do not overlap: each on one of three lines, or empty if all are full."""
    digit = 0.0135  # its width, as a fraction of the 6.6 inches between the first and the last tick
    places = axes.xaxis.get_transform().transform(values)
    ends, labels = [-math.inf] * 3, []  # where the last label of each line ends
    for place, text in zip(places, map(cell, values), strict=True):
        center = (place - places[0]) / ((places[-1] - places[0]) or 1)
        half = digit * (len(text) + 1) / 2
        line = next((line for line in range(3) if ends[line] <= center - half), None)
        labels.append("" if line is None else "\n" * line + text)
        if line is not None:
            ends[line] = center + half
    return labels


def value_axis(axes: Axes, values: Sequence[float], label: str) -> None:
    """Scale the vertical axis: logarithmic for values that span more than a decade."""
    if values and min(values) > 0 and max(values) / min(values) > 20:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:.0e}"[0] in "25" else "")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)


def chance_line(comparison: Comparison, axes: Axes, name: str) -> None:
    """Mark the loss of a model that knows nothing, if it lies within the limits of the axis."""
    chance, (low, high) = comparison.chance_loss, axes.get_ylim()
    if chance and name.startswith("loss/") and low < chance < high:
        classes = number_of_classes(chance)
        value = f"log {classes} = {chance:.3g}" if classes else f"{chance:.3g}"
        axes.axhline(chance, color="gray", lw=1, ls=(0, (1, 1)), zorder=0, label=f"chance level: {value}")
