"""G28: More hidden units draw more complicated boundaries.

Lecture 002; slide "Why Deeper? Representation Power". Claims F19.
"""

# %% The slide shows the regions of networks with 3, 6 and 20 hidden units: "the capacity of the network
# increases with more hidden units". Each ReLU unit bends the boundary along a line, so straight pieces count.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, points, regions, shows
from intro_dl.training.product import train

UNITS, LIMIT = (3, 6, 20), 1.25
options = "model=mlp", "data=spirals", "data.arms=2", "data.noise=0.1", "data.batch_size=64"
options += "optim=adam", "optim.lr=0.03", "callbacks=no_early_stopping", "trainer.max_epochs=60"


@torch.no_grad()
def pieces(network, decide):
    """Count the straight pieces of the boundary: the different sets of active units along it."""
    side = torch.linspace(-LIMIT, LIMIT, 400)
    places = torch.cartesian_prod(side, side)
    answers = decide(places).view(400, 400)
    crossed = torch.zeros(400, 400, dtype=torch.bool)
    crossed[:, 1:] = answers[:, 1:] != answers[:, :-1]
    active = network.features[:2](data.transform(places[crossed.flatten()])) > 0
    _, counts = torch.unique(active, dim=0, return_counts=True)
    return int((counts >= 3).sum())  # not the corners of the grid


# %% Train each network, and draw its regions
figure, axes = canvas(1, 3, height=4.6)
found, accuracy = [], []
for axis, units in zip(axes, UNITS, strict=True):
    network, data = train(*options, f"model.hidden=[{units}]")
    inputs, labels = data.splits["train"]

    @torch.no_grad()
    def decide(x, network=network, data=data):
        return network.predict(network(data.transform(x)))

    found.append(pieces(network, decide))
    accuracy.append((decide(inputs) == labels).float().mean().item())
    regions(axis, decide, (-LIMIT, LIMIT), (-LIMIT, LIMIT))
    points(axis, inputs[:200], labels[:200], s=22)
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
