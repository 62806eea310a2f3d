"""G9: Under-fitting, an ideal fit, and over-fitting.

Lectures 000, 002, 003; slides "The Problem of Overfitting" and "Overfitting". Claims F13.
"""

# %% The slides fit the same points three times: with too little capacity, with the right one, and with too
# much. Here the capacity is the degree of a polynomial; further points of the same rule test the fit.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, shows

DEGREES = {1: "Under-fitting", 3: "Ideal fit", 12: "Over-fitting"}


def draw(count):
    """Return points of the rule: a wave, with noise."""
    x = torch.linspace(-1, 1, count, dtype=torch.float64)
    return x, torch.sin(3 * x) + 0.25 * torch.randn(count, dtype=torch.float64)


def powers(x, degree):
    return x[:, None] ** torch.arange(degree + 1)  # (n, degree + 1)


(x, y), (new_x, new_y) = draw(15), draw(200)

# %% Fit each degree by least squares, and draw the curve
figure, axes = canvas(1, 3, height=4.6, sharex=True, sharey=True)
train, new = [], []
grid = torch.linspace(-1, 1, 300, dtype=torch.float64)
for number, (axis, (degree, name)) in enumerate(zip(axes, DEGREES.items(), strict=True)):
    weights = torch.linalg.lstsq(powers(x, degree), y[:, None]).solution
    train.append(((powers(x, degree) @ weights)[:, 0] - y).square().mean().item())
    new.append(((powers(new_x, degree) @ weights)[:, 0] - new_y).square().mean().item())
    axis.plot(new_x, new_y, ".", color="C5", alpha=0.45, markersize=5)
    axis.plot(x, y, "o", color=ink())
    axis.plot(grid, powers(grid, degree) @ weights, color=("C4", "C2", "C1")[number])
    text = f"{name}: degree {degree}\nerror {train[-1]:.3f}, on new points {new[-1]:.3f}"
    axis.set_title(text, fontsize=13)
    axis.set(xlabel="x", ylim=(-2.2, 2.2))
axes[0].set_ylabel("y")
figure.suptitle("More capacity fits the 15 points ever better, new ones only up to a point")

# %% The property: the error on the points falls with the degree, that on new points is lowest in between
shows(
    "mean squared error at degrees 1, 3 and 12, on the points and on new ones",
    f"{train[0]:.3f}, {train[1]:.3f}, {train[2]:.3f}; {new[0]:.3f}, {new[1]:.3f}, {new[2]:.3f}",
    train[0] > train[1] > train[2] and new[1] < 0.8 * min(new[0], new[2]),
)
plt.show()
