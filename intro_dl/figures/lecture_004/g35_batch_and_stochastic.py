"""G35: Batch gradient descent and stochastic gradient descent.

Lecture 004; slide "(Mini-Batch) Stochastic Gradient Descent". Claims F24, R7.
"""

# %% The slide draws two paths to the minimum of one loss: a straight one, and one that wanders. Here the loss
# is that of model=perceptron with two weights, on 600 points of data=two_gaussians.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.figures.engine.style import paper
from intro_dl.training.build import build_data
from intro_dl.training.product import config, model, optimizer

STEPS, START = 60, (-2.0, -1.0)
data = build_data(config("data=two_gaussians", "data.distance=2"))
points, labels = data.splits["train"]
inputs = data.transform(points)[:, :1]  # x1 alone, so that the loss has two weights
unit = model("model=perceptron", in_shape=(1,), num_classes=2)


def loss(w0, w, rows=slice(None)):
    unit.w0.data, unit.w.data = torch.as_tensor(w0), torch.as_tensor([w])
    return unit.metrics((inputs[rows], labels[rows]))["loss"]


def gradient(rows):
    slopes = torch.autograd.grad(unit.metrics((inputs[rows], labels[rows]))["loss"], [unit.w0, unit.w])
    return torch.cat([slope.flatten() for slope in slopes])


def descend(rate, choose, steps=STEPS):
    """Return the weights before and after each step, and how many points were read."""
    loss(*START)
    rule = optimizer(unit.parameters(), "optim=sgd", f"optim.lr={rate}")
    path, read = [START], 0
    for _ in range(steps):
        rule.zero_grad()
        rows = choose()
        read += len(labels[rows])
        unit.training_step((inputs[rows], labels[rows]), 0).backward()
        rule.step()
        path.append((unit.w0.item(), unit.w.item()))
    return path, read


# %% One path reads all points in each step, the other a single random one; a star marks the minimum
paths = {
    "all 600 points a step": descend(1.0, lambda: slice(None)),
    "1 random point a step": descend(1.0, lambda: torch.randint(len(labels), (1,))),
}
best = descend(4.0, lambda: slice(None), steps=100)[0][-1]
x, y = torch.linspace(-2.8, 2.2, 60), torch.linspace(-1.6, 4.0, 60)
surface = torch.tensor([[loss(a.item(), b.item()).item() for a in x] for b in y])
figure, axes = canvas(1, 2, height=5.0, sharey=True)
falls = {}
for number, (axis, (name, (path, read))) in enumerate(zip(axes, paths.items(), strict=True)):
    losses = [loss(*place).item() for place in path]
    falls[name] = sum(after < before for before, after in zip(losses, losses[1:], strict=False))
    axis.contour(x, y, surface.log(), 14, linestyles="-", colors=[ink()], alpha=0.35, linewidths=1)
    axis.plot(*zip(*path, strict=True), "o-", color=f"C{number}", markersize=4, linewidth=1.6)
    axis.plot(*best, "*", color=ink(), markersize=16, markeredgecolor=paper(), zorder=4)
    title = f"{name}: reads {read:,} points,\nthe loss falls in {falls[name]} of {STEPS} steps"
    axis.set_title(title, fontsize=15), axis.set_xlabel("$w_0$")
axes[0].set_ylabel("$w_1$")
figure.suptitle("A gradient of one point is right only on average: its path wanders")

# %% The properties: single gradients have the right mean, and only the full gradient always goes down
loss(*START)
mean = torch.stack([gradient(slice(i, i + 1)) for i in range(len(labels))]).mean(0)
gap = (mean - gradient(slice(None))).abs().max().item()
shows("the mean of the 600 single gradients is the full one", f"largest difference {gap:.0e}", gap < 1e-5)
full, single = falls.values()
shows(
    "steps that lower the loss",
    f"full {full}, single {single} of {STEPS}",
    full == STEPS and single < full - 15,
)
plt.show()
