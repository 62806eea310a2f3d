"""G37: Basis functions turn a curved boundary into a plane.

Lecture 004; slide "What if we want a non-linear decision boundary? Choose basis functions". Claims N22, F26.
"""

# %% The slide maps two rings by Phi(x1, x2) = (x1^2, x2^2, sqrt(2) x1 x2) to three dimensions, where a plane
# separates them. Here model=perceptron learns the plane from data=circles, and the line before Phi.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, points, regions, shows
from intro_dl.training.build import build_data
from intro_dl.training.product import config, model, optimizer


def phi(x):
    return torch.stack([x[:, 0] ** 2, x[:, 1] ** 2, 2**0.5 * x[:, 0] * x[:, 1]], dim=1)


def fit(inputs):
    """Return model=perceptron after 300 steps of optim=gd, and its accuracy."""
    unit = model("model=perceptron", in_shape=inputs.shape[1:], num_classes=2)
    rule = optimizer(unit.parameters(), "optim=gd", "optim.lr=1.0")
    for _ in range(300):
        rule.zero_grad()
        unit.training_step((inputs, labels), 0).backward()
        rule.step()
    return unit.requires_grad_(False), unit.metrics((inputs, labels))["accuracy"].item()


data = build_data(config("data=circles", "data.noise=0.08"))
inputs, labels = data.splits["train"]
x = data.transform(inputs)
line, before = fit(x)
plane, after = fit(phi(x))

# %% Draw the plane of the inputs, and the space of Phi
figure, (left, right) = canvas(1, 2, height=5.2)
place = right.get_subplotspec()
right.remove()
right = figure.add_subplot(place, projection="3d")
regions(left, lambda x: plane(phi(x)), (-2.4, 2.4), (-2.4, 2.4))
points(left, x[:250], labels[:250], s=22)
left.set(xlabel="$x_1$", ylabel="$x_2$", title="in the plane: a closed curve", aspect="equal")

for number in (0, 1):
    right.scatter(*phi(x[:250])[labels[:250] == number].T, color=f"C{number}", s=14, marker="os"[number])
u, v = torch.meshgrid(torch.linspace(0, 1, 2), torch.linspace(-4, 4, 2), indexing="xy")
edge = -plane.w0 / plane.w[:2]  # where the plane meets the axes of x1^2 and x2^2
right.plot_surface((edge[0] * u).numpy(), (edge[1] * (1 - u)).numpy(), v.numpy(), color=ink(), alpha=0.25)
right.set(xlabel="$x_1^2$", ylabel="$x_2^2$", zlabel=r"$\sqrt{2}\, x_1 x_2$", title="after $\\Phi$: a plane")
right.view_init(12, -43)
right.set(xticks=(0, 2, 4), yticks=(0, 2, 4), zticks=(-4, 0, 4))
for axis in (right.xaxis, right.yaxis, right.zaxis):
    axis.labelpad = 10
right.set_box_aspect((1, 1, 1), zoom=0.82)
figure.suptitle(f"A line gets {before:.0%} of the points right, a plane after $\\Phi$ {after:.0%}")

# %% The properties: Phi's inner products are squares, and only after Phi the classes are linearly separable
p, q = torch.randn(2, 1000, 2, dtype=torch.float64)
gap = ((phi(p) * phi(q)).sum(1) - (p * q).sum(1) ** 2).abs().max().item()
shows("<Phi(x), Phi(y)> = (x . y)^2", f"largest difference {gap:.0e} of 1,000 pairs", gap < 1e-10)
shows(
    "accuracy of a line, and of a plane after Phi",
    f"{before:.1%}, {after:.1%}",
    before < 0.75 and after > 0.98,
)
plt.show()
