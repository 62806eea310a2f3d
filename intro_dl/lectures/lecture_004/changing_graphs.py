"""Lecture 004: networks with loops and conditionals, whose graph changes with the input."""

from typing import Any

import torch
from torch import Tensor

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal
from intro_dl.models.char_rnn import CharRNN
from intro_dl.scratch.autodiff import Node, Operand, jacobian_forward


def program(x: Any, W: Tensor) -> Any:
    """Run a program with a loop and a condition; how often and which way depends on the input `x` (3,)."""
    h, layers = x, 0
    while abs(plain(h)).sum() < 20 and layers < 30:  # how many layers depends on the input
        h = (W @ h) * 2
        h = h.relu() + 0.5 if plain(h)[0] > 0 else h.tanh() - h  # which layer does, too
        layers += 1
    return (h * h).sum()


def plain(value: Operand | Tensor) -> Tensor:
    """Return the numbers of an operand or a tensor."""
    return value.value if isinstance(value, Operand) else value.detach()


@claim(
    "R6",
    lectures=["004"],
    slide="Yann LeCun, 2018",
    says="Networks are defined procedurally in a data-dependent way (with loops and conditionals), "
    "allowing them to change dynamically as a function of the input data fed to them. [Run: a graph that "
    "changes with its input.]",
    kind="measured",
)
def graph_of_the_input() -> Outcome:
    W = torch.eye(3, dtype=torch.float64) + 0.3 * normal(3, 3)
    lengths, ours, forward, theirs = [], [], [], []
    for size in (0.01, 0.1, 1.0, 10.0):
        x = size * normal(3)
        point = Node(x)
        lengths.append(len(program(point, W).backward()))
        ours.append(point.gradient)
        forward.append(jacobian_forward(lambda x: program(x, W), x).matrix[0])
        theirs.append(gradient(lambda x: program(x, W), x))
    ours, forward, theirs = (torch.stack(each) for each in (ours, forward, theirs))

    model = CharRNN(vocab_size=5, hidden_size=4).double()  # a loop over the characters of its input
    nodes = [autograd_nodes(model(torch.zeros(1, T, dtype=torch.long))[0].sum()) for T in (2, 4, 6)]
    scale = theirs.abs().max().item()
    return Outcome(
        [
            within("4 inputs: graphs of different lengths on the tape", len(set(lengths)), 2),
            Check("gradients of the 4 inputs: tape against torch.autograd", ours, theirs, 1e-12 * scale),
            Check("... by dual numbers", forward, theirs, 1e-12 * scale),
            within("model=char_rnn, 2 characters: nodes of torch's graph", nodes[0], 2),
            within("... more with 4 characters", nodes[1] - nodes[0], 2),
            Check("... and as many more with 6", nodes[2] - nodes[1], nodes[1] - nodes[0]),
        ],
        [
            f"a while loop with an if, inputs of size 0.01, 0.1, 1 and 10: {lengths} nodes on the tape",
            f"model=char_rnn on 2, 4 and 6 characters: {nodes} nodes in torch's graph",
        ],
    )


def autograd_nodes(result: Tensor) -> int:
    """Count the operations in torch's graph of a result."""
    found, waiting = set(), [result.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting += [each for each, _ in node.next_functions]
    return len(found)
