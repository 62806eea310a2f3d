"""Classify: score K classes, and learn by cross-entropy."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task


class Classifier(Task):
    """Score K classes: softmax cross-entropy, and the fraction of correct answers."""

    leading = "accuracy"
    gives_probabilities: ClassVar[bool] = True  # whether its loss makes `probabilities` probabilities

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy in nats of scores (B, K) and labels (B,)."""
        return F.cross_entropy(scores, labels)

    def predict(self, scores: Tensor) -> Tensor:
        """Return the class with the highest score, (B,)."""
        return scores.argmax(dim=1)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return the softmax of scores (B, K)."""
        return scores.softmax(dim=1)

    def metrics(self, batch):
        inputs, labels = batch
        scores = self(inputs)
        accuracy = (self.predict(scores) == labels).float().mean()
        return {"loss": self.loss(scores, labels), "accuracy": accuracy}

    def chance_loss(self) -> float | None:
        scores = torch.zeros(1, self.hparams["num_classes"])  # all classes equal: log K for cross-entropy
        return float(self.loss(scores, torch.zeros(1, dtype=torch.long)))
