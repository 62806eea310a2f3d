"""The autoencoder: layers that narrow down to a short code, and the same layers in reverse."""

import math
from typing import Any

import torch
from torch import Tensor

from intro_dl.config.types import NonNegative, Width, Widths
from intro_dl.models.layers import Activation, linear_layers
from intro_dl.tasks import Autoencoder


class MLPAutoencoder(Autoencoder):
    """784-256-64-2-64-256-784 on images of 28x28 pixels; neither the code nor the output has an activation.

    Without hidden layers it is linear, and its error is that of PCA (Baldi and Hornik 1989). With 2 codes the
    hidden layers help; with 32, PCA is better: these digits are 8x8 images enlarged, and so nearly flat.

    Source: Hinton and Salakhutdinov (2006), lecture 001; noise: Vincent et al. (2008).

    Args:
        in_shape: shape of one input, flattened to N numbers.
        code_size: how many numbers a code has, at most N.
        hidden: number of units of each hidden layer of the encoder; () is linear.
        activation: g between the layers.
        noise: standard deviation of the noise on training inputs, which the output should not have: the
            denoising autoencoder.
    """

    code_mean: Tensor
    code_root: Tensor

    def __init__(
        self,
        in_shape: tuple[int, ...],
        code_size: Width = 2,
        hidden: Widths = (256, 64),
        activation: Activation = "relu",
        noise: NonNegative = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        numbers = math.prod(in_shape)
        if code_size > numbers:
            raise ValueError(
                f"Invalid model.code_size={code_size}: an input has only {numbers} numbers. "
                f"Choose at most {numbers}."
            )
        self.encoder = linear_layers([numbers, *hidden, code_size], activation)
        self.decoder = linear_layers([code_size, *reversed(hidden), numbers], activation)
        self.register_buffer("code_mean", torch.zeros(code_size))
        self.register_buffer("code_root", torch.eye(code_size))  # root @ root.T is the covariance

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the codes (B, code_size) of inputs (B, *in_shape)."""
        return self.encoder(inputs.flatten(1))  # (B, N) -> (B, code_size)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the inputs (B, *in_shape) that codes (B, code_size) stand for."""
        return self.decoder(codes).unflatten(1, self.hparams["in_shape"])  # (B, N) -> (B, *in_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return inputs (B, *in_shape), restored from their codes."""
        noise = self.hparams["noise"] if self.training else 0.0
        return self.decode(self.encode(inputs + noise * torch.randn_like(inputs)))  # (B, *in_shape)

    def on_validation_epoch_end(self):
        """Fit a normal distribution to the codes of the validation split, for `draw`."""
        data: Any = getattr(self.trainer, "datamodule", None)
        if data is None:  # fit() was given bare loaders
            return
        codes = self.encode(data.whole("val")[0].to(self.device))
        values, vectors = torch.linalg.eigh(codes.T.cov().view(2 * codes.shape[1:]))
        self.code_mean.copy_(codes.mean(dim=0))
        self.code_root.copy_(vectors * values.clamp(min=0).sqrt())

    def draw(self, count, generator=None):
        noise = torch.randn(count, self.hparams["code_size"], generator=generator, device=self.device)
        return self.decode(self.code_mean + noise @ self.code_root.T)
