"""Lecture 003: what is new in MIT 6.S191, lecture 1, 2022 since the edition of 2018: TensorFlow 2.

Everything else on its slides is in lecture 000, whose claims name both lectures.
"""

import torch
from hydra.utils import instantiate
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal, numbers
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.models.mlp import MLP
from intro_dl.scratch import layers, optimizers
from intro_dl.scratch.autodiff import Node
from intro_dl.training import product

# A traditional tune, "The Kesh", first part, in ABC notation.
TUNE = """X:1
T:The Kesh
M:6/8
L:1/8
K:G
|:G3 GAB|A3 ABd|edd gdd|edB dBA|
GAG GAB|ABA ABd|edd gdd|BAF G3:|
"""


@claim(
    "S11",
    lectures=["003"],
    slide="Software Lab 1",
    says="Lab 1: Introduction to TensorFlow and Music Generation with RNNs",
    kind="holds",
)
def music_generation() -> Outcome:
    alphabet = sorted(set(TUNE))
    tokens = torch.tensor([alphabet.index(character) for character in TUNE])[None]  # (1, T)
    small = ("model=char_lstm", "model.embedding_size=16", "model.hidden_size=48")
    model = instantiate(product.config(*small).model, vocab_size=len(alphabet))
    before = model.metrics((tokens[:, :-1], tokens[:, 1:]))["bits_per_char"].item()
    after = fit(model, tokens[:, :-1], tokens[:, 1:], steps=120, lr=0.02)

    scratch = product.config(*small, "model.cell=scratch").model
    by_hand = instantiate(scratch, vocab_size=len(alphabet))
    by_hand.load_state_dict(model.state_dict())
    return Outcome(
        [
            within("bits per character before training", before, low=4),
            within("bits per character after 120 steps on this tune", after["bits_per_char"], high=0.5),
            within("fraction of next characters that it then predicts", after["accuracy"], low=0.95),
            Check(
                "the same scores with the LSTM by hand",
                by_hand(tokens)[0],
                model(tokens)[0],
                1e-4,
            ),
        ],
        [
            "A stand-in for the lab's collection of songs: the first part of one tune, memorized. So the",
            "figures say that the model can learn a text, not that it writes music.",
            "The lab's model was Embedding, LSTM(stateful=True) and Dense, built with batch_input_shape=,",
            "which Keras 3 no longer takes. Here: intro-dl train model=char_lstm data=irish_abc",
        ],
    )


class MyDenseLayer(nn.Module):
    """The slide's layer, line by line, in PyTorch."""

    def __init__(self, input_dim: int, output_dim: int) -> None:
        super().__init__()
        self.W = nn.Parameter(normal(input_dim, output_dim))
        self.b = nn.Parameter(normal(1, output_dim))

    def forward(self, inputs: Tensor) -> Tensor:
        z = torch.matmul(inputs, self.W) + self.b
        return torch.sigmoid(z)


@claim(
    "S5",
    lectures=["003"],
    slide="Dense layer from scratch; Multi Output Perceptron; Single Layer Neural Network",
    says="`class MyDenseLayer(tf.keras.layers.Layer)`, `tf.keras.layers.Dense(units=2)`, "
    "`tf.keras.Sequential([tf.keras.layers.Dense(n), tf.keras.layers.Dense(2)])`",
    kind="holds",
)
def dense_layer_snippets() -> Outcome:
    mine, x = MyDenseLayer(3, 2), normal(6, 3)
    twin = nn.Sequential(nn.Linear(3, 2).double(), nn.Sigmoid())
    twin[0].load_state_dict({"weight": mine.W.T, "bias": mine.b[0]})

    stacked = MLP((3,), 2, hidden=(5,), activation="identity").double()  # as on the slide: without g
    hidden, output = (module for module in stacked.modules() if isinstance(module, nn.Linear))
    W = hidden.weight.T @ output.weight.T
    b = output.weight @ hidden.bias + output.bias
    return Outcome(
        [
            Check("MyDenseLayer against nn.Linear and nn.Sigmoid", mine(x), twin(x), 1e-12),
            Check("... against scratch code", mine(x), layers.dense(x, mine.W, mine.b[0]).sigmoid(), 1e-12),
            Check("two Dense layers without activation are one", stacked(x), layers.dense(x, W, b), 1e-12),
        ],
        [
            "In TensorFlow 2.x the first argument of add_weight is the name, but the slide passes the shape:",
            "write shape=[input_dim, output_dim]. In Keras 3 the shape comes first, and the slide runs.",
            "Dense(n) has no activation by default: use Dense(n, activation='sigmoid').",
            "Dense(units=2) reads the number of inputs from x; in torch, nn.LazyLinear(2) does.",
        ],
    )


@claim(
    "S7",
    lectures=["003"],
    slide="Gradient Descent Algorithms",
    says="`tf.keras.optimizers.SGD`, `tf.keras.optimizers.Adam`, `tf.keras.optimizers.Adadelta`, "
    "`tf.keras.optimizers.Adagrad`, `tf.keras.optimizers.RMSProp`",
    kind="holds",
)
def keras_optimizers() -> Outcome:
    checks = []
    for name in ("SGD", "Adam", "Adadelta", "Adagrad", "RMSprop"):
        option = name.lower()
        walked = {}
        for each in (option, f"scratch_{option}"):
            w = numbers(1.0, -2.0).requires_grad_()
            rule = product.optimizer([w], f"optim={each}")
            for _ in range(20):
                w.grad = w.detach().clone()  # J = 1/2 |w|^2
                rule.step()
            walked[each] = w.detach()
            if each == option:
                checks.append(Check(f"class of optim={option}", type(rule).__name__, name))
        by_hand, J = walked[f"scratch_{option}"], (walked[option] ** 2).sum().item() / 2
        checks.append(Check(f"{name}: 20 steps down |w|^2 / 2, scratch code", walked[option], by_hand, 1e-12))
        checks.append(within(f"{name}: J after them, from 2.5", J, high=2.4999))
    return Outcome(
        checks,
        [
            "The class is tf.keras.optimizers.RMSprop, with a lowercase p; 'Putting it all together' writes",
            "tf.keras.optimizer.SGD(), without the s of optimizers.",
        ],
    )


@claim(
    "E32",
    lectures=["003"],
    slide="Gradient Descent Algorithms",
    says="SGD: Kiefer & Wolfowitz, Stochastic Estimation of the Maximum of a Regression Function, 1952.",
    right="SGD: Robbins & Monro, A Stochastic Approximation Method, 1951.",
    kind="erratum",
)
def kiefer_and_wolfowitz() -> Outcome:
    # J(w) = E[(w - y)^2] / 2 with y from N(2, 0.5^2), for 500 independent weights w that start at 0.
    zeros, steps = torch.zeros(500, dtype=torch.float64), 300

    def example() -> Tensor:
        return 2 + 0.5 * normal(500)

    sgd, by_hand = zeros.clone().requires_grad_(), zeros.clone().requires_grad_()
    rules = {sgd: product.optimizer([sgd], "optim=sgd"), by_hand: optimizers.GradientDescent([by_hand])}
    robbins_monro, kiefer_wolfowitz = zeros, zeros
    for n in range(1, steps + 1):
        rate, width, y = 1 / (n + 1), n ** (-1 / 3), example()
        robbins_monro = robbins_monro - rate * (robbins_monro - y)
        for w, rule in rules.items():
            rule.param_groups[0]["lr"] = rate
            w.grad = w.detach() - y
            rule.step()
        above = (kiefer_wolfowitz + width - example()) ** 2 / 2
        below = (kiefer_wolfowitz - width - example()) ** 2 / 2
        kiefer_wolfowitz = kiefer_wolfowitz - rate * (above - below) / (2 * width)
    RM, KW = (((w - 2) ** 2).mean().sqrt().item() for w in (robbins_monro, kiefer_wolfowitz))
    return Outcome(
        [
            Check("500 weights after 300 steps: optim=sgd, Robbins and Monro", sgd, robbins_monro, 1e-12),
            Check("... optim=sgd, Kiefer and Wolfowitz", sgd, kiefer_wolfowitz, 0.1, differ=True),
            Check("... scratch code", by_hand, robbins_monro, 1e-12),
            within("Robbins and Monro: root mean square error of w", RM, high=0.05),
            within("Kiefer and Wolfowitz: root mean square error of w", KW, high=0.5),
            within("... over that of Robbins and Monro", KW / RM, low=1.15),
        ],
        [
            "Robbins and Monro (1951): w <- w - a_n g_n; g_n is a noisy observation of what shall be 0.",
            "Kiefer and Wolfowitz (1952): w <- w - a_n (L_n(w + c_n) - L_n'(w - c_n)) / (2 c_n); L_n, L_n'",
            "are noisy observations of what shall be smallest (in the paper: largest). No gradient.",
            "Here: min E[(w - y)^2] / 2 with y from N(2, 0.5^2), a_n = 1/(n + 1), c_n = n^(-1/3); each loss",
            "has its own y.",
            f"Error of w after 300 steps: {RM:.3f} from 300 gradients, {KW:.3f} from 600 losses.",
            "The slide prints the title of the paper of 1952 beside SGD.",
        ],
    )


@claim(
    "S6",
    lectures=["003"],
    slide="Gradient Descent; Putting it all together",
    says="`weights = tf.Variable([tf.random.normal()])`; `while True:` `with tf.GradientTape() as g:` "
    "`loss = compute_loss(weights)`; `gradient = g.gradient(loss, weights)`; "
    "`weights = weights - lr * gradient`",
    kind="holds",
)
def gradient_tape_snippet() -> Outcome:
    x, y, lr, steps = normal(20), normal(20), 0.1, 10
    start = normal(1)

    def compute_loss(weights: Tensor) -> Tensor:
        return F.mse_loss(weights * x, y)

    weights = start.clone().requires_grad_()
    optimizer = product.optimizer([weights], "optim=sgd")  # its rate is lr
    for _ in range(steps):  # the slide's loop never ends
        optimizer.zero_grad()
        compute_loss(weights).backward()
        optimizer.step()

    by_tape = start.clone()
    for _ in range(steps):
        node = Node(by_tape)
        ((node * x - y) ** 2).mean().backward()
        by_tape = by_tape - lr * node.gradient
    by_hand = start.clone()
    for _ in range(steps):
        by_hand = by_hand - lr * 2 * (x * (by_hand * x - y)).mean()
    return Outcome(
        [
            Check(
                "ten steps: loss.backward() and optim=sgd against the derivative by hand",
                weights,
                by_hand,
                1e-12,
            ),
            Check("... the tape of scratch code against it", by_tape, by_hand, 1e-12),
            Check("the loss fell", bool(compute_loss(weights) < compute_loss(start)), True),
        ],
        [
            "tf.random.normal needs a shape. And weights - lr * gradient is a tensor, no longer a Variable:",
            "from the second iteration on, the tape does not watch it, and the gradient is None. Right:",
            "weights.assign_sub(lr * gradient).",
            "PyTorch has no tape to open: it records every operation on a tensor with requires_grad.",
        ],
    )


@claim(
    "E10",
    lectures=["003"],
    slide="Putting it all together",
    says="`prediction = model(x)`; `with tf.GradientTape() as tape:` `loss = compute_loss(y, prediction)`",
    right="`with tf.GradientTape() as tape:` `prediction = model(x)`; `loss = compute_loss(y, prediction)`",
    kind="erratum",
)
def prediction_outside_the_tape() -> Outcome:
    model, x, y = nn.Linear(3, 1).double(), normal(8, 3), normal(8, 1)
    parameters = list(model.parameters())
    with torch.no_grad():  # what is computed outside a tape is not recorded
        prediction = model(x)
    prediction.requires_grad_()  # so that the loss itself can be recorded, as under the slide's tape
    outside = torch.autograd.grad(F.mse_loss(prediction, y), parameters, allow_unused=True)
    inside = torch.autograd.grad(F.mse_loss(model(x), y), parameters)
    error = model(x) - y
    W, b = Node(model.weight.detach().T), Node(model.bias.detach())
    taped = x @ W + b
    ((taped - y) ** 2).mean().backward()
    return Outcome(
        [
            Check("parameters with a gradient: slide, right", _given(outside), _given(inside), differ=True),
            Check("the slide's gradients are all None", _given(outside), 0),
            Check("right: dJ/dW against 2/n (prediction - y)^T x", inside[0], 2 / 8 * error.T @ x, 1e-12),
            Check(
                "right: dJ/db against 2/n sum (prediction - y)", inside[1], 2 / 8 * error.sum(dim=0), 1e-12
            ),
            Check(
                "... the tape of scratch code, W and b",
                torch.cat([W.gradient, b.gradient[None]]),
                torch.cat([inside[0].T, inside[1][None]]),
                1e-12,
            ),
        ],
        ["TensorFlow says 'No gradients provided for any variable', and nothing is learned."],
    )


def _given(gradients: tuple[Tensor | None, ...]) -> int:
    return sum(each is not None for each in gradients)
