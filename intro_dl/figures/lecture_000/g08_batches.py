"""G8: Smaller batches take noisier paths.

Lectures 000, 003; slides "Stochastic Gradient Descent" and "Mini-batches while training". Claims F7.
"""

# %% The slides compare the gradient of all points, of one and of a mini-batch: the fewer, the noisier. Here
# each fits the line w0 + w1 x to the same 100 points, from the same start, with the same number of steps.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, ink, shows
from intro_dl.training.product import optimizer

POINTS, STEPS, RATE = 100, 36, 0.06
SIZES = {
    POINTS: "gradient descent:\nall 100 points",
    10: "mini-batches\nof 10 points",
    1: "stochastic:\none point",
}
x = torch.randn(POINTS)
y = 1 + 2 * x + torch.randn(POINTS)


def J(w, chosen=slice(None)):
    """Return the mean squared error of lines w (..., 2) on the chosen points."""
    return ((w[..., :1] + w[..., 1:] * x[chosen] - y[chosen]) ** 2).mean(-1)


# %% Three descents; the noise is how far the gradient of a batch is from that of all points
paths, noises = [], []
for size in SIZES:
    w = torch.tensor([-1.5, -0.5], requires_grad=True)
    rule, path, noise = optimizer([w], "optim=sgd", f"optim.lr={RATE}"), [w.detach().clone()], []
    for _ in range(STEPS):
        (exact,) = torch.autograd.grad(J(w), w)
        rule.zero_grad()
        J(w, torch.randperm(POINTS)[:size]).backward()
        noise.append((w.grad - exact).norm().item())
        rule.step()
        path.append(w.detach().clone())
    paths.append(torch.stack(path))
    noises.append(sum(noise) / STEPS)

# %% Draw the paths on the contours of J; the film adds one step a frame
figure, axes = canvas(1, 3, height=4.8, sharex=True, sharey=True)
w0, w1 = torch.linspace(-2, 2.6, 80), torch.linspace(-1.2, 3.4, 80)
surface, lines = J(torch.cartesian_prod(w0, w1)).reshape(80, 80).T, []
for number, (axis, name) in enumerate(zip(axes, SIZES.values(), strict=True)):
    axis.contourf(w0, w1, surface.sqrt(), 14, alpha=0.5)
    lines += axis.plot([], [], "o-", color=("C0", "C4", "C1")[number], markersize=5, markeredgecolor=ink())
    axis.set(title=name, xlabel=r"$w_0$")
axes[0].set_ylabel(r"$w_1$")
title = figure.suptitle("")


def frame(k):
    for line, path in zip(lines, paths, strict=True):
        line.set_data(*path[: k + 1].T)
    title.set_text(f"The smaller the batch, the noisier the path: step {k}")


film = animate(figure, frame, STEPS + 1)

# %% The property: the noise grows as the batch shrinks
full, batch, one = noises
shows(
    "mean distance of the gradient from that of all points: all, 10, 1",
    f"{full:.2f}, {batch:.2f}, {one:.2f}",
    full < 1e-4 and 0.1 < batch < 0.6 * one,
)
plt.show()
