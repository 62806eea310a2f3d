"""Lecture 004: backward through layers, and gradients that vanish on the way."""

from typing import Any

import torch
from torch import nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal
from intro_dl.models.layers import Activation, make_activation
from intro_dl.models.mlp import MLP
from intro_dl.scratch.autodiff import Node, jacobian_reverse
from intro_dl.scratch.backprop import (
    ACTIVATIONS,
    gradient_norm_per_layer,
    multi_layer_backward,
    multi_layer_forward,
)
from intro_dl.scratch.train_by_hand import digits


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
