"""The multilayer perceptron: linear maps with a non-linear function between them."""

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.config.types import Fraction, NonNegative, Widths
from intro_dl.models.layers import Activation, Init, initialize, make_activation
from intro_dl.tasks import Classifier


class MLP(Classifier):
    """A fully connected network, e.g. 784-200-100-60-30-10 (lecture 001) or 784-500-500-10 (lecture 002).

    Args:
        in_shape: shape of one input, e.g. (1, 28, 28) or (2,); flattened to N numbers.
        num_classes: number of logits K.
        hidden: number of units of each hidden layer; () is softmax regression.
        activation: g between the layers: relu, sigmoid, tanh, or identity (all is then one linear map).
        init: initial weights: torch's "default", "normal" as on the slides, N(0, sigma^2), "xavier",
            "he", or "zeros" (all hidden units then stay equal).
        sigma: standard deviation of init="normal" and "truncated_normal".
        dropout: probability of zeroing a hidden unit, in [0, 1).
        batch_norm: normalize each hidden unit over the batch, before g.
        loss: "cross_entropy", or "mse" between the softmax and the one-hot label (lecture 002's example).
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        num_classes: int,
        hidden: Widths = (200, 100),
        activation: Activation = "relu",
        init: Init = "default",
        sigma: NonNegative = 0.1,
        dropout: Fraction = 0.0,
        batch_norm: bool = False,
        loss: Literal["cross_entropy", "mse"] = "cross_entropy",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        sizes = [math.prod(in_shape), *hidden]
        layers = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
            layers.append(nn.Linear(n_in, n_out))  # n_in * n_out weights, n_out biases
            if batch_norm:
                layers.append(nn.BatchNorm1d(n_out))
            layers += [make_activation(activation), nn.Dropout(dropout)]
        self.features = nn.Sequential(*layers)
        self.logits = nn.Linear(sizes[-1], num_classes)
        initialize(self, init, sigma)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, K) of inputs (B, *in_shape)."""
        x = self.features(inputs.flatten(1))  # (B, N) -> (B, hidden[-1])
        return self.logits(x)  # (B, K)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        if self.hparams["loss"] == "cross_entropy":
            return super().loss(scores, labels)
        return F.mse_loss(scores.softmax(dim=1), F.one_hot(labels, scores.shape[1]).float())
