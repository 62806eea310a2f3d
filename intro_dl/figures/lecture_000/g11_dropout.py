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


def removed(network, steps):
    """Return which hidden units each of `steps` steps in training leaves out, (steps, 4) for each layer."""
    masks = []
    hooks = [each.register_forward_hook(lambda _, x, y: masks.append(y == 0)) for each in dropouts]
    network.train()(torch.randn(steps, 3))
    for hook in hooks:
        hook.remove()
    return masks


# %% Three steps of training and one test
torch.manual_seed(6)
sizes = [3, *network.hparams["hidden"], 2]
figure, axes = canvas(1, 4, height=4.2)
masks = removed(network, 3)
for step, axis in enumerate(axes[:3]):
    draw_units(axis, sizes, [(), *(mask[step].nonzero().flatten().tolist() for mask in masks), ()])
    axis.set_title(f"training, step {step + 1}", loc="center")
draw_units(axes[3], sizes)
axes[3].set_title("test: all units", loc="center")
share = dropouts[0].p
figure.suptitle(f"Dropout: in each step, each hidden unit is left out with probability {share:g}")

# %% The property: this share of the units is removed
mean = torch.cat(removed(network, 1000), dim=1).float().mean().item()
shows(
    "the fraction of hidden units that is removed",
    f"{mean:.3f} over 1,000 steps, p = {share:g}",
    abs(mean - share) < 0.03,
)
plt.show()
