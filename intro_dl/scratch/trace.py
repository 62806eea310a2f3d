"""Show automatic differentiation: every number of a formula, in the order and notation of the slides.

    python -m intro_dl.scratch.trace                                 # the slides' example in both modes
    python -m intro_dl.scratch.trace graph | dot -Tsvg > neuron.svg  # the graph of a neuron; needs Graphviz

Source: lecture 004, "Problem: Compute gradients of z with respect to inputs {x1, x2}" and
"Computational Graph of function".
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from intro_dl.scratch.autodiff import Dual, Node, T, jacobian_forward, jacobian_reverse

# An operation as the slides write it, then its local derivatives: {0}, {1} are operands, {w} is the result.
NOTATION = {
    "+": ("{0} + {1}", "1", "1"),
    "-": ("{0} - {1}", "1", "-1"),
    "*": ("{0} {1}", "{1}", "{0}"),
    "/": ("{0} / {1}", "1 / {1}", "-{0} / {1}^2"),
    "**": ("{0}^{1}", "{1} {0}^({1} - 1)", "{w} log({0})"),
    "neg": ("-{0}", "-1"),
    "exp": ("exp({0})", "{w}"),
    "log": ("log({0})", "1 / {0}"),
    "sin": ("sin({0})", "cos({0})"),
    "cos": ("cos({0})", "-sin({0})"),
    "tanh": ("tanh({0})", "1 - {w}^2"),
    "sigmoid": ("sigmoid({0})", "{w} (1 - {w})"),
    "relu": ("max(0, {0})", "step({0})"),
    "sum": ("{0}", "1"),  # of a scalar
    "max": ("{0}", "1"),
}

# White inputs, red parameters, blue operations, as on the slide; shapes say the same without color.
STYLES = {
    "input": 'shape=circle, fillcolor="white"',
    "parameter": 'shape=doublecircle, fillcolor="tomato"',
    "operation": 'shape=box, fillcolor="lightblue"',
    "constant": 'shape=plaintext, fillcolor="white"',
}


class LocalDerivative(NamedTuple):
    """The derivative of one step by one of its operands."""

    operand: str  # "w2"
    formula: str  # "w1"
    value: float


class Step(NamedTuple):
    """One w of the slides, evaluated, with the derivatives by its operands."""

    name: str
    formula: str
    value: float
    local: list[LocalDerivative]


class Trace(NamedTuple):
    """All numbers of both modes for one formula of scalars.

    steps: w1, w2, ... in the order of evaluation.
    tangents: input -> w -> dw/d(input); each input costs one pass of forward mode.
    adjoints: w -> dz/dw, in the order in which the one pass of reverse mode completes them.
    """

    steps: list[Step]
    tangents: dict[str, dict[str, float]]
    adjoints: dict[str, float]


def slide_example(x1: T, x2: T) -> list[T]:
    """Compute z = sin(x1) + x1 x2, one elementary step at a time, as on the slides of lecture 004."""
    w1 = x1
    w2 = x2
    w3 = w1 * w2
    w4 = w1.sin()
    w5 = w3 + w4
    return [w1, w2, w3, w4, w5]


def trace(function: Callable[..., Sequence[Any]], /, **inputs: float) -> Trace:
    """Differentiate a formula in both modes and keep all intermediate numbers.

    Args:
        function: returns its elementary steps w1, w2, ..., the result z last; see `slide_example`. It gets
            and returns Nodes for reverse mode, Duals for forward mode.
        inputs: the point, one number for each argument of `function`.

    Raises:
        ValueError: if a step is not a scalar, or uses a result that `function` does not return.
    """
    nodes: Sequence[Node] = function(**{name: Node(value, name) for name, value in inputs.items()})
    names = {node: f"w{i}" for i, node in enumerate(nodes, start=1)}
    steps = [write_step(node, names) for node in nodes]
    adjoints = {names[node]: node.gradient.item() for node in nodes[-1].backward() if node in names}
    tangents = {}
    for by in inputs:
        duals: Sequence[Dual] = function(
            **{name: Dual(value, float(name == by)) for name, value in inputs.items()}
        )
        tangents[by] = {step.name: dual.tangent.item() for step, dual in zip(steps, duals, strict=True)}
    return Trace(steps, tangents, adjoints)


def write_step(node: Node, names: dict[Node, str]) -> Step:
    """Return name, formula, value and local derivatives of one w."""
    if node.value.ndim > 0:
        raise ValueError(f"{names[node]} has shape {tuple(node.value.shape)}: a trace needs scalars")
    if not node.edges:
        return Step(names[node], node.name, node.value.item(), [LocalDerivative(node.name, "1", 1.0)])
    operands = []
    for edge in node.edges:
        if edge.operand not in names and edge.operand.kind != "constant":
            missing = f"a step, {edge.operand.name}, that the function does not return"
            raise ValueError(f"{names[node]} uses {missing}: return every w")
        operands.append(names.get(edge.operand, f"{edge.operand.value.item():g}"))
    formula, *slopes = [text.format(*operands, w=names[node]) for text in NOTATION[node.name]]
    local = [
        LocalDerivative(operand, slope, edge.pull(torch.ones_like(node.value)).item())
        for operand, slope, edge in zip(operands, slopes, node.edges, strict=True)
        if edge.operand in names
    ]
    return Step(names[node], formula, node.value.item(), local)


def to_dot(result: Node) -> str:
    """Draw the graph of a computation for Graphviz: white inputs, red parameters, blue operations.

    Source: lecture 004, "Computational Graph of function".
    """
    identity = {node: f"n{i}" for i, node in enumerate(reversed(result.tape()))}
    lines = ["digraph computation {", "  rankdir=LR;", "  node [style=filled];"]
    for node, own in identity.items():
        text = node.name or (f"{node.value.item():g}" if node.value.numel() == 1 else node.kind)
        text = text.replace("\\", "\\\\").replace('"', '\\"')
        size = "x".join(map(str, node.value.shape))
        label = f"{text}\\n{size}" if size else text
        lines.append(f'  {own} [label="{label}", {STYLES[node.kind]}];')
        lines += [f"  {identity[edge.operand]} -> {own};" for edge in node.edges]
    return "\n".join([*lines, "}"])


def neuron() -> Node:
    """Compute the logistic unit sigma(w^T x + b) of lecture 004, "main building block of Neural Networks"."""
    x = Node(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), "x")
    w = Node(torch.tensor([0.5, -0.5, 0.25], dtype=torch.float64), "w", "parameter")
    b = Node(0.1, "b", "parameter")
    return (w @ x + b).sigmoid()


def sum_of_products(terms: list[tuple[str, float, float]]) -> str:
    """Write the chain rule as the slides do: symbols = numbers = result."""
    symbols = " + ".join(symbol for symbol, _, _ in terms)
    numbers = " + ".join(f"{left:.7g} * {right:.7g}" for _, left, right in terms)
    return f"{symbols} = {numbers} = {sum(left * right for _, left, right in terms):.7g}"


def forward_lines(trace: Trace, by: str) -> list[str]:
    """Write one pass of forward mode: dw/d(input) of every w, from input to output."""
    tangents, lines = trace.tangents[by], []
    for step in trace.steps:
        terms = [
            (f"d{step.name}/d{operand} d{operand}/d{by}", slope, tangents[operand])
            for operand, _, slope in step.local
            if operand in tangents
        ]
        result = sum_of_products(terms) if terms else f"{tangents[step.name]:.7g}"
        lines.append(f"  d{step.name}/d{by} = {result}")
    return [*lines, f"  dz/d{by} = {tangents[trace.steps[-1].name]:.7g}"]


def reverse_lines(trace: Trace) -> list[str]:
    """Write the one pass of reverse mode: dz/dw of every w, from the end to the beginning."""
    lines = []
    for name in trace.adjoints:
        terms = [
            (f"dz/d{user.name} d{user.name}/d{name}", trace.adjoints[user.name], slope)
            for user in reversed(trace.steps)
            for operand, _, slope in user.local
            if operand == name and user.name in trace.adjoints
        ]
        lines.append(f"  dz/d{name} = {sum_of_products(terms) if terms else '1'}")
    return lines


def print_example() -> None:
    """Print lecture 004's example, z = sin(x1) + x1 x2 at (2, 3)."""
    working = trace(slide_example, x1=2.0, x2=3.0)
    print("z = sin(x1) + x1 x2 at (x1, x2) = (2, 3)\n")
    print("Evaluate graph and store values, with local derivatives:")
    for step in working.steps:
        slopes = [
            f"d{step.name}/d{operand} = {text if text == f'{value:.7g}' else f'{text} = {value:.7g}'}"
            for operand, text, value in step.local
        ]
        print(f"  {step.name} = {step.formula:8} = {step.value:<9.7g} {'   '.join(slopes)}")
    print(f"  z  = {working.steps[-1].name}")
    for by in working.tangents:
        print(f"\nForward mode, the pass for {by}, from input to output:")
        print("\n".join(forward_lines(working, by)))
    print("\nReverse mode, the one pass for z, from end to beginning:")
    print("\n".join(reverse_lines(working)))
    point = torch.tensor([2.0, 3.0], dtype=torch.float64)
    for mode, jacobian in [("Forward", jacobian_forward), ("Reverse", jacobian_reverse)]:
        matrix, passes = jacobian(lambda x: slide_example(x[0], x[1])[-1], point)
        row = ", ".join(f"{value:.7g}" for value in matrix[0].tolist())
        print(f"\n{mode} mode: dz/d(x1, x2) = ({row}), passes: {passes}", end="")
    print("\nForward mode takes one pass for each of N inputs, reverse mode one for each of M outputs.")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["graph"]):
        sys.exit(f"Unknown arguments {' '.join(sys.argv[1:])}: use graph, or no argument for the table.")
    print(to_dot(neuron())) if sys.argv[1:] else print_example()
