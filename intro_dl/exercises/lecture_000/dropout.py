"""Dropout in training and in evaluation.

Lecture 000; slide "Regularization 1: Dropout". Claims F11, S4.

In training, dropout sets each activation to 0 with probability p. The others are divided by 1 - p, so that
the mean over all draws stays what it was. In evaluation it changes nothing. PyTorch and Keras do it in this
way.

The draw is given here, so that your result can be checked: `noise` is uniform in [0, 1). An activation is
dropped where its noise is below p: noise < p, which happens with probability p.
"""

import torch
from torch import Tensor


def dropout(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return the activations after dropout with probability p in [0, 1); h, noise and result (B, units)."""
    # solution
    if not training:
        return h
    return h * (noise >= p) / (1 - p)
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "dropout", "feature_dropout", "alpha_dropout", "bernoulli")
HINTS = (
    "Begin with evaluation: if not training, return h.",
    "noise >= p is a tensor of True and False; a product with it keeps or drops each activation.",
    "Of many activations of 1, the fraction 1 - p remains. Which factor makes their mean 1 again?",
)


def cases(generator: torch.Generator) -> list[Case]:
    draw = partial(torch.rand, generator=generator, dtype=torch.float64)
    calls = [(1 + draw(4, 5), p, draw(4, 5)) for p in (0.2, 0.5, 0.75)]
    nothing = (1 + draw(1, 3), 0.0, torch.zeros(1, 3, dtype=torch.float64))
    return [Case("dropout", (*call, training)) for call in (*calls, nothing) for training in (True, False)]


@mistake(
    "dropout",
    "You drop, but do not scale. In training the next layer then sees sums that are smaller by 1 - p than "
    "in evaluation; divide what remains by 1 - p.",
)
def not_scaled(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise >= p) if training else h


@mistake(
    "dropout",
    "You use p as the probability to keep, as TensorFlow 1 did (keep_prob). Here p is the probability to "
    "drop; at p = 0.5 both are the same, so that nobody notices.",
)
def probability_to_keep(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise < p) / p if training else h


@mistake(
    "dropout",
    "You drop in evaluation too. Predictions should not depend on chance: dropout is a method of training, "
    "and in evaluation all units work.",
)
def dropped_in_evaluation(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise >= p) / (1 - p)


@mistake(
    "dropout",
    "You divide by p, the fraction that is gone. The fraction that remains is 1 - p, and dividing by it "
    "keeps the mean.",
)
def divided_by_p(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise >= p) / p if training else h


@mistake(
    "dropout",
    "You scale in evaluation, by 1 - p, and not in training. This is dropout as first published, and the "
    "means agree, but PyTorch and Keras scale in training, so that evaluation needs no change.",
)
def as_first_published(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise >= p) if training else h * (1 - p)


@mistake(
    "dropout",
    "You scale twice: up in training and down in evaluation. The means then differ by 1 - p again; one of "
    "the two is enough, and here it is the one in training.",
)
def scaled_twice(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise >= p) / (1 - p) if training else h * (1 - p)


@mistake(
    "dropout",
    "You multiply what remains by 1 - p and make it smaller still. To keep the mean, the survivors must "
    "make up for the dropped ones: divide.",
)
def multiplied_for_divided(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (noise >= p) * (1 - p) if training else h


@mistake(
    "dropout",
    "You draw random numbers of your own. That is right in a network, but here the draw comes in as `noise`: "
    "compare it with p.",
)
def own_draw(h: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    return h * (torch.rand(h.shape) >= p) / (1 - p) if training else h
