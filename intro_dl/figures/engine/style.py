"""One style for all figures: large type, a palette for color-blind readers, a light and a dark theme."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design" (2008): "C0" is blue, "C1" red, "C2" green, "C3" pink, "C4" orange,
# "C5" light blue. Of each color the dark theme has a light tone.
LIGHT = ["#0072B2", "#D55E00", "#009E73", "#B8578F", "#C78500", "#3A9BD9"]
DARK = ["#56B4E9", "#FF8F50", "#35C69B", "#EC9CC9", "#F2C14E", "#A5C8FF"]
PAGES = {"light": ("white", "#1d2330", "#9aa3b2", LIGHT), "dark": ("#14171d", "#e6e9ef", "#6b7484", DARK)}
WIDTH, HEIGHT = 10.0, 5.6  # inches: the format of a slide


def _settings(theme: str) -> dict[str, Any]:
    page, text, line, colors = PAGES[theme]
    return {
        "figure.facecolor": page,
        "savefig.facecolor": page,
        "axes.facecolor": page,
        "text.color": text,
        "axes.labelcolor": text,
        "axes.titlecolor": text,
        "axes.edgecolor": line,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelcolor": text,
        "ytick.labelcolor": text,
        "grid.color": line,
        "axes3d.xaxis.panecolor": page,
        "axes3d.yaxis.panecolor": page,
        "axes3d.zaxis.panecolor": page,
        "axes.prop_cycle": cycler(color=colors),
        **{f"axes3d.{axis}axis.panecolor": page for axis in "xyz"},
        "font.size": 15,
        "axes.titlesize": 16,
        "axes.titlelocation": "left",
        "figure.titlesize": 18,
        "xtick.labelsize": 13,
        "ytick.labelsize": 13,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 2.5,
        "lines.markersize": 8,
        "image.cmap": "viridis",
        "figure.constrained_layout.use": True,
        "figure.dpi": 100,
        "svg.hashsalt": "intro_dl",  # the same picture gives the same file
    }


_theme = "light"


@contextmanager
def theme(name: str):
    """Draw in the theme "light" or "dark", and restore the settings of matplotlib afterwards."""
    global _theme
    before, _theme = _theme, name
    try:
        with plt.rc_context():
            yield
    finally:
        _theme = before


def canvas(rows: int = 1, columns: int = 1, height: float = HEIGHT, **options: Any) -> tuple[Figure, Any]:
    """Return a figure as wide as a slide in the house style, and its axes as `plt.subplots` does.

    Args:
        rows, columns: of axes.
        height: of the figure in inches; it is 10 inches wide.
        options: of `plt.subplots`, e.g. subplot_kw={"projection": "3d"}.
    """
    plt.rcParams.update(_settings(_theme))
    return plt.subplots(rows, columns, figsize=(WIDTH, height), **options)


def ink() -> str:
    """Return the color of text, for lines and points that belong to no curve."""
    return PAGES[_theme][1]


def paper() -> str:
    """Return the color of the page."""
    return PAGES[_theme][0]


def animate(
    figure: Figure, frame: Callable[[int], Any], frames: int | Sequence[int], seconds: float = 8.0
) -> FuncAnimation:
    """Return the figure as a film, and leave its last frame as the still picture.

    Args:
        frame: draws frame k: changes the artists of the figure.
        frames: their number, or the k of each.
        seconds: how long the film runs, with a rest on its last frame.
    """
    order = list(range(frames)) if isinstance(frames, int) else list(frames)
    rest = max(len(order) // 4, 2)
    pace = 1000 * seconds / (len(order) + rest)
    film = FuncAnimation(
        figure, frame, frames=[*order, *[order[-1]] * rest], interval=pace, init_func=lambda: []
    )
    frame(order[-1])
    return film
