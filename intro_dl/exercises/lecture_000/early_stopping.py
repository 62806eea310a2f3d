"""Early stopping.

Lecture 000; slide "Regularization 2: Early Stopping". Claims F13.

Training stops when the validation loss has not improved for a while. Go through the validation losses of the
epochs, which are counted from 0. An epoch improves if its loss is below the least loss before it; an equal
loss is no improvement. Stop at the first epoch at which `patience` epochs in a row have not improved.
Otherwise the last epoch of the list is the end.

Return the best epoch, whose weights one keeps, and the epoch at which training stops. Training knows nothing
about the epochs after its end.
"""


def early_stopping(losses: list[float], patience: int) -> tuple[int, int]:
    """Return the best epoch and the last epoch of training, for at least one loss and patience >= 1."""
    # solution
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(losses) - 1
    # end of solution


# The student's file ends here.

import torch

from intro_dl.exercises.engine.exercise import Case, mistake

HINTS = (
    "Remember the best epoch so far. How many epochs ago was it?",
    "Go through the epochs in a loop. If the loss is below the best one, this epoch becomes the best.",
    "Stop at the epoch where epoch - best == patience.",
)


def cases(generator: torch.Generator) -> list[Case]:
    fixed = [
        ([0.9, 0.5, 0.6, 0.7, 0.8, 0.4], 2),  # a lower point comes too late
        ([0.9, 0.5, 0.8, 0.7, 0.6, 0.7], 3),  # falls, but not below the best
        ([0.5, 0.6, 0.4, 0.5, 0.3, 0.4], 2),  # two bad epochs, but not in a row
        ([0.5, 0.5, 0.5, 0.5], 2),
        ([0.3], 1),
        ([0.9, 0.8, 0.7], 1),
    ]
    drawn = [
        (
            [round(0.1 * loss, 1) for loss in torch.randint(1, 10, (15,), generator=generator).tolist()],
            patience,
        )
        for patience in (1, 3, 5)
    ]
    return [Case("early_stopping", call) for call in (*fixed, *drawn)]


@mistake(
    "early_stopping",
    "Your best epoch comes after the end of training. The minimum of the whole list is known only if one "
    "trains on; look for the best among the epochs up to the stop.",
)
def looks_into_the_future(losses: list[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best == patience:
            return losses.index(min(losses)), epoch
    return losses.index(min(losses)), len(losses) - 1


@mistake(
    "early_stopping",
    "You compare each loss with the one before it. After a bad epoch, a fall is an improvement only if it "
    "goes below the best loss so far.",
)
def compared_with_the_last(losses: list[float], patience: int) -> tuple[int, int]:
    best = waited = 0
    for epoch in range(1, len(losses)):
        best = epoch if losses[epoch] < losses[best] else best
        waited = 0 if losses[epoch] < losses[epoch - 1] else waited + 1
        if waited == patience:
            return best, epoch
    return best, len(losses) - 1


@mistake(
    "early_stopping",
    "You stop one epoch too late. With patience 1, the first epoch that does not improve is the last one.",
)
def one_epoch_too_late(losses: list[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best > patience:
            return best, epoch
    return best, len(losses) - 1


@mistake(
    "early_stopping",
    "You take an equal loss for an improvement. A loss that stands still would then train for ever: "
    "compare with <.",
)
def equal_is_better(losses: list[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss <= losses[best]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(losses) - 1


@mistake(
    "early_stopping",
    "You count all epochs that do not improve, also those long ago. Patience counts epochs in a row: set "
    "the count to 0 at each improvement.",
)
def count_never_reset(losses: list[float], patience: int) -> tuple[int, int]:
    best = waited = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        else:
            waited += 1
        if waited == patience:
            return best, epoch
    return best, len(losses) - 1


@mistake(
    "early_stopping",
    "You count the epochs from 1. In this task, as in Python's lists, the first epoch is number 0.",
)
def counted_from_one(losses: list[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best == patience:
            return best + 1, epoch + 1
    return best + 1, len(losses)
