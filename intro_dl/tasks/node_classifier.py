"""Classify the nodes of a graph, of which only some labels are known."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task

UNKNOWN = -100  # the label of a node that a split does not know


class NodeClassifier(Task):
    """Score K classes for each node: cross-entropy and accuracy over the nodes whose labels are known.

    The inputs are (1, N, F + N), features beside the adjacency matrix; the labels (1, N).
    """

    leading = "accuracy"
    several_devices = False  # there is one graph

    def metrics(self, batch):
        inputs, labels = batch
        scores = self(inputs)  # (1, N, K)
        known = labels != UNKNOWN
        accuracy = (scores.argmax(dim=-1) == labels)[known].float().mean()
        return {"loss": F.cross_entropy(scores[known], labels[known]), "accuracy": accuracy}

    def count(self, batch, metric="loss"):
        return int((batch[1] != UNKNOWN).sum())

    def chance_loss(self):
        return math.log(self.hparams["num_classes"])

    def rivals(self, train, test):
        """Return the accuracy of label propagation."""
        (inputs, known), (_, labels) = train, test
        spread = propagate_labels(inputs[0, :, -inputs.shape[1] :], known[0], self.hparams["num_classes"])
        measured = labels[0] != UNKNOWN
        return {"label propagation": (spread == labels[0])[measured].float().mean().item()}


def propagate_labels(adjacency: Tensor, labels: Tensor, num_classes: int, steps: int = 1000) -> Tensor:
    """Let the known labels spread along the edges, and return the most frequent class of each node, (N,).

    In each step a node takes the mean of its neighbors' class shares; known nodes keep their own. Nothing is
    learned. Source: Zhu and Ghahramani 2002, label propagation.

    Args:
        adjacency: (N, N), 1 where two nodes are joined.
        labels: (N,), -100 where unknown.
    """
    known = labels != UNKNOWN
    shares = torch.full((len(labels), num_classes), 1 / num_classes)
    shares[known] = F.one_hot(labels[known], num_classes).float()
    mean = adjacency / adjacency.sum(dim=1, keepdim=True).clamp(min=1)
    for _ in range(steps):
        shares = torch.where(known[:, None], shares, mean @ shares)
    return shares.argmax(dim=1)
