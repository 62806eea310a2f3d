"""Sentences as rows of word numbers: the vocabulary of the training split, and the way there and back."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from intro_dl.tasks.writing import PADDING, SPECIAL, STOP, UNKNOWN


def vocabulary(sentences: Iterable[str]) -> list[str]:
    """Return the special tokens, then the words of the sentences in alphabetical order."""
    return [*SPECIAL, *sorted({word for sentence in sentences for word in sentence.split()})]


def encode(sentences: Sequence[str], words: Sequence[str], stop: bool = False) -> Tensor:
    """Return the numbers of the words, (N, T) of int64, filled up with PADDING to the longest sentence.

    Args:
        sentences: N sentences, their words separated by spaces.
        words: the vocabulary; any other word becomes UNKNOWN.
        stop: whether to end each sentence with STOP.
    """
    numbers = {word: number for number, word in enumerate(words)}
    rows = [
        [numbers.get(word, UNKNOWN) for word in sentence.split()] + [STOP] * stop for sentence in sentences
    ]
    longest = max(map(len, rows))
    return torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])


def decode(tokens: Tensor, words: Sequence[str]) -> list[str]:
    """Return the sentences of tokens (N, T), without padding and stop."""
    rows = [[token for token in row if token not in (PADDING, STOP)] for row in tokens.tolist()]
    return [" ".join(words[token] for token in row) for row in rows]
