"""Lecture 004: gradients of any program, by the chain rule in two directions."""

import math

import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import along, finite_difference, gradient, normal, numbers, rounded
from intro_dl.scratch.autodiff import Dual, T, jacobian_forward, jacobian_reverse
from intro_dl.scratch.backprop import gradient_norm_per_layer
from intro_dl.scratch.trace import forward_lines, reverse_lines, slide_example, trace
from intro_dl.scratch.train_by_hand import digits


def z_of(x: Tensor) -> Tensor:
    """Compute z = sin(x1) + x1 x2, in torch."""
    return torch.sin(x[0]) + x[0] * x[1]


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
    says="Jacobian dz/dx has dz_1/dx_1 ... dz_M/dx_1 in its first row. [Right: that is its transpose; row j "
    "is the gradient of output j. And: the derivatives of all the outputs with respect to one input.]",
    kind="erratum",
)
def jacobian_is_transposed() -> Outcome:
    def f(x: Tensor) -> Tensor:  # R^2 -> R^2
        return torch.stack([torch.sin(x[0]) + x[0] * x[1], x[1] ** 2])

    x, step = numbers(2, 3), 1e-6 * numbers(1, 2)
    right = jacobian(f, x)  # (M, N)
    dz1_dx, dz2_dx = (gradient(lambda x, j=j: f(x)[j], x) for j in range(2))
    slide = torch.stack([dz1_dx, dz2_dx], dim=1)  # first row: dz_1/dx_1, dz_2/dx_1
    moved = f(x + step) - f(x)
    one_input = along(f, x, numbers(1, 0))[1]  # forward mode: all outputs, by x1
    wide = jacobian(lambda x: x.sum()[None].expand(5), numbers(1, 2))
    return Outcome(
        [
            Check("the slide's matrix against the Jacobian", slide, right, 0.1, differ=True),
            Check("the slide's matrix, transposed", slide.T, right, 1e-12),
            Check("the Jacobian times a small step is the change of z", right @ step, moved, 1e-10),
            Check("the slide's matrix times the step is not", slide @ step, moved, 1e-7, differ=True),
            Check(
                "the pass for x1 gives a column: all outputs by one input",
                one_input,
                right[:, 0],
                1e-12,
            ),
            Check("5 outputs of 2 inputs: shape of torch's Jacobian", list(wide.shape), [5, 2]),
        ],
        [f"right: {rounded(right)}", f"slide: {rounded(slide)}"],
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
                "... and against finite differences", by_torch, finite_difference(z_of, numbers(2, 3)), 1e-9
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
    W, V = normal(3, 8), normal(1, 40)

    def few_outputs(x: T) -> T:  # R^8 -> R^3
        return (W @ x).tanh()

    def loss(x: T) -> T:  # R^40 -> R
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
    widths = [4, 6, 5, 3]
    weights = [normal(n_out, n_in) for n_in, n_out in zip(widths[:-1], widths[1:], strict=True)]

    def layer(W: Tensor, phi: Tensor) -> Tensor:
        return torch.tanh(W @ phi)

    phis = [normal(4)]
    for W in weights:  # forward step: compute and save
        phis.append(layer(W, phis[-1]))

    dL_dphi = [2 * phis[-1]]  # of L = |phi^N|^2
    dL_dW: list[Tensor] = []
    for W, phi in zip(reversed(weights), reversed(phis[:-1]), strict=True):  # backward step
        dphi_dW, dphi_dphi = jacobian(layer, (W, phi))  # (j, a, b) and (j, i)
        dL_dW.insert(0, torch.einsum("j,jab->ab", dL_dphi[0], dphi_dW))
        dL_dphi.insert(0, dL_dphi[0] @ dphi_dphi)  # sum over j

    leaves = [tensor.clone().requires_grad_() for tensor in (phis[0], *weights)]
    out = leaves[0]
    for W in leaves[1:]:
        out = layer(W, out)
    by_torch = torch.autograd.grad((out**2).sum(), leaves)
    return Outcome(
        [Check("dL/dphi^0: three backward steps against autograd", dL_dphi[0], by_torch[0], 1e-12)]
        + [Check(f"dL/dW^{a + 1} against autograd", dL_dW[a], by_torch[a + 1], 1e-12) for a in range(3)],
        [
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
    x = torch.linspace(-10, 10, 2001, dtype=torch.float64)
    sigmoid = gradient(lambda x: torch.sigmoid(x).sum(), x)
    relu = gradient(lambda x: torch.relu(x).sum(), x)

    images, labels, _, _ = digits()
    images, t = images[:200], torch.eye(10, dtype=torch.float64)[labels[:200]]
    sizes = [64, 200, 100, 60, 30, 10]
    draws = [normal(n_out, n_in) for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True)]
    biases = [torch.zeros(size, dtype=torch.float64) for size in sizes[1:]]
    norms = {}
    for name, gain in (("sigmoid", 1.0), ("relu", 2.0)):  # N(0, 1/n) and He's N(0, 2/n)
        weights = [W * (gain / W.shape[1]) ** 0.5 for W in draws]
        norms[name] = gradient_norm_per_layer(images, t, weights, biases, name)
    ratio = {name: layers[0] / layers[-1] for name, layers in norms.items()}
    return Outcome(
        [
            Check("sigma'(10)", sigmoid[-1], 0.0, 1e-4),
            Check(
                "the largest sigma', at x = 0",
                [sigmoid.max().item(), x[sigmoid.argmax()].item()],
                [0.25, 0.0],
                1e-9,
            ),
            Check("ReLU' is 1 for x > 0 and 0 otherwise", relu, (x > 0).double()),
            Check(
                "sigmoid: gradient of the first layer over that of the last: < 0.05",
                ratio["sigmoid"] < 0.05,
                True,
            ),
            Check("ReLU: the same ratio: > 0.3", ratio["relu"] > 0.3, True),
        ],
        [
            f"{name}, gradient norm of layers 1 to 5: {[round(n, 4) for n in layers]}"
            for name, layers in norms.items()
        ]
        + ["'ReLU gradient doesn't vanish' is true of active units only."],
    )
