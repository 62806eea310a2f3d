"""The convolutional GAN for small images: one network doubles the side twice, the other halves it twice."""

import torch
from torch import Tensor, nn

from intro_dl.config.types import Width
from intro_dl.models.layers import check_pixels, image_sides
from intro_dl.tasks import Adversarial


class DCGAN(Adversarial):
    """Z -> 7x7x64 -> 14x14x32 -> 28x28x1 draws an image, and 14x14x32 -> 7x7x64 -> 1 tells drawn from real.

    As in the paper: strides instead of pooling, batch normalization, relu in the generator, leaky relu in the
    discriminator. Unlike there: fewer layers, pixels in [0, 1], no batch normalization in the discriminator.

    With its defaults, one Gaussian that is fitted to all pixels is still nearer to new images, in energy
    distance, and many draws are not digits: see docs/SYSTEMS.md.

    Source: Radford, Metz and Chintala (2015).

    Args:
        in_shape: (channels, height, width) of one image; both sides are multiples of 4.
        noise_size: Z, how many standard normal numbers the generator reads.
        maps: feature maps of the first convolution; the second has twice as many.
    """

    def __init__(self, in_shape: tuple[int, int, int], noise_size: Width = 32, maps: Width = 32) -> None:
        super().__init__()
        self.save_hyperparameters()
        channels, height, width = image_sides(in_shape, 4, "DCGAN")
        if height % 4 or width % 4:
            raise ValueError(
                f"DCGAN draws images whose sides are multiples of 4, got {height}x{width}. "
                "Choose other images or model=gan."
            )
        rows, columns = height // 4, width // 4  # 28 -> 7
        halve = {"kernel_size": 4, "stride": 2, "padding": 1}  # a transposed convolution doubles with it
        self.discriminator = nn.Sequential(
            nn.Conv2d(channels, maps, **halve),
            nn.LeakyReLU(0.2),
            nn.Conv2d(maps, 2 * maps, **halve),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * maps * rows * columns, 1),
        )
        self.generator = nn.Sequential(
            nn.Linear(noise_size, 2 * maps * rows * columns, bias=False),
            nn.Unflatten(1, (2 * maps, rows, columns)),
            nn.BatchNorm2d(2 * maps),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * maps, maps, bias=False, **halve),
            nn.BatchNorm2d(maps),
            nn.ReLU(),
            nn.ConvTranspose2d(maps, channels, **halve),
            nn.Sigmoid(),
        )

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `count` new images (count, C, H, W)."""
        noise = torch.randn(count, self.hparams["noise_size"], generator=generator, device=self.device)
        return self.generator(noise)  # (count, C, H, W)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B,) of images (B, C, H, W): above 0 for those that look real."""
        return self.discriminator(images).squeeze(1)  # (B,)

    def metrics(self, batch):
        if not self.training:
            check_pixels(batch[0], "DCGAN")
        return super().metrics(batch)
