"""Graphs whose nodes carry features and a class, of which the training split knows only a few."""

from dataclasses import dataclass
from typing import ClassVar

import networkx
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from intro_dl.config.types import Seed, Size
from intro_dl.data.dataset import Split, TensorData
from intro_dl.tasks.node_classifier import UNKNOWN


@dataclass(kw_only=True, eq=False)
class GraphData(TensorData):
    """One graph of N nodes. Abstract: define `NUM_VALIDATION`, `CLASSES` and `draw`.

    A graph is one example, and each split is the whole graph: inputs (1, N, F + N) are the F features of each
    node beside the adjacency matrix, labels (1, N) are -100 except where the split knows them.

    Args:
        split_seed: selects the nodes whose labels are known.
        others: see TensorData.
    """

    batch_size: Size | None = None
    split_seed: Seed = 0

    kind = "graph"
    EXAMPLES = "nodes"
    NUM_VALIDATION: ClassVar[int]

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, list[int]]:
        """Return features (N, F), adjacency (N, N), labels (N,), and the nodes that training knows."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(generator)")

    def load(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(self.split_seed)
        features, adjacency, labels, known = self.draw(generator)
        self.check(labels, known)
        order = [
            node for node in torch.randperm(len(labels), generator=generator).tolist() if node not in known
        ]
        nodes = {"train": known, "val": order[: self.NUM_VALIDATION], "test": order[self.NUM_VALIDATION :]}
        self.edges = int(adjacency.sum()) // 2
        if not self.edges:
            raise ValueError(f"The graph of {type(self).__name__} has no edges: give each node a neighbor.")
        inputs = torch.cat([features, adjacency], dim=1)[None]  # (1, N, F + N)
        splits = {}
        for split, chosen in nodes.items():
            targets = torch.full((1, len(labels)), UNKNOWN)
            targets[0, chosen] = labels[chosen]
            splits[split] = inputs, targets
        return splits

    def check(self, labels: Tensor, known: list[int]) -> None:
        """Raise ValueError if a label (N,) is not that of a class, or a known node is not in the graph."""
        name, most = type(self).__name__, len(self.class_names) - 1
        wrong = labels[(labels < 0) | (labels > most)]
        if len(wrong):
            raise ValueError(f"The graph of {name} has a label {wrong[0]}: choose labels from 0 to {most}.")
        if outside := [node for node in known if not 0 <= node < len(labels)]:
            raise ValueError(
                f"The training of {name} knows the label of node {outside[0]}, but the nodes are 0 to "
                f"{len(labels) - 1}: choose one of these."
            )

    def labels(self) -> Tensor:
        """Return the class of each node, (N,): each split knows some of them."""
        known = torch.stack([labels[0] for _, labels in self.splits.values()])  # (splits, N)
        return known.amax(dim=0)  # UNKNOWN is negative

    def sizes(self) -> dict[str, int]:
        return {split: int((labels != UNKNOWN).sum()) for split, (_, labels) in self.splits.items()}

    def facts(self) -> list[str]:
        return [f"{self.edges:,} edges", *super().facts()]


@dataclass(kw_only=True, eq=False)
class Karate(GraphData):
    """The 34 members of a karate club that split in two, and their 78 friendships (Zachary 1977).

    Only the two leaders are known in training: the instructor, "Mr. Hi" (node 0), and the officer (node 33).
    A member has no features but an own number, one-hot. Source: networkx's `karate_club_graph`.
    """

    dims = {"num_features": 34, "num_classes": 2}
    CLASSES = ("Mr. Hi", "Officer")
    NUM_VALIDATION = 8

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, list[int]]:
        graph = networkx.karate_club_graph()
        adjacency = torch.from_numpy(networkx.to_numpy_array(graph) > 0).float()
        labels = torch.tensor([self.CLASSES.index(graph.nodes[node]["club"]) for node in graph])
        return torch.eye(len(labels)), adjacency, labels, [0, 33]


@dataclass(kw_only=True, eq=False)
class DigitGraph(GraphData):
    """The 1,797 scanned digits of scikit-learn, each joined to the digits whose pixels are nearest.

    Args:
        labels_per_class: digits of each class whose label training knows, drawn with `split_seed`.
        neighbors: number of nearest digits that a digit is joined to; with 10, about 95 % of the edges join
            equal digits.
        others: see GraphData.
    """

    labels_per_class: Size = 5
    neighbors: Size = 10

    dims = {"num_features": 64, "num_classes": 10}
    NUM_VALIDATION = 200

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, list[int]]:
        pixels, target = load_digits(return_X_y=True)
        if max(self.neighbors, 10 * self.labels_per_class) > 1_000:
            raise ValueError(
                f"data.neighbors={self.neighbors} and data.labels_per_class={self.labels_per_class} leave "
                "too few of the 1,797 digits: choose at most 1,000 neighbors and 100 labels per class."
            )
        nearest = NearestNeighbors(n_neighbors=self.neighbors).fit(pixels).kneighbors(return_distance=False)
        directed = torch.zeros(len(target), len(target)).scatter(1, torch.from_numpy(nearest), 1.0)
        adjacency, labels = torch.maximum(directed, directed.T), torch.from_numpy(target).long()
        shuffled = torch.randperm(len(labels), generator=generator)
        known = [
            node
            for digit in range(10)
            for node in shuffled[labels[shuffled] == digit][: self.labels_per_class].tolist()
        ]
        return torch.from_numpy(pixels).float() / 16, adjacency, labels, known
