"""G47: Deeper units see more, and respond to fewer classes.

Lecture 004; slides "Hierarchical Composition of Features" and "Feature visualization of convolutional net
trained on ImageNet from [Zeiler & Fergus 2013]". Claims A5.
"""

# %% The slide shows what excites the units of a network trained on ImageNet. Here it is model=cnn with four
# convolutions, trained on 15,000 photographs of CIFAR-10. g47_measure.py found each image by gradient
# ascent on its pixels, and the classes of the 50 photographs that excite a unit most. (The slide projects
# photographs back.)
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, measured, shows

found = measured("g47", "python intro_dl/figures/lecture_004/g47_measure.py")
layers = found["layers"]
UNITS = len(layers[0]["images"])


def picture(rows):
    """Return the image (side, side, 3) of hexadecimal rows, its contrast stretched."""
    pixels = torch.tensor([list(bytes.fromhex(row)) for row in rows]).view(len(rows), len(rows), 3).float()
    return (pixels - pixels.min()) / (pixels.max() - pixels.min())


# %% Draw the images of each layer in a row
figure, axes = canvas(len(layers), UNITS + 1, height=5.6, width_ratios=[2.6, *[1] * UNITS])
for number, (row, layer) in enumerate(zip(axes, layers, strict=True), start=1):
    side, share = layer["side"], layer["fraction_of_most_frequent_class"]
    text = f"layer {number}\nsees {side}x{side} pixels\n{share:.0%} of its top 50\nshare a class"
    row[0].text(0, 0.5, text, va="center", fontsize=14)
    for axis, image in zip(row[1:], layer["images"], strict=True):
        axis.imshow(picture(image))
    for axis in row:
        axis.set_axis_off()
figure.suptitle("What excites eight units of each layer: colors first, then larger patterns")

# %% The properties: deeper units see more and are choosier, and ascent excites them more than photographs
sides = [layer["side"] for layer in layers]
shows("side of what a unit sees, in pixels", str(sides), sides == sorted(set(sides)))
shares = [layer["fraction_of_most_frequent_class"] for layer in layers]
text = ", ".join(f"{share:.2f}" for share in shares)
shows("fraction from the most frequent class among the 50 best photographs", text, shares == sorted(shares))
beyond = [sum(layer["activation_over_best_photograph"]) / UNITS for layer in layers]  # means of the units
text = ", ".join(f"{ratio:.1f}" for ratio in beyond)
shows("activation by ascent over that of the best photograph", text, min(beyond) > 1 and beyond[-1] > 3)
plt.show()
