"""Points in the plane: the class that a model predicts at each place, or the number."""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks import Classifier, Regressor
from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import COLORS, MARKERS, SEQUENTIAL, new_figure

Extent = tuple[float, float, float, float]  # left, right, bottom, top


@dataclass(kw_only=True, eq=False)
class DecisionRegions(Visualizer):
    """Show the plane in the colors of the predicted classes, with the training points on it.

    Where the probabilities are undecided, the colors of the classes mix; the line is the decision boundary.
    The predictions of a regressor have the color scale of the points.
    """

    resolution: int = 150  # places along each side at which the model predicts

    def draw(self, model, data, writer):
        points, targets = data.splits["train"]
        if data.kind != "points" or points.shape[1] != 2 or not isinstance(model, Classifier | Regressor):
            return
        places, extent = plane(points, self.resolution)
        outputs = outputs_of(model, data, places, batch_size=5_000)
        side = (self.resolution, self.resolution)
        if isinstance(model, Classifier):
            scores = model.probabilities(outputs)  # (H * W, K)
            mixture = scores
            if not model.gives_probabilities:
                mixture = F.one_hot(model.predict(outputs), scores.shape[1]).float()
            scores, mixture = scores.view(*side, -1), mixture.view(*side, -1)
            figure = draw_regions(scores, mixture, extent, points, targets, list(data.class_names))
        else:
            figure = draw_heights(outputs.view(side), extent, points, targets)
        axes, (horizontal, vertical) = figure.axes[0], getattr(data, "features", ("x1", "x2"))
        axes.set(xlabel=horizontal, ylabel=vertical)
        axes.set_title(f"training points, {writer.moment}", loc="left", fontsize="medium")
        writer.figure("regions/plane", figure)


def plane(points: Tensor, resolution: int) -> tuple[Tensor, Extent]:
    """Return places (resolution^2, 2) around points (N, 2), in rows from bottom to top, and their extent."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    margin = 0.05 * (high - low)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    x, y = torch.linspace(left, right, resolution), torch.linspace(bottom, top, resolution)
    return torch.cartesian_prod(y, x).flip(1), (left, right, bottom, top)


def draw_regions(
    scores: Tensor, mixture: Tensor, extent: Extent, points: Tensor, labels: Tensor, classes: list[str]
) -> Figure:
    """Draw the plane, the first row at the bottom, below points (N, 2) with labels (N,).

    Not scikit-learn's DecisionBoundaryDisplay: it does not mix the colors of several classes.

    Args:
        scores: (H, W, K); the largest one is the decision.
        mixture: fraction of each class's color, (H, W, K).
        classes: names of the K classes.
    """
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    colors = [COLORS[k % len(COLORS)] for k in range(len(classes))]
    mixed = mixture.numpy() @ np.array([to_rgb(color) for color in colors])  # (H, W, 3)
    light = (0.6 + 0.4 * mixed).clip(0, 1)  # so that points stand out
    axes.imshow(light, extent=extent, origin="lower", aspect="auto", interpolation="bilinear")
    for k, name in enumerate(classes):
        others = scores[..., [j for j in range(len(classes)) if j != k]].amax(dim=-1)
        lead = scores[..., k] - others  # (H, W), above 0 where k is the decision
        if lead.min() < 0 < lead.max():
            axes.contour(lead.numpy(), [0.0], extent=extent, colors="black", linewidths=1)
        marker = MARKERS[(k + k // len(COLORS)) % len(MARKERS)]
        style = {"s": 16, "c": colors[k], "marker": marker, "edgecolors": "black", "linewidths": 0.4}
        axes.scatter(*points[labels == k].T.numpy(), label=name, **style)
    axes.legend(title="class", fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def draw_heights(predictions: Tensor, extent: Extent, points: Tensor, targets: Tensor) -> Figure:
    """Draw predictions (H, W), the first row at the bottom, below points (N, 2) with targets (N,)."""
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    scale = {"cmap": SEQUENTIAL, "vmin": float(targets.min()), "vmax": float(targets.max())}
    picture = axes.imshow(predictions.numpy(), extent=extent, origin="lower", aspect="auto", **scale)
    axes.scatter(*points.T.numpy(), c=targets.numpy(), s=20, edgecolors="white", linewidths=0.6, **scale)
    figure.colorbar(picture, label="prediction (plane), target (points)")
    return figure
