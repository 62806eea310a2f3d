"""The perceptron of the lectures: one neuron, a weighted sum and a non-linear function of it."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.tasks import Classifier

FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "step": lambda z: torch.heaviside(z, torch.zeros_like(z)),
}


class Perceptron(Classifier):
    """y = g(w0 + x . w), lectures 000 and 003. With the sigmoid, y is the probability of class 1.

    Trained with binary cross-entropy it is logistic regression: a convex problem, so it may start at zero.

    Args:
        in_shape: shape of one input, e.g. (2,) or (1, 28, 28); flattened to N numbers.
        num_classes: 2, as one neuron separates class 1 from class 0.
        activation: g. Only sigmoid can be trained: y of tanh, relu and step is not a probability.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        num_classes: int,
        activation: Literal["sigmoid", "tanh", "relu", "step"] = "sigmoid",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if num_classes != 2:
            raise ValueError(
                f"Perceptron is one neuron and separates 2 classes, but the data have {num_classes}. "
                "Choose data of 2 classes, e.g. data=pass_class, or model=softmax, one neuron for each class."
            )
        self.g = FUNCTIONS[activation]
        self.w0 = nn.Parameter(torch.zeros(()))
        self.w = nn.Parameter(torch.zeros(math.prod(in_shape)))

    def weighted_sum(self, inputs: Tensor) -> Tensor:
        """Return z = w0 + x . w, (B,), of inputs (B, *in_shape); z = 0 is a line in 2-D, else a plane."""
        return self.w0 + inputs.flatten(1) @ self.w  # (B, N) @ (N,) -> (B,)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return y = g(z), (B,), of inputs (B, *in_shape)."""
        return self.g(self.weighted_sum(inputs))  # (B,)

    def predict(self, outputs: Tensor) -> Tensor:
        """Return class 1 where z > 0, that is y > g(0), since no g decreases; (B,)."""
        return (outputs > self.g(outputs.new_zeros(()))).long()

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return 1 - y and y, (B, 2)."""
        self._check_trainable()
        return torch.stack([1 - outputs, outputs], dim=1)

    def metrics(self, batch):
        self._check_trainable()
        inputs, labels = batch
        z = self.weighted_sum(inputs)
        # Computed from z, not y: log(sigmoid(z)) stays finite where the sigmoid rounds to 0 or 1.
        loss = F.binary_cross_entropy_with_logits(z, labels.to(z.dtype))
        accuracy = (self.predict(self.g(z)) == labels).float().mean()
        return {"loss": loss, "accuracy": accuracy}

    def _check_trainable(self) -> None:
        if self.hparams["activation"] != "sigmoid":
            raise ValueError(
                f"model.activation={self.hparams['activation']} cannot be trained with cross-entropy: y is "
                "not a probability. Train with model.activation=sigmoid."
            )
