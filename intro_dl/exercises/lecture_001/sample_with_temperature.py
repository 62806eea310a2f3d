"""Choose the next character with a die.

Lecture 001; slides "Multinomial logistic regression as a 'neural network'", "RNN Intuition". Claims N7, N29,
A17.

A network that writes text gives each character a score. The softmax turns the scores into probabilities, and
then a die with one side for each character is thrown. The temperature T > 0, which is not on the slides,
loads the die: each score is divided by T before the softmax. With T below 1 the likely characters become even
more likely, with T above 1 all become more equal. T may be as small as 0.001, so keep the softmax stable:
subtract the largest number before exp.

The throw is given, as a number u with 0 <= u < 1, so the result is not random. Add up the probabilities in
the order of the alphabet; the first character at which the sum exceeds u is chosen. Since probabilities are
rounded, their sum may stay a little below 1, and even below u: then choose the last character.
"""

import torch
from torch import Tensor


def probabilities(scores: Tensor, temperature: float) -> Tensor:
    """Return the probability of each character, (V,), for scores (V,)."""
    # solution
    z = scores / temperature
    powers = torch.exp(z - z.max())
    return powers / powers.sum()
    # end of solution


def sample(p: Tensor, u: float, alphabet: str) -> str:
    """Return the character that a throw u chooses, for probabilities p (V,) and V characters."""
    # solution
    total = 0.0
    for place, probability in enumerate(p.tolist()):
        total += probability
        if total > u:
            return alphabet[place]
    return alphabet[-1]
    # end of solution


# The student's file ends here.

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("softmax", "log_softmax", "_softmax", "logsumexp", "multinomial", "distributions", "nn", "ops")
HINTS = (
    "The temperature changes the scores, not the probabilities: the softmax of z = scores / temperature.",
    "The probabilities are pieces of a line from 0 to 1, in the order of the alphabet; u is a point on it.",
    "Keep a running sum in a loop. Return the character as soon as the sum is larger than u (> and not >=).",
)


def cases(generator: torch.Generator) -> list[Case]:
    scores = torch.randn(4, generator=generator, dtype=torch.float64)
    p = torch.rand(5, generator=generator, dtype=torch.float64) + 0.05
    p = p / p.sum()
    equal = torch.full((4,), 0.25, dtype=torch.float64)
    rare = torch.tensor([0.0, 0.25, 0.75, 0.0], dtype=torch.float64)
    throws = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
    return [
        *(Case("probabilities", (scores, temperature)) for temperature in (1.0, 0.5, 2.0)),
        Case("probabilities", (scores + 5, 0.001)),
        Case("probabilities", (torch.zeros(2, dtype=torch.float64), 3.0)),
        *(Case("sample", (p, u, "elmnt")) for u in (0.02, *throws, 0.98)),
        *(Case("sample", (equal, u, "abcd")) for u in (0.0, 0.5)),
        *(Case("sample", (rare, u, "xyz!")) for u in (0.0, 0.25, 0.999)),
        Case("sample", (torch.full((3,), 0.3333, dtype=torch.float64), 0.99995, "xyz")),
        Case("sample", (equal[:1] / equal[:1], 0.5, "a")),
    ]


def scaled(scores: Tensor, factor: float) -> Tensor:
    """Return the softmax of scores times a factor; used by the mistakes."""
    powers = torch.exp(factor * scores - (factor * scores).max())
    return powers / powers.sum()


@mistake(
    "probabilities",
    "You multiplied by the temperature. A high temperature should make the characters more equal, so "
    "the scores must become smaller: divide.",
)
def multiplied_by_the_temperature(scores: Tensor, temperature: float) -> Tensor:
    return scaled(scores, temperature)


@mistake(
    "probabilities",
    "The temperature has no effect. If you divide the powers or the probabilities by T, it cancels when they "
    "are divided by their sum: divide the scores, before exp.",
)
def temperature_cancels(scores: Tensor, temperature: float) -> Tensor:
    return scaled(scores, 1.0)


@mistake(
    "probabilities",
    "You divided the finished probabilities by T, and they no longer add up to 1. "
    "Divide the scores before the softmax, which then takes care of the sum.",
)
def finished_probabilities_divided(scores: Tensor, temperature: float) -> Tensor:
    return scaled(scores, 1.0) / temperature


@mistake(
    "probabilities",
    "exp of a large number is infinite, and infinity / infinity is not a number. Subtract the largest scaled "
    "score first.",
)
def overflow(scores: Tensor, temperature: float) -> Tensor:
    powers = torch.exp(scores / temperature)
    return powers / powers.sum()


@mistake(
    "sample",
    "You always took the most likely character, whatever u is. A die also shows the other sides, as often as "
    "their probabilities say.",
)
def most_likely(p: Tensor, u: float, alphabet: str) -> str:
    return alphabet[int(p.argmax())]


@mistake(
    "sample",
    "You compared u with each probability alone. Add them up as you go: the second character is chosen for u "
    "between p_1 and p_1 + p_2.",
)
def without_the_running_sum(p: Tensor, u: float, alphabet: str) -> str:
    return next((alphabet[place] for place, each in enumerate(p.tolist()) if each > u), alphabet[-1])


@mistake(
    "sample",
    "You took the first character whose sum is at least u. For u = 0 that may be a character with the "
    "probability 0: the sum must exceed u.",
)
def sum_equal_to_the_throw(p: Tensor, u: float, alphabet: str) -> str:
    return alphabet[min(int((p.cumsum(0) < u).sum()), len(p) - 1)]


@mistake(
    "sample",
    "You returned the character before the right one, the last whose sum is below u. u lies in the piece of "
    "the next character, at which the sum exceeds u.",
)
def one_before(p: Tensor, u: float, alphabet: str) -> str:
    return alphabet[max(int((p.cumsum(0) <= u).sum()) - 1, 0)]
