"""What is wrong with a training, in plain words: `callbacks=doctor`.

The doctor examines the trained model once, on examples of the training and of the validation split, and
reads the history of the run. Each disease is one function: it returns its sentence, with the evidence in it
and what to try, or None. docs/DOCTOR.md shows them all; `experiment=broken/<name>` has a run for each.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Classifier, Regressor, Task
from intro_dl.training.divergence import Diverged, StopWhenNotFinite, layer_name, smaller
from intro_dl.visualize.callback import Look
from intro_dl.visualize.layers import first_batch, measure

# Few steps say nothing yet about what is learned; `trainer=smoke` takes two.
ENOUGH_STEPS = 50
# Half the relu units of a healthy layer can be dead: too many only if the network has not learned. With fewer
# than a tenth left, the layer is all but gone.
MANY, NEARLY_ALL = 0.5, 0.9
# The slope of a sigmoid of which 5 % are left (|z| > 4.4) lets no more through than that of the gradient.
FLAT = 0.05
# A sigmoid passes at most a quarter of a gradient on, so six leave less than 1/4^6; healthy networks of this
# project leave the first layer more than 1/50.
VANISHED = 1e-4
# A training that ends above these shares of the loss of guessing has learned next to nothing, or not enough.
STUCK, POOR = 0.9, 0.5
EXAMPLES = 256  # of the training split, for a loss or a gradient
UNMOVED = 0.02  # of the size of the weights: healthy runs move them by a tenth and more


@dataclass
class Units:
    """What the units of one activation function do on the validation examples; each tensor is (units,)."""

    layer: str
    dead: Tensor  # a relu that is 0 for every example
    flat: Tensor  # a sigmoid or tanh whose slope is small on average


@dataclass
class Start:
    """A training before its first step: all weights in a row, and the loss on some training examples."""

    weights: Tensor
    loss: float


@dataclass
class Exam:
    """What the doctor has seen.

    `guessing` is the loss of a model that knows nothing, `chance` the accuracy of always naming the most
    frequent class, `gradients` the size of each weight matrix's gradient from the first layer to the last,
    `moved` how far the weights have come since the start, as a share of their size there.
    """

    history: list[dict[str, float]]
    steps: int
    rate: float
    guessing: float | None
    chance: float | None
    start_loss: float | None
    moved: float | None
    scores: Tensor | None
    units: list[Units]
    equal: list[str]  # hidden layers whose units all have the same weights
    gradients: dict[str, float]
    options: dict[str, Any]  # the model's arguments

    def untried(self, **settings: str) -> list[str]:
        """Those of the settings that the model has an argument for, and another value of."""
        return [
            f"model.{name}={value}"
            for name, value in settings.items()
            if name in self.options and self.options[name] != value
        ]

    def losses(self, split: str) -> list[float]:
        """The loss of a split after each epoch; empty before there is enough to judge."""
        known = self.guessing and self.steps >= ENOUGH_STEPS
        return [row[f"loss/{split}"] for row in self.history if f"loss/{split}" in row] if known else []

    def ends_above(self, share: float) -> bool:
        """Whether the training loss ended above this share of the loss of guessing."""
        return any(loss > share * self.guessing for loss in self.losses("train")[-1:])

    @property
    def still_falls(self) -> bool:
        """Whether the training loss fell in every epoch, and still does so at more than half the speed."""
        steps = [before - now for before, now in pairwise(self.losses("train"))]
        return bool(steps) and min(steps) > 0 and steps[-1] > 0.5 * steps[0]


class Doctor(Look):
    """Name what is wrong with a training when it has ended: on the screen and in result.json.

    Args:
        examples: how many of the validation split it looks at; of a text, characters.
    """

    def __init__(self, examples: int = 1000) -> None:
        super().__init__()
        self.examples = examples
        self.diagnosis: list[dict[str, str]] | None = None  # None before it has looked
        self._start: Start | None = None

    def setup(self, trainer, module, stage):
        for callback in trainer.callbacks:
            if isinstance(callback, StopWhenNotFinite):
                callback.every = 1  # so that it can name the layer on a GPU, too

    def on_train_start(self, trainer, module):
        if trainer.global_step == 0:  # a resumed run's start is not known
            self._look(trainer, module, epoch=0)

    def on_exception(self, trainer, module, exception):
        if isinstance(exception, Diverged):
            finding = {"disease": "the loss exploded", "sentence": str(exception)}
            exception.diagnosis = [finding]

    def look(self, model, data, board):
        if board.epoch == 0:
            loss = model.metrics(first_batch(model, data, EXAMPLES))["loss"]
            self._start = Start(all_weights(model), float(loss))
            return
        self.diagnosis = diagnose(examine(model, data, self._start, self.examples))
        sentences = [finding["sentence"] for finding in self.diagnosis]
        board.text("doctor", "\n".join(sentences) or "found nothing wrong")


def examine(model: Task, data: TensorData, start: Start | None, examples: int) -> Exam:
    """Look at a trained model in eval mode, which is still attached to its trainer."""
    _, targets = data.splits["val"]
    classes = not isinstance(model, Regressor)
    units, scores = look_at_units(model, first_batch(model, data, examples, "val")[0])
    _, _, gradients = measure(model, first_batch(model, data, EXAMPLES))
    matrices = [name for name, weight in model.named_parameters() if weight.ndim >= 2 and name in gradients]
    optimizer = model.trainer.optimizers[0]
    return Exam(
        history=model.history,
        steps=model.trainer.global_step,
        rate=optimizer.defaults.get("lr", optimizer.param_groups[0]["lr"]),
        guessing=model.chance_loss() if classes else float(data.splits["train"][1].var(correction=0)),
        chance=float(targets.unique(return_counts=True)[1].max() / targets.numel()) if classes else None,
        start_loss=start.loss if start else None,
        moved=float((all_weights(model) - start.weights).norm() / start.weights.norm()) if start else None,
        scores=scores if isinstance(model, Classifier) else None,
        units=units,
        equal=equal_layers(model),
        gradients={name: float(gradients[name].square().mean().sqrt()) for name in matrices},
        options=dict(model.hparams),
    )


def all_weights(model: nn.Module) -> Tensor:
    """A copy of all weights in a row."""
    return torch.cat([weight.detach().flatten().float() for weight in model.parameters()])


def look_at_units(model: Task, inputs: Tensor) -> tuple[list[Units], Tensor]:
    """The units of each activation function but one at the very end, and the model's output."""
    seen: dict[str, Units] = {}
    order: list[str] = []

    def record(name):
        def hook(part, _, output):
            order.append(name)
            if not isinstance(part, nn.ReLU | nn.Sigmoid | nn.Tanh):
                return
            values = output.detach().transpose(0, 1).flatten(1).float()  # (units, examples and positions)
            slope = 4 * values * (1 - values) if isinstance(part, nn.Sigmoid) else 1 - values.square()
            relu = isinstance(part, nn.ReLU)
            dead = (values <= 0).all(dim=1) & relu
            flat = (slope.mean(dim=1) < FLAT) & (not relu)
            if name in seen:  # a part that is used more than once
                dead, flat = dead & seen[name].dead, flat & seen[name].flat
            seen[name] = Units(layer_name(model, name), dead, flat)

        return hook

    leaves = [(name, part) for name, part in model.named_modules() if name and not list(part.children())]
    handles = [part.register_forward_hook(record(name)) for name, part in leaves]
    try:
        scores = model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return [units for name, units in seen.items() if name != order[-1]], scores


def equal_layers(model: nn.Module) -> list[str]:
    """The layers but the last whose units all have the same weights, to within rounding."""
    layers = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    equal = []
    for name, part in layers[:-1]:  # the last may start at zero: its units differ in their targets
        weight = part.weight
        if len(weight) > 1 and (weight - weight[:1]).abs().max() <= 1e-4 * weight.abs().max():
            equal.append(layer_name(model, name))
    return equal


def softmax_twice(exam: Exam) -> str | None:
    """Rows of scores that are probabilities; a model that returns scores has none that sum to 1."""
    scores = exam.scores
    if scores is None or scores.ndim != 2 or scores.min() < 0:
        return None
    if (scores.sum(dim=1) - 1).abs().max() > 1e-3:
        return None
    classes = scores.shape[1]
    least = math.log(math.e + classes - 1) - 1  # the softmax of (1, 0, ..., 0)
    return (
        f"The model's outputs are probabilities already, and the loss applies softmax again: with {classes} "
        f"classes it cannot fall below {least:.2f}. Let the model return its scores, without a softmax."
    )


def zero_initialization(exam: Exam) -> str | None:
    """Hidden units with the same weights: they get the same gradient, and stay the same."""
    if not exam.equal:
        return None
    return (
        f"All units of layer {exam.equal[0]} have the same weights: they started equal, so they get equal "
        "gradients and stay one and the same unit. Start from random numbers"
        f"{''.join(f': {each}' for each in exam.untried(init='default'))}."
    )


def dead_units(exam: Exam) -> str | None:
    """Relu units that are off for every example."""
    share, worst = _worst(exam, "dead")
    if share < (MANY if exam.ends_above(STUCK) else NEARLY_ALL):
        return None
    tries = [f"optim.lr={smaller(exam.rate):g} (it was {exam.rate:g})", *exam.untried(init="he")]
    return (
        f"{share:.0%} of the units of layer {worst} are dead: 0 for every validation example, so no gradient "
        f"comes through. Usually a step was too large: try {', or '.join(tries)}."
    )


def saturated_units(exam: Exam) -> str | None:
    """Sigmoids and tanhs that stand at an end for nearly every example."""
    share, worst = _worst(exam, "flat")
    if share < (MANY if exam.ends_above(STUCK) else NEARLY_ALL):
        return None
    return (
        f"{share:.0%} of the units of layer {worst} are saturated: they stand at an end of their range, "
        "where the slope is near 0, so hardly any gradient comes through. Their weights are too large: try "
        f"{', or '.join([*exam.untried(init='xavier'), f'a smaller optim.lr (it was {exam.rate:g})'])}."
    )


def vanished_gradients(exam: Exam) -> str | None:
    """A first layer whose gradient is a tiny part of the last one's, in a network that has not learned."""
    names = list(exam.gradients)
    if not exam.ends_above(POOR) or len(names) < 3 or exam.gradients[names[-1]] == 0:
        return None
    ratio = exam.gradients[names[0]] / exam.gradients[names[-1]]
    if ratio > VANISHED:
        return None
    better = " with ".join(exam.untried(activation="relu", init="he"))
    return (
        f"The gradient has vanished on its way back: at {names[0]} it is {ratio:.0e} of what it is at "
        f"{names[-1]}, so the first layers do not learn. "
        f"Try {f'{better}, or ' if better else ''}fewer layers."
    )


def rate_too_large(exam: Exam) -> str | None:
    """A training loss above that of guessing, and above where it started."""
    losses = exam.losses("train")
    if not losses or losses[-1] < 1.1 * max(exam.guessing, exam.start_loss or 0.0):
        return None
    return (
        f"The learning rate is too large: the training loss ended at {losses[-1]:.3g}, above the "
        f"{exam.guessing:.3g} of guessing, because the steps overshoot. Try optim.lr={smaller(exam.rate):g} "
        f"(it was {exam.rate:g})."
    )


def rate_too_small(exam: Exam) -> str | None:
    """A training loss that is stuck, with weights that hardly move, or a loss that still falls and falls."""
    losses = exam.losses("train")
    if not exam.ends_above(STUCK) or exam.moved is None or not any(exam.gradients.values()):
        return None
    if exam.moved > UNMOVED and not (len(losses) > 5 and exam.still_falls):
        return None
    return (
        f"The learning rate is too small: after {exam.steps:,} steps the training loss is still "
        f"{losses[-1]:.3g}, and it began at {exam.start_loss:.3g}. Try "
        f"optim.lr={max(10 * exam.rate, 1e-3):g} (it was {exam.rate:g})."
    )


def shuffled_labels(exam: Exam) -> str | None:
    """A training loss that falls, with a validation that was never better than guessing."""
    train, val = exam.losses("train"), exam.losses("val")
    accuracy = [row.get("accuracy/val", 0.0) for row in exam.history]
    if not val or exam.ends_above(STUCK) or min(val) < 0.95 * exam.guessing:
        return None
    if exam.chance is not None and max(accuracy) > exam.chance + 0.1:  # of 200 examples, by luck, 0.07
        return None
    return (
        f"The labels look shuffled: the training loss fell to {train[-1]:.3g}, but the validation loss was "
        f"never below the {exam.guessing:.3g} of guessing. What is learned by heart has nothing to do with "
        "the inputs: look at some examples with their labels."
    )


def no_learning(exam: Exam) -> str | None:
    """A training loss that is stuck, though nothing above explains it."""
    if not exam.ends_above(STUCK) or exam.still_falls:
        return None
    return (
        f"Nothing is learned: the training loss ended at {exam.losses('train')[-1]:.3g}, and guessing has "
        f"{exam.guessing:.3g}. Either this model is too simple: try model=mlp; or the inputs say nothing "
        "about the targets: look at some examples."
    )


def overfitting(exam: Exam) -> str | None:
    """A validation loss that has risen for good, while the training loss went on falling."""
    train, val = exam.losses("train"), exam.losses("val")
    if len(val) < 4:
        return None
    best = min(range(len(val)), key=val.__getitem__)
    now = min(val[-3:])  # one bad epoch is no disease
    if now < 1.25 * val[best] or now - val[best] < 0.1 * exam.guessing or train[-1] > 0.9 * train[best]:
        return None
    return (
        f"Overfitting since epoch {best + 1}: the validation loss has risen from {val[best]:.3g} to "
        f"{val[-1]:.3g}, while the training loss fell to {train[-1]:.3g}. Try more data, "
        "regularization=dropout, or a smaller model; best.ckpt has the weights from before."
    )


# What keeps a network from learning, each before what it may cause: of these, the first is named alone.
CAUSES: dict[str, Callable[[Exam], str | None]] = {
    "softmax applied twice": softmax_twice,
    "zero initialization": zero_initialization,
    "dead units": dead_units,
    "saturated units": saturated_units,
    "vanished gradients": vanished_gradients,
    "learning rate too small": rate_too_small,
    "learning rate too large": rate_too_large,
    "labels shuffled": shuffled_labels,
    "no learning": no_learning,
}


def diagnose(exam: Exam) -> list[dict[str, str]]:
    """The diseases that an exam shows, causes before consequences; most often none or one."""
    found = [(disease, sentence) for disease, check in CAUSES.items() if (sentence := check(exam))][:1]
    shuffled = any(disease == "labels shuffled" for disease, _ in found)  # which is learned by heart
    if not shuffled and (sentence := overfitting(exam)):
        found.append(("overfitting", sentence))
    return [{"disease": disease, "sentence": sentence} for disease, sentence in found]


def _worst(exam: Exam, what: str) -> tuple[float, str]:
    """The largest share of such units in a layer, and the layer; the first of equal ones."""
    shares = [(float(getattr(units, what).float().mean()), units.layer) for units in exam.units]
    return max(shares, key=lambda pair: pair[0], default=(0.0, ""))
