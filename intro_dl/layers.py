"""The choices that several lecture models offer by name."""

from torch import nn

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity}
POOLINGS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


def make_activation(name: str) -> nn.Module:
    """The activation function called `name`: sigmoid, tanh, relu or identity."""
    return _choose(ACTIVATIONS, name, "activation")()


def make_pooling(name: str, size: int) -> nn.Module:
    """Pooling over windows of `size` x `size` that do not overlap: average or max."""
    return _choose(POOLINGS, name, "pooling")(size)


def _choose(options: dict, name: str, what: str):
    if name not in options:
        raise ValueError(f"There is no {what} {name!r}. Choose one of {', '.join(options)}.")
    return options[name]


def initialize(module: nn.Module, init: str, sigma: float = 0.1) -> None:
    """Start the weights of every linear map and convolution in `module` afresh; biases start at zero.

    Args:
        init: "default" leaves torch's own; "normal" draws from N(0, sigma^2), the slides' first line of
            gradient descent; "xavier" (Glorot and Bengio 2010); "he" (He et al. 2015, for relu); "zeros".
        sigma: standard deviation of "normal".
    """
    fill = _choose(
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
            nn.init.zeros_(layer.bias)
