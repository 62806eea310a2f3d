"""Draw the learning curves of one run: curves.png in its folder, and `run.plot()`."""

from collections.abc import Sequence

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from intro_dl.runs.files import write_whole
from intro_dl.runs.folder import RunFolder
from intro_dl.visualize.style import COLORS, pixels, png

SPLITS = {"train": ("training", "-"), "val": ("validation", "--"), "test": ("test", ":")}


class Curves(Figure):
    """A figure that each notebook shows, also one in which pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        return png(pixels(self))


@style.context("default")  # a notebook may have set another, in which the texts would overlap
def learning_curves(history: Sequence[dict[str, float]], best_epoch: int | None = None) -> Figure:
    """Draw the loss and the second metric of a run side by side, each split in its own color and line style.

    Args:
        history: one row per epoch, as in history.csv; `epoch` counts from 1.
        best_epoch: the epoch to mark.
    """
    names = list(dict.fromkeys(name.partition("/")[0] for row in history for name in row if "/" in name))[:2]
    width, height = 4 * max(len(names), 1), 3
    figure = Curves(figsize=(width, height), dpi=100, facecolor="white")
    # The layout "constrained" would take half a second.
    figure.subplots_adjust(0.5 / width, 0.5 / height, 1 - 0.1 / width, 1 - 0.35 / height, wspace=0.2)
    for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        for color, (split, (label, dashes)) in zip(COLORS, SPLITS.items(), strict=False):
            rows = [row for row in history if f"{name}/{split}" in row]
            if rows:
                epochs, values = [row["epoch"] for row in rows], [row[f"{name}/{split}"] for row in rows]
                marker = "." if len(rows) < 12 else None
                axes.plot(epochs, values, dashes, color=color, marker=marker, label=label)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="gray", lw=1, ls=":", zorder=0, label=f"best: epoch {best_epoch}")
        axes.set_xlabel("epoch")
        axes.set_title(name.replace("_", " "), y=1.0)  # without y, matplotlib measures where ticks would be
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    return figure


def write_curves(folder: RunFolder, best_epoch: int | None) -> np.ndarray | None:
    """Write curves.png, completely or not at all; return its pixels, or None before the first epoch."""
    history = folder.read_history()
    if not history:
        return None
    drawn = pixels(learning_curves(history, best_epoch))
    write_whole(folder.curves_file, png(drawn))
    return drawn
