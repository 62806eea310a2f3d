"""Lecture 002: "Let's play", its Keras snippets, and the same in PyTorch."""

import io
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import normal
from intro_dl.models.mlp import MLP
from intro_dl.scratch.train_by_hand import digits


@claim(
    "S9",
    lectures=["002"],
    slide="Let's Play --- Practice",
    says="from tf.keras.layers import *; inputs = Inputs(m); hidden = Dense(d1)(inputs); outputs = "
    "Dense(2)(hidden); model = Model(inputs, outputs)",
    kind="holds",
)
def functional_api() -> Outcome:
    m, d1 = 3, 4
    dense_1, dense_2 = nn.Linear(m, d1).double(), nn.Linear(d1, 2).double()
    model = nn.Sequential(dense_1, dense_2)

    x = normal(10, m)
    hidden = x @ dense_1.weight.T + dense_1.bias
    outputs = hidden @ dense_2.weight.T + dense_2.bias
    one = dense_2.weight @ dense_1.weight  # no activation between them: the two layers are one
    one_bias = dense_2.weight @ dense_1.bias + dense_2.bias
    return Outcome(
        [
            Check("the model against its two matrix products", model(x), outputs, 1e-12),
            Check("shape of the outputs", list(model(x).shape), [10, 2]),
            Check(
                "as written, Dense(d1) adds nothing: one matrix gives the same",
                model(x),
                x @ one.T + one_bias,
                1e-12,
            ),
        ],
        [
            "inputs of m numbers -> model = nn.Sequential(nn.Linear(m, d1), nn.Linear(d1, 2))",
            "Dense has no activation by default: use Dense(d1, activation='sigmoid'), or nn.Sigmoid() "
            "between the layers.",
            "Why the original fails: tf is an alias, not a package to import from; Keras has "
            "Input(shape=(m,)), and never had Inputs(m). See E14.",
        ],
    )


def raised(code: str) -> str:
    """Return the name of the exception that some lines of Python raise, or "none"."""
    try:
        exec(code, {})
    except Exception as error:
        return type(error).__name__
    return "none"


@claim(
    "E14",
    lectures=["002", "003"],
    slide="Let's Play --- Practice; Keras",
    says="from tf.keras.layers import *; Inputs(m); tf.keras.layers.Dropout(p=0.5); Dense(input_dim=..., "
    "output_dim=...); nb_epoch=20; SGD(lr=0.1). [Today: from keras.layers import ...; Input(shape=(m,)); "
    "Dropout(0.5); Dense(units); epochs=20; SGD(learning_rate=0.1).]",
    kind="erratum",
)
def obsolete_names() -> Outcome:
    slide = "import torch as tf\nfrom tf.nn import *"  # as on the slide: an alias, then an import from it
    right = "import torch as tf\nfrom torch.nn import *"
    drop = nn.Dropout(p=0.5)
    dense = nn.Linear(in_features=28 * 28, out_features=500)
    return Outcome(
        [
            Check("importing from an alias raises", raised(slide), "ModuleNotFoundError"),
            Check("importing from the package raises", raised(right), "none"),
            Check("the slide's version and the right version", raised(slide), raised(right), differ=True),
            Check("nn.Dropout(p=0.5) exists, in torch", drop.p, 0.5),
            Check("weights of Dense(input_dim=28*28, output_dim=500)", dense.weight.numel(), 392_000),
        ],
        KERAS_3,
    )


# Errors of Keras 3.15, recorded once. This project does not need Keras.
KERAS_3 = [
    "from tf.keras.layers import *       -> ModuleNotFoundError: No module named 'tf'",
    "Inputs(3)                           -> NameError: name 'Inputs' is not defined; Input(shape=(3,)) works",
    "Dropout(p=0.5)                      -> TypeError: missing 1 required positional argument: 'rate'",
    "Dense(input_dim=784, output_dim=500) -> TypeError: missing 1 required positional argument: 'units'",
    "SGD(lr=0.1)                         -> ValueError: Argument(s) not recognized: {'lr': 0.1}",
    "fit(..., nb_epoch=20)               -> TypeError: got an unexpected keyword argument 'nb_epoch'",
]


# MNIST with Keras -------------------------------------------------------------------------------------------


def keras_example(side: int = 28, loss: Literal["cross_entropy", "mse"] = "mse") -> MLP:
    """Return the slides' network: 28x28 -> 500 -> 500 -> 10, sigmoid, the loss 'mse' of the softmax."""
    return MLP((1, side, side), 10, hidden=(500, 500), activation="sigmoid", loss=loss)


@claim(
    "N26",
    lectures=["002"],
    slide="Keras, Steps 1 to 3",
    says="28x28 -> 500 -> 500 -> 10, sigmoid and softmax; model.compile(loss='mse', optimizer=SGD(lr=0.1)); "
    "model.fit(x_train, y_train, batch_size=100, nb_epoch=20)",
    kind="holds",
)
def keras_mnist() -> Outcome:
    net = keras_example()
    counts = [
        sum(p.numel() for p in layer.parameters()) for layer in net.modules() if isinstance(layer, nn.Linear)
    ]
    updates = 20 * len(torch.arange(60_000).split(100))
    x, labels = torch.rand(100, 1, 28, 28), torch.randint(10, (100,))
    one_hot = torch.eye(10)[labels]
    mse = ((net(x).softmax(dim=1) - one_hot) ** 2).mean()  # Keras' 'mse': over examples and outputs
    return Outcome(
        [
            Check("parameters of each layer", counts, [784 * 500 + 500, 500 * 500 + 500, 500 * 10 + 10]),
            Check("parameters", sum(counts), 648_010),
            Check("updates: 60,000 / 100 in each of 20 epochs", updates, 12_000),
            Check("the loss, against Keras' definition", net.loss(net(x), labels), mse, 1e-7),
        ],
        [
            "intro-dl train model=mlp model.hidden=[500,500] model.activation=sigmoid "
            "model.loss=mse data=mnist data.batch_size=100 optim=sgd optim.lr=0.1 trainer.max_epochs=20"
        ],
    )


@claim(
    "P8",
    lectures=["002"],
    slide="Keras, Step 1: define a set of function",
    says="28x28 -> 500 -> 500 -> 10. [The slide gives no count: 648,010 parameters.]",
    kind="holds",
)
def keras_parameters() -> Outcome:
    hidden = [nn.Linear(28 * 28, 500), nn.Sigmoid(), nn.Linear(500, 500), nn.Sigmoid()]
    twin = nn.Sequential(*hidden, nn.Linear(500, 10), nn.Softmax(dim=1))
    ours, theirs = (sum(p.numel() for p in net.parameters()) for net in (keras_example(), twin))
    larger = sum(p.numel() for p in keras_example(side=32).parameters())
    return Outcome(
        [
            Check("parameters of model=mlp model.hidden=[500,500]", ours, 648_010),
            Check("parameters of the slide's six lines, in torch", theirs, ours),
            Check("each additional pixel adds 500 weights", larger - ours, (32 * 32 - 28 * 28) * 500),
        ],
        [f"{name}: {p.numel():,}" for name, p in keras_example().named_parameters()],
    )


def train_classifier(images: Tensor, labels: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> nn.Module:
    """Train one hidden layer of 50 sigmoid units, SGD at 0.1, 300 batches of 100; only the loss differs.

    Args:
        loss: of logits (B, K) and labels (B,).
    """
    torch.manual_seed(0)  # every loss starts with the same weights and sees the same batches
    net = nn.Sequential(nn.Linear(images.shape[1], 50), nn.Sigmoid(), nn.Linear(50, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(300):
        batch = torch.randint(len(images), (100,))
        optimizer.zero_grad()
        loss(net(images[batch]), labels[batch]).backward()
        optimizer.step()
    return net


@claim(
    "E15",
    lectures=["002"],
    slide="Keras, Step 2",
    says="model.compile(loss='mse', optimizer=SGD(lr=0.1), metrics=['accuracy']) for a classifier of digits. "
    "[Right, and so on the slide 'Multi-class Classification': cross-entropy.]",
    kind="erratum",
)
def mse_for_a_classifier() -> Outcome:
    images, labels, test_images, test_labels = digits()
    losses = {
        "mse": lambda z, labels: F.mse_loss(z.softmax(dim=1), F.one_hot(labels, 10).float()),
        "cross-entropy": F.cross_entropy,
    }
    accuracy, slope = {}, {}
    wrong = torch.tensor([[10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    for name, loss in losses.items():
        net = train_classifier(images.float(), labels, loss)
        accuracy[name] = (net(test_images.float()).argmax(dim=1) == test_labels).double().mean().item()
        slope[name] = torch.autograd.grad(loss(wrong, torch.tensor([1])), wrong)[0].norm().item()
    gap = accuracy["cross-entropy"] - accuracy["mse"]
    return Outcome(
        [
            Check(
                "confident in class 0 where 1 is true: slope of 'mse'",
                slope["mse"],
                0.0,
                1e-3,
            ),
            Check("the same with cross-entropy", slope["cross-entropy"], 2**0.5, 1e-3),
            Check("the two slopes", slope["mse"], slope["cross-entropy"], 1.0, differ=True),
            Check("digits, same net and steps: cross-entropy is better by more than 0.2", gap > 0.2, True),
        ],
        [f"accuracy after 300 steps: {name} {value:.2f}" for name, value in accuracy.items()]
        + ["'mse' also divides by the 10 outputs, so 0.1 is a smaller step. On MNIST: H9."],
    )


@claim(
    "S8",
    lectures=["002"],
    slide="Add Momentum; Keras, Steps 1 to 3; Keras: save and load models",
    says="model.compile(loss='categorical_crossentropy', optimizer=SGD(lr=0.1) or Adam(), "
    "metrics=['accuracy']); model.fit(x_train, y_train, batch_size=100, nb_epoch=20); model.evaluate(x_test, "
    "y_test); model.predict(x_test); save and load models",
    kind="holds",
)
def compile_fit_evaluate() -> Outcome:
    x, labels = torch.rand(100, 1, 28, 28), torch.randint(10, (100,))
    model = keras_example(loss="cross_entropy")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    weight = model.logits.weight
    before = weight.detach().clone()
    model.metrics((x, labels))["loss"].backward()  # one step of fit
    optimizer.step()
    assert weight.grad is not None

    model.eval()
    score = model.metrics((x, labels))
    result = model.probabilities(model(x))
    categorical = -(torch.eye(10)[labels] * result.log()).sum(dim=1).mean()  # Keras' definition
    file = io.BytesIO()
    torch.save({"hyper_parameters": dict(model.hparams), "state_dict": model.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    loaded = MLP(**saved["hyper_parameters"])
    loaded.load_state_dict(saved["state_dict"])
    return Outcome(
        [
            Check("fit: one step is w - 0.1 dL/dw", weight, before - 0.1 * weight.grad, 1e-7),
            Check("evaluate: score[0], 'categorical_crossentropy'", score["loss"], categorical, 1e-5),
            Check("evaluate: score[1]", score["accuracy"], (result.argmax(1) == labels).float().mean(), 1e-7),
            Check("predict: probabilities of 10 classes add up to 1", result.sum(1), torch.ones(100), 1e-5),
            Check("save and load: the same probabilities", loaded.eval().probabilities(loaded(x)), result),
        ],
        [
            "fit: intro-dl train model=mlp model.hidden=[500,500] model.activation=sigmoid "
            "data=mnist data.batch_size=100 optim=sgd optim.lr=0.1 trainer.max_epochs=20; optim=adam for "
            "Adam()",
            "evaluate: the last lines of that run; predict: model.probabilities(model(x)); save and load: "
            "its checkpoint, MLP.load_from_checkpoint(path).",
            "Why the original fails today: see E14.",
        ],
    )
