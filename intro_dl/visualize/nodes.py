"""A graph in the colors of the predicted classes."""

from dataclasses import dataclass

import networkx
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.data.graph import UNKNOWN
from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import COLORS, new_figure

MOST_NODES = 300  # of a larger graph one would see only a ball of lines


@dataclass(kw_only=True, eq=False)
class NodeColors(Visualizer):
    """Show the nodes of a graph in the color of the predicted class, known nodes larger, mistakes ringed."""

    def draw(self, model, data, writer):
        inputs, known = data.splits["train"]
        count = known.shape[1]
        if data.kind != "graph" or count > MOST_NODES:
            return
        predicted = outputs_of(model, data, inputs)[0].argmax(dim=-1)  # (N,)
        figure = draw_graph(
            inputs[0, :, -count:], predicted, data.labels(), known[0] != UNKNOWN, list(data.class_names)
        )
        figure.axes[0].set_title(f"predicted classes, {writer.moment}", loc="left", fontsize="medium")
        writer.figure("graph/nodes", figure)


def draw_graph(
    adjacency: Tensor, predicted: Tensor, labels: Tensor, known: Tensor, classes: list[str]
) -> Figure:
    """Draw N nodes where springs along the edges would pull them; the layout does not change with the colors.

    Args:
        adjacency: (N, N).
        predicted, labels: classes, (N,).
        known: whether training knows the label, (N,).
        classes: names of the K classes.
    """
    graph = networkx.from_numpy_array(adjacency.numpy())
    place = np.array(list(networkx.spring_layout(graph, seed=3).values()))  # (N, 2)
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    for one, other in graph.edges:
        axes.plot(*place[[one, other]].T, color="0.75", linewidth=0.8, zorder=1)
    for k, name in enumerate(classes):
        nodes = (predicted == k).numpy()
        sizes = np.where(known.numpy()[nodes], 420, 180)
        edges = ["red" if wrong else "white" for wrong in (labels != predicted)[predicted == k]]
        color = COLORS[k % len(COLORS)]
        axes.scatter([], [], s=120, c=color, label=name)  # for the legend, without rings
        axes.scatter(*place[nodes].T, s=sizes, c=color, edgecolors=edges, linewidths=2)
    for node, (x, y) in enumerate(place):
        axes.text(x, y, str(node), ha="center", va="center", fontsize=7, color="white", zorder=3)
    axes.legend(title="predicted", fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    axes.set(xticks=[], yticks=[], xlabel="large: label known in training; red ring: wrong")
    return figure
