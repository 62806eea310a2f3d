"""The multilayer perceptron for numbers instead of classes: one linear output, mean squared error."""

import math

from torch import Tensor, nn

from intro_dl.config.types import Fraction, NonNegative, Widths
from intro_dl.models.layers import Activation, Init, initialize, make_activation
from intro_dl.tasks import Regressor


class MLPRegressor(Regressor):
    """A fully connected network that predicts a number, e.g. the final grades of lectures 000 and 003.

    The output has no activation: a sigmoid would bound the prediction to (0, 1).

    Args:
        in_shape: shape of one input, e.g. (2,); flattened to N numbers.
        hidden: number of units of each hidden layer; () is linear regression.
        activation: g between the layers: relu, sigmoid, tanh, or identity (all is then one linear map).
        init: initial weights: torch's "default", "normal", "xavier", "he" or "zeros".
        sigma: standard deviation of init="normal" and "truncated_normal".
        dropout: probability of zeroing a hidden unit, in [0, 1).
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        hidden: Widths = (200, 100),
        activation: Activation = "relu",
        init: Init = "default",
        sigma: NonNegative = 0.1,
        dropout: Fraction = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        sizes = [math.prod(in_shape), *hidden]
        layers = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n_in, n_out), make_activation(activation), nn.Dropout(dropout)]
        self.features = nn.Sequential(*layers)
        self.output = nn.Linear(sizes[-1], 1)
        initialize(self, init, sigma)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return predictions (B,) of inputs (B, *in_shape)."""
        x = self.features(inputs.flatten(1))  # (B, N) -> (B, hidden[-1])
        return self.output(x).squeeze(1)  # (B, 1) -> (B,); with (B, 1) the loss would compare all pairs
