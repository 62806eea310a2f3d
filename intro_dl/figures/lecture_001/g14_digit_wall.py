"""G14: Handwritten digits.

Lecture 001; slides "MNIST handwritten digits". Claims N30.
"""

# %% The slide shows a wall of 28x28 digits of MNIST, 60,000 for training and 10,000 for testing. These are
# 1,797 scanned digits of scikit-learn, 8x8 and enlarged to 28x28; write data=mnist for those of the slide.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.build import build_data
from intro_dl.training.product import config

ROWS, COLUMNS = 8, 12
data = build_data(config("data=digits"))
(images, labels), (tests, _) = data.splits["train"], data.splits["test"]
chosen = torch.randperm(len(images))[: ROWS * COLUMNS]
framed = F.pad(images[chosen, 0], (4, 4, 4, 4))  # a black frame of 4 pixels, so that neighbors do not touch
wall = framed.view(ROWS, COLUMNS, 36, 36).transpose(1, 2).reshape(ROWS * 36, COLUMNS * 36)

# %% Draw the wall, and one of the digits as the numbers that a network reads
figure, (left, right) = canvas(1, 2, height=5.0, width_ratios=(1.6, 1))
left.imshow(wall, cmap="gray")
left.set_title(f"Scans: {len(images):,} for training, {len(tests)} for testing")
left.set_axis_off()
digit = images[chosen[0], 0]
right.imshow(digit, cmap="gray", extent=(0, 28, 28, 0))
right.set(title=f"8x8, enlarged to {digit.numel()} pixels", xticks=range(0, 29, 7), yticks=range(0, 29, 7))
right.set(xlabel="column", ylabel="row")
figure.suptitle("No two handwritten digits are alike")

# %% The property: each digit is equally frequent, and no test image is known from the training
counts = torch.bincount(labels, minlength=10)
shows(
    "each digit is about a tenth of the training images",
    f"{counts.min() / len(labels):.1%} to {counts.max() / len(labels):.1%}",
    bool((counts / len(labels) - 0.1).abs().max() < 0.02),
)
nearest = torch.cdist(tests.flatten(1).float(), images.flatten(1).float()).min(dim=1).values
shows(
    "no test image is a training image",
    f"smallest distance {nearest.min():.0f}, where 255 is one white pixel",
    bool(nearest.min() > 0),
)
plt.show()
