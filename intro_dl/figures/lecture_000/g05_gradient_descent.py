"""G5: Gradient descent walks down the surface of the loss.

Lectures 000, 003; slides "Loss Optimization" and "Gradient Descent". Claims F5, E8.
"""

# %% The slides show J(theta_0, theta_1) as a landscape: pick a point, compute the gradient, take a small step
# in the opposite direction, repeat until convergence. This landscape has a hill and two valleys.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, shows
from intro_dl.training.product import optimizer

START, RATE, STEPS = (0.6, 0.9), 0.06, 28


def J(theta):
    def bump(x, y):
        return (-1.3 * ((theta[..., 0] - x) ** 2 + (theta[..., 1] - y) ** 2)).exp()

    return 2 - 1.9 * bump(0.8, -0.8) - 1.3 * bump(-1, 0.2) + 1.2 * bump(0.5, 1.2)


# %% Gradient descent, as optim=sgd does it
theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
rule = optimizer([theta], "optim=sgd", f"optim.lr={RATE}")
path = [theta.detach().clone()]
for _ in range(STEPS):
    rule.zero_grad()
    J(theta).backward()
    rule.step()
    path.append(theta.detach().clone())
path = torch.stack(path)
heights = J(path)

# %% Draw the surface and the path; the film adds one step a frame
figure, axes = canvas(subplot_kw={"projection": "3d", "computed_zorder": False})
side = torch.linspace(-2, 2, 70)
x, y = torch.meshgrid(side, side, indexing="xy")
surface = J(torch.stack([x, y], -1))
flat = {"rcount": 70, "ccount": 70, "linewidth": 0, "antialiased": False}
axes.plot_surface(x.numpy(), y.numpy(), surface.numpy(), cmap="viridis", **flat)
axes.contour(x.numpy(), y.numpy(), surface.numpy(), 12, colors="white", linewidths=0.6)
(line,) = axes.plot([], [], [], "o-", color="C1", markersize=8, markeredgecolor="white", zorder=10)
axes.set(xlabel=r"$\theta_0$", ylabel=r"$\theta_1$", zlabel=r"$J(\theta_0, \theta_1)$", zticks=range(4))
axes.view_init(48, -50)
axes.set_box_aspect((4, 4, 1.9), zoom=1.13)
title = figure.suptitle("")
words = {0: "Pick a starting point at random", 1: "Take a small step against the gradient"}


def frame(k):
    line.set_data_3d(*path[: k + 1].T.numpy(), heights[: k + 1].numpy() + 0.03)
    title.set_text(f"{words.get(k, f'Repeat until convergence: {k} steps')}, J = {heights[k]:.2f}")


film = animate(figure, frame, STEPS + 1)

# %% The property: J falls at every step
lower = int((heights[1:] < heights[:-1]).sum())
shows(
    "each step lowers J",
    f"{lower} of {STEPS} steps, from {heights[0]:.2f} to {heights[-1]:.2f}",
    lower == STEPS,
)
plt.show()
