"""Lecture 004: gradients of any program, by the chain rule in two directions."""

import math
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import along, finite_difference, gradient, normal, numbers, rounded
from intro_dl.models.char_rnn import CharRNN
from intro_dl.models.layers import Activation, make_activation
from intro_dl.models.mlp import MLP
from intro_dl.scratch.autodiff import Dual, Node, Operand, T, jacobian_forward, jacobian_reverse
from intro_dl.scratch.backprop import (
    ACTIVATIONS,
    gradient_norm_per_layer,
    multi_layer_backward,
    multi_layer_forward,
)
from intro_dl.scratch.trace import forward_lines, reverse_lines, slide_example, trace
from intro_dl.scratch.train_by_hand import digits


def z_of(x: Tensor) -> Tensor:
    """Compute z = sin(x1) + x1 x2, in torch."""
    return torch.sin(x[0]) + x[0] * x[1]


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


@claim(
    "E30",
    lectures=["004"],
    slide="Chain rule",
    says="dz/dw_1 = sum over p in parents of dz/dw_p dw_p/dw_1. [Right: the sum over the children of w_1, "
    "the nodes that are computed from it.]",
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
    says="Forward mode computes the gradient of one input with respect to all the output. Jacobian dz/dx has "
    "dz_1/dx_1 ... dz_M/dx_1 in its first row. [Right: the derivatives of all the outputs with respect "
    "to one input. The matrix is a convention, the transpose of the usual one.]",
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


@claim(
    "F28",
    lectures=["004"],
    slide="Backward step (b-prop)",
    says="dL/dphi^a = sum_j dphi_j^(a+1)/dphi^a dL/dphi_j^(a+1); compute parameter gradients dL/dw^a = sum_j "
    "dphi_j^a/dw^a dL/dphi_j^a",
    kind="holds",
)
def backward_step() -> Outcome:
    model = MLP((4,), 3, hidden=(6, 5), activation="tanh").double()
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    Ws, bs = (
        [parameter.detach() for parameter in each]
        for each in zip(*((f.weight, f.bias) for f in layers), strict=True)
    )

    def step(a: int, W: Any, phi: Any) -> Any:  # phi^(a + 1); the last layer is linear
        z = W @ phi + bs[a]
        return z if a == 2 else z.tanh()

    phis = [normal(4)]
    for a, W in enumerate(Ws):  # forward step: compute and save
        phis.append(step(a, Node(W), phis[-1]).value)

    dL_dphi, dL_dW = [2 * phis[-1]], []  # of L = |phi^N|^2
    for a in reversed(range(3)):  # backward step
        place = torch.arange(Ws[a].numel()).view(Ws[a].shape)  # of each weight in the flat vector
        dphi_dW = jacobian_reverse(
            lambda W, a=a, place=place: step(a, W[place], phis[a]), Ws[a].flatten()
        ).matrix
        dL_dW.insert(0, (dL_dphi[0] @ dphi_dW).view(Ws[a].shape))  # sum over j
        dphi_dphi = jacobian_reverse(lambda phi, a=a: step(a, Ws[a], phi), phis[a]).matrix  # (j, i)
        dL_dphi.insert(0, dL_dphi[0] @ dphi_dphi)  # sum over j

    x = phis[0].clone().requires_grad_()
    of_x, *of_weights = torch.autograd.grad((model(x[None]) ** 2).sum(), [x, *(f.weight for f in layers)])
    names = ["tanh", "tanh", "linear"]
    u, h = multi_layer_forward(phis[0][None], Ws, bs, names)
    by_hand, _ = multi_layer_backward(2 * h[-1], Ws, u, h, names)
    return Outcome(
        [Check("dL/dphi^0: three backward steps against autograd through model=mlp", dL_dphi[0], of_x, 1e-12)]
        + [Check(f"dL/dW^{a + 1} against autograd", dL_dW[a], of_weights[a], 1e-12) for a in range(3)]
        + [Check(f"dL/dW^{a + 1} by scratch/backprop.py", by_hand[a], dL_dW[a], 1e-12) for a in range(3)],
        [
            "Layers of 4, 6, 5 and 3 numbers; the local derivatives are from the tape of "
            "scratch/autodiff.py.",
            "On the slide the lower phi^a has the index j as well, which is wrong: each phi_i^a reaches L "
            "through every phi_j^(a+1), so all of dphi_j/dphi_i is summed over j, not its diagonal.",
        ],
    )


@claim(
    "F29",
    lectures=["004"],
    slide="Vanishing gradient problem; Rectified Linear Unit (ReLU)",
    says="Derivative of sigmoid: nearly 0 when x is far from 0! ReLU: derivative is constant! Gradients for "
    "layers far from the output vanish to zero.",
    kind="holds",
)
def vanishing_gradients() -> Outcome:
    x = torch.arange(-1000, 1001, dtype=torch.float64) / 100  # with 0 itself
    names: tuple[Activation, ...] = ("sigmoid", "relu")
    slope = {name: ACTIVATIONS[name][1](x) for name in names}  # scratch
    layers = {name: make_activation(name) for name in names}
    by_torch = {name: gradient(lambda x, g=g: g(x).sum(), x) for name, g in layers.items()}
    node = Node(x)
    node.relu().sum().backward()

    images, labels, _, _ = digits()
    images, labels = images[:200], labels[:200]
    norms, by_hand = {}, {}
    for name, gain in zip(names, (1.0, 2.0), strict=True):  # N(0, 1/n) and He's N(0, 2/n)
        model = MLP((64,), 10, hidden=(200, 100, 60, 30), activation=name, init="he").double()
        weights = [layer.weight for layer in model.modules() if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for W in weights:
                W *= (gain / 2) ** 0.5
        gradients = torch.autograd.grad(model.metrics((images, labels))["loss"], weights)
        norms[name] = [each.norm().item() for each in gradients]
        t = torch.eye(10, dtype=torch.float64)[labels]
        biases = [torch.zeros(len(W), dtype=torch.float64) for W in weights]
        by_hand[name] = gradient_norm_per_layer(images, t, [W.detach() for W in weights], biases, name)
    ratio = {name: each[0] / each[-1] for name, each in norms.items()}
    return Outcome(
        [
            Check("sigma'(10)", slope["sigmoid"][-1], 0.0, 1e-4),
            Check("sigma' by scratch against autograd", slope["sigmoid"], by_torch["sigmoid"], 1e-12),
            within("the largest sigma'", slope["sigmoid"].max().item(), 0.25 - 1e-9, 0.25 + 1e-9),
            Check(
                "ReLU' by scratch: 1 for x > 0 and 0 otherwise, 0 at x = 0 too",
                slope["relu"],
                (x > 0).double(),
            ),
            Check("... on the tape", node.gradient, (x > 0).double()),
            Check("... and by autograd", by_torch["relu"], (x > 0).double()),
            Check(
                "model=mlp of sigmoids: gradient norms by autograd and by scratch",
                norms["sigmoid"],
                by_hand["sigmoid"],
                1e-12,
            ),
            Check("model=mlp of ReLUs: the same", norms["relu"], by_hand["relu"], 1e-12),
            within("sigmoid: gradient of the first layer over that of the last", ratio["sigmoid"], high=0.05),
            within("ReLU: the same ratio", ratio["relu"], 0.3),
        ],
        [
            "model=mlp, layers of 200, 100, 60, 30 and 10 units, first gradient on 200 digits; weights "
            "drawn from N(0, 1/n) for sigmoids, N(0, 2/n) for ReLUs, n inputs; biases 0."
        ]
        + [
            f"{name}, gradient norm of layers 1 to 5: {[round(n, 4) for n in each]}"
            for name, each in norms.items()
        ]
        + [
            "'ReLU gradient doesn't vanish' is true of active units only, and depends on the initial "
            "weights: see F33 and H7. ReLU'(0) = 0 is a convention."
        ],
    )
