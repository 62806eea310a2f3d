"""G48: Depth helps only with skip connections.

Lecture 004; slides "Benefits of Depth" and "Training very deep networks is made possible because of the skip
connections". Claims H7.
"""

# %% The slide shows that errors fell with depth (He et al. 2015). Here model=resnet, with and without its
# skips, was trained on CIFAR-10: results/cifar10_*.json. The paper trains 182 epochs, these runs 5; those of
# 56 layers are one run each, which shows an example, not a mean. Training
# errors are means over the last epoch, on cropped and flipped images: so they can be above the test errors.
from statistics import fmean

import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, shows
from intro_dl.results.evidence import read_runs

DEPTHS = (20, 56)
NETS = {"plain": "without skips", "resnet": "with skips"}
errors = {
    (net, depth, split): [
        100 * (1 - right) for right in read_runs(f"cifar10_{net}{depth}", f"accuracy/{split}")
    ]
    for net in NETS
    for depth in DEPTHS
    for split, measure in (("train", "accuracy/train"), ("test", "accuracy/test"))
}
epochs = max(read_runs("cifar10_resnet56", "epochs"))
mean = {case: fmean(runs) for case, runs in errors.items()}

# %% Draw each run as a point, and the means as lines
figure, axes = canvas(1, 2, height=5.2, sharey=True)
for axis, split in zip(axes, ("train", "test"), strict=True):
    for number, (net, name) in enumerate(NETS.items()):
        color = f"C{1 - number}"
        axis.plot(DEPTHS, [mean[net, depth, split] for depth in DEPTHS], color=color)
        for depth in DEPTHS:
            runs = errors[net, depth, split]
            axis.plot([depth] * len(runs), runs, "o", color=color, markersize=7, alpha=0.7)
        middle = fmean(mean[net, depth, split] for depth in DEPTHS)
        axis.text(
            36,
            middle + (4 if net == "plain" else -4.5),
            name,
            color=color,
            ha="right" if number == 0 else "left",
        )
    runs = [len(errors["plain", depth, split]) for depth in DEPTHS]
    axis.set(xticks=DEPTHS, xticklabels=[f"{d}\n(n = {n})" for d, n in zip(DEPTHS, runs, strict=True)])
    axis.set(xlabel="layers (and runs)", ylim=(0, 62), xlim=(12, 64))
    axis.set_title({"train": "CIFAR-10: training images", "test": "CIFAR-10: 1,000 test images"}[split])
axes[0].set_ylabel(f"error after {epochs:g} epochs [%]")
figure.suptitle("56 layers harm the plain network, not the residual one (one run each)")

# %% The property: depth raises the training error of the plain network, and lowers that of the residual one
for net, better, worse in (("plain", 20, 56), ("resnet", 56, 20)):
    low, high = mean[net, better, "train"], mean[net, worse, "train"]
    shows(
        f"{NETS[net]}: training error with {better}, {worse} layers", f"{low:.1f} %, {high:.1f} %", low < high
    )
low, high = mean["resnet", 56, "train"], mean["plain", 56, "train"]
shows("56 layers: training error with, without skips", f"{low:.1f} %, {high:.1f} %", low < high)
plt.show()
