"""G7: A small learning rate gets stuck, a large one diverges.

Lectures 000, 003, 004; slides "Setting the Learning Rate" and "Gradient Descent". Claims F5.
"""

# %% The slides start three descents at the same point of J(w): a small rate gets stuck in a local minimum, a
# large one diverges, a stable one converges. Here J has a local minimum at -1.91, and is lowest at 2.08.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, ink, shows
from intro_dl.training.product import optimizer

START, STEPS = -3.6, 30
RATES = {0.08: "Small: gets stuck", 1.12: "Large: diverges", 0.7: "Stable: finds the minimum"}


def J(w):
    return 0.05 * w**4 - 0.4 * w**2 - 0.13 * w + 2


def descend(rate):
    """Return w at each step of optim=sgd, until it is far away."""
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    rule, path = optimizer([w], "optim=sgd", f"optim.lr={rate}"), [w.item()]
    while len(path) <= STEPS and abs(path[-1]) < 100:
        rule.zero_grad()
        J(w).backward()
        rule.step()
        path.append(w.item())
    return torch.tensor(path)


paths = [descend(rate) for rate in RATES]

# %% Draw J and the three paths; the film adds one step a frame
figure, axes = canvas(1, 3, height=4.6, sharey=True)
grid, lines = torch.linspace(-5, 5, 300), []
for number, (axis, (rate, name)) in enumerate(zip(axes, RATES.items(), strict=True)):
    axis.plot(grid, J(grid), color=ink(), linewidth=1.5)
    axis.plot(START, J(START), "o", color=ink(), markersize=11)
    lines += axis.plot([], [], "o-", color=f"C{number}", linewidth=1.5)
    axis.set(title=f"{name}\n" + rf"$\eta$ = {rate:g}", xlabel="w", xlim=(-5, 5), ylim=(0, 10))
axes[0].set_ylabel("J(w)")
axes[0].text(START + 0.5, J(START), "start", va="center")
title = figure.suptitle("")


def frame(k):
    for line, path in zip(lines, paths, strict=True):
        line.set_data(path[: k + 1], J(path[: k + 1]))
    title.set_text(f"One start, three learning rates: only one finds the global minimum (step {k})")


film = animate(figure, frame, STEPS + 1)

# %% The property: stuck in the local minimum, diverged, arrived at the lowest point
stuck, away, arrived = (path[-1].item() for path in paths)
shows(
    "w at the end, small, large and stable rate",
    f"{stuck:.2f} (local minimum -1.91), {away:.0f} after {len(paths[1]) - 1} steps, {arrived:.2f}",
    abs(stuck + 1.91) < 0.1 and abs(away) > 100 and abs(arrived - 2.08) < 0.05,
)
plt.show()
