"""G18: Sigmoids let the gradient vanish, ReLU does not.

Lecture 001; slide "Technical problems: gradient vanishing". Claims H8.
"""

# %% The slide shows the sigmoid and ReLU: with sigmoids, deep models have vanishing gradients. The network
# of the lecture, with four hidden layers, gets its first gradient here, on data=digits.
import matplotlib.pyplot as plt
import torch
from torch import nn

from intro_dl.figures.engine import canvas, shows
from intro_dl.models.layers import make_activation
from intro_dl.training.build import build_data
from intro_dl.training.product import config, model

NAMES = {"sigmoid": "sigmoid", "relu": "ReLU"}
batch = build_data(config("data=digits")).whole("train")


def gradient_norms(activation):
    """Return the norm of dE/dW of each layer, from the first to the last, before any training."""
    torch.manual_seed(0)
    network = model("model=mlp", "model.hidden=[200,100,60,30]", f"model.activation={activation}")
    network.loss(network(batch[0]), batch[1]).backward()
    return [layer.weight.grad.norm().item() for layer in network.modules() if isinstance(layer, nn.Linear)]


# %% Draw both functions, and the gradients of both networks
figure, (left, right) = canvas(1, 2, height=4.8, width_ratios=(1, 1.5))
z = torch.linspace(-4, 4, 201)
ratios = {}
for color, (activation, name) in zip(("C0", "C1"), NAMES.items(), strict=True):
    left.plot(z, make_activation(activation)(z), color=color)
    norms = gradient_norms(activation)
    ratios[activation] = norms[0] / norms[-1]
    right.semilogy(range(1, 6), norms, "o-", color=color)
    place = (3.1, norms[2] * 0.6) if activation == "sigmoid" else (2.1, norms[1] * 1.25)
    right.text(*place, name, color=color)
left.text(-3.9, 0.25, "sigmoid", color="C0")
left.text(0.3, 2.2, "ReLU", color="C1")
left.set(title="The fix is ReLU", xlabel="z", ylabel="g(z)", ylim=(-0.2, 4))
right.set(
    title="Norm of the first gradient", xlabel="layer: its units", ylabel=r"$\|\partial E / \partial W\|$"
)
right.set_xticks(range(1, 6), ["200", "100", "60", "30", "10"])
figure.suptitle(
    f"Sigmoids: the first layer gets {1 / ratios['sigmoid']:.0f} times less gradient than the last"
)

# %% The property: the ratio of first to last layer
shows(
    "gradient of the first layer / of the last layer",
    f"sigmoid {ratios['sigmoid']:.3f}, ReLU {ratios['relu']:.2f}",
    ratios["sigmoid"] < 0.05 and ratios["relu"] > 0.3,
)
plt.show()
