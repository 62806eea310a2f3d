"""The choices that several lecture models offer by name, and what they ask of their input."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from torch import nn

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity}
POOLINGS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


def make_activation(name: str) -> nn.Module:
    """The activation function called `name`: sigmoid, tanh, relu or identity."""
    return choose(ACTIVATIONS, name, "activation")()


def make_pooling(name: str, size: int) -> nn.Module:
    """Pooling over windows of `size` x `size` that do not overlap: average or max."""
    return choose(POOLINGS, name, "pooling")(size)


def choose(options: dict, name: str, what: str):
    """The option called `name`, or a sentence that lists what there is."""
    check_choice(options, name, what)
    return options[name]


def check_choice(options: Iterable[str], name: str, what: str) -> None:
    """Refuse a name that is none of `options`; the message lists them, or the nearest ones if they are many.

    Args:
        what: the kind of thing that `options` names, e.g. "activation".
    """
    names = list(options)
    if name in names:
        return
    if len(names) > 10:
        close = get_close_matches(str(name), names, n=3, cutoff=0.0)
        raise ValueError(f"There is no {what} {name!r}. The nearest names are {', '.join(close)}.")
    raise ValueError(f"There is no {what} {name!r}. Choose one of {', '.join(names)}.")


def initialize(module: nn.Module, init: str, sigma: float = 0.1) -> None:
    """Start the weights of every linear map and convolution in `module` afresh; biases start at zero.

    Args:
        init: "default" leaves torch's own; "normal" draws from N(0, sigma^2), the slides' first line of
            gradient descent; "xavier" (Glorot and Bengio 2010); "he" (He et al. 2015, for relu); "zeros".
        sigma: standard deviation of "normal".
    """
    fill = choose(
        {
            "default": None,
            "normal": lambda weight: nn.init.normal_(weight, std=sigma),
            "xavier": nn.init.xavier_uniform_,
            "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
            "zeros": nn.init.zeros_,
        },
        init,
        "init",
    )
    if fill is None:
        return
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            fill(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def image_sides(in_shape: Sequence[int], minimum: int, name: str) -> tuple[int, int, int]:
    """Channels, height and width of the images that a network called `name` reads.

    Raises:
        ValueError: if the inputs are no images (C, H, W), or have a side of fewer than `minimum` pixels.
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
