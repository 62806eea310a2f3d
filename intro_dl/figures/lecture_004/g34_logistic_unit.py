"""G34: The graph of a logistic unit.

Lecture 004; slide "Computational Graph of function: white node = input, red node = model parameter, blue node
= intermediate operations". Claims R6, F27.
"""

# %% The slide draws sigma(w^T x + b) as a graph. Here the graph is the tape that scratch/autodiff.py
# recorded.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, shows
from intro_dl.figures.engine.diagram import draw_nodes
from intro_dl.scratch.trace import neuron
from intro_dl.training.product import model

result = neuron()
result.backward()
tape = result.tape()
by_name = {node.name: node for node in tape}


def depth(node):
    """Return the number of operations on the longest way to a node."""
    return 1 + max(depth(edge.operand) for edge in node.edges) if node.edges else 0


def written(values):
    numbers = [f"{value:.3g}" for value in values.flatten().tolist()]
    return f"({', '.join(numbers)})" if len(numbers) > 1 else numbers[0]


# %% Place an operation right of its operands, and inputs and parameters one column before their use
signs = {"@": "$w^T x$", "+": "+ b", "sigmoid": r"$\sigma$"}
users = {edge.operand: node for node in tape for edge in node.edges}
columns = {node: depth(node) if node.edges else depth(users[node]) - 1 for node in tape}
heights = {"x": 1.05, "w": -1.05, "b": -1.05}
places = {node.name: (3.5 * columns[node], heights.get(node.name, 0.0)) for node in tape}
texts = {node.name: f"{signs.get(node.name, node.name)}\n{written(node.value)}" for node in tape}
kinds = {"parameter": "C1", "operation": "C0"}  # an input has the color of the page
colors = {node.name: kinds[node.kind] for node in tape if node.kind in kinds}

figure, axes = canvas(height=4.2)
edges = [(edge.operand.name, node.name) for node in tape for edge in node.edges]
draw_nodes(axes, places, edges, texts, colors, size=(2.9, 0.8))
figure.suptitle("A logistic unit: white inputs, red parameters, blue operations")

# %% The properties: the kinds of the nodes, and the adjoints are the gradients of model=perceptron
count = {kind: sum(node.kind == kind for node in tape) for kind in ("input", "parameter", "operation")}
shows("nodes of each kind", str(count), count == {"input": 1, "parameter": 2, "operation": 3})
unit = model("model=perceptron", in_shape=(3,), num_classes=2).double()
unit.w.data, unit.w0.data = by_name["w"].value, by_name["b"].value
y = unit(by_name["x"].value[None].double())[0]
gradients = torch.autograd.grad(y, [unit.w, unit.w0])
gap = max(
    (by_name[name].gradient - each).abs().max().item() for name, each in zip("wb", gradients, strict=True)
)
shows("the tape's gradients are those of model=perceptron", f"largest difference {gap:.0e}", gap < 1e-6)
plt.show()
