"""Lecture 000: how to reduce overfitting. MIT 6.S191, lecture 1, 2018 (and 003, of 2022)."""

from itertools import product

import torch
from torch import nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.lectures.engine.short_runs import train_on_curve
from intro_dl.scratch import layers


@claim(
    "F11",
    lectures=["000", "002", "003"],
    slide="Regularization 1: Dropout",
    says="During training, randomly set some activations to 0. Typically 'drop' 50% of activations in layer. "
    "Forces network to not rely on any 1 node. (Lecture 002: a kind of ensemble.)",
    kind="holds",
)
def dropout() -> Outcome:
    h = normal(6)
    trained = torch.stack([layers.dropout(h, 0.5) for _ in range(20_000)])  # (draws, 6)
    deviations = ((trained.mean(dim=0) - h) / (trained.std(dim=0) / len(trained) ** 0.5)).abs()
    # Every thinned network of four hidden units, and one linear output.
    W, b, v, x = normal(4, 3), normal(4), normal(4), normal(3)
    hidden = torch.tanh(W @ x + b)
    outputs = [v @ (hidden * torch.tensor(mask) / 0.5) for mask in product((0.0, 1.0), repeat=4)]
    return Outcome(
        [
            Check("fraction of activations set to 0", (trained == 0).double().mean().item(), 0.5, 0.005),
            within(
                "mean activity in training: standard errors from that in testing",
                deviations.max().item(),
                high=3,
            ),
            Check("testing changes nothing", layers.dropout(h, 0.5, training=False), h),
            Check("nn.Dropout in eval mode, too", nn.Dropout(0.5).eval()(h), h),
            Check(
                "mean of all 16 thinned networks is the whole network",
                torch.stack(outputs).mean(),
                v @ hidden,
                1e-12,
            ),
        ],
        ["Exact for a linear output; with further non-linear layers it is an approximation."],
    )


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
            Check("fraction that nn.Dropout(0.2) drops", (dropped == 0).double().mean().item(), 0.2, 0.005),
            Check("what is kept is divided by 0.8", dropped[dropped > 0], h[dropped > 0] / 0.8, 1e-12),
            Check("dropping 0.2 is keeping 0.8, mask by mask", by_rate, by_kept, 1e-12),
        ],
        [
            "Neither function had an argument p: TensorFlow 1 took keep_prob, TensorFlow 2 and Keras rate.",
            "  keep 80 %, drop 20 %:  tf1 keep_prob=0.8 | tf2, keras rate=0.2 | torch p=0.2",
            "At 0.5 both mean the same, so the slide's example still works. See E13.",
        ],
    )


@claim(
    "F13",
    lectures=["000", "002", "003"],
    slide="Regularization 2: Early Stopping",
    says="Stop training before we have a chance to overfit. Stop training here! (At the lowest point.)",
    kind="holds",
)
def early_stopping() -> Outcome:
    # Falls until epoch 6, then rises; an earlier bump shows the purpose of patience.
    curve = [1.0, 0.8, 0.7, 0.75, 0.6, 0.5, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0]
    lowest, patience = curve.index(min(curve)), 3
    stopped, kept = train_on_curve(curve, patience)
    hasty, _ = train_on_curve(curve, patience=1)
    return Outcome(
        [
            Check("with patience 3, the last epoch", stopped, lowest + patience),
            Check("epoch whose weights are kept", kept, lowest),
            Check("with patience 1 it stops at the first bump, epoch", hasty, 3),
        ],
        [f"validation loss: {', '.join(map(str, curve))}; lowest in epoch {lowest}"],
    )
