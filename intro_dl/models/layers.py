"""Options that several lecture models offer by name, and a check of their input."""

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Activation = Literal["sigmoid", "tanh", "relu", "identity"]
Pooling = Literal["average", "max"]
Shortcut = Literal["padding", "projection"]
Init = Literal["default", "normal", "truncated_normal", "xavier", "he", "zeros"]
Views = Literal["one", "mirror", "shift"]

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity}
POOLINGS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


def make_activation(name: Activation) -> nn.Module:
    """Build the activation function called `name`."""
    return ACTIVATIONS[name]()


def linear_layers(sizes: Sequence[int], activation: Activation) -> nn.Sequential:
    """Build linear maps between layers of `sizes` units, with an activation between two maps."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), make_activation(activation)]
    return nn.Sequential(*layers[:-1])


def make_pooling(name: Pooling, size: int) -> nn.Module:
    """Build a pooling layer over windows of `size` x `size` that do not overlap."""
    return POOLINGS[name](size)


def initialize(module: nn.Module, init: Init, sigma: float = 0.1) -> None:
    """Draw new weights for every linear map and convolution in `module`, and set their biases to zero.

    Args:
        module: a model or a part of one.
        init: "default" keeps torch's own weights and biases; "normal" draws from N(0, sigma^2), the slides'
            first line of gradient descent; "truncated_normal" redraws what is beyond 2 sigma, and sets the
            biases to 0.1, as in Görner's networks for relu; "xavier" (Glorot and Bengio 2010); "he" (He et
            al. 2015, for relu); "zeros".
        sigma: standard deviation of "normal", and of "truncated_normal" before it is truncated.
    """
    fill = {
        "default": None,
        "normal": lambda weight: nn.init.normal_(weight, std=sigma),
        "truncated_normal": lambda weight: nn.init.trunc_normal_(
            weight, std=sigma, a=-2 * sigma, b=2 * sigma
        ),
        "xavier": nn.init.xavier_uniform_,
        "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
        "zeros": nn.init.zeros_,
    }[init]
    if fill is None:
        return
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            fill(layer.weight)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.1 if init == "truncated_normal" else 0.0)


def average_views(score: Callable[[Tensor], Tensor], images: Tensor, views: Views) -> Tensor:
    """Return the mean scores (B, K) over views of images (B, C, H, W).

    Args:
        score: maps images to scores.
        images: see above.
        views: the image alone ("one"); with its "mirror" image; or both, and both again shifted by one pixel
            up left and down right ("shift"), which reflects the border. The shifted views
            weigh as much together as the others.

    Source: Jordan (2024), arXiv:2404.00498, section 3.5.
    """
    if views == "one":
        return score(images)
    mean = (score(images) + score(images.flip(3))) / 2
    if views == "mirror":
        return mean
    height, width = images.shape[2:]
    padded = F.pad(images, [1] * 4, mode="reflect")
    moved = padded[:, :, :height, :width], padded[:, :, 2:, 2:]
    return mean / 2 + sum(average_views(score, shifted, "mirror") for shifted in moved) / 4


def image_sides(in_shape: Sequence[int], minimum: int, name: str) -> tuple[int, int, int]:
    """Return channels, height and width of the images that a network called `name` reads.

    Raises:
        ValueError: if the inputs are not images (C, H, W), or a side has fewer than `minimum` pixels.
    """
    if len(in_shape) != 3:
        shape = "x".join(map(str, in_shape))
        raise ValueError(
            f"{name} reads images, but the data have inputs of shape {shape}. "
            "Choose a set of images, e.g. data=digits, or model=mlp."
        )
    channels, height, width = in_shape
    if min(height, width) < minimum:
        raise ValueError(
            f"{name} needs images of at least {minimum}x{minimum} pixels, got {height}x{width}. "
            "Choose larger images or model=mlp."
        )
    return channels, height, width


def check_pixels(images: Tensor, name: str) -> None:
    """Refuse images outside of [0, 1] for a network called `name`, whose output is in [0, 1]."""
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"{name} draws pixels in [0, 1], but reads normalized ones: set data.normalize=false."
        )
