"""G36: The boundary of logistic regression while it learns.

Lecture 004; slides "Logistic Regression Loss is convex" and "Logistic Regression Example". Claims F25, F22.
"""

# %% The slides show points of two classes, the boundary after some iterations, and the loss. Here optim=gd
# trains model=perceptron from a bad start.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, ink, points, regions, shows
from intro_dl.training.build import build_data
from intro_dl.training.product import config, model, optimizer

STEPS, EVERY = 60, 2
data = build_data(config("data=two_gaussians", "data.distance=3"))
inputs, labels = data.splits["train"]
batch = data.transform(inputs), labels


def descend(start):
    """Return the weights (w0, w1, w2) before each step, and the losses."""
    unit = model("model=perceptron", in_shape=(2,), num_classes=2)
    unit.w0.data, unit.w.data = torch.tensor(start[0]), torch.tensor(start[1:])
    rule, weights, losses = optimizer(unit.parameters(), "optim=gd", "optim.lr=0.7"), [], []
    for _ in range(STEPS + 1):
        rule.zero_grad()
        loss = unit.training_step(batch, 0)
        weights.append((unit.w0.item(), *unit.w.tolist()))
        losses.append(loss.item())
        loss.backward()
        rule.step()
    return torch.tensor(weights), torch.tensor(losses)


weights, losses = descend((1.0, -2.0, 1.0))

# %% Draw the boundary of each step beside the loss
figure, (left, right) = canvas(1, 2, height=5.2, width_ratios=(1.1, 1))


def score(k, x):
    return weights[k, 0] + data.transform(x) @ weights[k, 1:]


def frame(k):
    left.clear()
    regions(left, lambda x: torch.sigmoid(score(k, x)), (-5, 5), (-5, 5))
    for early in (0, 2, 6):  # their lines stay, so that one sees the line turn
        c, a, b = score(early, torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        if early < k:
            across = torch.tensor([-5.0, 5.0])
            left.plot(across, -(c + (a - c) * across) / (b - c), color=ink(), alpha=0.5, linewidth=1.3)
    points(left, inputs[:200], labels[:200], s=22)
    left.set(
        xlabel="$x_1$",
        ylabel="$x_2$",
        title=f"iteration {k} (thin: 0, 2, 6)" if k > 6 else f"iteration {k}",
        aspect="equal",
    )
    right.clear()
    right.plot(losses[: k + 1], color="C2")
    right.plot(k, losses[k], "o", color="C2")
    right.set(xlim=(0, STEPS + 4), ylim=(0, losses[0] * 1.08), xlabel="iteration", ylabel="cross-entropy")
    right.set_title(f"the loss falls to {losses[k]:.3f}")


figure.suptitle("Each iteration turns the line a little, and lowers the loss")
film = animate(figure, frame, range(0, STEPS + 1, EVERY))

# %% The properties: no step raises the loss, and other starts end in the same minimum
lower = int((losses.diff() < 0).sum())
shows("steps that lower the loss", f"{lower} of {STEPS}, {losses[0]:.2f} to {losses[-1]:.3f}", lower == STEPS)
ends = [descend(start)[1][-1].item() for start in ((-2.0, 0.5, 1.0), (0.0, 0.0, 0.0), (1.0, 3.0, -1.0))]
spread = max(ends) - min(ends)
shows("three other starts reach the same loss", f"within {spread:.0e}", spread < 0.02)
plt.show()
