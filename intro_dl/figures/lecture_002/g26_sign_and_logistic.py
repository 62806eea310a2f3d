"""G26: A function that can be trained in place of the sign.

Lecture 002; slides "Recall... Using gradient ascent for linear classifiers". Claims F14.
"""

# %% The slide: sign(theta^T x) is not differentiable, so use logistic(u) = 1 / (1 + e^-u) instead. Autograd
# gives the slope of each, which is all that gradient descent can follow.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, shows

FUNCTIONS = {"sign(u)": torch.sign, "logistic(u)": torch.sigmoid}
u = torch.linspace(-6, 6, 400).requires_grad_()  # without 0, where the sign jumps
slopes = {}

# %% Draw each function, and its slope
figure, axes = canvas(2, 2, height=5.6, sharex=True, sharey="row", height_ratios=(1.4, 1))
for column, (color, (name, function)) in enumerate(zip(("C1", "C0"), FUNCTIONS.items(), strict=True)):
    values = function(u)
    (slopes[name],) = torch.autograd.grad(values.sum(), u)
    pieces = (u < 0, u > 0) if name == "sign(u)" else (u < torch.inf,)
    for piece in pieces:  # the sign jumps: no line between its two values
        axes[0, column].plot(u[piece].detach(), values[piece].detach(), color)
    axes[1, column].plot(u.detach(), slopes[name], color)
    axes[0, column].set_title(name)
    axes[1, column].set(xlabel=r"$u = \theta^T x$", ylim=(-0.03, 0.32))
    for axis in axes[:, column]:
        axis.grid(alpha=0.3)
axes[0, 0].set_ylabel("value")
axes[1, 0].set_ylabel("slope")
axes[1, 0].text(0, 0.05, "zero: no way to improve", ha="center")
axes[1, 1].text(1.6, 0.21, "p (1 - p)")
figure.suptitle("The sign has no slope to follow, the logistic function has one everywhere")

# %% The property: the slopes
p = torch.sigmoid(u.detach())
shows(
    "places where the slope of the sign is 0",
    f"{(slopes['sign(u)'] == 0).sum()} of {len(u)}",
    bool((slopes["sign(u)"] == 0).all()),
)
difference = (slopes["logistic(u)"] - p * (1 - p)).abs().max().item()
shows(
    "the slope of the logistic function is p (1 - p), and positive",
    f"largest difference {difference:.0e}, smallest slope {slopes['logistic(u)'].min():.4f}",
    difference < 1e-6 and bool((slopes["logistic(u)"] > 0).all()),
)
plt.show()
