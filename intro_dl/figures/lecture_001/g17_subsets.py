"""G17: Learning from subsets is faster than from all data at once.

Lecture 001; slide "Technical problems: big data and step sizes". Claims F37.
"""

# %% The slide: a step with the gradient of all data is slow, a step with that of a new subset is fast. What
# takes time is reading images, so images are counted here, not seconds; data=digits stands for MNIST.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.product import train

EPOCHS, SUBSET = 12, 32
network = "model=softmax", "data=digits", f"trainer.max_epochs={EPOCHS}", "callbacks=no_early_stopping"
whole, data = train(*network, "optim=gd", "optim.lr=0.02")  # each step uses all data; the same rate
subset, _ = train(*network, "optim=sgd", "optim.lr=0.02", f"data.batch_size={SUBSET}")
losses = {name: [epoch["loss/val"] for epoch in run.history] for name, run in (("D", whole), ("S", subset))}
images = data.splits["train"][0][:, 0]

# %% Draw what one step reads, and how the loss on new images falls
figure, axes = canvas(1, 3, height=4.6, width_ratios=(1.25, 0.5, 1.6))
for axis, rows, columns in ((axes[0], 36, 36), (axes[1], 8, 4)):
    chosen = F.pad(images[torch.randperm(len(images))[: rows * columns]], (4, 4, 4, 4))
    wall = chosen.view(rows, columns, 36, 36).transpose(1, 2).reshape(rows * 36, columns * 36)
    axis.imshow(wall, cmap="gray")
    axis.set_axis_off()
axes[0].set_title(f"Slow: {len(images):,} a step", color="C0")
axes[1].set_title(f"{SUBSET} a step", color="C1")
passes = range(1, EPOCHS + 1)
steps = -(-len(images) // SUBSET)
for name, color, text in (("D", "C0", "1 step a pass"), ("S", "C1", f"{steps} steps a pass")):
    axes[2].plot(passes, losses[name], "o-", color=color)
    axes[2].text(6, losses[name][5] + 0.12, text, color=color)
axes[2].set(title="Loss on new images (nats)", xlabel="passes through the data (epochs)", ylim=(0, 2.5))
figure.suptitle(r"$\theta \leftarrow \theta - \alpha \nabla L(D_{subset})$: subsets are soon ahead")

# %% The property: one pass in subsets gets further than all passes of the slow way
shows(
    "loss after 1 pass in subsets, and after all passes with all data in each step",
    f"{losses['S'][0]:.2f} after 1 pass, {losses['D'][-1]:.2f} after {EPOCHS}",
    losses["S"][0] < losses["D"][-1] - 0.2,
)
plt.show()
