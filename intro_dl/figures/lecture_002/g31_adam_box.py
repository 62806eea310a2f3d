"""G31: The box of Adam, line by line in code.

Lecture 002; slide "Algorithm 1: Adam". Claims N24, R5.
"""

# %% The slide shows the algorithm of Kingma and Ba. On the left are its lines, in the middle those of
# optim=scratch_adam, read from the source, and on the right the numbers of its first step on theta^2 at 1.
import inspect

import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.scratch.optimizers import Adam
from intro_dl.training.product import optimizer

BOX = {
    "t": r"$t \leftarrow t + 1$",
    "g": r"$g_t \leftarrow \nabla_\theta f_t(\theta_{t-1})$",
    "m": r"$m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t$",
    "v": r"$v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2$",
    "m_hat": r"$\hat{m}_t \leftarrow m_t / (1 - \beta_1^t)$",
    "v_hat": r"$\hat{v}_t \leftarrow v_t / (1 - \beta_2^t)$",
    "w": r"$\theta_t \leftarrow \theta_{t-1} - \alpha\, \hat{m}_t / (\sqrt{\hat{v}_t} + \epsilon)$",
}
lines = (inspect.getsource(Adam.step) + inspect.getsource(Adam.update)).splitlines()
source = [line.partition("#")[0].strip() for line in lines]
code = {name: [line for line in source if line.startswith((f"{name} = ", f"{name} -= "))][-1] for name in BOX}


def descend(option, steps, scale=1.0):
    """Return theta after each step on f = scale theta^2, and the optimizer."""
    theta = torch.ones(1, dtype=torch.float64, requires_grad=True)
    rule, path = optimizer([theta], option), []
    for _ in range(steps):
        rule.zero_grad()
        (scale * theta**2).sum().backward()
        rule.step()
        path.append(theta.item())
    return torch.tensor(path), rule, theta


path, rule, theta = descend("optim=scratch_adam", 1)
state, (b1, b2) = rule.state[theta], rule.param_groups[0]["betas"]
numbers = {name: float(state[name]) for name in "tmv"} | {"g": theta.grad.item(), "w": path[0].item()}
numbers |= {"m_hat": numbers["m"] / (1 - b1), "v_hat": numbers["v"] / (1 - b2)}

# %% Draw the box
figure, axes = canvas(height=5.0)
columns = (
    (0.0, "Algorithm 1: Adam"),
    (0.385, "optim=scratch_adam"),
    (1.0, r"step 1, $\mathbf{\theta^2}$ at 1"),
)
for x, title in columns:
    axes.text(x, 7.1, title, fontsize=16, weight="bold", ha="right" if x == 1 else "left")
axes.plot((0, 1), (6.8, 6.8), color=ink(), linewidth=1.5)
for row, name in enumerate(BOX):
    y = 6 - row
    axes.text(0, y, BOX[name], va="center", fontsize=17)
    axes.text(0.385, y, code[name], va="center", fontsize=13, family="monospace", color="C0")
    axes.text(1, y, f"{numbers[name]:.4g}", va="center", ha="right", color="C1")
axes.set(xlim=(0, 1), ylim=(-0.6, 7.6))
axes.set_axis_off()
figure.suptitle("Adam: average the gradient and its square, correct both, step")

# %% The property: the box is torch's Adam
difference = (descend("optim=scratch_adam", 200)[0] - descend("optim=adam", 200)[0]).abs().max().item()
shows(
    "200 steps of the box against torch.optim.Adam", f"largest difference {difference:.0e}", difference < 1e-9
)
first = [1 - descend("optim=scratch_adam", 1, scale)[0].item() for scale in (1e-3, 1, 1e3)]
shows(
    "the first step is about alpha for gradients of 0.002, 2 and 2,000",
    ", ".join(f"{step:.6f}" for step in first),
    max(abs(step - 1e-3) for step in first) < 1e-6,
)
plt.show()
