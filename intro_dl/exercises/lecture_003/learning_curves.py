"""Read learning curves.

Lecture 003; slides "The Problem of Overfitting", "Regularization 2: Early Stopping". Claims F13.

A run has written its training and validation loss after each epoch, counted from 0. Answer with numbers:

The best epoch is the one with the least validation loss; of equal ones, the first.

The run over-fits if, at its last epoch, the training loss is lower and the validation loss is higher than at
the best epoch. Then all epochs after the best one were wasted: how many? If it does not over-fit: 0.

The diagnosis depends on the loss `wanted` that one needs. It is "under-fitting" if the training loss is above
`wanted` in every epoch. Otherwise it is "over-fitting" if the validation loss is above `wanted` in every
epoch, and "good" if not.
"""


def best_epoch(training: list[float], validation: list[float]) -> int:
    """Return the best epoch; both lists have one loss for each epoch, at least one."""
    # solution
    return validation.index(min(validation))
    # end of solution


def wasted_epochs(training: list[float], validation: list[float]) -> int:
    """Return the number of epochs after the best one if the run over-fits, otherwise 0."""
    # solution
    best = best_epoch(training, validation)
    over_fits = training[-1] < training[best] and validation[-1] > validation[best]
    return len(validation) - 1 - best if over_fits else 0
    # end of solution


def diagnosis(training: list[float], validation: list[float], wanted: float) -> str:
    """Return "under-fitting", "over-fitting" or "good"."""
    # solution
    if min(training) > wanted:
        return "under-fitting"
    return "over-fitting" if min(validation) > wanted else "good"
    # end of solution


# The student's file ends here.

import torch

from intro_dl.exercises.engine.exercise import Case, mistake

HINTS = (
    "validation.index(0.4) is the first place of 0.4 in the list.",
    "The last loss of a list is validation[-1]; of n epochs, n - 1 - e come after epoch e.",
    "A loss that is at most `wanted` somewhere: min(losses) <= wanted.",
)


def cases(generator: torch.Generator) -> list[Case]:
    def losses(n: int) -> list[float]:
        return [round(0.1 * value, 1) for value in torch.randint(1, 12, (n,), generator=generator).tolist()]

    curves = [
        ([0.9, 0.6, 0.4, 0.3, 0.2], [0.9, 0.7, 0.6, 0.7, 0.8]),  # over-fits from epoch 2 on
        ([0.9, 0.8, 0.7, 0.6], [1.0, 0.9, 0.8, 0.7]),  # still improves
        ([0.5, 0.4, 0.5, 0.6], [0.6, 0.5, 0.7, 0.8]),  # diverges: both rise
        ([0.9, 0.4, 0.3, 0.2], [0.8, 0.5, 0.5, 0.5]),  # validation stands still
        ([0.4, 0.3, 0.4, 0.4], [0.6, 0.5, 0.6, 0.7]),  # training no better than at the best epoch
        ([0.9, 0.6, 0.5, 0.4, 0.3], [0.9, 0.7, 0.5, 0.6, 0.5]),  # ends as low as at its best epoch
        ([0.7], [0.8]),
        *((losses(8), losses(8)) for _ in range(3)),
    ]
    functions = ("best_epoch", "wasted_epochs")
    bounds = (0.1, 0.3, 0.5, 0.65, 0.9)
    return [
        *(Case(name, pair) for name in functions for pair in curves),
        *(Case("diagnosis", (*pair, wanted)) for pair in curves for wanted in bounds),
    ]


@mistake(
    "best_epoch",
    "You look at the training loss. It falls as long as the network memorizes: only data that it has not "
    "seen tell how well it generalizes.",
)
def least_training_loss(training: list[float], validation: list[float]) -> int:
    return training.index(min(training))


@mistake(
    "best_epoch",
    "You take the last epoch. The last weights are not the best ones: that is why one stops early and "
    "keeps the weights of the least validation loss.",
)
def last_epoch(training: list[float], validation: list[float]) -> int:
    return len(validation) - 1


@mistake(
    "best_epoch",
    "You take the largest value. That is right for an accuracy, but a loss is good if it is small.",
)
def as_for_accuracy(training: list[float], validation: list[float]) -> int:
    return validation.index(max(validation))


@mistake(
    "wasted_epochs",
    "You did not look at the training loss. If both losses rise, the run diverges, e.g. because its "
    "learning rate is too large: over-fitting means that the training loss still falls.",
)
def only_validation(training: list[float], validation: list[float]) -> int:
    best = best_epoch(training, validation)
    return len(validation) - 1 - best if validation[-1] > validation[best] else 0


@mistake(
    "wasted_epochs",
    "You count the epochs after the best one even if the run does not over-fit. First compare both losses "
    "of the last epoch with those of the best.",
)
def always_counted(training: list[float], validation: list[float]) -> int:
    return len(validation) - 1 - best_epoch(training, validation)


@mistake(
    "wasted_epochs",
    "You count the best epoch among the wasted ones. Its weights are those that one keeps: of n epochs, n "
    "- 1 - e come after epoch e.",
)
def best_epoch_counted(training: list[float], validation: list[float]) -> int:
    best = best_epoch(training, validation)
    over_fits = training[-1] < training[best] and validation[-1] > validation[best]
    return len(validation) - best if over_fits else 0


@mistake(
    "wasted_epochs",
    "You ask whether the validation loss is above the training loss. That is so in nearly every run: over- "
    "fitting shows when one rises while the other falls.",
)
def validation_above_training(training: list[float], validation: list[float]) -> int:
    best = best_epoch(training, validation)
    return len(validation) - 1 - best if validation[-1] > training[-1] else 0


@mistake(
    "diagnosis",
    "You call every poor validation loss over-fitting. If the training loss is poor too, the model has too "
    "little capacity or training: that is under-fitting, and asking for more data would not help.",
)
def validation_first(training: list[float], validation: list[float], wanted: float) -> str:
    if min(validation) > wanted:
        return "over-fitting"
    return "under-fitting" if min(training) > wanted else "good"


@mistake(
    "diagnosis",
    "You look at the last epoch. One keeps the weights of the best epoch, so the least losses count.",
)
def last_losses(training: list[float], validation: list[float], wanted: float) -> str:
    if training[-1] > wanted:
        return "under-fitting"
    return "over-fitting" if validation[-1] > wanted else "good"
