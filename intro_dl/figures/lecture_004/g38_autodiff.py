"""G38: Automatic differentiation, forward and in reverse.

Lecture 004; slides "Problem: Compute gradients of z with respect to inputs {x1, x2}" to "For each output, can
compute the gradient w.r.t. all inputs in one pass!". Claims N18, N19, N20, N21.
"""

# %% Twelve slides build up the graph of z = sin(x1) + x1 x2 at (2, 3): values, local derivatives, forward
# mode for x2, then reverse mode from the end. Here scratch/trace.py computes each number.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, shows
from intro_dl.figures.engine.diagram import draw_nodes
from intro_dl.scratch.trace import forward_lines, reverse_lines, slide_example, trace

found = trace(slide_example, x1=2.0, x2=3.0)
steps = {step.name: step for step in found.steps}
places = {"w1": (0, 0), "w2": (0, 2.6), "w3": (3.2, 2.6), "w4": (3.2, 0), "w5": (6.4, 1.3)}
ends = {"x1": (-2.5, 0), "x2": (-2.5, 2.6), "z": (9, 1.3)}
edges = [(each.operand, step.name) for step in found.steps for each in step.local]


def pretty(text):
    """Return w3 as w with a subscript, in the notation of the slides."""
    for letter in "wx":
        for number in "12345":
            text = text.replace(f"{letter}{number}", rf"{letter}_{number}")
    return "$" + text.replace("sin", r"\sin").replace("cos", r"\cos").replace(" ", r"\,") + "$"


# %% Each frame adds one number: five values, the local derivatives, five tangents, five adjoints
forward = list(found.tangents["x2"].items())
reverse = list(found.adjoints.items())
LOCAL, FORWARD, REVERSE = 6, 7, 13  # the frames where each part starts
figure, axes = canvas(height=5.4)


def frame(k):
    axes.clear()
    tangents = dict(forward[: max(0, k - FORWARD + 1)]) if k < REVERSE - 1 else {}
    adjoints = dict(reverse[: max(0, k - REVERSE + 1)])
    texts = {"x1": "$x_1$\n= 2", "x2": "$x_2$\n= 3", "z": "$z$"}
    for number, (name, step) in enumerate(steps.items(), start=1):
        texts[name] = pretty(f"{name} = {step.formula}") + (f"\n= {step.value:.3g}" if k >= number else "")
        if name in tangents:
            texts[name] += "\n" + rf"$dw_{number}/dx_2$ = {tangents[name]:.3g}"
        if name in adjoints:
            texts[name] += "\n" + rf"$dz/dw_{number}$ = {adjoints[name]:.3g}"
    colors = dict.fromkeys(tangents, "C2") | dict.fromkeys(adjoints, "C1")
    draw_nodes(axes, ends | places, [*edges, ("w5", "z")], texts, colors, size=(2.1, 1.4))
    for step in found.steps if k >= LOCAL else []:
        for each in step.local:
            (x, y), (u, v) = (ends | places)[each.operand], places[step.name]
            below = -0.33 if v < y or y == v == 0 else 0.33
            place, style = ((x + u) / 2, (y + v) / 2 + below), {"ha": "center", "va": "center", "color": "C0"}
            axes.text(*place, f"{each.value:.3g}", **style)
    axes.set(xlim=(-3.7, 10.2), ylim=(-1.0, 3.6))
    text = "Store the local derivatives" if k == LOCAL else "Evaluate the graph and store its values"
    if k >= REVERSE:
        text = "Reverse mode: " + reverse_lines(found)[k - REVERSE].strip()
    elif k >= FORWARD:
        text = "Forward mode: " + forward_lines(found, "x2")[min(k - FORWARD, 5)].strip()
    words = [f"{float(word):.3g}" if "." in word else word for word in text.split()]
    axes.set_title(" ".join(words), fontsize=14)


figure.suptitle(r"$z = \sin(x_1) + x_1 x_2$: one pass backward gives both derivatives")
film = animate(figure, frame, REVERSE + len(reverse), seconds=14)

# %% The properties: the numbers of the slides, and those of autograd
values = [round(step.value, 1) for step in found.steps]
shows("w1 to w5 as on the slides", str(values), values == [2, 3, 6, 0.9, 6.9])
shows("forward mode, dz/dx2", f"{forward[-1][1]:g}", forward[-1][1] == 2)
adjoints = {name: round(value, 2) for name, value in reverse}
shows("adjoints", str(adjoints), adjoints == {"w5": 1, "w3": 1, "w4": 1, "w2": 2, "w1": 2.58})
x = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)
(by_torch,) = torch.autograd.grad(x[0].sin() + x[0] * x[1], x)
gap = max(abs(found.adjoints["w1"] - by_torch[0].item()), abs(found.adjoints["w2"] - by_torch[1].item()))
shows("the tape against autograd", f"largest difference {gap:.0e}", gap < 1e-12)
plt.show()
