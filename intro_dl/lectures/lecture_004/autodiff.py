"""Lecture 004: gradients of any program, by the chain rule in two directions."""

import math
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import along, finite_difference, gradient, normal, numbers, rounded
from intro_dl.scratch.autodiff import Dual, Node, T, jacobian_forward, jacobian_reverse
from intro_dl.scratch.trace import forward_lines, reverse_lines, slide_example, trace


def z_of(x: Tensor) -> Tensor:
    """Compute z = sin(x1) + x1 x2, in torch."""
    return torch.sin(x[0]) + x[0] * x[1]


@claim(
    "E30",
    lectures=["004"],
    slide="Chain rule",
    says="dz/dw_1 = sum over p in parents of dz/dw_p dw_p/dw_1",
    right="dz/dw_1 = sum over c in children of dz/dw_c dw_c/dw_1, where the children of w_1 are the nodes "
    "computed from it",
    kind="erratum",
)
def sum_over_children() -> Outcome:
    x1, x2 = Node(2.0, "x1"), Node(3.0, "x2")
    tape = slide_example(x1, x2)[-1].backward()  # w5, w4, w3 and the two inputs
    inner = [w for w in tape if w is not tape[0]]

    def through(w: Node, others: list[Node]) -> float:
        """Sum dz/dw_p dw_p/dw over `others`; dw_p/dw is 0 where the tape of p does not have w."""
        terms = [
            edge.pull(p.gradient) for p in others if w in p.tape() for edge in p.edges if edge.operand is w
        ]
        return float(sum(terms))

    children = {w: [p for p in tape if any(edge.operand is w for edge in p.edges)] for w in inner}
    parents = {w: [edge.operand for edge in w.edges] for w in inner}
    over_children = [through(w, children[w]) for w in inner]
    over_parents = [through(w, parents[w]) for w in inner]
    by_torch = gradient(z_of, numbers(2, 3))
    of_inputs = [through(x, children[x]) for x in (x1, x2)]
    return Outcome(
        [
            Check(
                "x1 has two children, w3 and w4, and no parent", [len(children[x1]), len(parents[x1])], [2, 0]
            ),
            Check("sum over the children: dz/dx1, dz/dx2 against torch", of_inputs, by_torch, 1e-12),
            Check(
                "... for every node: its adjoint", over_children, [w.gradient.item() for w in inner], 1e-12
            ),
            Check("sum over the parents", over_parents, [w.gradient.item() for w in inner], 0.5, differ=True),
        ],
        [
            f"dz/dx1 = sum over children = {of_inputs[0]:.6f}; over parents = "
            f"{over_parents[inner.index(x1)]:g}",
            "A parent of w does not depend on w, so every term over parents is 0.",
            "Convention: an edge goes from an operand to what is computed from it. Drawn the other way "
            "round, from the result to the inputs, the slide's word would be right.",
        ],
    )


@claim(
    "N18",
    lectures=["004"],
    slide="Problem: Compute gradients of z with respect to inputs {x1, x2}; Evaluate graph and store values",
    says="z = sin(x1) + x1 x2 at (2, 3): w3 = w1 w2 = 6, w4 = sin(w1) = 0.9, w5 = w3 + w4 = 6.9",
    kind="holds",
)
def evaluate_graph() -> Outcome:
    working = trace(slide_example, x1=2.0, x2=3.0)
    values = {step.name: step.value for step in working.steps}
    local = {
        f"d{step.name}/d{derivative.operand}": derivative.value
        for step in working.steps[2:]
        for derivative in step.local
    }
    slide = {"dw3/dw1": 3.0, "dw3/dw2": 2.0, "dw4/dw1": math.cos(2), "dw5/dw3": 1.0, "dw5/dw4": 1.0}
    return Outcome(
        [
            Check(
                "w1 to w5, to one decimal",
                [round(value, 1) for value in values.values()],
                [2, 3, 6, 0.9, 6.9],
            ),
            Check("w4, exactly", values["w4"], math.sin(2), 1e-15),
            Check("w5 against z in torch", values["w5"], z_of(numbers(2, 3)), 1e-15),
            Check(
                "the local derivatives of the slide",
                [local[name] for name in slide],
                list(slide.values()),
                1e-15,
            ),
        ],
        [f"{step.name} = {step.formula} = {step.value:.7g}" for step in working.steps]
        + [f"{name} = {value:.7g}" for name, value in local.items()],
    )


@claim(
    "N19",
    lectures=["004"],
    slide="For each input, from input to output sequentially, evaluate graph and gradients",
    says="dz/dx2 = dw2/dx2 dw3/dw2 dw5/dw3 dz/dw5 = 1 * 2 * 1 * 1 = 2",
    kind="holds",
)
def forward_mode() -> Outcome:
    working = trace(slide_example, x1=2.0, x2=3.0)
    by_hand = slide_example(Dual(2.0, 0.0), Dual(3.0, 1.0))[-1].tangent
    value, by_torch = along(z_of, numbers(2, 3), numbers(0, 1))
    local = {(step.name, each.operand): each.value for step in working.steps for each in step.local}
    product = 1.0 * local["w3", "w2"] * local["w5", "w3"] * 1.0
    return Outcome(
        [
            Check("the slide's product of local derivatives", product, 2.0),
            Check("dual numbers, one pass", by_hand, 2.0),
            Check("torch.func.jvp", by_torch, 2.0),
            Check("the same pass also computes z", value, 6.909297426825682, 1e-12),
        ],
        forward_lines(working, "x2"),
    )


@claim(
    "E21",
    lectures=["004"],
    slide="Forward Mode allows us to compute the gradient of one input with respect to all the output",
    says="Forward mode computes the gradient of one input with respect to all the output. Jacobian dz/dx "
    "has dz_1/dx_1 ... dz_M/dx_1 in its first row.",
    right="Forward mode computes the derivatives of all the outputs with respect to one input. Transposed "
    "Jacobian: dz_1/dx_1 ... dz_M/dx_1 in its first row.",
    kind="erratum",
)
def gradient_of_one_input() -> Outcome:
    def f(x: Any) -> list[Any]:  # R^2 -> R^2
        return [x[0].sin() + x[0] * x[1], x[1] ** 2]

    def in_torch(x: Tensor) -> Tensor:
        return torch.stack(f(x))

    x, step = numbers(2, 3), 1e-6 * numbers(1, 2)
    usual, slide = jacobian_reverse(f, x).matrix, jacobian_forward(f, x).matrix.T  # (M, N) and (N, M)
    moved = in_torch(x + step) - in_torch(x)
    one_pass = torch.stack([w.tangent for w in f(Dual(x, numbers(1, 0)))])  # forward mode for x1
    of_one_input = torch.linalg.inv(usual)[0]  # dx1/dz1 and dx1/dz2: the slide's words, read literally
    return Outcome(
        [
            Check("the pass for x1 gives dz1/dx1 and dz2/dx1", one_pass, jacobian(in_torch, x)[:, 0], 1e-12),
            Check("it does not give dx1/dz1 and dx1/dz2", one_pass, of_one_input, 0.1, differ=True),
            Check(
                "convention: the slide's matrix, transposed, is torch's",
                slide.T,
                jacobian(in_torch, x),
                1e-12,
            ),
            Check("the usual matrix times a small step is the change of z", usual @ step, moved, 1e-10),
            Check("the slide's matrix must be transposed for that", slide.T @ step, moved, 1e-10),
        ],
        [
            f"pass for x1: {rounded(one_pass)}; dx1/dz: {rounded(of_one_input)}",
            f"dz/dx, row by row: usual {rounded(usual)}, slide {rounded(slide)}",
            "Both ways to write the matrix are in use: rows for outputs (Jacobian), or rows for inputs "
            "(denominator layout). Only the words of the slide are wrong.",
        ],
    )


@claim(
    "N20",
    lectures=["004"],
    slide="Compute derivatives with chain rule from end to beginning",
    says="dz/dw5 = 1, dz/dw3 = 1, dz/dw4 = 1, dz/dw2 = w1 = 2, dz/dw1 = cos(w1) + w2 = cos(2) + 3 = 2.58",
    kind="holds",
)
def reverse_mode() -> Outcome:
    working = trace(slide_example, x1=2.0, x2=3.0)
    adjoints = working.adjoints
    by_torch = gradient(z_of, numbers(2, 3))
    return Outcome(
        [
            Check(
                "dz/dw5, dz/dw3, dz/dw4, dz/dw2",
                [adjoints[w] for w in ("w5", "w3", "w4", "w2")],
                [1.0, 1.0, 1.0, 2.0],
            ),
            Check("dz/dw1, to two decimals", round(adjoints["w1"], 2), 2.58),
            Check("dz/dw1, exactly", adjoints["w1"], math.cos(2) + 3, 1e-15),
            Check(
                "(dz/dx1, dz/dx2) against torch.autograd", [adjoints["w1"], adjoints["w2"]], by_torch, 1e-15
            ),
            Check(
                "... and against finite differences",
                [adjoints["w1"], adjoints["w2"]],
                finite_difference(z_of, numbers(2, 3)),
                1e-9,
            ),
        ],
        reverse_lines(working),
    )


@claim(
    "N21",
    lectures=["004"],
    slide="If we have 1 output (Loss) and many inputs -> SLOW!; For each output, can compute the gradient "
    "w.r.t. all inputs in one pass!",
    says="Forward mode: one pass for each input. Reverse mode: one pass for each output.",
    kind="holds",
)
def passes() -> Outcome:
    W, V, calls = normal(3, 8), normal(1, 40), Counter()

    def few_outputs(x: T) -> T:  # R^8 -> R^3
        calls["few outputs", type(x)] += 1
        return (W @ x).tanh()

    def loss(x: T) -> T:  # R^40 -> R
        calls["loss", type(x)] += 1
        return ((V @ x).sin() ** 2).sum()

    x, many = normal(8), normal(40)
    forward, reverse = jacobian_forward(few_outputs, x), jacobian_reverse(few_outputs, x)
    loss_forward, loss_reverse = jacobian_forward(loss, many), jacobian_reverse(loss, many)
    by_torch = jacobian(lambda x: torch.tanh(W @ x), x)
    return Outcome(
        [
            Check(
                "8 inputs, 3 outputs: passes of forward and reverse mode",
                [forward.passes, reverse.passes],
                [8, 3],
            ),
            Check("a loss of 40 inputs: passes", [loss_forward.passes, loss_reverse.passes], [40, 1]),
            Check(
                "evaluations of the formulas in forward mode: one for each input",
                [calls["few outputs", Dual], calls["loss", Dual]],
                [8, 40],
            ),
            Check("... in reverse mode: one each", [calls["few outputs", Node], calls["loss", Node]], [1, 1]),
            Check("forward mode's Jacobian against torch's", forward.matrix, by_torch, 1e-12),
            Check("reverse mode's Jacobian against torch's", reverse.matrix, by_torch, 1e-12),
            Check("the gradient of the loss, both ways", loss_forward.matrix, loss_reverse.matrix, 1e-12),
        ],
        [
            "N inputs, M outputs: forward mode N passes, reverse mode M. A loss has M = 1: that is why "
            "training uses reverse mode.",
        ],
    )
