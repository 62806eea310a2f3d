"""G12: Features from low level to high level.

Lectures 000, 002, 003; slides "Why Deep Learning!?" and "Why Deep Learning?". Claims A5, R4.
"""

# %% The slides show what units of a network for faces look for: edges, then eyes and noses, then whole faces.
# Here LeNet learns the digits of data=digits instead: below are the patches that excite its units the most.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.product import train

network, data = train("model=lenet", "data=digits", "trainer.max_epochs=6")
pixels, labels = data.splits["test"]
SHOWN, BEST = 6, 6  # units of each level, patches of each unit
with torch.no_grad():
    inputs = data.transform(pixels)
    low = network.stage1[:2](inputs)  # (N, 6, 28, 28), each value sees 5x5 pixels
    middle = network.stage2[:2](network.stage1(inputs))  # (N, 16, 10, 10), each value sees 14x14 pixels
    high = network(inputs)[:, :, None, None]  # (N, 10, 1, 1), sees the whole digit
LEVELS = {
    "Low: edges and areas": (low, 5, 1, 2),
    "Middle: parts": (middle, 14, 2, 2),
    "High: the class scores": (high, 28, 1, 0),
}


def strongest(values, side, stride, padding):
    """Return the patches (SHOWN, BEST, side, side) that excite the units most, and their images' numbers."""
    padded = F.pad(pixels[:, 0].float(), [padding] * 4)
    patches, images = [], []
    for unit in range(SHOWN):
        top, place = values[:, unit].flatten(1).max(dim=1)  # one patch of each image
        chosen = top.topk(BEST).indices
        images.append(chosen)
        for image in chosen.tolist():
            row, column = (stride * int(i) for i in divmod(int(place[image]), values.shape[-1]))
            patches.append(padded[image, row : row + side, column : column + side])
    return torch.stack(patches).view(SHOWN, BEST, side, side), torch.stack(images)


# %% Draw a row of patches for each unit, a block for each level
figure, axes = canvas(1, 3, height=4.8)
purity = {}
for axis, (title, (values, side, stride, padding)) in zip(axes, LEVELS.items(), strict=True):
    patches, images = strongest(values, side, stride, padding)
    framed = F.pad(patches, [side // 5 + 1] * 4, value=128)
    axis.imshow(framed.permute(0, 2, 1, 3).flatten(0, 1).flatten(1), cmap="gray", vmin=0, vmax=255)
    classes = [labels[chosen].mode().values for chosen in images]
    same = [(labels[chosen] == c).float().mean() for chosen, c in zip(images, classes, strict=True)]
    purity[title] = torch.stack(same).mean().item()
    axis.set_title(f"{title}\n{side}x{side} pixels, same digit: {purity[title]:.0%}", fontsize=13)
    axis.set(xticks=[], yticks=[])
axes[0].set_ylabel("one unit a row")
figure.suptitle("Deeper units see more of the image, and agree with the classes")

# %% The property: the patches of one unit show the same digit, more often the deeper the unit
first, second, third = purity.values()
shows(
    "fraction of a unit's six patches from its most frequent digit: low, middle, high",
    f"{first:.2f}, {second:.2f}, {third:.2f}",
    first < third - 0.1 and second < third and third > 0.9,
)
plt.show()
