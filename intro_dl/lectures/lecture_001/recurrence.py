"""Lecture 001: sequences, the recurrent cell, and the LSTM."""

import math

import torch
from torch import Tensor, nn, optim

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.lectures.lecture_001.fully_connected import count
from intro_dl.models.char_rnn import CharRNN
from intro_dl.scratch import backprop, recurrent

WORDS = ("I", "love", "recurrent", "neural", "networks!")


class Reader(nn.Module):
    """A recurrent network that reads (T, B, m) and returns n numbers at every step, (T, B, n)."""

    def __init__(self, inputs: int, outputs: int, hidden: int = 16) -> None:
        super().__init__()
        self.rnn, self.output = nn.RNN(inputs, hidden), nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.rnn(x)[0])


@claim(
    "F41",
    lectures=["001"],
    slide="Sequence Modeling Applications",
    says="One to one: will I pass this class? Many to one: sentiment. One to many: captioning. "
    "Many to many: translation.",
    kind="holds",
)
def four_shapes() -> Outcome:
    one, many = torch.randn(1, 64, 1), torch.randn(6, 64, 1)  # (T, B, 1)
    steps = torch.arange(6.0)[:, None, None]
    alone = torch.cat([one, torch.zeros(5, 64, 1)])  # zeros follow the one input
    tasks = {  # inputs, targets, which outputs are read
        "one to one: the square of a number": (one, one**2, slice(None)),
        "many to one: the mean of six": (many, many.mean(dim=0, keepdim=True), slice(-1, None)),
        "one to many: a number fading, halved at each step": (alone, one * 0.5**steps, slice(None)),
        "many to many: the mean so far": (many, many.cumsum(dim=0) / (steps + 1), slice(None)),
    }
    checks = []
    for name, (inputs, targets, read) in tasks.items():
        torch.manual_seed(0)
        model = Reader(1, 1)
        optimizer = optim.Adam(model.parameters(), lr=0.02)
        for _ in range(120):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs)[read], targets)
            loss.backward()
            optimizer.step()
        shape = (len(inputs), len(targets))
        said = {"one to one": (1, 1), "many to one": (6, 1), "one to many": (6, 6), "many to many": (6, 6)}
        checks.append(Check(f"{name}: steps in, steps out", shape, said[name.split(":")[0]]))
        left = loss.item() / targets.var().item()
        checks.append(within("... loss in units of the targets' variance", left, high=0.1))
    return Outcome(checks, ["'One to many' reads the one input and then five zeros."])


@claim(
    "F39",
    lectures=["001"],
    slide="Recurrent Neural Networks (RNN); RNNs: Computational Graph Across Time",
    says="h_t = tanh(W_hh^T h_{t-1} + W_xh^T x_t); y_t = W_hy^T h_t. "
    "The same function and set of parameters are used at every time step.",
    kind="holds",
)
def recurrent_cell() -> Outcome:
    x, h0 = normal(7, 2, 3), normal(2, 4)  # T = 7, B = 2, m = 3, H = 4
    weights = [normal(3, 4) / 2, normal(4, 4) / 2, normal(4, 5)]
    y, h = recurrent.rnn(x, h0, *weights)
    twin = nn.RNN(3, 4, bias=False).double()
    twin.load_state_dict({"weight_ih_l0": weights[0].T, "weight_hh_l0": weights[1].T})
    states, _ = twin(x, h0[None])

    leaves = [tensor.clone().requires_grad_() for tensor in (x, h0, *weights)]
    torchs = torch.autograd.grad((recurrent.rnn(*leaves)[0] ** 2).sum() / 2, leaves)
    by_hand = recurrent.rnn_backward(y, x, h0, h, *weights)  # dL/dy = y
    names = ("x", "h0", "W_xh", "W_hh", "W_hy")
    model = CharRNN(vocab_size=5, hidden_size=4)
    long, _ = model(torch.randint(5, (1, 100)))
    return Outcome(
        [
            Check("states of seven steps, by hand against nn.RNN", h, states, 1e-12),
            Check("outputs against W_hy^T h_t", y, h @ weights[2], 1e-12),
            *(
                Check(f"dL/d{name} through time, by hand against autograd", mine, theirs, 1e-10)
                for name, mine, theirs in zip(names, by_hand, torchs, strict=True)
            ),
            Check("parameters, for 1 step or 100", (count(model), long.shape[1]), (20 + 16 + 20, 100)),
        ]
    )


@claim(
    "N29",
    lectures=["001"],
    slide="RNN Intuition",
    says='sentence = ["I", "love", "recurrent", "neural"]; next_word_prediction: "networks!"',
    kind="holds",
)
def networks() -> Outcome:
    tokens = torch.arange(len(WORDS))[None]  # (1, 5): each word is its own number
    model = CharRNN(vocab_size=len(WORDS), hidden_size=4)

    def chances() -> Tensor:
        return model(tokens[:, :-1])[0][0, -1].softmax(dim=0).detach()

    before = chances()[-1].item()
    fit(model, tokens[:, :-1], tokens[:, 1:], steps=150, lr=0.05)
    after = chances()
    return Outcome(
        [
            within('untrained: probability of "networks!"', before, high=0.5),
            within('trained on the sentence: probability of "networks!"', after[-1].item(), low=0.9),
            Check("the next word", WORDS[after.argmax()], "networks!"),
        ],
        [f"{word:<10} {chance:.3f}" for word, chance in zip(WORDS, after.tolist(), strict=True)],
    )


@claim(
    "N23",
    lectures=["001"],
    slide="Output Vector; Update Hidden State",
    says="tanh(x) = sinh(x)/cosh(x) = (e^x - e^-x)/(e^x + e^-x) = (e^{2x} - 1)/(e^{2x} + 1)",
    kind="holds",
)
def three_forms_of_tanh() -> Outcome:
    x = torch.linspace(-10, 10, 401, dtype=torch.float64)
    forms = [
        torch.sinh(x) / torch.cosh(x),
        (x.exp() - (-x).exp()) / (x.exp() + (-x).exp()),
        ((2 * x).exp() - 1) / ((2 * x).exp() + 1),
    ]
    far = torch.tensor(400.0, dtype=torch.float64)
    last = ((2 * far).exp() - 1) / ((2 * far).exp() + 1)
    return Outcome(
        [
            Check(f"form {number} against torch.tanh", form, torch.tanh(x), 1e-12)
            for number, form in enumerate(forms, 1)
        ]
        + [
            Check("the last form at x = 400 is infinity / infinity: not a number", math.isnan(last), True),
            Check("tanh(400) by scratch code, which cannot overflow", backprop.tanh(far), torch.tanh(far)),
            Check("... whose slope there is 0", gradient(torch.tanh, far).item(), 0.0, 1e-12),
        ]
    )


class MyRNNCell(nn.Module):
    """The slide's cell as intended: with matrix products, and the state as argument and result."""

    def __init__(self, rnn_units: int, input_dim: int, output_dim: int) -> None:
        super().__init__()
        self.W_xh = nn.Parameter(normal(rnn_units, input_dim))
        self.W_hh = nn.Parameter(normal(rnn_units, rnn_units))
        self.W_hy = nn.Parameter(normal(output_dim, rnn_units))

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(self.W_hh @ h + self.W_xh @ x)  # columns: (rnn_units, 1)
        return self.W_hy @ h, h


@claim(
    "S10",
    lectures=["001"],
    slide="RNN Intuition; RNN Implementation; RNN Implementation in TensorFlow",
    says="`for word in sentence: prediction, hidden_state = my_rnn(word, hidden_state)`; `class MyRNNCell`; "
    "`tf.keras.layers.SimpleRNN(rnn_units)`; LSTM",
    kind="holds",
)
def rnn_snippets() -> Outcome:
    my_rnn, sentence = MyRNNCell(4, 5, 5), torch.eye(5, dtype=torch.float64)[:4]  # one-hot words
    hidden_state, predictions = torch.zeros(4, 1, dtype=torch.float64), []
    for word in sentence:
        prediction, hidden_state = my_rnn(word[:, None], hidden_state)
        predictions.append(prediction)

    transposed = [weight.T for weight in (my_rnn.W_xh, my_rnn.W_hh, my_rnn.W_hy)]
    y, h = recurrent.rnn(sentence[:, None], torch.zeros(1, 4, dtype=torch.float64), *transposed)
    simple, long_short = nn.RNN(5, 4, bias=False).double(), nn.LSTM(5, 4).double()
    simple.load_state_dict({"weight_ih_l0": my_rnn.W_xh, "weight_hh_l0": my_rnn.W_hh})
    return Outcome(
        [
            Check("the loop's last state against scratch code", hidden_state[:, 0], h[-1, 0], 1e-12),
            Check("the loop's prediction against scratch code", predictions[-1][:, 0], y[-1, 0], 1e-12),
            Check("SimpleRNN(rnn_units): nn.RNN", simple(sentence)[0][-1], hidden_state[:, 0], 1e-12),
            Check("LSTM(rnn_units): output shape of nn.LSTM", tuple(long_short(sentence)[0].shape), (4, 4)),
        ],
        [
            "The loop runs as it is once RNN() has weights and words are vectors.",
            "add_weight([...]) names the weight in TensorFlow 2.x instead of shaping it. The rest: E12.",
            "Keras' SimpleRNN has a bias, and returns the last state only, unless return_sequences=True.",
        ],
    )


@claim(
    "E12",
    lectures=["001"],
    slide="RNN Implementation",
    says="`self.h = tf.math.tanh( self.W_hh * self.h + self.W_xh * x )`; `output = self.W_hy * self.h`. "
    "[Right: use matrix products, and pass the state instead of keeping it.]",
    kind="erratum",
)
def elementwise_cell() -> Outcome:
    cell = MyRNNCell(3, 3, 3)  # with other sizes the slide's cell does not broadcast
    x, h = normal(3, 1), normal(3, 1)
    slide = torch.tanh(cell.W_hh * h + cell.W_xh * x)
    _, right = cell(x, h)
    _, by_rows = recurrent.rnn_cell(x.T, h.T, cell.W_xh.T, cell.W_hh.T, cell.W_hy.T)
    first, again = _call_twice_keeping_state(cell, x)
    try:
        torch.tanh(normal(3, 3) * h + normal(3, 2) * normal(2, 1))
        other_sizes = "runs"
    except RuntimeError:
        other_sizes = "does not broadcast"
    return Outcome(
        [
            Check("shape of the new state: slide, right", list(slide.shape), list(right.shape), differ=True),
            Check("its first column: slide, right", slide[:, :1], right, 1e-3, differ=True),
            Check("right: against scratch code with the formula's transposes", right.T, by_rows, 1e-12),
            Check("the slide's cell with 3 units and 2 inputs", other_sizes, "does not broadcast"),
            Check("state kept on self: the same input twice", first, again, 1e-3, differ=True),
        ],
        ["`*` multiplies number by number; `tf.matmul` or `@` is the matrix product of the formula."],
    )


def _call_twice_keeping_state(cell: MyRNNCell, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return two outputs for the same input from a cell that keeps its state on itself."""
    kept = torch.zeros(3, 1, dtype=torch.float64)
    first, kept = cell(x, kept)
    again, kept = cell(x, kept)
    return first, again


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
        ],
        ["nn.LSTM stacks i, f, g, o (g is c~) and has two biases, of which only the sum matters."],
    )


@claim(
    "P9",
    lectures=["001"],
    slide="RNN; LSTM",
    says="Sizes of the cells: m inputs, H hidden units, n outputs; every time step shares them",
    kind="holds",
)
def cell_sizes() -> Outcome:
    m, H, n = 10, 16, 10
    return Outcome(
        [
            Check("RNN of the slide: H (m + H) + n H", count(CharRNN(m, H)), H * (m + H) + n * H),
            Check("nn.RNN, two biases: H (m + H + 2)", count(nn.RNN(m, H)), H * (m + H + 2)),
            Check("LSTM of the slide: 4 H (m + H + 1)", _slide_lstm_size(m, H), 4 * H * (m + H + 1)),
            Check("nn.LSTM, two biases: 4 H (m + H + 2)", count(nn.LSTM(m, H)), 4 * H * (m + H + 2)),
            Check("an LSTM has four times as many as an RNN", count(nn.LSTM(m, H)), 4 * count(nn.RNN(m, H))),
        ],
        [f"m = {m}, H = {H}, n = {n}"],
    )


def _slide_lstm_size(m: int, H: int) -> int:
    """Count the numbers in the W, U and b of the slide's equations."""
    return sum(part.numel() for part in recurrent.slide_order(*nn.LSTM(m, H).all_weights[0]))
