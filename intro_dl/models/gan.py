"""The generative adversarial network of two multilayer perceptrons, for points and small images."""

import math

import torch
from torch import Tensor

from intro_dl.config.types import Width, Widths
from intro_dl.models.layers import Activation, linear_layers
from intro_dl.tasks import Adversarial


class GAN(Adversarial):
    """Z-128-128-N turns noise into an input, and N-128-128-1 tells drawn inputs from real ones.

    Source: Goodfellow et al. (2014), Generative Adversarial Nets; `data=ring`: Metz et al. (2017).

    Args:
        in_shape: shape of one input, flattened to N numbers.
        noise_size: Z, how many standard normal numbers the generator reads.
        hidden: number of units of each hidden layer, of both networks.
        activation: g between the layers.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        noise_size: Width = 2,
        hidden: Widths = (128, 128),
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        numbers = math.prod(in_shape)
        self.generator = linear_layers([noise_size, *hidden, numbers], activation)
        self.discriminator = linear_layers([numbers, *hidden, 1], activation)

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `count` new inputs (count, *in_shape)."""
        noise = torch.randn(count, self.hparams["noise_size"], generator=generator, device=self.device)
        return self.generator(noise).unflatten(1, self.hparams["in_shape"])  # (count, *in_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B,) of inputs (B, *in_shape): above 0 for those that look real."""
        return self.discriminator(inputs.flatten(1)).squeeze(1)  # (B,)
