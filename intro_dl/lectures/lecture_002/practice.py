"""Lecture 002: "Let's play", its Keras snippets, and the same in PyTorch."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.models.mlp import MLP
from intro_dl.results.evidence import read_runs
from intro_dl.scratch.layers import dense
from intro_dl.scratch.train_by_hand import digits
from intro_dl.training import product


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
    model = MLP((m,), 2, hidden=(d1,), activation="identity").double()
    dense_1, dense_2 = (each for each in model.modules() if isinstance(each, nn.Linear))

    x = normal(10, m)
    hidden = dense(x, dense_1.weight.T, dense_1.bias)
    outputs = dense(hidden, dense_2.weight.T, dense_2.bias)
    one = dense_2.weight @ dense_1.weight  # no activation between them: the two layers are one
    one_bias = dense_2.weight @ dense_1.bias + dense_2.bias
    curved = MLP((m,), 2, hidden=(d1,), activation="sigmoid").double()
    curved.load_state_dict(model.state_dict())
    return Outcome(
        [
            Check(
                "model=mlp without activation against two dense layers of scratch", model(x), outputs, 1e-12
            ),
            Check(
                "as written, Dense(d1) adds nothing: one matrix gives the same",
                model(x),
                x @ one.T + one_bias,
                1e-12,
            ),
            Check("with a sigmoid it does", curved(x), x @ one.T + one_bias, 1e-3, differ=True),
        ],
        [
            "In torch: model = nn.Sequential(nn.Linear(m, d1), nn.Linear(d1, 2))",
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
    "output_dim=...); nb_epoch=20; SGD(lr=0.1)",
    right="from keras.layers import Dense, Dropout, Input; Input(shape=(m,)); Dropout(0.5); Dense(units); "
    "epochs=20; SGD(learning_rate=0.1)",
    kind="erratum",
)
def obsolete_names() -> Outcome:
    slide = "import torch as tf\nfrom tf.nn import *"  # as on the slide: an alias, then an import from it
    right = "import torch as tf\nfrom torch.nn import *"
    return Outcome(
        [
            Check("importing from an alias raises", raised(slide), "ModuleNotFoundError"),
            Check("importing from the package raises", raised(right), "none"),
            Check("the slide's version and the right version", raised(slide), raised(right), differ=True),
        ],
        [
            "Run here: Python's rule for imports, with torch in place of tensorflow. Recorded once, with "
            "Keras 3.15:",
            *KERAS_3,
        ],
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
    recipe = product.config("experiment=mnist_unsw_mse")
    net = MLP((1, 28, 28), 10, tuple(recipe.model.hidden), recipe.model.activation, loss=recipe.model.loss)
    counts = [
        sum(p.numel() for p in layer.parameters()) for layer in net.modules() if isinstance(layer, nn.Linear)
    ]
    settings = [recipe.optim.lr, recipe.data.batch_size, recipe.trainer.max_epochs]
    updates = 20 * 60_000 // recipe.data.batch_size
    x, labels = torch.rand(100, 1, 28, 28), torch.randint(10, (100,))
    with torch.no_grad():
        score, z = net.metrics((x, labels))["loss"], net(x).exp()
    o, t = z / z.sum(dim=1, keepdim=True), torch.eye(10)[labels]
    by_keras = ((o - t) ** 2).mean(dim=1).mean()  # a convention: over the outputs, then over the examples
    return Outcome(
        [
            Check("parameters of each layer", counts, [784 * 500 + 500, 500 * 500 + 500, 500 * 10 + 10]),
            Check("parameters", sum(counts), 648_010),
            Check("experiment=mnist_unsw_mse: optimizer", recipe.optim._target_, "torch.optim.SGD"),
            Check("its rate, batch size, and epochs", settings, [0.1, 100, 20]),
            Check("updates on the slide: 60,000 images in each of 20 epochs", updates, 12_000),
            Check("its loss against Keras' convention for 'mse'", score, by_keras, 1e-7),
        ],
        [
            "python scripts/train.py experiment=mnist_unsw_mse",
            "It holds 5,000 of the 60,000 training images back for validation: 11,000 updates, not 12,000. "
            "The initial weights are Keras' default. What it reaches: E15.",
            "Keras' 'mse' is the mean over outputs and examples, a convention: 1/5 of half the sum (E26).",
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


Loss = Literal["mse", "cross_entropy"]


class Accuracy(NamedTuple):
    """Accuracy on the images that choose the rate, and on the test images."""

    val: float
    test: float


def two_losses(rates: dict[Loss, Sequence[float]], four: bool) -> dict[Loss, dict[float, Accuracy]]:
    """Train model=mlp on the 8x8 digits, from the same weights and with the same batches each time.

    One hidden layer of 50 sigmoid units, 300 SGD steps of 100 of 1,137 images.

    Args:
        rates: the learning rates of each loss.
        four: classify 4 or not 4 (two classes), else the ten digits.

    Returns:
        For each loss and rate the accuracies; 300 images choose the rate, 360 others test.
    """
    images, labels, test_images, test_labels = digits()
    images, test_images = images.float(), test_images.float()
    if four:
        labels, test_labels = (labels == 4).long(), (test_labels == 4).long()
    seed, found = torch.initial_seed(), {}
    for loss, choices in rates.items():
        found[loss] = {}
        for rate in choices:
            torch.manual_seed(seed)
            net = MLP((64,), 2 if four else 10, hidden=(50,), activation="sigmoid", loss=loss)
            optimizer = product.optimizer(net.parameters(), "optim=sgd")
            optimizer.param_groups[0]["lr"] = rate
            for _ in range(300):
                batch = torch.randint(300, len(images), (100,))
                optimizer.zero_grad()
                net.metrics((images[batch], labels[batch]))["loss"].backward()
                optimizer.step()
            with torch.no_grad():
                val = net.metrics((images[:300], labels[:300]))["accuracy"].item()
                test = net.metrics((test_images, test_labels))["accuracy"].item()
            found[loss][rate] = Accuracy(val, test)
    return found


def best(runs: dict[float, Accuracy]) -> float:
    """Return the test accuracy of the rate that is best on the images that choose it."""
    return max(runs.values(), key=lambda each: each.val).test


@claim(
    "E15",
    lectures=["002"],
    slide="Keras, Step 2",
    says="model.compile(loss='mse', optimizer=SGD(lr=0.1), metrics=['accuracy']) for a classifier of digits",
    right="model.compile(loss='categorical_crossentropy', optimizer=SGD(learning_rate=0.1), "
    "metrics=['accuracy']) for a classifier of digits",
    kind="erratum",
)
def mse_for_a_classifier() -> Outcome:
    recorded = {name: statistics.fmean(read_runs(f"mnist_unsw_{name}")) for name in ("mse", "ce")}
    on_mnist = recorded["ce"] - recorded["mse"]
    found = two_losses({"mse": (0.1, 10.0, 30.0), "cross_entropy": (0.1, 1.0, 3.0)}, four=False)
    shared = found["cross_entropy"][0.1].test - found["mse"][0.1].test
    tuned = best(found["cross_entropy"]) - best(found["mse"])

    slope = {}
    for loss in ("mse", "cross_entropy"):
        wrong = torch.tensor([[10.0] + [0.0] * 9], requires_grad=True)
        value = MLP((1,), 10, loss=loss).loss(wrong, torch.tensor([1]))
        slope[loss] = torch.autograd.grad(value, wrong)[0].norm().item()
    return Outcome(
        [
            within("MNIST, the slide's recipe: cross-entropy instead of 'mse' adds", on_mnist, low=0.05),
            within("8x8 digits, both at 0.1: cross-entropy is ahead by", shared, low=0.2),
            within("8x8 digits, best rate of each: cross-entropy is ahead by", tuned, -0.03, 0.1),
            Check("confident in class 0 where 1 is true: slope of 'mse'", slope["mse"], 0.0, 1e-3),
            Check("the same with cross-entropy", slope["cross_entropy"], 2**0.5, 1e-3),
            Check("the two slopes", slope["mse"], slope["cross_entropy"], 1.0, differ=True),
        ],
        [
            f"MNIST, SGD(0.1), 20 epochs, 5 seeds each, at this one rate: mse {recorded['mse']:.4f}, "
            f"cross-entropy {recorded['ce']:.4f} (results/mnist_unsw_mse.json, mnist_unsw_ce.json). Other "
            "rates were not tried there.",
            "Digits of scikit-learn, 8x8, 360 test images, model=mlp, 50 sigmoid units, 300 steps of 100, "
            "the same start and batches, one seed:",
            *(
                f"{loss}, rate {rate:g}: {each.test:.3f}"
                for loss, runs in found.items()
                for rate, each in runs.items()
            ),
            f"At the shared rate the gap is {100 * shared:.1f} points, with the best rate of each "
            f"{100 * tuned:+.1f}: {100 * (1 - tuned / shared):.0f} % of it is step size. 'mse' also divides "
            "by the 10 outputs. Two classes: H9.",
        ],
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
    optimizer = product.optimizer(model.parameters(), "optim=sgd")
    weight = model.logits.weight
    before = weight.detach().clone()
    model.metrics((x, labels))["loss"].backward()  # one step of fit
    optimizer.step()
    assert weight.grad is not None

    model, data = product.train(
        *("model=mlp", "model.hidden=[20]", "model.activation=sigmoid", "data=digits", "data.batch_size=100"),
        *("optim=sgd", "trainer.max_epochs=1"),
    )
    assert isinstance(model, MLP)
    images, digit = data.splits["val"]
    images = data.transform(images)
    with torch.no_grad():
        result = model.eval().probabilities(model(images))
        chosen = model.predict(model(images))
    categorical = -(torch.eye(10)[digit] * result.log()).sum(dim=1).mean()  # Keras' definition
    score = model.history[-1]
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "model.ckpt"
        model.trainer.save_checkpoint(path, weights_only=False)
        loaded = MLP.load_from_checkpoint(path, weights_only=True).eval()
        again = loaded.probabilities(loaded(images))
    return Outcome(
        [
            Check("fit: one step of optim=sgd is w - 0.1 dL/dw", weight, before - 0.1 * weight.grad, 1e-7),
            Check("evaluate: score[0], 'categorical_crossentropy'", score["loss/val"], categorical, 1e-5),
            Check("evaluate: score[1]", score["accuracy/val"], (chosen == digit).float().mean(), 1e-6),
            Check(
                "predict: the probabilities of each image add up to 1", result.sum(1), torch.ones(200), 1e-5
            ),
            Check("save and load a checkpoint: the same probabilities", again, result),
        ],
        [
            "Evaluated on the 200 validation images of data=digits after one epoch of model=mlp.",
            "fit: intro-dl train model=mlp model.hidden=[500,500] model.activation=sigmoid "
            "data=mnist data.batch_size=100 optim=sgd optim.lr=0.1 trainer.max_epochs=20; optim=adam for "
            "Adam()",
            "evaluate: the last lines of that run; predict: model.probabilities(model(x)); save and load: "
            "its checkpoint, MLP.load_from_checkpoint(path).",
            "Why the original fails today: see E14.",
        ],
    )


@claim(
    "E27",
    lectures=["002"],
    slide="Keras: how to use the neural network (testing)",
    says="score = model.evaluate(x_test, y_test); print('Total loss on Testing Set:', score[0])",
    right="score = model.evaluate(x_test, y_test); print('Mean loss on Testing Set:', score[0])",
    kind="erratum",
)
def mean_not_total() -> Outcome:
    model, data = product.train(
        *("model=softmax", "data=digits", "data.batch_size=64", "optim=sgd", "trainer.max_epochs=1"),
    )
    images, labels = data.splits["val"]
    with torch.no_grad():
        each = F.cross_entropy(model.eval()(data.transform(images)), labels, reduction="none")
    score = model.history[-1]["loss/val"]
    by_batch = torch.stack([batch.mean() for batch in each.split(64)]).mean()
    return Outcome(
        [
            Check("the score against the total loss", score, each.sum(), 10, differ=True),
            Check("the score against the mean loss", score, each.mean(), 1e-5),
            Check("200 times the score against the total", 200 * score, each.sum(), 1e-2),
            Check(
                "nor the mean of the means of batches of 64, 64, 64, and 8",
                score,
                by_batch,
                1e-6,
                differ=True,
            ),
        ],
        [
            "A twin of evaluate in torch: loss/val of model=softmax on the 200 validation images of "
            "data=digits.",
            f"score {score:.4f}, mean {each.mean():.4f}, total {each.sum():.2f}",
            "Recorded once with Keras 3.15.1 on 37 random examples in batches of 10: evaluate gave 1.41321, "
            "the mean is 1.41321, the total 52.29.",
        ],
    )
