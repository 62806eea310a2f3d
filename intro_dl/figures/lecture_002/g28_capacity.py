"""G28: More hidden units draw more complicated boundaries.

Lecture 002; slide "Why Deeper? Representation Power". Claims F19.
"""

# %% The slide shows the regions of networks with 3, 6 and 20 hidden units: "the capacity of the network
# increases with more hidden units". Each ReLU unit bends the boundary along a line, so straight pieces count:
# a dot marks where one piece ends.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, points, regions, shows
from intro_dl.training.product import train

UNITS, LIMIT = (3, 6, 20), 1.25
options = "model=mlp", "data=spirals", "data.arms=2", "data.noise=0.1", "data.batch_size=64"
options += "optim=adam", "optim.lr=0.03", "callbacks=no_early_stopping", "trainer.max_epochs=60"


@torch.no_grad()
def pieces(network, lines):
    """Return the number of straight pieces of the boundary, (n, 2) each line, and the places of its bends.

    Along a straight piece, the same units are active.
    """
    active = [network.features[:2](data.transform(line)) > 0 for line in lines]
    changed = [(units[1:] != units[:-1]).any(1) for units in active]
    bends = [(line[1:] + line[:-1])[at] / 2 for line, at in zip(lines, changed, strict=True)]
    return len(torch.cat(active).unique(dim=0)), torch.cat(bends)


# %% Train each network, and draw its regions
figure, axes = canvas(1, 3, height=4.6)
found, accuracy = [], []
for axis, units in zip(axes, UNITS, strict=True):
    network, data = train(*options, f"model.hidden=[{units}]")
    inputs, labels = data.splits["train"]

    @torch.no_grad()
    def probability(x, network=network, data=data):
        return network(data.transform(x)).softmax(1)[:, 1]

    accuracy.append(((probability(inputs) > 0.5) == labels).float().mean().item())
    regions(axis, probability, (-LIMIT, LIMIT), (-LIMIT, LIMIT))
    boundary = [torch.from_numpy(line).float() for line in axis.collections[-1].allsegs[0]]
    number, bends = pieces(network, boundary)
    found.append(number)
    points(axis, inputs[:200], labels[:200], s=14, alpha=0.5)
    axis.plot(*bends.T, "o", color=ink(), markersize=4, zorder=4)
    axis.set_title(f"{units} hidden units\n{found[-1]} pieces, {accuracy[-1]:.0%} right")
    axis.set(xlabel="$x_1$", aspect="equal", xticks=(), yticks=())
axes[0].set_ylabel("$x_2$")
figure.suptitle("More hidden units give the boundary more pieces")

# %% The property: more units, more straight pieces, more points right
shows("straight pieces of the boundary, with 3, 6 and 20 units", f"{found}", found == sorted(set(found)))
shows(
    "fraction of the training points that is right",
    ", ".join(f"{value:.3f}" for value in accuracy),
    accuracy[0] < 0.95 and min(accuracy[1:]) > 0.97,
)
plt.show()
