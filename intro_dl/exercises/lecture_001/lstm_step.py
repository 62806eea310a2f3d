"""One step of an LSTM, and a whole sequence.

Lecture 001; slide "LSTM". Claims F40.

An LSTM carries two vectors from step to step: the cell c remembers, the hidden state h is what it shows. With
x of this step and h and c of the step before, the slide computes three gates between 0 and 1 and a proposal:

    f = sigmoid(W_f x + U_f h + b_f)         forget: how much of the old cell stays
    i = sigmoid(W_i x + U_i h + b_i)         store: how much of the proposal enters
    o = sigmoid(W_o x + U_o h + b_o)         output: how much of the cell is shown
    proposal = tanh(W_c x + U_c h + b_c)

Then the new cell is f * c + i * proposal, and the new h is o * tanh(new cell), number by number. W holds W_f,
W_i, W_o and W_c in this order, and so do U and b. You may use torch.sigmoid and torch.tanh.
"""

import torch
from torch import Tensor


def lstm_step(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the new h and the new c, both (H,).

    Args:
        x: the input (m,).
        h, c: hidden state and cell of the step before, (H,).
        W, U, b: parameters (4, H, m), (4, H, H) and (4, H), in the order f, i, o, c.
    """
    # solution
    z = W @ x + U @ h + b  # (4, H)
    f, i, o = torch.sigmoid(z[:3])
    c = f * c + i * torch.tanh(z[3])
    return o * torch.tanh(c), c
    # end of solution


def lstm(xs: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    """Return h after each step, (T, H), for a sequence (T, m); the first h and c are zeros."""
    # solution
    h, c = torch.zeros(b.shape[1]), torch.zeros(b.shape[1])
    found = []
    for x in xs:
        h, c = lstm_step(x, h, c, W, U, b)
        found.append(h)
    return torch.stack(found)
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "functional", "lstm", "lstm_cell", "LSTM", "LSTMCell", "_VF", "ops")
HINTS = (
    "W[0] @ x is W_f x, a vector (H,). Write the four lines of the slide one below the other.",
    "* multiplies number by number, @ is the matrix product. Gates times vectors are *.",
    "In lstm, a loop hands both h and c to the next step: h, c = lstm_step(x, h, c, W, U, b).",
)


def cases(generator: torch.Generator) -> list[Case]:
    W, U, b, h, c, xs, one = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((4, 2, 3), (4, 2, 2), (4, 2), (2,), (2,), (4, 3), (1, 3))
    )
    return [
        Case("lstm_step", (xs[0], h, c, W, U, b)),
        Case("lstm_step", (xs[1], torch.zeros_like(h), 2 * c, W, U, b)),
        Case("lstm_step", (10 * xs[2], h, c, W, U, b)),
        Case("lstm", (xs, W, U, b)),
        Case("lstm", (one, W, U, b)),
    ]


def parts(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    """Return f, i, o and the proposal; used by the mistakes."""
    z = W @ x + U @ h + b
    return *torch.sigmoid(z[:3]), torch.tanh(z[3])


@mistake(
    "lstm_step",
    "You exchanged the forget gate and the input gate. f multiplies the old cell, i multiplies the proposal.",
)
def forget_and_store_exchanged(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
    f, i, o, proposal = parts(x, h, *parameters)
    c = i * c + f * proposal
    return o * torch.tanh(c), c


@mistake(
    "lstm_step",
    "You used the order f, i, c, o, perhaps from another library. Here the output gate is number 2 and the "
    "proposal number 3, as on the slide.",
)
def order_of_another_library(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
    f, i, o, proposal = parts(x, h, *(each[[0, 1, 3, 2]] for each in parameters))
    c = f * c + i * proposal
    return o * torch.tanh(c), c


@mistake(
    "lstm_step",
    "Your proposal uses the sigmoid, like the gates. A gate is a fraction, but what enters the cell may also "
    "be negative: it needs tanh.",
)
def proposal_with_sigmoid(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
    W, U, b = parameters
    f, i, o, proposal = torch.sigmoid(W @ x + U @ h + b)
    c = f * c + i * proposal
    return o * torch.tanh(c), c


@mistake(
    "lstm_step",
    "Your h is o * c. The cell can grow without limit while it adds up: tanh squeezes it before it is shown.",
)
def cell_shown_without_tanh(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
    f, i, o, proposal = parts(x, h, *parameters)
    c = f * c + i * proposal
    return o * c, c


@mistake(
    "lstm_step",
    "Your h shows the old cell. Then the input of this step is not in the answer to it: compute the new cell "
    "first, and use it.",
)
def old_cell_shown(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    f, i, o, proposal = parts(x, h, W, U, b)
    return o * torch.tanh(c), f * c + i * proposal


@mistake("lstm_step", "You returned c before h. The function returns h, which is shown, and then c.")
def cell_before_state(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
    f, i, o, proposal = parts(x, h, *parameters)
    c = f * c + i * proposal
    return c, o * torch.tanh(c)


@mistake(
    "lstm",
    "Every step started with zeros, so nothing is remembered. Hand h and c of one step to the next.",
)
def nothing_remembered(xs: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    zeros = torch.zeros(b.shape[1])
    return torch.stack([lstm_step(x, zeros, zeros, W, U, b)[0] for x in xs])


@mistake(
    "lstm",
    "You handed on h only, and the cell started with zeros in every step. The cell is the memory of an LSTM: "
    "hand it on too.",
)
def cell_not_handed_on(xs: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    found = [torch.zeros(b.shape[1])]
    for x in xs:
        found.append(lstm_step(x, found[-1], torch.zeros(b.shape[1]), W, U, b)[0])
    return torch.stack(found[1:])


@mistake(
    "lstm",
    "You returned the last h only. The other steps have outputs too: collect them in a list.",
)
def only_the_last_state(xs: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    h, c = torch.zeros(b.shape[1]), torch.zeros(b.shape[1])
    for x in xs:
        h, c = lstm_step(x, h, c, W, U, b)
    return h
