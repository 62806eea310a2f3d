"""Lecture 000: how to reduce overfitting. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

from itertools import product as combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.scratch import backprop, layers
from intro_dl.training import product


@claim(
    "F11",
    lectures=["000", "002", "003"],
    slide="Regularization 1: Dropout",
    says="During training, randomly set some activations to 0. Typically 'drop' 50% of activations in layer. "
    "Forces network to not rely on any 1 node. (Lecture 002: a kind of ensemble.)",
    kind="holds",
)
def dropout() -> Outcome:
    mlp = (
        "model=mlp",
        "model.hidden=[32]",
        "data=moons",
        "optim.lr=0.03",
        "trainer.max_epochs=8",
        "data.batch_size=32",
    )
    thinned, data = product.train(*mlp, "regularization=dropout")
    whole, _ = product.train(*mlp, "regularization=none")
    x, labels = data.splits["val"]
    x = data.transform(x)
    h = _hidden(thinned, x)  # (200, 32)
    active = h > 0
    thinned.train()
    with torch.no_grad():
        trained = torch.stack([thinned.features(x)[active] for _ in range(20)])  # (20, active units)
    thinned.eval()
    kept = trained != 0
    logits = layers.dense(h, thinned.logits.weight.T, thinned.logits.bias)

    unit = normal(6)
    drawn = layers.dropout(unit.expand(20_000, 6), 0.5)  # (draws, 6)
    error = drawn.std(dim=0) / len(drawn) ** 0.5
    # Every thinned network of four hidden units, and one linear output.
    W, b, v, one = normal(4, 3), normal(4), normal(4), normal(3)
    four = torch.tanh(W @ one + b)
    outputs = torch.stack([v @ (four * torch.tensor(mask)) for mask in combinations((0.0, 1.0), repeat=4)])
    reliance = {"none": _reliance(whole, x, labels), "dropout": _reliance(thinned, x, labels)}
    return Outcome(
        [
            Check(
                "regularization=dropout, training: fraction of active units set to 0",
                (~kept).double().mean().item(),
                0.5,
                0.02,
            ),
            Check(
                "... and the others are doubled", trained[kept], (2 * h[active].expand(20, -1))[kept], 1e-5
            ),
            Check("testing: the scores of scratch code without dropout", thinned(x), logits, 1e-5),
            Check("scratch, 20,000 draws: fraction set to 0", (drawn == 0).double().mean().item(), 0.5, 0.01),
            within(
                "... distance of a unit's mean from its activity, in standard errors",
                ((drawn.mean(dim=0) - unit) / error).abs().max().item(),
                high=5,
            ),
            Check(
                "mean of all 16 thinned networks: testing as in lecture 002, p times each activity",
                outputs.mean(),
                v @ layers.dropout_retaining(four, 0.5, training=False),
                1e-12,
            ),
            Check(
                "mean of all 16, kept units doubled: testing as in torch, each activity unchanged",
                (2 * outputs).mean(),
                v @ layers.dropout(four, 0.5, training=False),
                1e-12,
            ),
            within(
                "loss rises without the most important unit: network trained without over with dropout",
                reliance["none"] / reliance["dropout"],
                low=2,
            ),
        ],
        [
            "The mean over the thinned networks is exact for a linear output; with further non-linear layers",
            "it is an approximation.",
            "Not to rely on one node: 2-32-2 networks, 8 epochs on two moons; each unit is removed in turn.",
            f"Largest rise of the validation loss: {reliance['none']:.3f} trained without dropout, "
            f"{reliance['dropout']:.3f} with.",
            "That 50 % is typical is a convention. It is the value of regularization=dropout.",
        ],
    )


def _hidden(model: Any, x: Tensor) -> Tensor:
    """Return the activities of an MLP's only hidden layer in testing, by scratch code; (B, units)."""
    first = model.features[0]
    return backprop.relu(layers.dense(x, first.weight.T, first.bias)).detach()


@torch.no_grad()
def _reliance(model: Any, x: Tensor, labels: Tensor) -> float:
    """Return the largest rise of the loss when one hidden unit is removed."""
    h = _hidden(model, x)
    without_one = h * (1 - torch.eye(h.shape[1]))[:, None]  # (units, B, units)
    losses = torch.stack([F.cross_entropy(model.logits(each), labels) for each in without_one])
    return (losses.max() - F.cross_entropy(model.logits(h), labels)).item()


@claim(
    "S4",
    lectures=["000", "002", "003"],
    slide="Regularization 1: Dropout",
    says="`tf.nn.dropout(hiddenLayer, p=0.5)`; `tf.keras.layers.Dropout(p=0.5)`",
    kind="holds",
)
def dropout_snippets() -> Outcome:
    h = 1 + torch.rand(100_000, dtype=torch.float64)
    dropped = nn.Dropout(p=0.2)(h)
    dropping, retaining = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    by_rate = layers.dropout(h, p_dropped=0.2, generator=dropping)
    by_kept = layers.dropout_retaining(h, p_retained=0.8, generator=retaining)
    return Outcome(
        [
            Check("fraction that nn.Dropout(0.2) drops", (dropped == 0).double().mean().item(), 0.2, 0.01),
            Check("fraction that scratch code drops", (by_rate == 0).double().mean().item(), 0.2, 0.01),
            Check(
                "what nn.Dropout(0.2) keeps is divided by 0.8",
                dropped[dropped > 0],
                h[dropped > 0] / 0.8,
                1e-12,
            ),
            Check("training: keeping 0.8, divided by 0.8, is dropping 0.2", by_kept / 0.8, by_rate, 1e-12),
            Check(
                "testing: 0.8 of the activity, against nn.Dropout in eval mode",
                layers.dropout_retaining(h, 0.8, training=False) / 0.8,
                nn.Dropout(0.2).eval()(h),
                1e-12,
            ),
        ],
        [
            "Neither function had an argument p: TensorFlow 1 took keep_prob, TensorFlow 2 and Keras rate.",
            "  keep 80 %, drop 20 %:  tf1 keep_prob=0.8 | tf2, keras rate=0.2 | torch p=0.2",
            "At 0.5 both mean the same, so the slide's example still works. See E13.",
            "All of them scale in training. As first published, dropout scales in testing instead.",
        ],
    )


@claim(
    "F13",
    lectures=["000", "002", "003"],
    slide="Regularization 2: Early Stopping",
    says="Stop training before we have a chance to overfit. Stop training here! (At the lowest point.) "
    "Lecture 002: n epochs without improvement; n is called patience.",
    kind="holds",
)
def early_stopping() -> Outcome:
    few_noisy_digits = (
        *("model=mlp", "data=digits", "data.limit_train=200", "data.label_noise=0.2"),
        *("optim.lr=0.003", "trainer.max_epochs=60"),
    )
    model, data = product.train(*few_noisy_digits, best=True)  # with the patience of every run
    hasty, _ = product.train(*few_noisy_digits, "callbacks.early_stopping.patience=1")
    loss = {split: [row[f"loss/{split}"] for row in model.history] for split in ("train", "val")}
    curve, epochs = loss["val"], len(loss["val"])
    lowest = curve.index(min(curve))
    first_rise = next(epoch for epoch in range(1, epochs) if curve[epoch] >= min(curve[:epoch]))
    waits = [epoch - curve.index(min(curve[: epoch + 1])) for epoch in range(epochs)]

    images, labels = data.splits["val"]
    model.eval()
    with torch.no_grad():
        kept = F.cross_entropy(model(data.transform(images)), labels).item()
    return Outcome(
        [
            Check("epochs since the lowest validation loss when the training ends", waits[-1], 5),
            within("... and at most before", max(waits[:-1]), high=4),
            Check("validation loss of the weights that are kept: the lowest", kept, min(curve), 1e-4),
            within(
                "training loss of the last epoch over that of the lowest point",
                loss["train"][-1] / loss["train"][lowest],
                high=0.95,
            ),
            within(
                "... and mean validation loss of the epochs after it",
                sum(curve[lowest + 1 :]) / (epochs - 1 - lowest) / curve[lowest],
                low=1.02,
            ),
            Check(
                "with patience 1, the last epoch is the first without improvement",
                len(hasty.history) - 1,
                first_rise,
            ),
        ],
        [
            "MLP 784-200-100-10, trained on 200 digits, a fifth of them with a wrong label; patience 5.",
            f"validation loss: {', '.join(f'{value:.3f}' for value in curve)}; lowest in epoch {lowest + 1}",
            "The lowest point is known only some epochs later. So the run keeps its weights and trains on.",
            "It can miss a later, lower point.",
        ],
    )
