"""G30: Momentum rolls over plateaus and out of local minima.

Lecture 002; slides "Hard to find optimal network parameters", "Momentum" and "Add Momentum". Claims F9.
"""

# %% The slides draw a loss with a plateau, a saddle point and a local minimum, and a ball that rolls on. The
# ball follows optim=sgd, without and with momentum. "Still not guarantee reaching global minima".
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.training.product import optimizer

START, RATE, STEPS = 0.6, 0.1, 250
BALLS = {"no momentum": (0.0, "C0"), "momentum 0.5": (0.5, "C4"), "momentum 0.9": (0.9, "C1")}


def J(w):
    drops = (
        1.6 * torch.sigmoid(-4 * (w - 2)) + 1.2 * torch.sigmoid(-4 * (w - 4.2)) + torch.sigmoid(-4 * (w - 7))
    )
    return drops + 0.3 * torch.exp(-4 * (w - 6) ** 2) + 0.3 * torch.relu(w - 7.6) ** 2


paths = {}
for name, (momentum, _) in BALLS.items():
    w = torch.tensor(START, requires_grad=True)
    rule = optimizer([w], "optim=momentum", f"optim.lr={RATE}", f"optim.momentum={momentum}")
    path = [START]
    for _ in range(STEPS):
        rule.zero_grad()
        J(w).backward()
        rule.step()
        path.append(w.item())
    paths[name] = torch.tensor(path)
heights = {name: J(path) for name, path in paths.items()}

# %% Draw the loss with the end of each path, and the loss over the steps
figure, (left, right) = canvas(1, 2, width_ratios=(1.15, 1))
places = torch.linspace(0.2, 9, 300)
left.plot(places, J(places), color=ink(), alpha=0.6)
for lift, (name, (_, color)) in enumerate(BALLS.items()):
    end = paths[name][-1]
    left.plot(end, J(end) + 0.08 + 0.22 * (lift == 1), "o", color=color, markersize=13, zorder=3)
    right.plot(heights[name], color=color, label=name)
left.plot(START, J(torch.tensor(START)) + 0.08, "o", color=ink(), markersize=13)
for place, text in (
    (0.35, "plateau"),
    (2.7, "almost a\nsaddle point"),
    (3.5, "local\nminimum"),
    (6.3, "global\nminimum"),
):
    top = {3.5: 0.9, 6.3: -0.15}.get(place, J(torch.tensor(place)) + 0.25)
    left.text(place, top, text, va="top" if top < 1 else "bottom", fontsize=13)
left.set(title="Start, and where each ball ends", xlabel="w", ylabel="loss J(w)", ylim=(-0.9, 4.4))
right.set(title="Loss", xlabel="step", ylim=(-0.9, 4.4))
for (name, (_, color)), height in zip(BALLS.items(), (3.4, 0.6, -0.45), strict=True):
    right.text(STEPS, height, name, color=color, ha="right")
figure.suptitle("With enough momentum the ball rolls on, where plain descent gets stuck")

# %% The property: steps to leave the plateau, and where the balls end
leave = {name: int((path > 2).nonzero()[0]) for name, path in paths.items()}
shows(
    "steps to leave the plateau",
    ", ".join(f"{name} {steps}" for name, steps in leave.items()),
    leave["momentum 0.9"] < leave["momentum 0.5"] < leave["no momentum"],
)
ends = {name: float(values[-1]) for name, values in heights.items()}
shows(
    "only momentum 0.9 reaches the global minimum: the last loss",
    ", ".join(f"{name} {value:.2f}" for name, value in ends.items()),
    ends["momentum 0.9"] < 0.2 and min(ends["no momentum"], ends["momentum 0.5"]) > 0.9,
)
plt.show()
