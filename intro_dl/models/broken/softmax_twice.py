"""A model with a deliberate mistake, for `experiment=broken/softmax_twice`. Do not copy it."""

import math

from torch import Tensor, nn

from intro_dl.config.types import Width
from intro_dl.tasks import Classifier


class SoftmaxTwice(Classifier):
    """A multilayer perceptron that ends in a softmax; its loss, cross-entropy, applies softmax again.

    Args:
        in_shape: shape of one input; flattened to N numbers.
        num_classes: number of outputs K, which are wrongly probabilities instead of logits.
        hidden: units of the hidden layer.
    """

    def __init__(self, in_shape: tuple[int, ...], num_classes: int, hidden: Width = 100) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(math.prod(in_shape), hidden),
            nn.ReLU(),
            nn.Linear(hidden, num_classes),
            nn.Softmax(dim=1),  # the mistake: Classifier.loss expects what comes before it
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return probabilities (B, K) of inputs (B, *in_shape); they should be logits."""
        return self.layers(inputs)  # (B, K)
