"""The variational autoencoder: each code is a normal distribution, and so are all codes together."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.config.types import Width
from intro_dl.models.layers import check_pixels, image_sides, linear_layers
from intro_dl.tasks import Autoencoder


class VAE(Autoencoder):
    """784-256-(mean and log variance of the code), and code-256-784, with relu; the output is a probability.

    The loss is the negative evidence lower bound in nats per image: the cross-entropy of the pixels, read as
    probabilities of ink, plus the divergence of the code's distribution from the standard normal one. This
    is why `draw` can take codes from there. A gray pixel is not a coin toss: compare these nats only with
    those of another model on the same pixels.

    Source: Kingma and Welling (2013), with their network of one hidden layer.

    Args:
        in_shape: (channels, height, width) of one image, flattened to N pixels in [0, 1].
        code_size: how many numbers a code has, at most N.
        hidden: number of units of the hidden layers.
    """

    def __init__(self, in_shape: tuple[int, int, int], code_size: Width = 2, hidden: Width = 256) -> None:
        super().__init__()
        self.save_hyperparameters()
        numbers = math.prod(image_sides(in_shape, 1, "VAE"))
        if code_size > numbers:
            raise ValueError(
                f"Invalid model.code_size={code_size}: an input has only {numbers} numbers. "
                f"Choose at most {numbers}."
            )
        self.encoder = linear_layers([numbers, hidden, 2 * code_size], "relu")
        self.decoder = linear_layers([code_size, hidden, numbers], "relu")

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the log variance of the codes, (B, code_size) each, of images (B, C, H, W)."""
        mean, log_variance = self.encoder(images.flatten(1)).chunk(2, dim=1)  # (B, code_size)
        return mean, log_variance

    def encode(self, inputs: Tensor) -> Tensor:
        return self.posterior(inputs)[0]  # (B, code_size)

    def decode(self, codes: Tensor) -> Tensor:
        return self.decoder(codes).sigmoid().unflatten(1, self.hparams["in_shape"])  # (B, C, H, W)

    def forward(self, images: Tensor) -> Tensor:
        """Return images (B, C, H, W), restored from the means of their codes."""
        return self.decode(self.encode(images))  # (B, C, H, W)

    def metrics(self, batch):
        images, _ = batch
        mean, log_variance = self.posterior(images)
        generator = None
        if not self.training:  # the same numbers in each epoch, so that only the weights make a difference
            check_pixels(images, "VAE")
            generator = torch.Generator(images.device).manual_seed(0)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        logits = self.decoder(mean + (log_variance / 2).exp() * noise)  # (B, N)
        pixels = F.binary_cross_entropy_with_logits(logits, images.flatten(1), reduction="sum") / len(images)
        divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(dim=1).mean()
        return {"loss": pixels + divergence, "pixels": pixels, "divergence": divergence}

    def draw(self, count, generator=None):
        codes = torch.randn(count, self.hparams["code_size"], generator=generator, device=self.device)
        return self.decode(codes)

    def rivals(self, train, test):
        """Return the nats of a model in which each pixel is independent of all others."""
        ink = train[0].mean(dim=0).clamp(1e-6, 1 - 1e-6).expand_as(test[0])
        return {"independent pixels": float(F.binary_cross_entropy(ink, test[0], reduction="sum") / len(ink))}
