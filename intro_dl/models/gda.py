"""Gaussian discriminant analysis: describe each class by a Gaussian, and compare the densities."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.tasks import Classifier


class GDA(Classifier):
    """One Gaussian and one prior per class; the scores are log p(x, y) (lecture 004).

    By Bayes' rule, their softmax is p(y | x). With one shared covariance matrix the boundaries are straight
    lines, with one per class they are quadratic: linear and quadratic discriminant analysis.

    The same network learns in two ways. loss="nll" maximizes p(x, y) and is generative; its minimum is known:
    the means, covariances and frequencies of the classes. loss="cross_entropy" maximizes p(y | x) and is
    discriminative; with a shared matrix it is logistic regression.

    Args:
        in_shape: (N,), numbers per example.
        num_classes: K.
        shared: one covariance matrix for all classes, or one for each.
        loss: "nll", the mean of -log p(x, y) in nats, or "cross_entropy", of -log p(y | x).
    """

    def __init__(
        self,
        in_shape: tuple[int],
        num_classes: int,
        shared: bool = True,
        loss: Literal["nll", "cross_entropy"] = "nll",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        (n,), matrices = in_shape, 1 if shared else num_classes
        self.means = nn.Parameter(torch.zeros(num_classes, n))
        # The inverse covariance is L L^T: L has `factor` below its diagonal, and exp(log_scale) on it.
        self.factor = nn.Parameter(torch.zeros(matrices, n, n))
        self.log_scale = nn.Parameter(torch.zeros(matrices, n))
        self.prior = nn.Parameter(torch.zeros(num_classes))  # logits

    def forward(self, inputs: Tensor) -> Tensor:
        """Return log p(x, y), (B, K), of inputs (B, N)."""
        L = self.factor.tril(-1) + torch.diag_embed(self.log_scale.exp())  # (K or 1, N, N)
        difference = inputs[:, None] - self.means  # (B, K, N)
        distance = (L.mT @ difference[..., None]).square().sum(dim=(-2, -1))  # (B, K), Mahalanobis, squared
        constant = self.log_scale.sum(dim=-1) - inputs.shape[1] / 2 * math.log(2 * math.pi)  # (K or 1,)
        return self.prior.log_softmax(dim=0) + constant - distance / 2  # (B, K)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        if self.hparams["loss"] == "nll":
            return F.nll_loss(scores, labels)  # the density of the right class, not its share
        return super().loss(scores, labels)

    def chance_loss(self):
        return None if self.hparams["loss"] == "nll" else super().chance_loss()
