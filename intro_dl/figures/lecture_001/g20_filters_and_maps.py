"""G20: One digit on its way through three layers of filters.

Lecture 001; slide "CNN: Deep learning with images". Claims N10, E3, P6.
"""

# %% The slide: an image of 28x28x1 becomes 28x28x4, 14x14x8, 7x7x12, then 200 and 10 numbers. Here the same
# network, model=cnn, is trained for a moment on data=digits, and looks at one digit of the test split.
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.product import train
from intro_dl.visualize.callback import evaluating
from intro_dl.visualize.recorder import record_calls

network, data = train("model=cnn", "data=digits", "trainer.max_epochs=3")
images, labels = data.whole("test")
with evaluating(network), torch.no_grad(), record_calls(network, lambda layer, _, out: (layer, out)) as calls:
    chances = network(images[:1]).softmax(dim=1)[0]
maps = [output[0] for _, (layer, output) in calls if isinstance(layer, nn.ReLU) and output.ndim == 4]
convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def tiled(pictures, columns):
    """Return pictures (N, H, W), each scaled to [0, 1], side by side with gaps."""
    low, high = pictures.amin((1, 2), keepdim=True), pictures.amax((1, 2), keepdim=True)
    scaled = F.pad((pictures - low) / (high - low).clamp(min=1e-6), (0, 2, 0, 2), value=torch.nan)
    height, width = scaled.shape[1:]
    rows = scaled.view(-1, columns, height, width).transpose(1, 2)
    return rows.reshape(-1, columns * width).detach()


# %% Draw the filters above (each cut into its channels), and below what they make of the digit
figure, axes = canvas(2, 5, height=5.4, height_ratios=(1, 1.1))
axes[0, 0].text(0.5, 0.45, "filters", ha="center", fontsize=18)
axes[1, 0].imshow(images[0, 0], cmap="gray")
axes[1, 0].set_title("28x28x1")
for column, (layer, output, wide) in enumerate(zip(convolutions, maps, (2, 2, 3), strict=True), start=1):
    count, channels, side, _ = layer.weight.shape
    axes[0, column].imshow(tiled(layer.weight.flatten(0, 1), channels if channels > 1 else wide))
    axes[0, column].set_title(f"{count} of {side}x{side}x{channels}")
    axes[1, column].imshow(tiled(output, wide))
    axes[1, column].set_title(f"{output.shape[1]}x{output.shape[2]}x{len(output)}")
for axis in axes[:, :4].flat:
    axis.set_axis_off()
axes[0, 4].set_axis_off()
units = network.hidden[0]
axes[0, 4].text(0.5, 0.4, f"{units.in_features} numbers,\n{units.out_features} units", ha="center")
axes[1, 4].barh(range(10), chances, color="C2")
axes[1, 4].set(title="softmax", xlim=(0, 1), yticks=range(10), xlabel="probability")
axes[1, 4].invert_yaxis()
figure.suptitle(f"Filters turn {images[0].numel()} pixels into {units.in_features} numbers about the digit")

# %% The property: the shapes of the slide, and the right digit
shapes = [tuple(output.shape) for output in maps]
shows(
    "shapes of the maps (count, height, width)",
    ", ".join(map(str, shapes)),
    shapes == [(4, 28, 28), (8, 14, 14), (12, 7, 7)] and units.in_features == 12 * 7 * 7,
)
shows(
    "the network names the digit",
    f"{chances.argmax()} with probability {chances.max():.2f}",
    chances.argmax() == labels[0] and chances.max() > 0.5,
)
plt.show()
