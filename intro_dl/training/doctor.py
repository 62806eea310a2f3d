"""Name what is wrong with a training, in plain words: `callbacks=doctor`.

The doctor examines the trained model once, on training and validation examples, and reads the history of the
run. Each failure mode is one function: it returns a sentence with the evidence and what to try, or None.
docs/DOCTOR.md shows them all; `experiment=broken/<name>` runs each of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Classifier, Regressor, Task
from intro_dl.training.divergence import Diverged, StopWhenNotFinite, smaller
from intro_dl.visualize.callback import Visualizer
from intro_dl.visualize.layers import first_batch, measure
from intro_dl.visualize.recorder import layer_name, record_calls

# Few steps do not show yet what a model learns; `trainer=smoke` takes two.
ENOUGH_STEPS, FEW_STEPS = 50, 10
# Half the relu units of a healthy layer can be dead: that is too many only if the network has not learned.
# With fewer than a tenth left, the layer hardly computes anything.
MANY, NEARLY_ALL = 0.5, 0.9
# A slope below 5 % of its maximum, |z| > 4.4 for a sigmoid, lets at most 5 % of the gradient through.
FLAT = 0.05
# A sigmoid passes on at most a quarter of a gradient, so six leave less than 1/4^6; healthy networks of this
# project leave the first layer more than 1/50.
VANISHED = 1e-4
# A training loss above these fractions of the chance level: the model learned almost nothing, or too little.
STUCK, POOR = 0.9, 0.5
EXAMPLES = 256  # number of training examples for a loss or a gradient
UNMOVED = 0.02  # fraction of the norm of the weights: healthy runs move them by at least a tenth


@dataclass
class Units:
    """The units of one activation function on the validation examples; each tensor is (units,)."""

    layer: str
    dead: Tensor  # a relu that is 0 for every example
    flat: Tensor  # a sigmoid or tanh whose mean slope is small


@dataclass
class Evidence:
    """The measurements that identify the failure modes."""

    history: list[dict[str, float]]
    steps: int
    rate: float
    chance_loss: float  # loss of a model that ignores its inputs; 0 if unknown
    chance_accuracy: float | None  # accuracy of always predicting the most frequent class
    start_loss: float | None  # on some training examples, before the first step
    moved: float | None  # distance of the weights from the initial ones, as a fraction of their norm
    scores: Tensor | None
    units: list[Units]
    equal: list[str]  # hidden layers whose units all have the same weights
    gradients: dict[str, float]  # size of each weight matrix's gradient, from the first layer to the last
    options: dict[str, Any]  # the model's arguments

    def untried(self, **settings: str) -> list[str]:
        """Return the settings that the model accepts and that differ from its current arguments."""
        options = self.options
        return [f"model.{k}={value}" for k, value in settings.items() if options.get(k, value) != value]

    def losses(self, split: str) -> list[float]:
        """Return the loss of a split after each epoch; empty if it is too early to evaluate it."""
        known = self.chance_loss and self.steps >= ENOUGH_STEPS
        measured = [row for row in self.history if "loss/val" in row] or self.history  # not in every epoch
        return [row[f"loss/{split}"] for row in measured if f"loss/{split}" in row] if known else []

    def ends_above(self, fraction: float) -> bool:
        """Return whether the training loss ended above this fraction of the chance level."""
        return any(loss > fraction * self.chance_loss for loss in self.losses("train")[-1:])

    def still_falls(self) -> bool:
        """Return whether the training loss fell in every epoch, last by over half of the first drop."""
        steps = [before - now for before, now in pairwise(self.losses("train"))]
        return bool(steps) and min(steps) > 0 and steps[-1] > 0.5 * steps[0]


@dataclass(kw_only=True, eq=False)
class Doctor(Visualizer):
    """Name what is wrong with a training at its end: on the screen, in result.json and in TensorBoard.

    Args:
        examples: number of validation examples to examine; of a text, characters.
    """

    examples: int = 1000
    diagnosis: list[dict[str, str]] | None = field(default=None, init=False)  # None before the examination
    _start: tuple[Tensor, float] | None = field(default=None, init=False)  # initial weights and loss

    def setup(self, trainer, pl_module, stage):
        for callback in trainer.callbacks:
            if isinstance(callback, StopWhenNotFinite):
                callback.every = 1  # so that it can name the layer on a GPU, too

    def on_train_start(self, trainer, pl_module):
        if trainer.global_step == 0:  # the start of a resumed run is unknown
            self._draw_safely(trainer, pl_module, epoch=0)

    def on_exception(self, trainer, pl_module, exception):
        if isinstance(exception, Diverged):
            exception.diagnosis = [{"failure_mode": "loss exploded", "sentence": str(exception)}]

    def draw(self, model, data, writer):
        if writer.epoch == 0:
            loss = model.metrics(first_batch(model, data, EXAMPLES))["loss"]
            self._start = all_weights(model), float(loss)
            return
        self.diagnosis = diagnose(examine(model, data, self._start, self.examples))
        sentences = [finding["sentence"] for finding in self.diagnosis]
        writer.text("doctor", "\n".join(sentences) or "found nothing wrong")


def examine(model: Task, data: TensorData, start: tuple[Tensor, float] | None, examples: int) -> Evidence:
    """Collect the evidence about a trained model in eval mode, which is still attached to its trainer."""
    targets = data.splits["val"][1]
    classes = not isinstance(model, Regressor)
    units, scores = examine_units(model, first_batch(model, data, examples, "val")[0])
    _, _, gradients = measure(model, first_batch(model, data, EXAMPLES))
    matrices = [name for name, weight in model.named_parameters() if weight.ndim >= 2 and name in gradients]
    optimizer = model.trainer.optimizers[0]
    return Evidence(
        history=model.history,
        steps=model.trainer.global_step,
        rate=optimizer.defaults.get("lr", optimizer.param_groups[0]["lr"]),
        chance_loss=chance_loss(model, data),
        chance_accuracy=float(targets.unique(return_counts=True)[1].max()) / len(targets)
        if classes
        else None,
        start_loss=start[1] if start else None,
        moved=float((all_weights(model) - start[0]).norm() / start[0].norm()) if start else None,
        scores=scores if isinstance(model, Classifier) else None,
        units=units,
        equal=equal_layers(model),
        gradients={name: float(gradients[name].square().mean().sqrt()) for name in matrices},
        options=dict(model.hparams),
    )


def chance_loss(model: Task, data: TensorData) -> float:
    """Return the loss of the best constant answer to the training targets; 0 if it is unknown.

    A classifier that gives the frequencies of the labels is better than one that finds all classes equal.
    """
    targets = data.splits["train"][1]
    if isinstance(model, Regressor):
        return float(targets.var(correction=0))
    equal = model.chance_loss() or 0.0
    if not equal or not isinstance(model, Classifier):
        return equal
    classes = torch.arange(model.hparams["num_classes"])
    frequencies = targets.flatten().cpu().bincount(minlength=len(classes)) / targets.numel()
    scores = frequencies.clamp_min(1e-9).log()[None]
    losses = [float(model.loss(scores, label[None])) for label in classes]
    return min(equal, sum(float(part) * loss for part, loss in zip(frequencies, losses, strict=True)))


def majority(model: Task, data: TensorData) -> tuple[str, float]:
    """Return the most frequent class of the training labels, and its fraction of the validation labels."""
    known, held_out = (data.splits[split][1].flatten() for split in ("train", "val"))
    label = int(known[known >= 0].bincount().argmax())  # -100 is unknown
    names = data.class_names
    fraction = float((held_out[held_out >= 0] == label).float().mean())
    return names[label] if label < len(names) else str(label), fraction


def all_weights(model: nn.Module) -> Tensor:
    """Return a copy of all weights in a row."""
    return torch.cat([weight.detach().flatten().float() for weight in model.parameters()])


def examine_units(model: Task, inputs: Tensor) -> tuple[list[Units], Tensor]:
    """Return the units of each activation function, except a final one, and the model's output."""

    def dead_and_flat(layer: nn.Module, _, output: Tensor) -> tuple[Tensor, Tensor] | None:
        values = output.detach().transpose(0, 1).flatten(1).float()  # (units, examples and positions)
        if isinstance(layer, nn.ReLU):
            dead = (values <= 0).all(dim=1)
            return dead, torch.zeros_like(dead)
        if isinstance(layer, nn.Sigmoid | nn.Tanh):
            slope = 4 * values * (1 - values) if isinstance(layer, nn.Sigmoid) else 1 - values.square()
            flat = slope.mean(dim=1) < FLAT
            return torch.zeros_like(flat), flat
        return None

    with record_calls(model, dead_and_flat) as calls:
        scores = model(inputs)
    units: dict[str, Units] = {}
    for name, found in calls:
        if found and name != calls[-1][0]:
            seen = units.setdefault(name, Units(layer_name(model, name), *found))
            seen.dead, seen.flat = (
                seen.dead & found[0],
                seen.flat & found[1],
            )  # of a layer that is called twice
    return list(units.values()), scores


def equal_layers(model: nn.Module) -> list[str]:
    """Return the layers, except the last, whose units all have the same weights, to within rounding."""
    layers = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    return [
        layer_name(model, name)
        for name, layer in layers[:-1]  # the last may start at zero: its units differ in their targets
        if len(layer.weight) > 1
        and (layer.weight - layer.weight[:1]).abs().max() <= 1e-4 * layer.weight.abs().max()
    ]


def softmax_twice(seen: Evidence) -> str | None:
    """Recognize outputs that are probabilities: each row of scores sums to 1."""
    scores = seen.scores
    if scores is None or scores.ndim != 2 or scores.min() < 0:
        return None
    if (scores.sum(dim=1) - 1).abs().max() > 1e-3:
        return None
    classes = scores.shape[1]
    least = math.log(math.e + classes - 1) - 1  # the loss of (1, 0, ..., 0) after softmax
    return (
        f"The model returns probabilities, and the loss applies softmax again: with {classes} classes it "
        f"cannot fall below {least:.2f}. Return scores, without a softmax in the model."
    )


def zero_initialization(seen: Evidence) -> str | None:
    """Recognize hidden units with equal weights: they get equal gradients and stay equal."""
    if not seen.equal:
        return None
    return (
        f"All units of layer {seen.equal[0]} have the same weights: they started equal, get equal gradients "
        "and stay equal, like a single unit. Initialize with random numbers"
        f"{''.join(f': {each}' for each in seen.untried(init='default'))}."
    )


def dead_units(seen: Evidence) -> str | None:
    """Recognize relu units that are 0 for every example."""
    fraction, worst = _worst(seen, "dead")
    if fraction < (MANY if seen.ends_above(STUCK) else NEARLY_ALL):
        return None
    tries = [f"optim.lr={smaller(seen.rate):g} (it was {seen.rate:g})", *seen.untried(init="he")]
    return (
        f"{fraction:.0%} of the units of layer {worst} are dead: they are 0 for every validation example, so "
        f"they pass on no gradient. The usual cause is a step that was too large: try {', or '.join(tries)}."
    )


def saturated_units(seen: Evidence) -> str | None:
    """Recognize sigmoid and tanh units that are at an end of their range for nearly every example."""
    fraction, worst = _worst(seen, "flat")
    if fraction < (MANY if seen.ends_above(STUCK) else NEARLY_ALL):
        return None
    tries = [*seen.untried(init="xavier"), f"a smaller optim.lr (it was {seen.rate:g})"]
    return (
        f"{fraction:.0%} of the units of layer {worst} are saturated: they are at an end of their range, "
        "where the slope is near 0, so they pass on almost no gradient. Their weights are too large: try "
        f"{', or '.join(tries)}."
    )


def vanished_gradients(seen: Evidence) -> str | None:
    """Recognize a network that learned little, with a tiny gradient in the first layer."""
    names = list(seen.gradients)
    if not seen.ends_above(POOR) or len(names) < 3 or seen.gradients[names[-1]] == 0:
        return None
    ratio = seen.gradients[names[0]] / seen.gradients[names[-1]]
    if ratio > VANISHED:
        return None
    better = " with ".join(seen.untried(activation="relu", init="he"))
    return (
        f"The gradient vanishes on its way back: at {names[0]} it is {ratio:.0e} of its size at {names[-1]}, "
        f"so the first layers do not learn. Try {f'{better}, or ' if better else ''}fewer layers."
    )


def rate_too_large(seen: Evidence) -> str | None:
    """Recognize a training loss above the chance level and above its start."""
    losses = seen.losses("train")
    if not losses or losses[-1] < 1.1 * max(seen.chance_loss, seen.start_loss or 0.0):
        return None
    return (
        f"The learning rate is too large: the training loss ended at {losses[-1]:.3g}, above the chance "
        f"level of {seen.chance_loss:.3g}, because the steps overshoot. Try optim.lr={smaller(seen.rate):g} "
        f"(it was {seen.rate:g})."
    )


def rate_too_small(seen: Evidence) -> str | None:
    """Recognize a stuck training loss with weights that hardly move, or a loss that still falls steadily."""
    losses = seen.losses("train")
    if not seen.ends_above(STUCK) or seen.moved is None or not any(seen.gradients.values()):
        return None
    if seen.moved > UNMOVED and not (len(losses) > 5 and seen.still_falls()):
        return None
    return (
        f"The learning rate is too small: after {seen.steps:,} steps the training loss is still "
        f"{losses[-1]:.3g}; it started at {seen.start_loss:.3g}. Try "
        f"optim.lr={max(10 * seen.rate, 1e-3):g} (it was {seen.rate:g})."
    )


def shuffled_labels(seen: Evidence) -> str | None:
    """Recognize a training loss that falls, with a validation loss that never beat the chance level."""
    train, val = seen.losses("train"), seen.losses("val")
    accuracy = [row.get("accuracy/val", 0.0) for row in seen.history]
    if not val or seen.ends_above(STUCK) or min(val) < 0.95 * seen.chance_loss:
        return None
    # Of 200 examples, random labels give up to 0.07 more than the chance level.
    if seen.chance_accuracy is not None and max(accuracy) > seen.chance_accuracy + 0.1:
        return None
    return (
        f"The labels look shuffled: the training loss fell to {train[-1]:.3g}, but the validation loss never "
        f"got well below the chance level of {seen.chance_loss:.3g}. The model memorized labels that do not "
        "depend on the inputs: look at some examples with their labels."
    )


def majority_class(seen: Evidence) -> str | None:
    """Recognize a classifier that gives the same answer to every example."""
    if seen.scores is None or seen.scores.ndim != 2 or seen.steps < FEW_STEPS:
        return None
    answers = seen.scores.argmax(dim=1).unique()
    if len(answers) > 1 or seen.chance_accuracy is None or seen.chance_accuracy > 0.999:
        return None
    return (
        "The model gives the same answer to every validation example, so its accuracy is only the fraction "
        f"of this class; that of the most frequent class is {seen.chance_accuracy:.1%}. Either the inputs do "
        "not determine the targets: look at some examples; or it needs more epochs or another optim.lr."
    )


def no_learning(seen: Evidence) -> str | None:
    """Recognize a stuck training loss that no check above explains."""
    if not seen.ends_above(STUCK) or seen.still_falls():
        return None
    return (
        f"The model does not learn: the training loss ended at {seen.losses('train')[-1]:.3g}, and the "
        f"chance level is {seen.chance_loss:.3g}. Either the model is too simple: try model=mlp; or the "
        "inputs do not determine the targets: look at some examples."
    )


def overfitting(seen: Evidence) -> str | None:
    """Recognize a validation loss that rose for several epochs while the training loss fell."""
    train, val = seen.losses("train"), seen.losses("val")
    if len(val) < 4:
        return None
    best = min(range(len(val)), key=val.__getitem__)
    now = min(val[-3:])  # a single bad epoch is not overfitting
    if now < 1.25 * val[best] or now - val[best] < 0.1 * seen.chance_loss or train[-1] > 0.9 * train[best]:
        return None
    return (
        f"Overfitting since epoch {best + 1}: the validation loss rose from {val[best]:.3g} to {val[-1]:.3g} "
        f"while the training loss fell to {train[-1]:.3g}. Try more data, regularization=dropout, or a "
        "smaller model; best.ckpt has the weights from before the rise."
    )


# What keeps a network from learning, each cause before its consequences: only the first is reported.
CAUSES: dict[str, Callable[[Evidence], str | None]] = {
    "softmax applied twice": softmax_twice,
    "zero initialization": zero_initialization,
    "dead units": dead_units,
    "saturated units": saturated_units,
    "vanished gradients": vanished_gradients,
    "learning rate too small": rate_too_small,
    "learning rate too large": rate_too_large,
    "labels shuffled": shuffled_labels,
    "no learning": no_learning,
    "same answer": majority_class,
}


def diagnose(seen: Evidence) -> list[dict[str, str]]:
    """Return the failure modes, causes before consequences; usually none or one."""
    found = {mode: sentence for mode, check in CAUSES.items() if (sentence := check(seen))}
    found = dict([*found.items()][:1])
    if "labels shuffled" not in found and (
        sentence := overfitting(seen)
    ):  # shuffled labels are memorized too
        found["overfitting"] = sentence
    return [{"failure_mode": mode, "sentence": sentence} for mode, sentence in found.items()]


def _worst(seen: Evidence, what: str) -> tuple[float, str]:
    """Return the largest fraction of such units in a layer, and the layer; the first of equal ones."""
    fractions = [(float(getattr(units, what).float().mean()), units.layer) for units in seen.units]
    return max(fractions, key=lambda pair: pair[0], default=(0.0, ""))
