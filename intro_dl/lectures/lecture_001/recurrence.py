"""Lecture 001: sequences, the recurrent cell, and the LSTM."""

import math

import torch
from torch import Tensor, nn

from intro_dl.data.images import Digits
from intro_dl.data.sentences import decode, encode, vocabulary
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.lectures.lecture_001.fully_connected import count
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.char_rnn import CharRNN
from intro_dl.models.layers import make_activation
from intro_dl.scratch import backprop, layers, recurrent
from intro_dl.tasks import Writer
from intro_dl.training import product

WORDS = ("I", "love", "recurrent", "neural", "networks!")


UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def number_words(number: int) -> str:
    """Return e.g. "thirty seven" for a number from 20 to 99."""
    tens, units = divmod(number, 10)
    return " ".join([TENS[tens - 2], *([UNITS[units - 1]] if units else [])])


def learn_to_write(writer: Writer, inputs: Tensor, sentences: Tensor) -> None:
    """Train a model of the product to write sentences (N, T) about inputs (N, ...), all at once."""
    optimizer = product.optimizer(writer.parameters(), "optim=adam", "optim.lr=0.01")
    for _ in range(120):
        optimizer.zero_grad()
        writer.metrics((inputs, sentences))["loss"].backward()
        optimizer.step()
    writer.eval()


@claim(
    "F41",
    lectures=["001"],
    slide="Sequence Modeling Applications",
    says="One to one: will I pass this class? Many to one: sentiment. One to many: captioning. "
    "Many to many: translation.",
    kind="holds",
)
def four_shapes() -> Outcome:
    student, data = product.train("model=perceptron", "data=pass_class", "trainer.max_epochs=10")
    passes = student(data.transform(torch.tensor([[4.0, 5.0]]))).item()

    judge, opinions = product.train("model=sentiment", "trainer.max_epochs=4")
    sentences, moods = opinions.whole("test")
    with torch.no_grad():
        right = (judge.eval().predict(judge(sentences)) == moods).double().mean().item()

    images = Digits()
    images.setup()
    pixels, labels = images.whole("train")
    known = [(labels == digit).nonzero()[:2, 0].tolist() for digit in range(1, 10)]  # two pictures of each
    spelled = [" ".join(name) for name in UNITS]  # a letter is a word
    letters = vocabulary(spelled)
    captioner = product.model("model=captioner", in_shape=(1, 28, 28), vocab_size=len(letters))
    learn_to_write(captioner, pixels[[first for first, _ in known]], encode(spelled, letters, stop=True))
    captions, others = (
        [text.replace(" ", "") for text in decode(captioner.write(pixels[list(shown)], 6), letters)]
        for shown in zip(*known, strict=True)
    )

    order = (20 + torch.randperm(80)).tolist()
    new = [number for number in order if number % 10][:15]
    rest = [number for number in order if number not in new]
    names = [number_words(number) for number in rest]
    digits, words = vocabulary(" ".join(str(number)) for number in rest), vocabulary(names)
    translator = product.model("model=translator", source_size=len(digits), vocab_size=len(words))

    def read(numbers: list[int]) -> Tensor:
        return encode([" ".join(str(number)) for number in numbers], digits)

    learn_to_write(translator, read(rest), encode(names, words, stop=True))
    texts = dict(zip(order, decode(translator.write(read(order), 4), words), strict=True))

    def correct(numbers: list[int]) -> int:
        return sum(texts[number] == number_words(number) for number in numbers)

    lengths = sorted({len(texts[number].split()) for number in rest})
    return Outcome(
        [
            within(
                "one to one: probability that the student with 4 lectures and 5 hours passes", passes, low=0.8
            ),
            within("many to one: accuracy on new sentences, whose order counts", right, low=0.95),
            within("... of counting words", opinions.rivals("test")["bag of words"], low=0.4, high=0.6),
            Check("one to many: names written for pictures of 1 to 9", " ".join(captions), " ".join(UNITS)),
            Check("many to many: numbers, of 65, whose words are all right", correct(rest), 65),
            Check("... 2 digits in; words out, without the end", lengths, [1, 2]),
        ],
        [
            "Stand-ins: 'one to one' is model=perceptron on data=pass_class, students drawn at random; 'many "
            "to one' is model=sentiment on its generated sentences, data=opinions.",
            "Captions: model=captioner, a scanned digit in; 3 to 5 letters out. Nine captions, memorized. "
            f"Right of nine other pictures: {sum(a == b for a, b in zip(others, UNITS, strict=True))}.",
            "Translation: model=translator, digits into English, 65 numbers, memorized. Right of 15 other "
            f"numbers: {correct(new)}; the first is {new[0]}, {texts[new[0]]}.",
        ],
    )


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


def _lstm_model(cell: str) -> CharLSTM:
    return product.model(
        "model=char_lstm", f"model.cell={cell}", "model.hidden_size=4", vocab_size=5
    ).double()


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


@claim(
    "R9",
    lectures=["001"],
    slide="Handling Individual Time Steps; Neurons with Recurrence",
    says="Time steps handled one by one have no memory; a state, updated at each step, remembers.",
    kind="holds",
)
def memory_is_needed() -> Outcome:
    words = "the dog bit the man".split()  # "the" occurs twice: what follows depends on what was before
    names = list(dict.fromkeys(words))
    text = torch.tensor([names.index(word) for word in words])
    inputs, targets = text[:-1], text[1:]
    table = torch.zeros(len(names), len(names))  # how often a word follows another
    table.index_put_((inputs, targets), torch.ones(len(inputs)), accumulate=True)
    table = table / table.sum(dim=1, keepdim=True).clamp(min=1)
    chances = table[inputs, targets]
    floor = -chances.log().mean().item()  # no function of one word has a lower loss

    losses, after_the = {}, {}
    for name in ("char_rnn", "char_lstm"):
        for memory in (True, False):
            model = product.model(f"model={name}", "model.hidden_size=8", vocab_size=len(names))
            # Without memory each word is a text of its own, so the state starts at zero.
            batch = (inputs[None], targets[None]) if memory else (inputs[:, None], targets[:, None])
            losses[name, memory] = fit(model, *batch, steps=150, lr=0.05)["loss"]
            logits = model(batch[0])[0].reshape(len(inputs), -1)
            after_the[name, memory] = logits.softmax(dim=1)[[0, 3], targets[[0, 3]]].tolist()
    checks = [
        Check(
            'table of word pairs: probability of "dog" and "man" after "the"',
            chances[[0, 3]],
            torch.tensor([0.5, 0.5]),
        )
    ]
    for name in ("char_rnn", "char_lstm"):
        checks += [
            within(
                f"model={name}: the smaller of the two after 150 steps", min(after_the[name, True]), low=0.9
            ),
            within("... loss", losses[name, True], high=0.1),
            within("the same without memory: the smaller of the two", min(after_the[name, False]), high=0.5),
            Check("... loss, against the table's", losses[name, False], floor, 0.01),
        ]
    return Outcome(
        checks,
        [
            f'One sentence, "{" ".join(words)}", learned by heart: it shows what memory allows, not how well '
            "it works on new text.",
            f"table of word pairs: loss {floor:.4f} = 2 ln 2 / 4",
        ],
    )
