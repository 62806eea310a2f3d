"""Lecture 001: the LSTM, and the sizes of the cells."""

import torch
from torch import Tensor, nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import normal
from intro_dl.lectures.lecture_001.softmax_regression import count
from intro_dl.scratch import recurrent
from intro_dl.training import product


@claim(
    "F40",
    lectures=["001"],
    slide="LSTM",
    says="f_t, i_t, o_t = sigma(W x_t + U h_{t-1} + b); c~_t = tanh(W_c x_t + U_c h_{t-1} + b_c); "
    "c_t = f_t o c_{t-1} + i_t o c~_t; h_t = o_t o tanh(c_t). 1) Forget 2) Store 3) Update 4) Output",
    kind="holds",
)
def lstm_cell() -> Outcome:
    x, h0, c0 = normal(6, 2, 3), normal(2, 4), normal(2, 4)  # T = 6, B = 2, m = 3, H = 4
    twin = nn.LSTM(3, 4).double()
    W, U, b = (part.detach() for part in recurrent.slide_order(*twin.all_weights[0]))
    h, c = recurrent.lstm(x, h0, c0, W, U, b)
    states, (_, last_c) = twin(x, (h0[None], c0[None]))
    leaves = [part.clone().requires_grad_() for part in (x, h0, c0, W, U, b)]
    torchs = torch.autograd.grad((recurrent.lstm(*leaves)[0] ** 2).sum() / 2, leaves)
    gradients = recurrent.lstm_backward(h, x, h0, c0, h, c, W, U, b)  # dL/dh = h

    W_f, W_i, W_o, W_c = W.chunk(4)  # one step, equation by equation, for the first sequence
    (U_f, U_i, U_o, U_c), (b_f, b_i, b_o, b_c) = U.chunk(4), b.chunk(4)
    x_1, h_0, c_0 = x[0, 0], h0[0], c0[0]
    f = torch.sigmoid(W_f @ x_1 + U_f @ h_0 + b_f)
    i = torch.sigmoid(W_i @ x_1 + U_i @ h_0 + b_i)
    o = torch.sigmoid(W_o @ x_1 + U_o @ h_0 + b_o)
    c_1 = f * c_0 + i * torch.tanh(W_c @ x_1 + U_c @ h_0 + b_c)
    shut = b.clone()
    shut[:8] = torch.tensor([50.0] * 4 + [-50.0] * 4)  # forget nothing, store nothing
    _, remembered = recurrent.lstm(x, h0, c0, W, U, shut)
    return Outcome(
        [
            Check("outputs of six steps, by hand against nn.LSTM", h, states, 1e-12),
            Check("last cell state", c[-1], last_c[0], 1e-12),
            Check("one step by the slide's equations: cell state", c[0, 0], c_1, 1e-12),
            Check("... and output", h[0, 0], o * torch.tanh(c_1), 1e-12),
            Check("gates f = 1, i = 0: the memory stays", remembered[-1], c0, 1e-12),
            *(
                Check(f"dL/d{name} through time, by hand against autograd", mine, theirs, 1e-10)
                for name, mine, theirs in zip(gradients._fields, gradients, torchs, strict=True)
            ),
            Check("model=char_lstm: its layer is this LSTM", *_layer_of_char_lstm(x), 1e-12),
        ],
        ["nn.LSTM stacks i, f, g, o (g is c~) and has two biases, of which only the sum matters."],
    )


def _layer_of_char_lstm(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs of the layer of model=char_lstm for x (T, B, 3), and those by the slide."""
    model = product.model("model=char_lstm", "model.embedding_size=3", "model.hidden_size=4", vocab_size=5)
    lstm = model.double().lstm
    zeros = x.new_zeros(x.shape[1], 4)
    return lstm(x)[0], recurrent.lstm(x, zeros, zeros, *recurrent.slide_order(*lstm.all_weights[0]))[0]


@claim(
    "P9",
    lectures=["001"],
    slide="RNN; LSTM",
    says="Sizes of the cells: m inputs, H hidden units, n outputs; every time step shares them",
    kind="holds",
)
def cell_sizes() -> Outcome:
    m, H, E = 10, 16, 8
    rnn = product.model("model=char_rnn", f"model.hidden_size={H}", vocab_size=m)
    long_short = product.model(
        "model=char_lstm", f"model.hidden_size={H}", f"model.embedding_size={E}", vocab_size=m
    )
    slide = sum(part.numel() for part in recurrent.slide_order(*long_short.lstm.all_weights[0]))
    ends = m * E + H * m + m  # the embedding; the scores, with biases
    return Outcome(
        [
            Check("model=char_rnn, n = m: H (m + H) + m H", count(rnn), H * (m + H) + m * H),
            Check("W, U and b of the slide's LSTM, E inputs: 4 H (E + H + 1)", slide, 4 * H * (E + H + 1)),
            Check("nn.LSTM in model=char_lstm, two biases", count(long_short.lstm), 4 * H * (E + H + 2)),
            Check(
                "model=char_lstm with its embedding and scores", count(long_short), 4 * H * (E + H + 2) + ends
            ),
        ],
        [f"m = {m} characters, H = {H}, embeddings of E = {E} numbers; the number of steps is in no count."],
    )
