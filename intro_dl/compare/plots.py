"""The plot that fits what varies: a line over a number, a heat map over two settings, or learning curves.

Lines differ in their dashes and markers as well as in their color.
"""

import math
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from intro_dl.compare.axes import (
    NAMES,
    chance_line,
    metric_name,
    number_axis,
    setting_name,
    value_axis,
)
from intro_dl.compare.table import Comparison, cell, follows, higher_is_better
from intro_dl.runs.record import Run
from intro_dl.runs.result import Status

# Okabe and Ito, "Color Universal Design" (2008), without the yellow that is faint on white.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = [(None, None), (4, 1.5), (4, 1.5, 1, 1.5), (1, 1)]
MARKERS = "osD^vPX"
MOST_LINES = 12
LABEL_WIDTH = 45  # characters


def plot(comparison: Comparison, path: Path, by: Sequence[str]) -> bool:
    """Draw the comparison into `path`.

    Args:
        by: the key on the horizontal axis, or the two keys of a heat map; empty for a choice that fits.

    Returns:
        Whether there was anything to draw.

    Raises:
        ValueError: if `by` names a key in which the runs do not differ, or leaves several rows for one cell.
    """
    kind, keys = choose_plot(comparison, by)
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.add_subplot()
    if kind == "grid":
        draw_grid(comparison, axes, *keys)
    elif kind == "line":
        draw_over_number(comparison, axes, keys[0])
    elif not draw_learning_curves(comparison, axes):
        path.unlink(missing_ok=True)
        return False
    figure.savefig(path, dpi=150, bbox_inches="tight")
    return True


def choose_plot(comparison: Comparison, by: Sequence[str]) -> tuple[str, list[str]]:
    """Return the kind of plot ("line", "grid" or "curves") and the keys on its axes."""
    for key in by:
        if key not in comparison.columns:
            same = "only in their seed" if len(comparison.runs) > 1 else "in nothing: there is only one run"
            available = f"in: {', '.join(comparison.columns)}" if comparison.columns else same
            raise ValueError(f"The runs do not differ in by={key}. They differ {available}.")
    numbers = [key for key in comparison.columns if _numeric(comparison, key)]
    if len(by) == 2:
        return "grid", list(by)
    if by:
        return ("line" if by[0] in numbers else "curves"), list(by)
    free = [key for key in numbers if key in _varied(comparison)]
    free.sort(key=lambda key: key != "optim.lr")  # the learning rate goes on the horizontal axis
    if len(free) == 2 and len(numbers) == len(comparison.columns):
        return "grid", free
    if free:
        rows = comparison.rows
        most = max(free, key=lambda key: rows[key].nunique())
        lengths = list(_labels(rows, _beside(comparison, most)).value_counts())
        if max(lengths) > 2 and len(lengths) <= MOST_LINES and 2 * lengths.count(1) <= len(lengths):
            return "line", [most]
    return "curves", []


def _numeric(comparison: Comparison, key: str) -> bool:
    return all(type(value) in (int, float) for value in comparison.rows[key])


def _varied(comparison: Comparison) -> list[str]:
    """Return the columns without the numbers that follow from a choice, as the rate follows from `optim`."""
    words = [key for key in comparison.columns if not _numeric(comparison, key)]
    varied = [key for key in comparison.columns if key in words or not follows(comparison.rows, key, words)]
    return varied or ["seed"] * (len(comparison.runs) > 1)


def _beside(comparison: Comparison, key: str) -> list[str]:
    """Return what tells the lines over the number `key` apart: all but the numbers that follow from it."""
    return [
        other
        for other in comparison.columns
        if other != key and not (_numeric(comparison, other) and follows(comparison.rows, other, [key]))
    ]


def _labels(table: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Return the label of each row: "adam, lr=0.1"."""
    texts = [
        ", ".join(
            value if isinstance(value, str) and "." not in key else f"{key.rpartition('.')[-1]}={cell(value)}"
            for key, value in zip(keys, values, strict=True)
        )
        for values in table[list(keys)].itertuples(index=False, name=None)
    ]
    return pd.Series(texts, index=table.index, dtype=object)


def draw_lines(data: pd.DataFrame, axes: Axes, x: str, y: str, **spread: Any) -> None:
    """Draw the mean over seeds: a line for each value of the column "line", in the order of the table."""
    data = data.dropna(subset=[y]).astype({x: float, y: float})
    if data.empty:  # every run diverged
        return
    lines = list(dict.fromkeys(data["line"]))
    sns.lineplot(
        data,
        x=x,
        y=y,
        hue="line",
        style="line",
        palette=dict(zip(lines, cycle(COLORS), strict=False)),
        dashes=dict(zip(lines, cycle(DASHES), strict=False)),
        markers=dict(zip(lines, cycle(MARKERS), strict=False)),
        ax=axes,
        legend=False,
        **spread,
    )
    curves = [line for line in axes.lines if line.get_linestyle() != "None"]  # without the error bars
    for curve, label in zip(curves, lines, strict=True):
        curve.set_label(label or "_")  # matplotlib hides a label that begins with _


def draw_over_number(comparison: Comparison, axes: Axes, key: str) -> None:
    """Draw the metric over one number: a line for each combination of what else varies."""
    rows, metric, others = comparison.rows, comparison.metric, _beside(comparison, key)
    labels = _labels(rows, others)
    if labels.nunique() > MOST_LINES:
        raise ValueError(
            f"by={key} would draw {labels.nunique()} lines, one for each combination of {', '.join(others)}. "
            "Compare fewer folders, or choose another by=."
        )
    runs = comparison.runs.assign(line=comparison.runs["row"].map(labels))
    spread = {"errorbar": "sd", "err_style": "bars", "err_kws": {"capsize": 3}}
    draw_lines(runs, axes, key, metric, **(spread if comparison.seeded else {"errorbar": None}))
    number_axis(axes, sorted(set(rows[key])))
    value_axis(axes, rows[metric].dropna().tolist(), metric_name(comparison, metric))

    x, y, chance = rows[key].astype(float), rows[metric], comparison.chance_loss
    if not comparison.all_diverged:  # the best row is the first
        axes.plot(
            x.iloc[0], y.iloc[0], "*k", ms=13, label=f"best: {cell(rows[key].iloc[0])} ({y.iloc[0]:.4g})"
        )
    if key == "optim.lr" and metric == "loss/val" and chance:
        slow = (x < x.iloc[0]) & (y > 0.8 * chance)
        label = "too small: hardly below the chance level"
        axes.plot(x[slow], y[slow], "ok", ms=13, fillstyle="none", label=label if slow.any() else None)
    if len(bad := comparison.runs.loc[comparison.runs["status"] == Status.DIVERGED, key].unique()):
        edge = 0.04 if higher_is_better(metric) else 0.96  # a diverged run has no value on the axis
        across = axes.get_xaxis_transform()
        axes.plot(
            bad,
            [edge] * len(bad),
            "x",
            color=COLORS[1],
            ms=10,
            mew=2.5,
            transform=across,
            label="diverged (some or all seeds)" if comparison.seeded else "diverged",
        )
    chance_line(comparison, axes, metric)
    show_legend(axes, ", ".join(NAMES.get(key, key) for key in others))
    axes.set_xlabel(setting_name(key))
    _title(comparison, axes, [key, *others])


def show_legend(axes: Axes, title: str = "") -> None:
    """Explain lines and marks beside the axes, where the legend hides nothing."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(title=title, fontsize="small", handlelength=3, loc="upper left", bbox_to_anchor=(1.01, 1))


def draw_grid(comparison: Comparison, axes: Axes, across: str, up: str) -> None:
    """Draw the metric for each pair of two settings: a heat map from dark (good) to bright."""
    rows, metric = comparison.rows[[up, across, comparison.metric]], comparison.metric
    if rows.duplicated([across, up]).any():
        others = ", ".join(key for key in comparison.columns if key not in (across, up))
        raise ValueError(
            f"by={across},{up} leaves several rows for one cell: the runs also differ in {others}. "
            "Compare fewer folders."
        )
    ticks = [[cell(value) for value in sorted(set(rows[key]), key=_order)] for key in (up, across)]
    rows = rows.assign(**{key: rows[key].map(cell) for key in (up, across)})
    values = rows.pivot(index=up, columns=across, values=metric).reindex(index=ticks[0], columns=ticks[1])
    known = rows[metric].dropna()
    wide = not known.empty and known.min() > 0 and known.max() / known.min() > 20
    axes.set_facecolor("#dddddd")
    sns.heatmap(
        values,
        annot=True,
        fmt=".4g",
        linewidths=1,
        norm=LogNorm() if wide else None,
        cmap="cividis_r" if higher_is_better(metric) else "cividis",
        cbar_kws={"label": metric_name(comparison, metric)},
        ax=axes,
    )
    tried = set(zip(rows[up], rows[across], strict=True))
    for y, x in np.argwhere(values.isna().to_numpy()):
        text = "diverged" if (ticks[0][y], ticks[1][x]) in tried else "not run"
        axes.text(x + 0.5, y + 0.5, text, ha="center", va="center")
    axes.invert_yaxis()
    axes.tick_params(axis="y", rotation=0)
    axes.set(xlabel=setting_name(across), ylabel=setting_name(up))
    _title(comparison, axes, [across, up])


def _order(value: Any) -> tuple[bool, Any]:
    number = isinstance(value, int | float)
    return not number, value if number else str(value)


def draw_learning_curves(comparison: Comparison, axes: Axes) -> bool:
    """Draw the metric after each epoch: the mean over seeds, and a band from the lowest to the highest seed.

    Returns:
        Whether any run has a history.
    """
    measured = {name for run in comparison.runs["run"] for epoch in run.history for name in epoch}
    measure = comparison.metric.partition("/")[0]
    name = next((name for name in (comparison.metric, f"{measure}/val") if name in measured), "loss/val")
    keys, runs = comparison.columns, comparison.runs[comparison.runs["counts"]]
    if not comparison.columns:  # at most the seed varies: one line for each run
        keys, runs = ["seed"], comparison.runs.sort_values("seed")

    points, unseen, lines = [], [], 0
    for text, same in runs.groupby(_labels(runs, keys), sort=False):
        curves = [curve for run in same["run"] if (curve := _curve(run, name))]
        diverged = bool((same["status"] == Status.DIVERGED).all())
        label = fill(str(text), LABEL_WIDTH) if len(runs) > 1 else ""
        label += f", {len(same)} seeds" * (len(same) > 1) + " (diverged)" * diverged
        unseen += [label] * (diverged and not curves)  # in its first epoch
        lines += bool(curves)
        if curves and lines <= MOST_LINES:
            epochs = range(min(map(len, curves)))  # in which all seeds were trained
            points += [(label, epoch + 1, curve[epoch], diverged) for curve in curves for epoch in epochs]
    if not points:
        return False

    data = pd.DataFrame(points, columns=["line", "epoch", name, "diverged"])
    last, completed = data["epoch"].max(), data.loc[~data["diverged"], name]
    draw_lines(data, axes, "epoch", name, errorbar=("pi", 100), markevery=max(last // 8, 1))
    for label in unseen:
        axes.plot([], [], "x", color=COLORS[1], mew=2, label=label)
    value_axis(axes, completed.tolist(), metric_name(comparison, name))
    if len(completed):  # a diverged curve would squeeze the others
        scale = axes.yaxis.get_transform()
        low, high = scale.transform([completed.min(), completed.max()])
        margin = 0.06 * (high - low or 1)
        axes.set_ylim(*scale.inverted().transform([low - margin, high + margin]))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    axes.set(xlim=(0.5 if last < 12 else 0, last + 0.5), xlabel="epoch")
    chance_line(comparison, axes, name)
    show_legend(axes, "mean, and range over seeds" if data.duplicated(["line", "epoch"]).any() else "")
    _title(comparison, axes, _varied(comparison), more=lines - MOST_LINES)
    return True


def _curve(run: Run, name: str) -> list[float]:
    return [epoch[name] for epoch in run.history if math.isfinite(epoch.get(name, math.nan))]


def _title(comparison: Comparison, axes: Axes, keys: Sequence[str], more: int = 0) -> None:
    subject = comparison.subject
    if "optim" in comparison.shared and "optim" not in keys:
        subject += f", {comparison.shared['optim']}"
    best = f" (the best {MOST_LINES} of {MOST_LINES + more})" if more > 0 else ""
    varied = ", ".join(keys) if len(keys) < 4 else f"{', '.join(keys[:2])} and {len(keys) - 2} more"
    varied = f"{varied} varied{best}" if keys else ""
    axes.set_title(": ".join(filter(None, (varied, subject))), loc="left")
