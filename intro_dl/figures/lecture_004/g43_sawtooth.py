"""G43: Depth folds: each layer doubles the pieces of the function.

Lecture 004; slides "Deep neural networks factorize the learning of structure in data" and "Simplified version
of Telgarsky (2015, 2016)". Claims F31.
"""

# %% A layer of two ReLUs makes a tent, 2 relu(x) - 4 relu(x - 1/2). Applied D times it is a sawtooth of 2^D
# pieces, while one hidden layer of W units has at most W + 1. Both are model=regressor; the weights are set
# by hand.
import matplotlib.pyplot as plt
import torch
from torch import nn

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.product import model

x = torch.linspace(0, 1, 2**10 + 1, dtype=torch.float64)


@torch.no_grad()
def sawtooth(depth):
    """Return the output at x of model=regressor with `depth` hidden layers of two ReLUs."""
    network = model("model=regressor", f"model.hidden={[2] * depth}", in_shape=(1,)).double()
    for index, layer in enumerate(layer for layer in network.modules() if isinstance(layer, nn.Linear)):
        layer.weight.copy_(
            torch.ones(2, 1) if index == 0 else torch.tensor([2.0, -4.0]).expand_as(layer.weight)
        )
        layer.bias.copy_(torch.zeros(1) if index == depth else torch.tensor([0.0, -0.5]))
    return network(x[:, None])


@torch.no_grad()
def shallow(width):
    """Return the output at x of one hidden layer of `width` ReLUs with kinks at random places of the grid."""
    network = model("model=regressor", f"model.hidden=[{width}]", in_shape=(1,)).double()
    network.features[0].weight.fill_(1)
    network.features[0].bias.copy_(-x[1 + torch.randperm(len(x) - 2)[:width]])
    network.output.weight.copy_(torch.randn(1, width).sign() * (0.5 + torch.rand(1, width)))
    return network(x[:, None])


def pieces(y):
    return 1 + int((y.diff().diff().abs() > 1e-9).sum())


# %% Draw three sawtooths, and count the pieces
DEPTHS, DRAWN = range(1, 9), (1, 3, 5)
figure, axes = canvas(2, 2, height=6.8)
for axis, depth in zip(axes.flat, DRAWN, strict=False):
    axis.plot(x, sawtooth(depth), color=f"C{DRAWN.index(depth)}", linewidth=2)
    axis.set(
        title=f"{depth} layer{'s' * (depth > 1)}: {pieces(sawtooth(depth))} pieces", xlabel="x", ylabel="y"
    )
deep = [pieces(sawtooth(depth)) for depth in DEPTHS]
wide = [pieces(shallow(2 * depth)) for depth in DEPTHS]
axis = axes[1, 1]
axis.semilogy([2 * depth for depth in DEPTHS], deep, "o-", color="C1", base=2)
axis.semilogy([2 * depth for depth in DEPTHS], wide, "s-", color="C0", base=2)
axis.text(9.2, 90, "layers of 2 units", color="C1", ha="right")
axis.text(10, 4.2, "one layer", color="C0")
axis.set(xlabel="hidden units", ylabel="pieces", xticks=range(2, 17, 2), title="depth multiplies, width adds")
axis.set(yticks=(4, 16, 64, 256), yticklabels=("4", "16", "64", "256"))
figure.suptitle("16 units in eight layers make 256 pieces, 16 in one layer make at most 17")

# %% The properties: 2^D pieces of D layers, W + 1 of one layer with W units
shows("pieces of 1 to 8 layers of two units", str(deep), deep == [2**depth for depth in DEPTHS])
shows("pieces of one layer with as many units", str(wide), wide == [2 * depth + 1 for depth in DEPTHS])
plt.show()
