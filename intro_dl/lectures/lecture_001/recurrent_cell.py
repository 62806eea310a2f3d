"""Lecture 001: the recurrent cell, its formulas and its implementation."""

import math

import torch
from torch import Tensor, nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.lectures.lecture_001.softmax_regression import count
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.char_rnn import CharRNN
from intro_dl.models.layers import make_activation
from intro_dl.scratch import backprop, layers, recurrent
from intro_dl.training import product

WORDS = ("I", "love", "recurrent", "neural", "networks!")


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
    model = product.model("model=char_rnn", "model.hidden_size=4", vocab_size=5).double()
    text = torch.randint(5, (2, 100))
    logits, last = model(text)
    one_hot = nn.functional.one_hot(text.T, 5).double()  # (100, 2, 5)
    ours, ours_h = recurrent.rnn(one_hot, torch.zeros(2, 4, dtype=x.dtype), *model.parameters())
    halves, state = [], None
    for part in text.split(50, dim=1):  # the state goes on where the first half ended
        half, state = model(part, state)
        halves.append(half)
    looked_up = [layers.embedding(text, model.W_xh), layers.embedding_one_hot(text, model.W_xh)]
    return Outcome(
        [
            Check("states of seven steps, by hand against nn.RNN", h, states, 1e-12),
            Check("outputs against W_hy^T h_t", y, h @ weights[2], 1e-12),
            *(
                Check(f"dL/d{name} through time, by hand against autograd", mine, theirs, 1e-10)
                for name, mine, theirs in zip(names, by_hand, torchs, strict=True)
            ),
            Check(
                "model=char_rnn on 100 characters against the cell by hand",
                logits,
                ours.transpose(0, 1),
                1e-10,
            ),
            Check("... its last state", last, ours_h[-1], 1e-10),
            Check("... and read in two halves, the state passed on", torch.cat(halves, dim=1), logits, 1e-10),
            Check("a one-hot x_t picks its row of W_xh", looked_up[0], looked_up[1], 1e-12),
            Check("parameters, for any number of steps", count(model), 20 + 16 + 20),
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
    sentence = torch.arange(len(WORDS))[None]  # (1, 5): each word is its own number
    model = CharRNN(vocab_size=len(WORDS), hidden_size=4)

    def chances() -> Tensor:
        return model(sentence[:, :-1])[0][0, -1].softmax(dim=0).detach()

    before = chances()[-1].item()
    fit(model, sentence[:, :-1], sentence[:, 1:], steps=150, lr=0.05)
    after = chances()
    return Outcome(
        [
            within('untrained: probability of "networks!"', before, high=0.5),
            within('trained on the sentence: probability of "networks!"', after[-1].item(), low=0.9),
            Check("the next word", WORDS[after.argmax()], "networks!"),
        ],
        [f"{word:<10} {chance:.3f}" for word, chance in zip(WORDS, after.tolist(), strict=True)]
        + ["Learned by heart, and without need for memory: each word occurs once. With memory: R9."],
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
            Check("tanh by scratch code against the first form", backprop.tanh(x), forms[0], 1e-12),
            Check("... at x = 400, without overflow", backprop.tanh(far).item(), 1.0),
            Check("... and its slope there, 1 / cosh^2", backprop.ACTIVATIONS["tanh"][1](far).item(), 0.0),
            Check("model.activation=tanh", make_activation("tanh")(x), forms[0], 1e-12),
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


def _lstm_model(cell: str) -> CharLSTM:
    return product.model(
        "model=char_lstm", f"model.cell={cell}", "model.hidden_size=4", vocab_size=5
    ).double()


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
    simple = nn.RNN(5, 4, bias=False).double()
    simple.load_state_dict({"weight_ih_l0": my_rnn.W_xh, "weight_hh_l0": my_rnn.W_hh})
    names = dict(zip(("W_xh", "W_hh", "W_hy"), transposed, strict=True))
    ours = product.model("model=char_rnn", "model.hidden_size=4", vocab_size=5).double()
    ours.load_state_dict(names)
    words = torch.arange(4)[None]
    lstms = [_lstm_model(cell) for cell in ("torch", "scratch")]
    lstms[1].load_state_dict(lstms[0].state_dict())
    outputs, states = zip(*(model(words) for model in lstms), strict=True)
    return Outcome(
        [
            Check("the loop's last state against scratch code", hidden_state[:, 0], h[-1, 0], 1e-12),
            Check("the loop's prediction against scratch code", predictions[-1][:, 0], y[-1, 0], 1e-12),
            Check("SimpleRNN(rnn_units): nn.RNN", simple(sentence)[0][-1], hidden_state[:, 0], 1e-12),
            Check(
                "... model=char_rnn with the slide's weights",
                ours(words)[0][0],
                torch.stack(predictions)[:, :, 0],
                1e-12,
            ),
            Check(
                "LSTM: model=char_lstm with nn.LSTM, with model.cell=scratch", outputs[0], outputs[1], 1e-12
            ),
            Check("... last outputs and cell states", torch.stack(states[0]), torch.stack(states[1]), 1e-12),
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
    says="`self.h = tf.math.tanh( self.W_hh * self.h + self.W_xh * x )`; `output = self.W_hy * self.h`; "
    "`return output, self.h`",
    right="`def call(self, x, h):` `h = tf.math.tanh( self.W_hh @ h + self.W_xh @ x )`; `output = self.W_hy "
    "@ h`; `return output, h`",
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
