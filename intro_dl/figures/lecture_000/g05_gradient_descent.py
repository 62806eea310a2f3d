"""G5: Gradient descent walks down the surface of the loss.

Lectures 000, 003; slides "Loss Optimization" and "Gradient Descent". Claims F5, E8.
"""

# %% The slides show J(theta_0, theta_1) as a landscape: pick a point, compute the gradient, take a small step
# in the opposite direction, repeat until convergence. This surface has two valleys.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, ink, shows
from intro_dl.training.product import optimizer

START, RATE, STEPS = (0.35, 1.6), 0.1, 30


def J(theta):
    x, y = theta[..., 0], theta[..., 1]
    deep, shallow = (-((x - 1) ** 2) - (y + 0.8) ** 2).exp(), (-((x + 1.2) ** 2) - y**2).exp()
    return 2 + 0.3 * (x**2 + y**2) - 2.6 * deep - 1.8 * shallow


# %% Gradient descent, as optim=sgd does it
theta = torch.tensor(START, requires_grad=True)
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
figure, axes = canvas(subplot_kw={"projection": "3d"})
side = torch.linspace(-2.2, 2.2, 90)
x, y = torch.meshgrid(side, side, indexing="xy")
axes.plot_surface(
    x.numpy(), y.numpy(), J(torch.stack([x, y], -1)).numpy(), cmap="viridis", alpha=0.75, linewidth=0
)
(line,) = axes.plot([], [], [], "o-", color=ink(), markersize=5, zorder=10)
axes.set(xlabel=r"$\theta_0$", ylabel=r"$\theta_1$", zlabel=r"$J(\theta_0, \theta_1)$")
axes.view_init(48, -62)
axes.set_box_aspect((4, 4, 2.4), zoom=1.15)
title = figure.suptitle("")


def frame(k):
    line.set_data_3d(*path[: k + 1].T.numpy(), heights[: k + 1].numpy() + 0.03)
    title.set_text(f"Step {k} of gradient descent: J = {heights[k]:.2f}")


film = animate(figure, frame, STEPS + 1)

# %% The property: J falls at every step
lower = int((heights[1:] < heights[:-1]).sum())
shows(
    "each step lowers J",
    f"{lower} of {STEPS} steps, from {heights[0]:.2f} to {heights[-1]:.2f}",
    lower == STEPS,
)
plt.show()
