"""G19: A convolution adds up its channels; several kernels give several maps.

Lecture 001; slides "Multiple Input Channels" and "Multiple Input/output Channels". Claims N12, N13.
"""

# %% The first slide computes a convolution of two channels by hand: 56. The second has several kernels, each
# of which gives a feature map, Y_i = X * W_i; here of china.jpg, a photograph that comes with scikit-learn.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.data.photographs import read_photograph
from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.scratch.layers import conv2d

X = torch.stack([torch.arange(9.0), torch.arange(1.0, 10.0)]).view(1, 2, 3, 3)
W = torch.stack([torch.arange(4.0), torch.arange(1.0, 5.0)]).view(1, 2, 2, 2)
Y = conv2d(X, W)

photograph = F.avg_pool2d(read_photograph("china")[None, :, 60:380, 160:560], 2)  # (1, 3, 160, 200)
edge, blur = torch.tensor([[1.0, 1, 1], [0, 0, 0], [-1, -1, -1]]), torch.ones(3, 3) / 9
kernels = torch.stack([edge.expand(3, 3, 3), edge.T.expand(3, 3, 3), torch.stack([blur, 0 * blur, -blur])])
maps = conv2d(photograph, kernels)

# %% Draw the numbers of the first slide above, and the maps of the second below
figure, (above, below) = canvas(2, 1, height=5.8)
tables = [(X[0, 0], "channel 1", "*"), (W[0, 0], "kernel, ch. 1", "+"), (X[0, 1], "channel 2", "*")]
tables += [(W[0, 1], "kernel, ch. 2", "="), (Y[0, 0], "Y", "")]
left = 0.0
for values, name, sign in tables:
    side = len(values)
    for row in range(side):
        for column in range(side):
            used = (row == column == 0) if name == "Y" else max(row, column) < 2  # of the first cell of Y
            face = "C4" if used else "none"
            above.add_patch(
                plt.Rectangle((left + column, row), 1, 1, facecolor=face, edgecolor=ink(), alpha=0.6)
            )
            above.text(left + column + 0.5, row + 0.5, f"{values[row, column]:.0f}", ha="center", va="center")
    above.text(left + side / 2, -0.2, name, ha="center", fontsize=14)
    above.text(left + side + 0.5, 1, sign, ha="center", va="center", fontsize=22)
    left += side + 1
above.set(xlim=(-0.1, left - 0.9), ylim=(3.1, -1), aspect="equal")
names = "three channels", "top and bottom edges", "left and right edges", "red minus blue"
for number, name in enumerate(names):
    place = (215 * number, 215 * number + 200, 160, 0)
    picture = photograph[0].permute(1, 2, 0) if number == 0 else maps[0, number - 1]
    below.imshow(picture, extent=place, cmap="gray")
    below.text(place[0], -8, name, fontsize=14)
below.set(xlim=(0, 845), ylim=(160, -30))
for axis in (above, below):
    axis.set_axis_off()
figure.suptitle("Each kernel adds up all channels, and gives one map")

# %% The property: the numbers of the slide, and map i is the convolution with kernel i alone
shows("first cell of Y, as on the slide", f"{Y[0, 0, 0, 0]:.0f}", Y[0, 0, 0, 0] == 56)
alone = [F.conv2d(photograph, kernel[None])[0, 0] for kernel in kernels]
difference = max((one - other).abs().max().item() for one, other in zip(maps[0], alone, strict=True))
shows(
    "map i is torch's convolution with kernel i",
    f"{maps.shape[1]} maps of {maps.shape[2]}x{maps.shape[3]}, largest difference {difference:.0e}",
    maps.shape[1] == len(kernels) and difference < 1e-4,
)
plt.show()
