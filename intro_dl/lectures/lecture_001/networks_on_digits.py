"""Lecture 001: what structure, data, and learned features are worth, on small scanned digits."""

import statistics
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor

from intro_dl.data.dataset import TensorData
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import mean_and_error
from intro_dl.training import product

SEEDS = (0, 1, 2)  # of every training here, whatever the seed of the claim is: so claims share trainings
ORDER = torch.randperm(28 * 28, generator=torch.Generator().manual_seed(0))  # of the shuffled pixels
FEW, ALL = 100, 1297  # training images
SHORT, LONG = 82, 164  # optimizer steps: 2 and 4 epochs of all images

SET_UP = (
    f"data=digits: {ALL:,} images of 28x28, enlarged from 8x8; Adam, 32 images a step; measured on 500 "
    f"held-out images; mean and standard error over the seeds {', '.join(map(str, SEEDS))}."
)


def shuffle_pixels(data: TensorData) -> None:
    """Put the pixels of all images into the same new order."""
    data.splits = {
        split: (images.flatten(1)[:, ORDER].view_as(images), labels)
        for split, (images, labels) in data.splits.items()
    }


@cache
def trained(model: str, seed: int, images: int, steps: int, shuffled: bool = False) -> tuple[Any, TensorData]:
    """Train on data=digits, and return the model, ready to predict, and the data."""
    net, data = product.train(
        f"model={model}",
        "data=digits",
        f"data.limit_train={images}",
        "optim.lr=2e-3",
        "callbacks=no_early_stopping",
        f"trainer.max_steps={steps}",
        "trainer.max_epochs=1000",
        "trainer.check_val_every_n_epoch=1000",  # only at the end
        f"seed={seed}",
        change=shuffle_pixels if shuffled else None,
    )
    return net.eval(), data


def held_out(data: TensorData) -> tuple[Tensor, Tensor]:
    """Return the 500 validation and test images, as networks read them, and their labels."""
    parts = [data.splits[split] for split in ("val", "test")]  # no choice is made on either
    images, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    return data.transform(images), labels


@torch.no_grad()
def measured(metric: str, model: str, images: int, steps: int, shuffled: bool = False) -> list[float]:
    """Return the loss or the accuracy on the held-out images for each seed."""
    runs = [trained(model, seed, images, steps, shuffled) for seed in SEEDS]
    return [net.metrics(held_out(data))[metric].item() for net, data in runs]


def mean_with_error(values: Sequence[float]) -> str:
    """Return e.g. "0.967 ± 0.004": the mean over the seeds and its standard error."""
    return "{:.3f} ± {:.3f}".format(*mean_and_error(values))


@claim(
    "R1",
    lectures=["001"],
    slide="CNN: Deep learning with images",
    says="We removed structural information from the image (by vectorizing).",
    kind="holds",
)
def shuffled_pixels() -> Outcome:
    x = torch.randn(20, 1, 28, 28, dtype=torch.float64)
    mlp = product.model("model=mlp").double()
    twin = product.model("model=mlp").double()
    twin.load_state_dict(mlp.state_dict())
    with torch.no_grad():
        twin.features[0].weight.copy_(mlp.features[0].weight[:, ORDER])
    labels, slopes = torch.arange(20) % 10, []
    for net, images in ((mlp, x), (twin, x.flatten(1)[:, ORDER].view_as(x))):
        loss = net.metrics((images, labels))["loss"]
        slopes.append(torch.autograd.grad(loss, list(net.parameters())))
    first = slopes[0][0][:, ORDER]
    losses = [measured("loss", "cnn", ALL, SHORT, shuffled) for shuffled in (False, True)]
    right = [measured("accuracy", "cnn", ALL, SHORT, shuffled) for shuffled in (False, True)]
    harm = [shuffled - plain for plain, shuffled in zip(*losses, strict=True)]
    return Outcome(
        [
            Check(
                "MLP, pixels and the columns of W_1 in a new order: dE/dW_1, reordered",
                slopes[1][0],
                first,
                1e-10,
            ),
            Check("... and the gradient of the last layer", slopes[1][-2], slopes[0][-2], 1e-10),
            within(
                "CNN: seeds, of 3, whose held-out loss is higher with shuffled pixels",
                sum(h > 0 for h in harm),
                low=3,
            ),
            within("... by, on average", statistics.fmean(harm), low=0.02),
        ],
        [
            "The MLP: an order of the pixels is only an order of the columns of W_1, which start at random. "
            "Equal gradients at the first step make equal steps, so it learns as well from shuffled images.",
            f"The CNN after {SHORT} steps: loss {mean_with_error(losses[0])}, shuffled "
            f"{mean_with_error(losses[1])}; accuracy {mean_with_error(right[0])}, shuffled "
            f"{mean_with_error(right[1])}.",
            SET_UP,
        ],
    )


@claim(
    "R2",
    lectures=["001"],
    slide="What can deep learning do?",
    says="Nothing that other algorithms can't do already. But they often do it much, much better.",
    kind="not reproduced",
)
def other_algorithms() -> Outcome:
    others = {
        "5 nearest neighbors": KNeighborsClassifier(),
        "SVM": SVC(),
        "decision tree": DecisionTreeClassifier(random_state=0),
        "random forest": RandomForestClassifier(random_state=0),
    }
    _, data = trained("softmax", SEEDS[0], ALL, LONG)
    images, labels = data.splits["train"]
    x, y = held_out(data)
    for model in others.values():
        model.fit(data.transform(images).flatten(1).numpy(), labels.numpy())
    found = {name: model.score(x.flatten(1).numpy(), y.numpy()) for name, model in others.items()}
    networks = {name: measured("accuracy", name, ALL, LONG) for name in ("mlp", "cnn")}
    best_other, best_network = max(found.values()), max(map(statistics.fmean, networks.values()))
    ratio = (1 - best_network) / (1 - best_other)
    return Outcome(
        [
            within("other algorithms can do it: accuracy of the best", best_other, low=0.95),
            Check("networks make at most half as many errors: slide, here", True, ratio <= 0.5, differ=True),
            within("errors of the better network / of the best other", ratio, low=0.7),
        ],
        [f"{name}: {accuracy:.3f}" for name, accuracy in found.items()]
        + [f"model={name}: {mean_with_error(values)}" for name, values in networks.items()]
        + [
            "'Much, much better' is read as: at most half the errors. The slide says 'often'; this is one "
            f"small set of images, scikit-learn's default settings, and networks after {LONG} steps.",
            SET_UP,
        ],
    )


@claim(
    "R3",
    lectures=["001"],
    slide="Deep learning: why now?",
    says="Complex models learn tasks better, however they need more data.",
    kind="holds",
)
def complex_models_need_data() -> Outcome:
    sizes = {FEW: SHORT, ALL: LONG}
    found = {
        (name, images): measured("accuracy", name, images, steps)
        for name in ("softmax", "mlp", "cnn")
        for images, steps in sizes.items()
    }
    mean = {key: statistics.fmean(values) for key, values in found.items()}
    gain = {images: mean["cnn", images] - mean["softmax", images] for images in sizes}
    return Outcome(
        [
            within(f"{ALL:,} images: accuracy that a CNN gains on softmax regression", gain[ALL], low=0.01),
            within("... and on an MLP", mean["cnn", ALL] - mean["mlp", ALL], low=0.01),
            within(f"{FEW} images: accuracy that a CNN gains on softmax regression", gain[FEW], high=0.015),
            within("the gain grows with the data by", gain[ALL] - gain[FEW], low=0.01),
        ],
        [
            f"model={name}: {mean_with_error(found[name, FEW])} with {FEW} images, "
            f"{mean_with_error(found[name, ALL])} with {ALL:,}"
            for name in ("softmax", "mlp", "cnn")
        ]
        + [
            f"{SHORT} and {LONG} steps. The CNN shows it; compare the MLP's numbers with their errors.",
            SET_UP,
        ],
    )


@claim(
    "R4",
    lectures=["001"],
    slide="What is the CNN trying to do?",
    says='Gradually "boil down" the visual information, and transform the input for a fully-connected neural '
    "network, or perhaps a multinomial logistic regression model.",
    kind="holds",
)
def features_for_regression() -> Outcome:
    def regression(features: Callable[[Tensor], Tensor], data: TensorData) -> float:
        (images, labels), (x, y) = data.splits["train"], held_out(data)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
        with torch.no_grad():
            model.fit(features(data.transform(images)).flatten(1).numpy(), labels.numpy())
            return model.score(features(x).flatten(1).numpy(), y.numpy())

    runs = [trained("cnn", seed, ALL, LONG) for seed in SEEDS]
    on_features = [regression(net.features, data) for net, data in runs]
    on_pixels = regression(lambda images: images, runs[0][1])
    untrained = regression(product.model("model=cnn").features, runs[0][1])
    whole = measured("accuracy", "cnn", ALL, LONG)
    numbers = runs[0][0].features(torch.zeros(1, 1, 28, 28)).numel()
    return Outcome(
        [
            Check("numbers that describe an image: pixels, features", (28 * 28, numbers), (784, 588)),
            within(
                "regression on frozen features: accuracy it loses against the whole network",
                statistics.fmean(whole) - statistics.fmean(on_features),
                high=0.015,
            ),
            within(
                "... accuracy it gains on a regression on the pixels",
                statistics.fmean(on_features) - on_pixels,
                low=0.005,
            ),
        ],
        [
            f"whole CNN {mean_with_error(whole)}; regression on its features {mean_with_error(on_features)}; "
            f"on the pixels {on_pixels:.3f}; on the features of an untrained CNN {untrained:.3f} (one run).",
            "The regression is scikit-learn's, C=0.01, on the standardized output of the three convolutions.",
            SET_UP,
        ],
    )
