"""Softmax regression: one linear map from the input to a score for each class, and a softmax."""

import math

from torch import Tensor, nn

from intro_dl.tasks import Classifier


class SoftmaxRegression(Classifier):
    """Multinomial logistic regression, "10 vectors and 10 biases" on MNIST (lecture 001).

    The softmax is part of the loss (cross-entropy), so the model returns the scores before it: the logits.

    Args:
        in_shape: shape of one input, e.g. (1, 28, 28) or (2,); flattened to N numbers.
        num_classes: number of logits K.
    """

    def __init__(self, in_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.logits = nn.Linear(math.prod(in_shape), num_classes)  # N * K weights, K biases

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, K) of inputs (B, *in_shape)."""
        return self.logits(inputs.flatten(1))  # (B, N) -> (B, K)
