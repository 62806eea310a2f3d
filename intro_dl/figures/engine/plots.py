"""What several figures draw: points of classes, decision regions, names at the ends of lines."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from intro_dl.figures.engine.style import ink, paper

SHAPES = "os^D"  # of the points of each class: color alone does not tell them apart


def points(axes: Axes, inputs: Tensor, labels: Tensor, names: Sequence[str] = (), **options: Any) -> None:
    """Draw points (n, 2) in the color and shape of their class.

    Args:
        labels: the class of each point, (n,).
        names: of the classes, for a legend; none by default.
        options: of `Axes.scatter`.
    """
    for number in labels.unique().long().tolist():
        chosen = inputs[labels == number]
        label = names[number] if names else None
        style: Any = {"s": 45, "edgecolor": paper(), "linewidth": 0.8, "zorder": 3} | options
        axes.scatter(*chosen.T.tolist(), color=f"C{number}", marker=SHAPES[number], label=label, **style)


@torch.no_grad()
def regions(
    axes: Axes, answer: Callable[[Tensor], Tensor], x: tuple[float, float], y: tuple[float, float]
) -> None:
    """Color the plane by class, and draw the boundaries as lines.

    Args:
        answer: the class (n,) of each point (n, 2), or with two classes the probability of class 1.
        x, y: the limits of the plane.
    """
    side = 200
    grid = torch.cartesian_prod(torch.linspace(*x, side), torch.linspace(*y, side))
    values = answer(grid).float().reshape(side, side).T
    classes = int(values.max().round()) + 1 if values.max() > 1 else 2
    extent = (*x, *y)
    levels = [number - 0.5 for number in range(classes + 1)]
    colors = [f"C{number}" for number in range(classes)]
    axes.contourf(values, levels, colors=colors, alpha=0.22, extent=extent, extend="both")
    crossed = [level for level in levels[1:-1] if values.min() < level < values.max()]
    if crossed:
        axes.contour(values, crossed, colors=[ink()], linewidths=1.8, extent=extent)
    axes.set(xlim=x, ylim=y)


def label_ends(axes: Axes, gap: float = 1.25, **options: Any) -> None:
    """Write the name of each line beside its right end, in its color, instead of a legend.

    Names that would overlap are moved apart. Call it when the limits of the axes are final.

    Args:
        gap: the least distance of two names, in heights of a line of text.
        options: of `Axes.annotate`.
    """
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    axes.figure.canvas.draw()  # the limits and the layout
    low, high = axes.bbox.y0, axes.bbox.y1
    size = options.get("fontsize", 14)
    height = gap * size * axes.figure.dpi / 72
    ends = [axes.transData.transform(np.asarray(line.get_xydata())[-1]) for line in lines]
    order = sorted(range(len(lines)), key=lambda index: ends[index][1])
    places: list[float] = []
    for index in order:
        wanted = min(max(ends[index][1], low), high)
        places.append(max(wanted, places[-1] + height) if places else wanted)
    top = high
    for index in reversed(range(len(places))):  # those above the axes move down again
        places[index] = min(places[index], top)
        top = places[index] - height
    for place, index in zip(places, order, strict=True):
        line = lines[index]
        y = axes.transAxes.inverted().transform((0, place))[1]
        axes.annotate(
            str(line.get_label()),
            (1.0, y),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            **{"fontsize": size} | options,
        )
