"""G40: Back-propagated gradients vanish, unless the initial weights have the right size.

Lecture 004; slides "Vanishing Gradients" and "Vanishing gradient problem". Claims F29, F33.
"""

# %% The slide shows Figure 7 of Glorot and Bengio (2010): histograms of the gradients that arrive at each of
# five tanh layers, before training. With weights from U(-1/sqrt(n), 1/sqrt(n)), the default of torch, they
# shrink on their way back; with Xavier's they do not. The paper's images are replaced by digits (8x8,
# enlarged to 28x28).
import matplotlib.pyplot as plt
import torch
from torch import nn

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.build import build_data
from intro_dl.training.product import config, model
from intro_dl.visualize.recorder import record_calls

LAYERS = 5
data = build_data(config("data=digits", "data.normalize=false"))
images, labels = data.transform(data.splits["train"][0][:300]), data.splits["train"][1][:300]


def gradients(init):
    """Return dL/dz of each hidden layer, the first layer first."""
    torch.manual_seed(1)
    network = model(
        "model=mlp", f"model.hidden={[500] * LAYERS}", "model.activation=tanh", f"model.init={init}"
    )
    with record_calls(network, lambda layer, _, output: (layer, output)) as calls:
        loss = network.metrics((images, labels))["loss"]
    sums = [output for _, (layer, output) in calls if isinstance(layer, nn.Linear)][:LAYERS]
    return [len(images) * slope for slope in torch.autograd.grad(loss, sums)]  # of each image


# %% Draw the histograms, each normalized to area 1
figure, axes = canvas(1, 2, height=5.0, sharey=True)
ratios = {}
titles = {"default": "standard weights", "xavier": "Xavier's weights"}
for axis, (init, title) in zip(axes, titles.items(), strict=True):
    found = gradients(init)
    ratios[init] = (found[0].std() / found[-1].std()).item()
    width = 3 * found[-1].std().item()
    for number, slopes in enumerate(found):
        density, edges = torch.histogram(slopes.flatten(), 81, range=(-width, width), density=True)
        center = (edges[1:] + edges[:-1]) / 2
        axis.plot(center / width * 3, density * width / 3, color=f"C{number}", label=f"layer {number + 1}")
    axis.set(
        xlabel="gradient / spread in layer 5", title=f"{title}: layer 1 has {ratios[init]:.0%}\nof the spread"
    )
    axis.set(yscale="log", ylim=(2e-3, 20))
axes[0].set_ylabel("density")
for number in range(LAYERS):
    axes[0].text(-2.9, 10 * 0.55**number, f"layer {number + 1}", color=f"C{number}")
figure.suptitle("With standard weights, gradients shrink on their way back to layer 1")

# %% The properties: the spread of the gradients shrinks with standard weights, and stays with Xavier's
shows("standard weights: layer 1 over layer 5", f"{ratios['default']:.3f}", ratios["default"] < 0.3)
shows("Xavier's weights: the same ratio", f"{ratios['xavier']:.3f}", 0.5 < ratios["xavier"] < 2)
plt.show()
