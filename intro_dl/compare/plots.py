"""The plot that fits what varies: a curve over a number, a grid over two, learning curves over each other.

Drawn to be read without seeing colors: every line has its own dashes and marker too.
"""

import math
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from intro_dl.compare.axes import (
    COLORS,
    NAMES,
    free_lines,
    guessing_line,
    look,
    metric_name,
    number_axis,
    value_axis,
)
from intro_dl.compare.table import Comparison, Row, cell, higher_is_better
from intro_dl.runs.record import GROUPS, Run

MOST_LINES = 12
LABEL_WIDTH = 45  # characters


def plot(comparison: Comparison, path: Path, by: list[str]) -> bool:
    """Draw what the comparison shows into `path`.

    Args:
        by: the key along the horizontal axis, or the two keys of a grid; empty to choose what fits.

    Returns:
        Whether there was anything to draw.

    Raises:
        ValueError: if `by` names a key in which the runs do not differ, or a grid's cell has many rows.
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
    figure.savefig(path, dpi=150)
    return True


def choose_plot(comparison: Comparison, by: list[str]) -> tuple[str, list[str]]:
    """The kind of plot ("line", "grid" or "curves") and the keys on its axes."""
    for key in by:
        if key not in comparison.columns:
            same = "nothing but the seed" if len(comparison.runs) > 1 else "nothing, as there is only one"
            available = ", ".join(comparison.columns) or same
            raise ValueError(f"The runs do not differ in by={key}. They differ in: {available}.")
    numbers = [key for key in comparison.columns if _numeric(comparison, key)]
    if len(by) == 2:
        return "grid", by
    if by:
        return ("line" if by[0] in numbers else "curves"), by
    words = [key for key in comparison.columns if key not in numbers]
    free = [key for key in numbers if key in _varied(comparison)]
    free.sort(key=lambda key: key != "optim.lr")  # the rate lies across
    if len(free) == 2 and not words:
        return "grid", free
    if free:
        most = max(free, key=lambda key: len(_values(comparison, key)))
        series = _series(comparison, most, _beside(comparison, most))
        lengths = [len(rows) for rows in series.values()]
        if max(lengths) > 2 and len(series) <= MOST_LINES and 2 * lengths.count(1) <= len(series):
            return "line", [most]
    return "curves", []


def _numeric(comparison: Comparison, key: str) -> bool:
    values = [row.values[key] for row in comparison.rows]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _values(comparison: Comparison, key: str) -> list[Any]:
    return sorted({row.values[key] for row in comparison.rows})


def _varied(comparison: Comparison) -> list[str]:
    """The columns without the numbers that follow from a choice, as the rate does from `optim`."""
    words = [key for key in comparison.columns if not _numeric(comparison, key)]
    free = [key for key in _telling(comparison) if key in words or not _follows(comparison, key, words)]
    return free or ["seed"] * (len(comparison.runs) > 1)


def _telling(comparison: Comparison) -> list[str]:
    """The columns that tell the rows apart, without the words that follow from `model` or another group."""
    groups = [key for key in comparison.columns if key in GROUPS]
    return [
        key
        for key in comparison.columns
        if key in groups or _numeric(comparison, key) or not _follows(comparison, key, groups)
    ]


def _beside(comparison: Comparison, key: str) -> list[str]:
    """What tells the lines over the number `key` apart: all but the numbers that follow from it."""
    return [
        other
        for other in _telling(comparison)
        if other != key and not (_numeric(comparison, other) and _follows(comparison, other, [key]))
    ]


def _series(comparison: Comparison, key: str, others: list[str]) -> dict[tuple, list[Row]]:
    """The rows of each line over the number `key`, by what they have in `others`."""
    series: dict[tuple, list[Row]] = {}
    for row in sorted(comparison.rows, key=lambda row: row.values[key]):
        series.setdefault(tuple(row.values[other] for other in others), []).append(row)
    return series


def _follows(comparison: Comparison, key: str, others: list[str]) -> bool:
    """Whether `key` has one value for each combination of `others`."""
    seen: dict[tuple, Any] = {}
    for row in comparison.rows:
        if seen.setdefault(tuple(row.values[other] for other in others), row.values[key]) != row.values[key]:
            return False
    return bool(others)


def draw_over_number(comparison: Comparison, axes: Axes, key: str) -> None:
    """The metric over one number; a line for each combination of what else varies, the diverged on top."""
    others = _beside(comparison, key)
    series = _series(comparison, key, others)
    if len(series) > MOST_LINES:
        raise ValueError(
            f"by={key} would draw {len(series)} lines, one for each combination of {', '.join(others)}. "
            "Compare fewer folders, or choose another by=."
        )
    metric = comparison.metric
    for number, (values, rows) in enumerate(series.items()):
        finished = [row for row in rows if row.mean(metric) is not None and row.runs]
        axes.errorbar(
            [row.values[key] for row in finished],
            [row.mean(metric) for row in finished],
            yerr=[row.deviation(metric) or 0 for row in finished] if comparison.seeded else None,
            label=_label(others, values),
            capsize=3,
            **look(number),
        )
    number_axis(axes, _values(comparison, key))
    value_axis(comparison, axes, [row.mean(metric) for row in comparison.rows if row.runs])
    _mark_best(comparison, axes, key)
    guessing_line(comparison, axes, metric)
    _mark_diverged(comparison, axes, key)
    if key == "optim.lr":
        _mark_too_small(comparison, axes)
    if others:
        axes.legend(title=", ".join(NAMES.get(key, key) for key in others), fontsize="small")
    axes.set_xlabel(f"{NAMES[key]}, {key}" if key in NAMES else key)
    _title(comparison, axes, [key, *others])


def _mark_best(comparison: Comparison, axes: Axes, key: str) -> None:
    best = comparison.rows[0]
    if not best.runs:
        return
    value = best.mean(comparison.metric)
    low = not higher_is_better(comparison.metric)
    axes.annotate(
        f"best: {cell(best.values[key])}\n{value:.4g}",
        (best.values[key], value),
        xytext=(0, -14 if low else 14),
        textcoords="offset points",
        ha="center",
        va="top" if low else "bottom",
        fontsize="small",
    )
    axes.margins(y=0.2)


def _mark_too_small(comparison: Comparison, axes: Axes) -> None:
    """Rates below the best that have hardly left the loss of guessing."""
    guessing = comparison.chance_loss
    if comparison.metric != "loss/val" or not guessing or comparison.all_diverged:
        return
    best = comparison.rows[0].values["optim.lr"]
    for row in comparison.rows:
        rate, loss = row.values["optim.lr"], row.mean("loss/val")
        if row.runs and rate < best and loss > 0.8 * guessing:
            place = {"xytext": (0, 8), "textcoords": "offset points", "ha": "center", "va": "bottom"}
            axes.annotate("too small", (rate, loss), fontsize="small", **place)


def _mark_diverged(comparison: Comparison, axes: Axes, key: str) -> None:
    """Crosses on the bad edge of the plot: a diverged run has no value that belongs on the axis."""
    bad = sorted({row.values[key] for row in comparison.rows if row.diverged})
    if not bad:
        return
    edge = 0.04 if higher_is_better(comparison.metric) else 0.96
    across = axes.get_xaxis_transform()
    axes.plot(bad, [edge] * len(bad), "x", color=COLORS[1], ms=10, mew=2.5, transform=across, label="_")
    values, texts = _values(comparison, key), []
    for value in values:
        rows = [row for row in comparison.rows if row.values[key] == value]
        runs = sum(len(row.runs) + len(row.diverged) for row in rows)
        lost = sum(len(row.diverged) for row in rows)
        texts.append("diverged" if lost == runs else f"{lost} of {runs} diverged" if lost else "")
    for value, text, line in zip(values, texts, free_lines(axes, values, texts), strict=True):
        axes.annotate(
            "" if line is None else text,
            (value, edge),
            xycoords=across,
            xytext=(0, (10 + 11 * (line or 0)) * (1 if edge < 0.5 else -1)),
            textcoords="offset points",
            ha="center",
            va="bottom" if edge < 0.5 else "top",
            color="#A04000",
            fontsize="small",
        )


def draw_grid(comparison: Comparison, axes: Axes, across: str, up: str) -> None:
    """The metric for each pair of two varied settings: a map from dark (good) to bright, with the numbers."""
    table: dict[tuple, Row] = {}
    for row in comparison.rows:
        place = (row.values[up], row.values[across])
        if place in table:
            others = ", ".join(key for key in comparison.columns if key not in (across, up))
            raise ValueError(
                f"by={across},{up} leaves several rows for one cell: the runs also differ in {others}. "
                "Compare fewer folders."
            )
        table[place] = row
    columns, lines = (
        sorted({row.values[key] for row in comparison.rows}, key=_order) for key in (across, up)
    )
    metric = comparison.metric
    values = [[_grid_value(table.get((line, column)), metric) for column in columns] for line in lines]
    known = [value for line in values for value in line if not math.isnan(value)]
    wide = bool(known) and min(known) > 0 and max(known) / min(known) > 20
    norm = (LogNorm if wide else Normalize)(min(known, default=0), max(known, default=1))
    colors = "cividis_r" if higher_is_better(metric) else "cividis"
    axes.set_facecolor("#dddddd")
    picture = axes.imshow(values, norm=norm, cmap=colors, origin="lower", aspect="auto")
    axes.figure.colorbar(picture, label=metric_name(comparison, metric))
    for y, line in enumerate(lines):
        for x, column in enumerate(columns):
            row, value = table.get((line, column)), values[y][x]
            if math.isnan(value):
                text, color = ("not run" if row is None else "diverged"), "black"
            else:
                red, green, blue, _ = picture.cmap(norm(value))
                text, color = f"{value:.4g}", "black" if red + 2 * green + blue > 1.8 else "white"
            best = row is comparison.rows[0]
            axes.text(x, y, text, ha="center", va="center", color=color, weight="bold" if best else "normal")
    axes.set_xticks(range(len(columns)), map(cell, columns))
    axes.set_yticks(range(len(lines)), map(cell, lines))
    axes.set_xlabel(f"{NAMES[across]}, {across}" if across in NAMES else across)
    axes.set_ylabel(f"{NAMES[up]}, {up}" if up in NAMES else up)
    _title(comparison, axes, [across, up])


def _grid_value(row: Row | None, metric: str) -> float:
    value = row.mean(metric) if row and row.runs else None
    return math.nan if value is None else value


def _order(value: Any) -> tuple:
    number = isinstance(value, int | float)
    return (not number, value if number else str(value))


def draw_learning_curves(comparison: Comparison, axes: Axes) -> bool:
    """The metric after each epoch: a line for each row, thin ones for its seeds. False without a history."""
    measure = comparison.metric.partition("/")[0]
    name = next(
        (
            name
            for name in (comparison.metric, f"{measure}/val", "loss/val")
            if any(name in epoch for row in comparison.rows for run in row.runs for epoch in run.history)
        ),
        "loss/val",
    )
    rows, keys = comparison.rows, _telling(comparison) or ["seed"]
    if not comparison.columns:  # at most the seed varies
        rows = [Row({"seed": run.seed}, [run], []) for row in rows for run in row.runs]
        rows += [Row({"seed": run.seed}, [], [run]) for row in comparison.rows for run in row.diverged]
        rows.sort(key=lambda row: _order(row.values["seed"]))
    drawn = [row for row in rows if any(_curve(run, name) for run in row.runs + row.diverged)]
    unseen = [row for row in rows if row.diverged and row not in drawn]
    for number, row in enumerate(drawn[:MOST_LINES]):
        _draw_row(row, name, axes, number, keys)
    for row in unseen:  # diverged within its first epoch
        axes.plot([], [], "x", color=COLORS[1], mew=2, label=f"{_row_label(row, keys)} (diverged in epoch 1)")
    if not drawn:
        return False
    values = [value for row in drawn if row.runs for run in row.runs for value in _curve(run, name)]
    value_axis(comparison, axes, values, name)
    if values:  # a diverged curve would squeeze the others
        low, high = min(values), max(values)
        if axes.get_yscale() == "log":
            axes.set_ylim(low / 1.2, high * 1.3)
        else:
            axes.set_ylim(low - 0.05 * (high - low or 1), high + 0.08 * (high - low or 1))
    guessing_line(comparison, axes, name)
    longest = max(len(_curve(run, name)) for row in drawn for run in row.runs + row.diverged)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlim(0.5 if longest < 12 else 0, longest + 0.5)
    axes.set_xlabel("epoch")
    if len(rows) > 1 or rows[0].diverged:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize="small", handlelength=3)
    _title(comparison, axes, _varied(comparison), more=len(drawn) - MOST_LINES)
    return True


def _draw_row(row: Row, name: str, axes: Axes, number: int, keys: list[str]) -> None:
    style, runs = look(number), row.runs or row.diverged
    curves = [curve for run in runs if (curve := _curve(run, name))]
    if len(curves) > 1:
        for curve in curves:
            axes.plot(range(1, len(curve) + 1), curve, color=style["color"], lw=0.7, alpha=0.4)
    together = [sum(values) / len(values) for values in zip(*curves, strict=False)]  # while all were trained
    label = _row_label(row, keys) + ("" if row.runs else " (diverged)")
    epochs = range(1, len(together) + 1)
    axes.plot(epochs, together, label=label, markevery=max(len(together) // 8, 1), **style)
    if not row.runs:
        axes.plot(len(together), together[-1], "x", color=style["color"], ms=10, mew=2.5)


def _curve(run: Run, name: str) -> list[float]:
    return [epoch[name] for epoch in run.history if math.isfinite(epoch.get(name, math.nan))]


def _row_label(row: Row, keys: list[str]) -> str:
    seeds = f", {len(row.runs)} seeds" if len(row.runs) > 1 else ""
    text = _label(keys, tuple(row.values[key] for key in keys)) + seeds
    return fill(text, LABEL_WIDTH)  # beside the axes, which a long line would leave no room


def _label(keys: list[str], values: tuple) -> str:
    return ", ".join(_one_label(key, value) for key, value in zip(keys, values, strict=True)) or "_"


def _one_label(key: str, value: Any) -> str:
    if isinstance(value, str) and "." not in key:
        return value  # adam says enough without optim=
    return f"{key.rpartition('.')[-1]}={cell(value)}"


def _title(comparison: Comparison, axes: Axes, keys: list[str], more: int = 0) -> None:
    shared = comparison.shared
    what = " on ".join(shared[name] for name in ("model", "data") if shared.get(name))
    if "optim" in shared and "optim" not in keys:
        what += f", {shared['optim']}"
    best = f" (the best {MOST_LINES} of {MOST_LINES + more})" if more > 0 else ""
    varied = ", ".join(keys) if len(keys) < 4 else f"{', '.join(keys[:2])} and {len(keys) - 2} more"
    varied = f"{varied} varied{best}" if keys else ""
    axes.set_title(": ".join(filter(None, (varied, what))), loc="left")
