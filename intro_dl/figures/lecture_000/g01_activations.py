"""G1: Activation functions and their derivatives.

Lectures 000, 003; slide "Common Activation Functions". Claims F2, E25.
"""

# %% The slide shows sigmoid, tanh and ReLU, each with its derivative. Here autograd computes the derivatives.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, shows
from intro_dl.models.layers import make_activation

SLOPES = {  # as on the slide, in terms of the output y
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y**2,
    "relu": lambda y: (y > 0).float(),
}
z = torch.linspace(-5, 5, 401).requires_grad_()

# %% Draw each function and its derivative
figure, axes = canvas(1, 3, height=4.4, sharex=True)
differences = []
for axis, (name, slope) in zip(axes, SLOPES.items(), strict=True):
    y = make_activation(name)(z)
    (derivative,) = torch.autograd.grad(y.sum(), z)
    differences.append((derivative - slope(y)).abs().max().item())

    axis.plot(z.detach(), y.detach())
    axis.plot(z.detach(), derivative, "--")
    axis.set(title={"relu": "ReLU"}.get(name, name), xlabel="z")
    axis.grid(alpha=0.3)
axes[0].text(2.0, 0.7, "g(z)", color="C0")
axes[0].text(1.7, 0.24, "g'(z)", color="C1")
axes[2].set_ylim(-0.5, 5.2)
figure.suptitle("Sigmoid and tanh flatten: far from 0 their derivatives vanish")

# %% The property: the derivative of the slide is that of autograd
shows(
    "the slide's g'(z) equals the derivative of autograd",
    f"largest difference {max(differences):.0e} for 401 values of z",
    max(differences) < 1e-6,
)
plt.show()
