"""Classify: score K classes, and learn by cross-entropy."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task


class Classifier(Task):
    """A model that scores K classes: softmax cross-entropy, and the share of right answers."""

    gives_probabilities: ClassVar[bool] = True  # whether its loss asks that `probabilities` be such

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy, in nats, of scores (B, K) and labels (B,)."""
        return F.cross_entropy(scores, labels)

    def predict(self, scores: Tensor) -> Tensor:
        """The class with the highest score, (B,)."""
        return scores.argmax(dim=1)

    def probabilities(self, scores: Tensor) -> Tensor:
        """The softmax of scores (B, K): what each class is given, (B, K)."""
        return scores.softmax(dim=1)

    def chance_loss(self):
        equal = torch.zeros(1, self.hparams.num_classes)
        return float(self.loss(equal, torch.zeros(1, dtype=torch.long)))

    def metrics(self, batch):
        inputs, labels = batch
        scores = self(inputs)
        accuracy = (self.predict(scores) == labels).float().mean()
        return {"loss": self.loss(scores, labels), "accuracy": accuracy}
