"""G2: A linear activation draws a line, a non-linear one any boundary.

Lectures 000, 003; slides "Importance of Activation Functions". Claims F3.
"""

# %% The slides ask a network to tell red from green points: with linear activations it can only draw a line,
# no matter its size. Here two networks of 16 and 16 hidden units learn data=moons, one with each activation.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, points, regions, shows
from intro_dl.training.product import train

TITLES = {"identity": "linear activation: a line", "relu": "ReLU: the boundary bends"}


def learn(activation):
    options = "model=mlp", "model.hidden=[16,16]", f"model.activation={activation}", "optim.lr=0.03"
    return train(*options, "data=moons", "data.noise=0.15", "data.batch_size=50", "trainer.max_epochs=5")


def probability(network, data):
    """Return the function that gives the probability of class 1 for points (n, 2)."""
    return lambda x: network(data.transform(x)).softmax(dim=1)[:, 1]


# %% Train both, and color the plane by their answers
figure, axes = canvas(1, 2, height=5, sharex=True, sharey=True)
accuracy = {}
for axis, (activation, title) in zip(axes, TITLES.items(), strict=True):
    network, data = learn(activation)
    inputs, labels = data.splits["test"]
    with torch.no_grad():
        correct = (probability(network, data)(inputs) > 0.5) == labels.bool()
    accuracy[activation] = correct.float().mean().item()

    regions(axis, probability(network, data), (-1.7, 2.7), (-1.2, 1.7))
    points(axis, inputs, labels)
    axis.set(title=f"{title}\n{accuracy[activation]:.0%} of {len(labels)} new points right", xlabel=r"$x_1$")
axes[0].set_ylabel(r"$x_2$")
figure.suptitle("The same network, with and without a non-linearity")

# %% The property: without the non-linearity, the network cannot do better than a line
shows(
    "accuracy on new points, linear activation and ReLU",
    f"{accuracy['identity']:.2f} and {accuracy['relu']:.2f}",
    accuracy["identity"] < 0.93 < 0.96 < accuracy["relu"],
)
plt.show()
