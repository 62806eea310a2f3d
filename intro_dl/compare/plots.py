"""Draw the settings that vary: a line over a number, a heat map over two settings, or learning curves."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from intro_dl.compare.table import Comparison, brief, cell, follows, label
from intro_dl.runs.files import write_whole
from intro_dl.runs.result import Status, higher_is_better
from intro_dl.visualize.style import COLORS, MARKERS

NAMES = {
    "optim": "optimizer",
    "optim.lr": "learning rate",
    "data.batch_size": "batch size (examples)",
    "data.limit_train": "training examples",
    "model.depth": "depth (layers)",
    "model.dropout": "dropout (probability)",
    "regularization.dropout": "dropout (probability)",
    "regularization.weight_decay": "weight decay",
    "regularization.l1": "L1 penalty (lambda)",
    "trainer.max_epochs": "epochs",
}
SPLITS = {"train": "training", "val": "validation", "test": "test"}
UNITS = {
    "accuracy": "accuracy (fraction correct)",
    "bits_per_char": "bits per character",
    "absolute_error": "absolute error (unit of the target)",
}
MOST_LINES = 12
FEW_KEYS = 3  # a label has the values of so many keys


def plot(comparison: Comparison, path: Path, by: Sequence[str]) -> bool:
    """Draw the comparison into `path`.

    Args:
        by: the key on the horizontal axis, or the two keys of a heat map; empty for a choice that fits.

    Returns:
        Whether a plot was drawn.

    Raises:
        ValueError: if `by` names a key in which the runs do not differ, or leaves several rows for one cell.
    """
    with rc_context({"text.parse_math": False}):  # draw a setting such as $x as it is
        return _plot(comparison, path, *choose_plot(comparison, by))


def _plot(comparison: Comparison, path: Path, kind: str, keys: list[str]) -> bool:
    figure = Figure(figsize=(8, 4.8))  # "tight" below makes room for the legend beside it
    axes = figure.add_subplot()
    if kind == "grid":
        draw_grid(comparison, axes, *keys)
    elif kind == "line":
        draw_over_number(comparison, axes, keys[0])
    elif not draw_learning_curves(comparison, axes):
        path.unlink(missing_ok=True)
        return False
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150, bbox_inches="tight")
    write_whole(path, png.getbuffer())
    return True


def choose_plot(comparison: Comparison, by: Sequence[str]) -> tuple[str, list[str]]:
    """Return the kind of plot ("line", "grid" or "curves") and the keys on its axes."""
    rows, columns = comparison.rows, comparison.columns
    for key in by:
        if key not in columns:
            different = f"in: {', '.join(columns)}" if columns else "at most in their seed"
            raise ValueError(f"The runs do not differ in by={key}. They differ {different}.")
    numbers = [key for key in columns if _numeric(rows, key)]
    if len(by) == 2:
        return "grid", list(by)
    if by:
        return ("line" if by[0] in numbers else "curves"), list(by)
    words = [key for key in columns if key not in numbers]
    free = [key for key in numbers if not follows(rows, key, words)]  # the rate may follow from `optim`
    free.sort(key=lambda key: key != "optim.lr")  # the learning rate goes on the horizontal axis
    if len(free) == 2 and not words:
        return "grid", free
    if free:
        most = max(free, key=lambda key: rows[key].nunique())
        lines = _labels(rows, _beside(comparison, most)).nunique()
        if lines <= MOST_LINES and len(rows) >= 3 * lines:
            return "line", [most]
    return "curves", []


def _numeric(rows: pd.DataFrame, key: str) -> bool:
    return all(type(value) in (int, float) for value in rows[key])


def _beside(comparison: Comparison, key: str) -> list[str]:
    """Return the settings that distinguish the lines over `key`, except numbers that follow from it."""
    rows, others = comparison.rows, [other for other in comparison.settings if other != key]
    return [other for other in others if not (_numeric(rows, other) and follows(rows, other, [key]))]


def _labels(table: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Return the label of each row: "adam, lr=0.1"; of many keys only what differs from the usual."""
    if len(keys) > FEW_KEYS:
        texts = brief(table, keys)
    else:
        texts = [
            ", ".join(label(key, value) for key, value in zip(keys, values, strict=True))
            for values in table[list(keys)].itertuples(index=False, name=None)
        ]
    return pd.Series([fill(text, 45) for text in texts], index=table.index, dtype=object)


def draw_lines(data: pd.DataFrame, axes: Axes, x: str, y: str, **spread: Any) -> None:
    """Draw the mean over seeds: a line for each value of the column "line", in the order of the table.

    Lines differ in their dashes and markers as well as in their color.
    """
    data = data.dropna(subset=[y]).astype({x: float, y: float})
    lines = data["line"].unique()
    if len(lines):  # not if every run diverged
        colors, markers = (COLORS * 2)[: len(lines)], list(MARKERS * 2)[: len(lines)]
        style = {"palette": colors, "markers": markers, "legend": "" not in lines}
        sns.lineplot(data, x=x, y=y, hue="line", style="line", ax=axes, **style, **spread)


def draw_over_number(comparison: Comparison, axes: Axes, key: str) -> None:
    """Draw the metric over one number: a line for each combination of the other settings that vary."""
    rows, metric, others = comparison.rows, comparison.metric, _beside(comparison, key)
    labels = _labels(rows, others)
    if labels.nunique() > MOST_LINES:
        raise ValueError(
            f"by={key} would draw {labels.nunique()} lines, one for each combination of {', '.join(others)}. "
            "Compare fewer folders, or choose another by=."
        )
    runs = comparison.runs.assign(line=comparison.runs["row"].map(labels))
    errorbar = "sd" if comparison.seeded else None
    draw_lines(runs, axes, key, metric, errorbar=errorbar, err_style="bars", err_kws={"capsize": 3})
    if rows[key].min() > 0 and _spans_decades(rows[key]):
        axes.set_xscale("log")
    elif rows[key].min() == 0 and _spans_decades(rows.loc[rows[key] > 0, key]):
        axes.set_xscale("symlog", linthresh=rows.loc[rows[key] > 0, key].min())
    _label_plainly(axes.xaxis)

    if not comparison.all_diverged:  # the best row is the first
        x, y = rows[key].iloc[0], rows[metric].iloc[0]
        axes.plot(x, y, "*k", ms=13, label=f"best: {cell(x)} ({y:.4g})")
    diverged = comparison.runs.loc[comparison.runs["status"] == Status.DIVERGED, key].unique()
    if len(diverged):
        edge = 0.04 if higher_is_better(metric) else 0.96  # a diverged run has no value on the axis
        label = "diverged (some or all seeds)" if comparison.seeded else "diverged"
        mark = {"color": COLORS[5], "ms": 10, "mew": 2.5, "transform": axes.get_xaxis_transform()}
        axes.plot(diverged, [edge] * len(diverged), "x", label=label, **mark)
    legend = ", ".join(NAMES.get(key, key) for key in others) if len(others) <= FEW_KEYS else ""
    _finish(comparison, axes, metric, rows[metric], legend)
    axes.set_xlabel(setting_name(key))


def draw_grid(comparison: Comparison, axes: Axes, across: str, up: str) -> None:
    """Draw the metric for each pair of two settings: a heat map from dark (good) to bright."""
    rows, metric = comparison.rows.fillna({across: "null", up: "null"}), comparison.metric
    if rows.duplicated([across, up]).any():
        others = ", ".join(key for key in comparison.columns if key not in (across, up))
        raise ValueError(
            f"by={across},{up} gives several rows for one cell: the runs also differ in {others}. "
            "Compare fewer folders."
        )
    values = rows.pivot(index=up, columns=across, values=metric)
    axes.set_facecolor("#dddddd")
    sns.heatmap(
        values,
        annot=True,
        fmt=".4g",
        linewidths=1,
        cmap="cividis_r" if higher_is_better(metric) else "cividis",
        cbar_kws={"label": metric_name(comparison, metric)},
        ax=axes,
    )
    tried = rows.pivot(index=up, columns=across, values="status").notna().to_numpy()
    for y, x in np.argwhere(values.isna().to_numpy()):
        axes.text(x + 0.5, y + 0.5, "diverged" if tried[y, x] else "not run", ha="center", va="center")
    axes.invert_yaxis()
    axes.set(xlabel=setting_name(across), ylabel=setting_name(up))
    axes.set_title(comparison.title, loc="left")


def draw_learning_curves(comparison: Comparison, axes: Axes) -> bool:
    """Draw the metric after each epoch: the mean over seeds, and a band from the lowest to the highest seed.

    Diverged runs are drawn only if no run completed: otherwise the scale would hide the other curves.

    Returns:
        Whether any run has a history.
    """
    runs, keys = comparison.runs, comparison.settings
    if not comparison.all_diverged:
        runs = runs[runs["status"] == Status.COMPLETED]
    if not keys:  # at most the seed varies: one line for each run
        runs, keys = runs.sort_values("seed"), ["seed"]
    measured = {name for run in runs["run"] for epoch in run.history for name in epoch}
    measure = comparison.metric.partition("/")[0]
    name = next((name for name in (comparison.metric, f"{measure}/val") if name in measured), "loss/val")

    points = []
    for line, same in runs.groupby(_labels(runs, keys), sort=False):
        line = f"{line}, {len(same)} seeds" if len(same) > 1 else line if len(comparison.runs) > 1 else ""
        histories = [[epoch.get(name, math.nan) for epoch in run.history] for run in same["run"]]
        together = zip(*histories, strict=False)  # the epochs in which all seeds were trained
        for epoch, values in enumerate(together, start=1):
            points += [(line, epoch, value) for value in values if math.isfinite(value)]
    data = pd.DataFrame(points, columns=["line", "epoch", name])
    if data.empty:
        return False
    best = data["line"].unique()[:MOST_LINES]
    data = data[data["line"].isin(best)]
    last = int(data["epoch"].max())
    draw_lines(data, axes, "epoch", name, errorbar=("pi", 100), markevery=max(last // 8, 1))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set(xlim=(0.5 if last < 12 else 0, last + 0.5), xlabel="epoch")
    legend = f"the best {MOST_LINES}" if len(best) < len({line for line, *_ in points}) else ""
    _finish(comparison, axes, name, data[name], legend)
    return True


def _label_plainly(axis: Axis) -> None:
    """Label a logarithmic axis with 0.01 instead of $10^{-2}$, which `plot` draws as it is written."""
    if axis.get_scale() != "linear":
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(LogFormatter(labelOnlyBase=False))


def _finish(comparison: Comparison, axes: Axes, name: str, values: pd.Series, legend: str) -> None:
    """Add the vertical axis, the title, the loss at chance level, and a legend that covers no data."""
    if values.min() > 0 and _spans_decades(values):
        axes.set_yscale("log")
    _label_plainly(axes.yaxis)
    axes.set_ylabel(metric_name(comparison, name))
    axes.grid(alpha=0.3)
    axes.set_title(comparison.title, loc="left")
    chance, (low, high) = comparison.chance_loss, axes.get_ylim()
    if chance and name.startswith("loss/") and low < chance < high:
        classes = number_of_classes(chance)
        value = f"log {classes} = {chance:.3g}" if classes else f"{chance:.3g}"
        axes.axhline(chance, color="gray", lw=1, ls=":", zorder=0, label=f"chance level: {value}")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            title=fill(legend, 45),
            fontsize="small",
            handlelength=3,
            loc="upper left",
            bbox_to_anchor=(1.01, 1),
        )


def _spans_decades(values: pd.Series) -> bool:
    return bool(values.max() >= 20 * values.min())


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
    """Return K if the chance-level loss is log K, which shows that the loss is a cross-entropy in nats."""
    if not chance_loss or chance_loss > 15:
        return None
    classes = round(math.exp(chance_loss))
    return classes if classes > 1 and math.isclose(math.log(classes), chance_loss, rel_tol=1e-5) else None
