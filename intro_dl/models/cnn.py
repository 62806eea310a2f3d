"""The lecture's convolutional network: three convolutions that halve the image twice, then a classifier."""

import math
from typing import Literal

from torch import Tensor, nn

from intro_dl.config.types import Fraction, NonNegative, SomeWidths, Width
from intro_dl.models.layers import Init, image_sides, initialize
from intro_dl.tasks import Classifier


class CNN(Classifier):
    """28x28x1 -> 28x28x4 -> 14x14x8 -> 7x7x12 -> 200 -> 10 (lecture 001), relu between the layers.

    Source: M. Görner, Tensorflow without a PhD, mnist_3.0 (4/8/12 maps) and mnist_3.1 (6/12/24 and dropout).

    Args:
        in_shape: (channels, height, width) of one image, each side at least as long as the longest kernel.
        num_classes: number of logits K.
        widths: feature maps of each convolution; the first keeps the image's size, each later one halves it.
        kernels: side of each convolution's kernel in pixels, as many as widths.
        downsample: halve by a convolution of "stride" 2, or by one of stride 1 and a 2x2 "max_pool".
        hidden: units of the fully connected layer.
        dropout: probability of zeroing a unit of the fully connected layer, in [0, 1).
        batch_norm: normalize each map and hidden unit over the batch, before relu.
        init: initial weights: torch's "default", or one of `layers.initialize`.
        sigma: standard deviation of init="normal" and "truncated_normal".
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        num_classes: int,
        widths: SomeWidths = (4, 8, 12),
        kernels: SomeWidths = (5, 5, 4),
        downsample: Literal["stride", "max_pool"] = "stride",
        hidden: Width = 200,
        dropout: Fraction = 0.0,
        batch_norm: bool = False,
        init: Init = "default",
        sigma: NonNegative = 0.1,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if len(widths) != len(kernels):
            raise ValueError(
                f"model.widths={list(widths)} and model.kernels={list(kernels)} differ in length: "
                "give one width and one kernel for each convolution."
            )
        channels, height, width = image_sides(in_shape, max(kernels), "CNN")
        layers = []
        for index, (maps, kernel) in enumerate(zip(widths, kernels, strict=True)):
            halve = index > 0
            # kernel - 1 zeros keep the size: 28 + 4 - 5 + 1 = 28; an even kernel gets one more at the end.
            # A stride of 2 keeps every second position: ceil(28 / 2) = 14, then 7.
            before, after = (kernel - 1) // 2, kernel // 2
            layers.append(nn.ZeroPad2d((before, after, before, after)))
            stride = {"stride": 2, "max_pool": 1}[downsample] if halve else 1
            layers.append(nn.Conv2d(channels, maps, kernel, stride, bias=not batch_norm))
            layers += [nn.BatchNorm2d(maps)] if batch_norm else []
            layers.append(nn.ReLU())
            if halve:
                height, width = math.ceil(height / 2), math.ceil(width / 2)
                layers += [nn.MaxPool2d(2, ceil_mode=True)] if downsample == "max_pool" else []
            channels = maps
        self.features = nn.Sequential(*layers)
        normalize = [nn.BatchNorm1d(hidden)] if batch_norm else []
        linear = nn.Linear(channels * height * width, hidden, bias=not batch_norm)  # 12 * 7 * 7 = 588 inputs
        self.hidden = nn.Sequential(linear, *normalize, nn.ReLU(), nn.Dropout(dropout))
        self.logits = nn.Linear(hidden, num_classes)
        initialize(self, init, sigma)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) of images (B, C, H, W)."""
        x = self.features(images)  # (B, widths[-1], H/4, W/4), of three convolutions
        x = self.hidden(x.flatten(1))  # (B, hidden)
        return self.logits(x)  # (B, K)
