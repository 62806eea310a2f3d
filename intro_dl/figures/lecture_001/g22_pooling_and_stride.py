"""G22: Two ways to halve a map: max-pooling, and a stride of 2.

Lecture 001; slide "How did we go from 14x14x8 to 7x7x12?". Claims N11.
"""

# %% The slide: 12 filters should give 14x14x12. Max-pooling picks the largest number of each 2x2 window; a
# stride of 2 shifts the filters by 2. Both give 7x7x12, but not the same numbers.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.scratch.layers import conv2d, max_pool2d
from intro_dl.training.product import model

COLORS = "C0", "C1", "C2", "C4"
x = torch.randint(0, 10, (1, 1, 4, 4)).float()
pooled, strided = max_pool2d(x, 2), x[:, :, ::2, ::2]  # a filter that looks at one pixel, moved by 2


def draw(axis, values, title, kept=None):
    """Draw a table of numbers; each 2x2 window has its color, faint where `kept` is False."""
    side = len(values)
    for row in range(side):
        for column in range(side):
            window = COLORS[2 * (row * 2 // side) + column * 2 // side]
            alpha = 0.75 if kept is None or kept[row, column] else 0.2
            axis.add_patch(plt.Rectangle((column, row), 1, 1, facecolor=window, edgecolor=ink(), alpha=alpha))
            axis.text(
                column + 0.5, row + 0.5, f"{values[row, column]:.0f}", ha="center", va="center", fontsize=18
            )
    axis.set(xlim=(-0.1, 4.1), ylim=(4.1, -0.1), aspect="equal")
    axis.set_title(title)
    axis.set_axis_off()


# %% Draw the numbers that each way keeps
figure, axes = canvas(1, 4, height=3.5)
largest = x == F.interpolate(pooled, scale_factor=2)
corners = torch.zeros(4, 4, dtype=torch.bool)
corners[::2, ::2] = True
draw(axes[0], x[0, 0], "4 windows of 2x2", largest[0, 0])
draw(axes[1], pooled[0, 0], "max-pooling")
draw(axes[2], x[0, 0], "every second place", corners)
draw(axes[3], strided[0, 0], "a stride of 2")
figure.suptitle("Max-pooling keeps the largest of four numbers, a stride of 2 keeps a fixed one")

# %% The property: both turn 14x14 into 7x7, and a stride of 2 is every second number of a stride of 1
batch, sizes = torch.rand(1, 1, 28, 28), []
for way in ("max_pool", "stride"):
    features = model("model=cnn", f"model.downsample={way}").features(batch)
    sizes.append(tuple(features.shape[1:]))
shows("shape of the third layer of model=cnn, both ways", f"{sizes}", sizes == [(12, 7, 7)] * 2)
maps, kernels = torch.rand(1, 8, 14, 14), torch.randn(12, 8, 4, 4)
difference = conv2d(maps, kernels, stride=2) - conv2d(maps, kernels)[:, :, ::2, ::2]
shows(
    "a convolution of stride 2 is every second number of one of stride 1",
    f"largest difference {difference.abs().max():.0e}",
    bool(difference.abs().max() < 1e-4),
)
same = float((max_pool2d(x, 2) - F.max_pool2d(x, 2)).abs().max())
shows("max-pooling by hand is torch's", f"largest difference {same:g}", same == 0)
plt.show()
