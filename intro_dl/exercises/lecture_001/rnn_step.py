"""A recurrent cell, and its way through a sequence.

Lecture 001; slides "Recurrent Neural Networks (RNN); RNNs: Computational Graph Across Time". Claims F39.

A recurrent network has a state h. At each step it reads x and its own state of the step before:

    h_t = tanh(W_hh h_(t-1) + W_xh x_t)
    y_t = W_hy h_t

The products are those of a matrix and a vector, there are no biases, and every step uses the same three
matrices.
"""

import torch
from torch import Tensor


def rnn_step(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output y (K,) and the new state h (H,).

    Args:
        x: the input (m,).
        h: the state of the step before, (H,).
        W_xh, W_hh, W_hy: (H, m), (H, H) and (K, H).
    """
    # solution
    h = torch.tanh(W_hh @ h + W_xh @ x)
    return W_hy @ h, h
    # end of solution


def rnn(xs: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> Tensor:
    """Return the outputs of all steps, (T, K), for a sequence xs (T, m). The first state is zeros."""
    # solution
    h = torch.zeros(W_hh.shape[0])
    outputs = []
    for x in xs:
        y, h = rnn_step(x, h, W_xh, W_hh, W_hy)
        outputs.append(y)
    return torch.stack(outputs)
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "functional", "rnn_tanh", "rnn_tanh_cell", "_VF", "ops")
HINTS = (
    "@ is the product of a matrix and a vector; * multiplies number by number.",
    "Compute the new h first. y reads the new state, not the old one.",
    (
        "In rnn, a loop hands the state on: y, h = rnn_step(x, h, ...). torch.stack makes one tensor of the "
        "outputs."
    ),
)


def cases(generator: torch.Generator) -> list[Case]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weights = normal(3, 2), normal(3, 3), normal(2, 3)
    return [
        Case("rnn_step", (normal(2), normal(3), *weights)),
        Case("rnn_step", (normal(2), torch.zeros(3, dtype=torch.float64), *weights)),
        Case("rnn", (normal(4, 2), *weights)),
        Case("rnn", (normal(1, 2), *weights)),
    ]


@mistake(
    "rnn_step",
    "y was computed from the old state, so the network answers before it has read x. The slide's y_t "
    "has h_t in it.",
)
def output_of_the_old_state(
    x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor
) -> tuple[Tensor, Tensor]:
    return W_hy @ h, torch.tanh(W_hh @ h + W_xh @ x)


@mistake(
    "rnn_step",
    "You forgot tanh. Without it the state is a linear function of all inputs, and can grow without a limit.",
)
def without_tanh(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> tuple[Tensor, Tensor]:
    h = W_hh @ h + W_xh @ x
    return W_hy @ h, h


@mistake(
    "rnn_step",
    "The old state is missing in your sum, so this is a network without a memory. Add W_hh h.",
)
def without_the_memory(
    x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor
) -> tuple[Tensor, Tensor]:
    h = torch.tanh(W_xh @ x)
    return W_hy @ h, h


@mistake(
    "rnn_step",
    "tanh was applied to each product, and then they were added. It belongs around the whole sum.",
)
def tanh_of_each_part(
    x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor
) -> tuple[Tensor, Tensor]:
    h = torch.tanh(W_hh @ h) + torch.tanh(W_xh @ x)
    return W_hy @ h, h


@mistake(
    "rnn_step",
    "You returned the new state first. The signature promises y, then h: a loop that unpacks them would "
    "mix them up.",
)
def exchanged(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> tuple[Tensor, Tensor]:
    h = torch.tanh(W_hh @ h + W_xh @ x)
    return h, W_hy @ h


@mistake(
    "rnn",
    "Every step began with the state 0, so nothing is remembered. Hand the state from one step to the next.",
)
def forgets_after_each_step(xs: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> Tensor:
    return torch.stack([rnn_step(x, torch.zeros(W_hh.shape[0]), W_xh, W_hh, W_hy)[0] for x in xs])


@mistake(
    "rnn", "Only the last output came back. The slide has an output at every step: collect them in a list."
)
def only_the_last_output(xs: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> Tensor:
    h = torch.zeros(W_hh.shape[0])
    for x in xs:
        y, h = rnn_step(x, h, W_xh, W_hh, W_hy)
    return y


@mistake("rnn", "You collected the states. The outputs are asked for: y_t = W_hy h_t.")
def states_for_outputs(xs: Tensor, W_xh: Tensor, W_hh: Tensor, W_hy: Tensor) -> Tensor:
    h, states = torch.zeros(W_hh.shape[0]), []
    for x in xs:
        _, h = rnn_step(x, h, W_xh, W_hh, W_hy)
        states.append(h)
    return torch.stack(states)
