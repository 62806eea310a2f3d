"""G11: Dropout removes units at random.

Lectures 000, 002, 003; slides "Regularization 1: Dropout". Claims F11, S4.
"""

# %% The slides draw a network with half of its hidden units crossed out, others in each step. Here these are
# the units that the dropout of model=mlp sets to zero.
import matplotlib.pyplot as plt
import torch
from torch import nn

from intro_dl.figures.engine import canvas, shows
from intro_dl.figures.engine.diagram import draw_units
from intro_dl.training.product import model

network = model(
    "model=mlp",
    "model.hidden=[4,4]",
    "model.activation=sigmoid",
    "regularization=dropout",
    in_shape=(3,),
    num_classes=2,
)
dropouts = [layer for layer in network.features if isinstance(layer, nn.Dropout)]


def removed(network):
    """Return the hidden units that one step in training leaves out, layer by layer."""
    masks = []
    hooks = [each.register_forward_hook(lambda _, x, y: masks.append((y == 0)[0])) for each in dropouts]
    network.train()(torch.randn(1, 3))
    for hook in hooks:
        hook.remove()
    return [mask.nonzero().flatten().tolist() for mask in masks]


# %% Three steps of training and one test
torch.manual_seed(1)
sizes = [3, *network.hparams["hidden"], 2]
figure, axes = canvas(1, 4, height=4.2)
for step, axis in enumerate(axes[:3], start=1):
    draw_units(axis, sizes, [(), *removed(network), ()])
    axis.set_title(f"training, step {step}")
draw_units(axes[3], sizes)
axes[3].set_title("test: all units")
share = dropouts[0].p
figure.suptitle(f"Dropout: in each step, each hidden unit is left out with probability {share:g}")

# %% The property: this share of the units is removed
count = sum(len(units) for _ in range(500) for units in removed(network))
mean = count / (500 * sum(sizes[1:-1]))
shows(
    "the fraction of hidden units that is removed",
    f"{mean:.3f} over 500 steps, p = {share:g}",
    abs(mean - share) < 0.03,
)
plt.show()
