"""G21: LeNet-5, layer by layer.

Lecture 001; slide "LeNet-5". Claims P4.
"""

# %% The slide draws the volumes from the image to the ten scores. These are read from model=lenet at work.
import matplotlib.pyplot as plt
import torch
from torch import nn

from intro_dl.figures.engine import canvas, shows
from intro_dl.figures.engine.diagram import draw_volumes, stages
from intro_dl.training.product import model

network = model("model=lenet")
image = torch.zeros(1, 1, 28, 28)
layers = stages(network, image, types=(nn.Conv2d, nn.AvgPool2d, nn.Linear))

# %% Draw the output of each layer
figure, axes = canvas(height=4.6)
kinds = {"Conv2d": "convolution", "AvgPool2d": "average\npooling", "Linear": "fully\nconnected"}
names = [
    "image",
    *(kinds[layer.type] + (f"\n{layer.parameters:,}" if layer.parameters else "") for layer in layers),
]
draw_volumes(axes, [image.shape[1:], *(layer.shape for layer in layers)], names)
total = sum(parameter.numel() for parameter in network.parameters())
figure.suptitle(f"LeNet-5: {total:,} parameters, most of them in the first fully connected layer")

# %% The property: the sides of the maps are those of the paper, whose 32x32 image is the padded 28x28 one
sides = [layer.shape[-1] for layer in layers if len(layer.shape) == 3]
shows(
    "sides of the maps after each convolution and pooling",
    " -> ".join(map(str, sides)),
    sides == [28, 14, 10, 5],
)
plt.show()
