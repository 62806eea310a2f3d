"""G46: From LeNet to ResNet: more layers, then other wiring.

Lecture 004; slides "LeNet (LeCun et al, 1998)", "AlexNet (Krizhevsky et al, 2012)", "GoogLeNet (Szegedy et
al, 2014)" and "ResNet (He et al, 2015)". Claims P1, P2, P3, P4, H6.
"""

# %% The slides show one diagram of each network. Here each layer is read from the model at work: model=lenet,
# AlexNet, VGG-16 and GoogLeNet of model=torchvision (shapes alone, without weights), and model=resnet.
import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision.models.googlenet import Inception

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.figures.engine.style import paper
from intro_dl.models.resnet import Block
from intro_dl.training.product import model

NETWORKS = {  # options, shape of an image, classes
    "LeNet, 1998": (["model=lenet"], (1, 28, 28), 10),
    "AlexNet, 2012": (["model=torchvision", "model.name=alexnet"], (3, 224, 224), 1000),
    "VGG-16, 2014": (["model=torchvision", "model.name=vgg16"], (3, 224, 224), 1000),
    "GoogLeNet, 2014": (["model=torchvision", "model.name=googlenet"], (3, 224, 224), 1000),
    "ResNet-20, 2015": (["model=resnet"], (3, 32, 32), 10),
}
KINDS = {nn.Conv2d: "C0", nn.Linear: "C1", Inception: "C2", Block: "C3"}


def parts(network, shape):
    """Return (module, shape of its output) of each layer with weights or block, in order of execution."""
    blocks = {part for part in network.modules() if isinstance(part, Inception | Block)}
    inside, found = {part for block in blocks for part in block.modules()} - blocks, []
    for part in network.modules():
        if type(part) in KINDS and part not in inside:
            part.register_forward_hook(lambda part, _, output: found.append((part, tuple(output.shape[1:]))))
    network.eval()(torch.zeros(1, *shape))
    return found


def length(layer):
    """Return the layers with weights that follow one another: of branches, in the longest one."""
    chains = layer.children() if isinstance(layer, Inception) else [layer]
    return max(sum(isinstance(part, nn.Conv2d | nn.Linear) for part in chain.modules()) for chain in chains)


# %% Draw a box for each layer, as high as its maps: branches one above the other, an arc for each skip
figure, axes = canvas(len(NETWORKS), 1, height=8.8)
rows, counts = {}, {}
for axis, (name, (options, shape, classes)) in zip(axes, NETWORKS.items(), strict=True):
    with torch.device("meta"):
        network = model(*options, in_shape=shape, num_classes=classes)
        layers = parts(network, shape)
    counts[name] = sum(weight.numel() for weight in network.parameters())
    rows[name] = sum(length(layer) for layer, _ in layers)
    axis.plot([-0.2, len(layers) - 0.5], [0, 0], color=ink(), linewidth=1.5, zorder=0)
    for x, (layer, out) in enumerate(layers):
        height = 0.2 + (out[-1] / shape[-1]) ** 0.5 if len(out) == 3 else 0.7
        branches = len([*layer.children()]) if isinstance(layer, Inception) else 1
        for branch in range(branches):
            color, bottom = KINDS[type(layer)], (branch / branches - 0.5) * height
            axis.bar(x + 0.33, height / branches, 0.66, bottom, color=color, edgecolor=paper())
        if isinstance(layer, Block) and layer.skip:
            style = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=-1.7", "color": ink()}
            axis.annotate("", (x + 0.84, 0), (x - 0.16, 0), arrowprops=style | {"shrinkA": 0, "shrinkB": 0})
        axis.text(x + 0.33, -0.66, f"{out[0]}", ha="center", va="top", fontsize=14)
    axis.set(xlim=(-0.2, 16), ylim=(-1.05, 0.95))
    axis.set_title(f"{name}: {rows[name]} layers deep, {counts[name]:,} parameters", fontsize=15)
    axis.set_axis_off()
names = "convolution, its maps below", "fully connected", "inception: branches", "two convolutions, a skip"
for number, (color, text) in enumerate(zip(KINDS.values(), names, strict=True)):
    axes[0].text(6.5, 0.75 - 0.45 * number, text, color=color, va="center")
figure.suptitle("First more layers in a row, then branches, then skips")

# %% The properties: the layers of the papers, and the sizes
shows("layers deep", str([*rows.values()]), [*rows.values()] == [5, 8, 16, 22, 20])
ratio = counts["AlexNet, 2012"] / counts["GoogLeNet, 2014"]
shows("AlexNet's parameters over those of GoogLeNet, which is deeper", f"{ratio:.1f}", ratio > 8)
skips = sum(isinstance(layer, Block) and layer.skip for layer, _ in layers)
shows("skips of ResNet-20", f"{skips}, one for two layers", skips == 9)
plt.show()
