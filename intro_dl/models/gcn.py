"""A graph convolutional network: each node mixes the features of its neighbors, then classifies itself."""

import torch
from torch import Tensor, nn

from intro_dl.config.types import Fraction, Size
from intro_dl.tasks import NodeClassifier


class GCN(NodeClassifier):
    """Two graph convolutions (Kipf and Welling 2017): H' = g(D^-1/2 (A + I) D^-1/2 H W).

    A is the adjacency matrix and D the number of neighbors of each node, itself included.

    Args:
        num_features: F, numbers per node.
        num_classes: K.
        hidden: units per node between the two convolutions.
        neighbors: False replaces A by 0: the same network reads each node alone, an MLP.
        dropout: probability of zeroing a hidden unit, in [0, 1).
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: Size = 16,
        neighbors: bool = True,
        dropout: Fraction = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.first = nn.Linear(num_features, hidden)
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(hidden, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (1, N, K) of a graph (1, N, F + N): features beside the adjacency matrix."""
        features, adjacency = inputs.split([self.hparams["num_features"], inputs.shape[1]], dim=-1)
        mix = self.mixture(adjacency)  # (1, N, N)
        hidden = torch.relu(mix @ self.first(features))  # (1, N, hidden)
        return mix @ self.second(self.dropout(hidden))  # (1, N, K)

    def mixture(self, adjacency: Tensor) -> Tensor:
        """Return D^-1/2 (A + I) D^-1/2, (1, N, N): how much of each node flows into each other node."""
        itself = torch.eye(adjacency.shape[-1], device=adjacency.device)
        joined = adjacency * self.hparams["neighbors"] + itself
        scale = joined.sum(dim=-1).rsqrt()  # (1, N), D^-1/2
        return scale[..., :, None] * joined * scale[..., None, :]
