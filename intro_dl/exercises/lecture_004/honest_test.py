"""Training, validation and test data, each for its own purpose.

Lecture 004; slide "Use validation set to examine for overtraining, and determine when to stop training".

Two rules keep a test honest. First: everything that is learned, also the mean and the standard deviation
that normalize the inputs, comes from the training data alone. Second: the validation loss chooses among
models, and the test loss of the chosen one is reported, once. (The standard deviation here divides by N.)
"""

import torch
from torch import Tensor


def normalize(train: Tensor, val: Tensor, test: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three splits (N, m), shifted and scaled so that each feature of train has mean 0 and std 1.

    A feature that is constant in train is only shifted.
    """
    # solution
    mean, std = train.mean(dim=0), train.std(dim=0, correction=0)  # (m,)
    std = torch.where(std == 0, torch.ones_like(std), std)
    return (train - mean) / std, (val - mean) / std, (test - mean) / std
    # end of solution


def choose(val_losses: list[float], test_losses: list[float]) -> tuple[int, float]:
    """Return the place of the chosen model (from 0), and the test loss to report."""
    # solution
    chosen = val_losses.index(min(val_losses))
    return chosen, test_losses[chosen]
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("nn", "functional")
HINTS = (
    "mean(dim=0) gives one number for each feature; std(dim=0, correction=0) divides by N.",
    "Compute mean and standard deviation once, from train, and use them three times.",
    "choose never looks at a test loss before it knows the place of the model.",
)


def cases(generator: torch.Generator) -> list[Case]:
    train = 3 + 2 * torch.randn(6, 2, generator=generator, dtype=torch.float64)
    val, test = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)
    constant = torch.cat([train[:, :1], torch.full_like(train[:, 1:], 7.0)], dim=1)
    losses = torch.rand(2, 5, generator=generator, dtype=torch.float64).tolist()
    return [
        Case("normalize", (train, val, test)),
        Case("normalize", (constant, val, test)),
        Case("choose", ([0.5, 0.3, 0.4], [0.4, 0.6, 0.2])),
        Case("choose", tuple(losses)),
    ]


@mistake(
    "normalize",
    "Each split was normalized with its own mean. In use, inputs come one at a time and have no mean of "
    "their own: the numbers of the training data belong to the model.",
)
def own_statistics(train: Tensor, val: Tensor, test: Tensor) -> tuple[Tensor, ...]:
    found = []
    for split in (train, val, test):
        std = split.std(dim=0, correction=0)
        found.append((split - split.mean(dim=0)) / torch.where(std == 0, torch.ones_like(std), std))
    return tuple(found)


@mistake(
    "normalize",
    "Mean and standard deviation come from all data, so the test data have leaked into the training. "
    "Use the training data alone.",
)
def leaked_statistics(train: Tensor, val: Tensor, test: Tensor) -> tuple[Tensor, ...]:
    together = torch.cat([train, val, test])
    mean, std = together.mean(dim=0), together.std(dim=0, correction=0)
    return (train - mean) / std, (val - mean) / std, (test - mean) / std


@mistake(
    "normalize",
    "One mean for all features. A feature in meters and one in grams need a mean and a standard "
    "deviation each.",
)
def one_for_all_features(train: Tensor, val: Tensor, test: Tensor) -> tuple[Tensor, ...]:
    mean, std = train.mean(), train.std(correction=0)
    return (train - mean) / std, (val - mean) / std, (test - mean) / std


@mistake(
    "choose",
    "You chose by the test loss. The smallest of many test losses is small by luck too, so it promises "
    "too much.",
)
def chosen_on_the_test_data(val_losses: list[float], test_losses: list[float]) -> tuple[int, float]:
    chosen = test_losses.index(min(test_losses))
    return chosen, test_losses[chosen]


@mistake(
    "choose",
    "You reported the validation loss. It is the smallest of several, so it is too good: the test data "
    "were not used for the choice, and their loss is fair.",
)
def validation_loss_reported(val_losses: list[float], test_losses: list[float]) -> tuple[int, float]:
    return val_losses.index(min(val_losses)), min(val_losses)


@mistake(
    "choose",
    "You reported the best test loss, though another model was chosen. Report the one of the chosen model.",
)
def best_test_loss_reported(val_losses: list[float], test_losses: list[float]) -> tuple[int, float]:
    return val_losses.index(min(val_losses)), min(test_losses)
