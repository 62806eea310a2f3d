"""Draw networks from their modules: the layers, shapes and counts are those of the model, not typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Polygon
from torch import Tensor, nn

from intro_dl.figures.engine.style import ink, paper
from intro_dl.visualize.callback import evaluating
from intro_dl.visualize.recorder import record_calls

Point = tuple[float, float]


@dataclass(frozen=True)
class Stage:
    """One layer of a model at work: its name and type, the shape of one output, its trainable parameters."""

    name: str
    type: str
    shape: tuple[int, ...]
    parameters: int


def stages(model: nn.Module, inputs: Tensor, types: Sequence[type[nn.Module]] = ()) -> list[Stage]:
    """Return the layers that a batch passes, in order of execution.

    Args:
        inputs: a batch; of its outputs only the shape counts.
        types: only layers of these types; () for all.
    """
    with evaluating(model), torch.no_grad(), record_calls(model, lambda layer, _, out: (layer, out)) as calls:
        model(inputs)
    return [
        Stage(name, type(layer).__name__, tuple(output.shape[1:]), sum(p.numel() for p in layer.parameters()))
        for name, (layer, output) in calls
        if not types or isinstance(layer, tuple(types))
    ]


def draw_volumes(axes: Axes, shapes: Sequence[tuple[int, ...]], names: Sequence[str]) -> None:
    """Draw the outputs of layers side by side.

    Feature maps (C, H, W) are stacks of squares, vectors (N,) are columns. Sizes grow with the square root of
    the numbers, so that 1 and 1,000 fit one picture.

    Args:
        shapes: of one example, e.g. (6, 28, 28) or (120,).
        names: a text below each; its lines should be short.
    """
    tallest, right, half_text = max(_side(shape) for shape in shapes), 0.0, 0.0
    for number, (shape, name) in enumerate(zip(shapes, names, strict=True)):
        side, sheets = _side(shape), min(shape[0], 12) if len(shape) == 3 else 1
        width, shift, slant = (0.55 * side, 0.13, 0.14 * side) if len(shape) == 3 else (0.35, 0.0, 0.0)
        size = f"{shape[0]}@{shape[1]}x{shape[2]}" if len(shape) == 3 else f"{shape[0]:,}"
        whole = width + (sheets - 1) * shift
        text = 0.13 * max(map(len, [size, *name.split("\n")]))  # half of its width
        x = right + max(0.5, half_text + text - whole / 2 + 0.1) if number else 0.0
        for sheet in reversed(range(sheets)):
            left, bottom = x + sheet * shift, -side / 2 + sheet * shift
            corners = [(left, bottom), (left + width, bottom + slant)]
            corners += [(left + width, bottom + side + slant), (left, bottom + side)]
            axes.add_patch(Polygon(corners, facecolor=f"C{number % 6}", edgecolor=paper(), linewidth=1.2))
        right, half_text = x + whole, max(0.0, text - whole / 2)
        axes.text(x + whole / 2, tallest / 2 + 1.9, size, ha="center", va="bottom", fontsize=13)
        axes.text(x + whole / 2, -tallest / 2 - 0.3, name, ha="center", va="top", fontsize=12)
    axes.set(xlim=(-0.6, right + half_text + 0.2), ylim=(-tallest / 2 - 1.6, tallest / 2 + 2.6))
    axes.set_axis_off()


def _side(shape: tuple[int, ...]) -> float:
    return (shape[-1] if len(shape) == 3 else shape[0] / 4) ** 0.5


def draw_units(
    axes: Axes,
    sizes: Sequence[int],
    off: Sequence[Sequence[int]] = (),
    names: Sequence[str] = (),
) -> list[list[Point]]:
    """Draw a fully connected network: a circle for each unit, a line for each weight.

    Args:
        sizes: units of each layer, e.g. (2, 3, 1).
        off: the units of each layer that are removed: crossed out, without lines.
        names: a text below each layer.

    Returns:
        The places of the units, layer by layer.
    """
    removed = [set(units) for units in off] or [set()] * len(sizes)
    places = [
        [(3.0 * layer, (size - 1) / 2 - unit) for unit in range(size)] for layer, size in enumerate(sizes)
    ]
    for layer in range(len(sizes) - 1):
        for a, start in enumerate(places[layer]):
            for b, end in enumerate(places[layer + 1]):
                if a not in removed[layer] and b not in removed[layer + 1]:
                    axes.plot(*zip(start, end, strict=True), color=ink(), linewidth=0.8, alpha=0.45, zorder=1)
    for layer, row in enumerate(places):
        for unit, (x, y) in enumerate(row):
            gone = unit in removed[layer]
            face = paper() if gone else f"C{min(layer, 1) if layer < len(sizes) - 1 else 2}"
            edge = ink() if gone else paper()
            axes.scatter(
                x,
                y,
                s=520,
                color=face,
                edgecolor=edge,
                linewidth=1.5,
                zorder=2,
                linestyle=":" if gone else "-",
            )
            if gone:
                axes.scatter(x, y, s=180, marker="x", color="C3", linewidth=3, zorder=3)
    bottom = -max(sizes) / 2
    for layer, name in enumerate(names):
        axes.text(3.0 * layer, bottom - 0.15, name, ha="center", va="top", fontsize=13)
    axes.set(
        xlim=(-1, 3.0 * (len(sizes) - 1) + 1), ylim=(bottom - (1.0 if names else 0.2), max(sizes) / 2 + 0.2)
    )
    axes.set_axis_off()
    return places


def draw_nodes(
    axes: Axes,
    places: Mapping[str, Point],
    edges: Sequence[tuple[str, str]],
    texts: Mapping[str, str] = {},
    colors: Mapping[str, str] = {},
    size: Point = (1.5, 0.62),
) -> None:
    """Draw a graph of computations: a box for each node, an arrow for each edge.

    Args:
        places: the center of each node.
        edges: (from, to).
        texts: what stands in a box; its name if it is left out.
        colors: of boxes; the color of the page if left out.
        size: width and height of a box.
    """
    width, height = size
    boxes = {}
    for name, (x, y) in places.items():
        face = colors.get(name, paper())
        corner = (x - width / 2, y - height / 2)
        style = {"boxstyle": "round,pad=0,rounding_size=0.12", "facecolor": face, "edgecolor": ink()}
        boxes[name] = axes.add_patch(FancyBboxPatch(corner, width, height, linewidth=1.5, zorder=2, **style))
        color = paper() if name in colors else ink()
        axes.text(x, y, texts.get(name, name), ha="center", va="center", fontsize=14, color=color, zorder=3)
    for start, end in edges:
        arrow = {"arrowstyle": "-|>,head_length=0.6,head_width=0.3", "color": ink(), "linewidth": 1.6}
        cut = {"patchA": boxes[start], "patchB": boxes[end], "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", places[end], places[start], arrowprops=arrow | cut, zorder=1)
    xs, ys = zip(*places.values(), strict=True)
    axes.set(xlim=(min(xs) - width, max(xs) + width), ylim=(min(ys) - height, max(ys) + height))
    axes.set_axis_off()
