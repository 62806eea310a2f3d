"""G3: A perceptron cuts the plane in two.

Lectures 000, 003; slides "The Perceptron: Example". Claims N1, N2.
"""

# %% The slides set w0 = 1 and w = (3, -2): y = g(1 + 3 x1 - 2 x2). The line 1 + 3 x1 - 2 x2 = 0 separates
# z < 0, where y < 0.5, from z > 0, where y > 0.5; at x = (-1, 2) z is -6. model=perceptron computes z and y.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, regions, shows
from intro_dl.training.product import model

neuron = model("model=perceptron", in_shape=(2,), num_classes=2)
neuron.load_state_dict({"w0": torch.tensor(1.0), "w": torch.tensor([3.0, -2.0])})
point = torch.tensor([[-1.0, 2.0]])
with torch.no_grad():
    z, y = neuron.weighted_sum(point).item(), neuron(point).item()

# %% Draw the half-planes, the line and the point
figure, axes = canvas()
regions(axes, neuron, (-6, 6), (-3, 4))
axes.axhline(0, color=ink(), linewidth=0.8, alpha=0.6)
axes.axvline(0, color=ink(), linewidth=0.8, alpha=0.6)
axes.plot(*point[0], "o", color="C0", markersize=12)
axes.annotate(
    f"x = (-1, 2)\nz = {z:g},  y = g({z:g}) = {y:.3f}",
    point[0],
    (-12, 0),
    textcoords="offset points",
    ha="right",
    va="center",
    color="C0",
)
axes.text(-5.4, -1.7, "z < 0:  y < 0.5", color="C0", fontsize=20)
axes.text(2.2, -1.7, "z > 0:  y > 0.5", color="C1", fontsize=20)
axes.text(1.1, 2.55, r"$1 + 3x_1 - 2x_2 = 0$", rotation=56, rotation_mode="anchor", ha="center", va="bottom")
axes.set(xlabel=r"$x_1$", ylabel=r"$x_2$", aspect="equal")
figure.suptitle("A perceptron cuts the plane in two: on the line z = 0, y is 0.5")

# %% The property: y is 0.002 at the point, and 0.5 everywhere on the line
shows("y at (-1, 2), 0.002 on the slide", f"g({z:g}) = {y:.4f}", z == -6 and round(y, 3) == 0.002)
x1 = torch.linspace(-3, 3, 25)
on_the_line = neuron(torch.stack([x1, (1 + 3 * x1) / 2], dim=1))
difference = (on_the_line - 0.5).abs().max().item()
shows("y on the line", f"0.5 at 25 points, within {difference:.0e}", difference < 1e-5)
plt.show()
