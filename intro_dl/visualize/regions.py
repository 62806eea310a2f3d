"""Data in the plane: which class the model sees where, or which number it predicts."""

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks import Classifier
from intro_dl.visualize.callback import Look, class_names, is_plane, outputs_on
from intro_dl.visualize.style import AMOUNTS, COLORS, MARKERS, new_figure


class DecisionRegions(Look):
    """The plane, colored by what the model says of each place, with the training points on it.

    Where its probabilities hesitate, the colors of the classes mix; the line is where the decision
    changes. The prediction of a regressor is drawn as a map of heights, in the colors of the points.

    Args:
        resolution: places along each side at which the model is asked.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, resolution: int = 150, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.resolution = resolution

    def look(self, model, data, board):
        if not is_plane(data):
            return
        points, targets = data.splits["train"]
        places, extent = plane(points, self.resolution)
        outputs = outputs_on(model, data, places, batch_size=5_000)
        side = (self.resolution, self.resolution)
        names = getattr(data, "features", ("x1", "x2"))
        if isinstance(model, Classifier):
            decisions = model.predict(outputs).view(side)
            shares = F.one_hot(decisions, data.dims["num_classes"]).float()
            if model.gives_probabilities:
                shares = model.probabilities(outputs).view(*side, -1)
            figure = draw_regions(decisions, shares, extent, points, targets, class_names(data))
        else:
            figure = draw_heights(outputs.view(side), extent, points, targets)
        figure.axes[0].set(xlabel=names[0], ylabel=names[1])
        figure.axes[0].set_title(f"training points, {board.moment}", loc="left", fontsize="medium")
        board.figure("regions/plane", figure)


def plane(points: Tensor, resolution: int) -> tuple[Tensor, tuple[float, float, float, float]]:
    """Places (resolution^2, 2) in rows from bottom to top, around points (N, 2), and where it ends."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    margin = 0.05 * (high - low)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    x, y = torch.linspace(left, right, resolution), torch.linspace(bottom, top, resolution)
    return torch.cartesian_prod(y, x).flip(1), (left, right, bottom, top)


def draw_regions(
    decisions: Tensor, shares: Tensor, extent: tuple, points: Tensor, labels: Tensor, classes: list[str]
) -> Figure:
    """Decisions (H, W) and probabilities (H, W, K), the first row at the bottom, below points (N, 2)."""
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    looks = [
        (COLORS[k % len(COLORS)], MARKERS[(k + k // len(COLORS)) % len(MARKERS)]) for k in range(len(classes))
    ]
    colors = np.array([to_rgb(color) for color, _ in looks])  # (K, 3)
    mixed = 1 - 0.4 * (1 - shares.numpy() @ colors)  # (H, W, 3), lightened so that points stand out
    axes.imshow(mixed.clip(0, 1), extent=extent, origin="lower", aspect="auto", interpolation="bilinear")
    for k in range(len(classes)):
        if 0 < (decisions == k).float().mean() < 1:
            axes.contour((decisions == k).float().numpy(), [0.5], extent=extent, colors="black", linewidths=1)
    for k, ((color, marker), name) in enumerate(zip(looks, classes, strict=True)):
        mine = points[labels == k]
        axes.scatter(
            *mine.T.numpy(), s=16, c=color, marker=marker, edgecolors="black", linewidths=0.4, label=name
        )
    axes.legend(title="class", fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def draw_heights(predictions: Tensor, extent: tuple, points: Tensor, targets: Tensor) -> Figure:
    """Predictions (H, W), the first row at the bottom, below points (N, 2) with targets (N,)."""
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    low, high = float(targets.min()), float(targets.max())
    picture = axes.imshow(
        predictions.numpy(), extent=extent, origin="lower", aspect="auto", cmap=AMOUNTS, vmin=low, vmax=high
    )
    axes.scatter(
        *points.T.numpy(),
        c=targets.numpy(),
        s=20,
        cmap=AMOUNTS,
        vmin=low,
        vmax=high,
        edgecolors="white",
        linewidths=0.6,
    )
    figure.colorbar(picture, label="prediction (plane), target (points)")
    return figure
