"""Sentences of word numbers: write them, compare them with the right ones, and what simple methods write."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.text import bleu_score

PADDING, START, UNKNOWN, STOP = range(4)  # the first tokens of every vocabulary; the words follow
SPECIAL = ("<padding>", "<start>", "<unknown>", "<stop>")

Pairs = tuple[Tensor, Tensor]  # inputs (N, ...) and sentences (N, T)


@torch.no_grad()
def write_words(
    step: Callable[[Tensor, Any], tuple[Tensor, Any]],
    state: Any,
    inputs: Tensor,
    length: int,
    temperature: float,
) -> Tensor:
    """Write a sentence about each of B inputs: a word that was written is read in the next step.

    Args:
        step: see `Writer.step`.
        state: the state from which the model writes.
        inputs: the inputs (B, ...).
        length: words of the longest sentence, with STOP.
        temperature: 0 takes the most likely word (greedy); above, words are drawn: below 1 likely ones are
            preferred.

    Returns:
        Sentences (B, length), with PADDING after STOP.
    """
    tokens, words = torch.full((len(inputs), 1), START, device=inputs.device), []
    for _ in range(length):
        logits, state = step(tokens, state)  # (B, 1, V)
        scores = logits[:, -1, STOP:]  # (B, V - 3): neither padding nor start nor unknown
        if temperature:
            best = (scores / temperature).softmax(dim=1).multinomial(1)
        else:
            best = scores.argmax(dim=1, keepdim=True)
        ended = (tokens == STOP) | (tokens == PADDING)
        tokens = (best + STOP).masked_fill(ended, PADDING)  # (B, 1)
        words.append(tokens)
    return torch.cat(words, dim=1)


def compare(written: Tensor, sentences: Tensor) -> dict[str, Tensor]:
    """Return the fraction of sentences (N, T) that are written without a mistake, and their BLEU in [0, 1].

    BLEU (Papineni et al. 2002) counts shared runs of one to four words over all N sentences together; for a
    split of more than 500 sentences, the mean of the BLEU of batches of 500 stands in. A word that training
    never had is UNKNOWN in `sentences`; it is never written, so it is always a mistake.
    """
    found, true = (
        [" ".join(str(token) for token in row if token not in (PADDING, STOP)) for row in tokens.tolist()]
        for tokens in (written, sentences)
    )
    exact = sum(one == other for one, other in zip(found, true, strict=True)) / len(true)
    bleu = bleu_score(found, [[sentence] for sentence in true])
    return {"exact": torch.tensor(exact, device=written.device), "bleu": bleu.to(written.device)}


def simple_methods(train: Pairs, test: Pairs) -> dict[str, float]:
    """Return the fraction of the test sentences that simple methods write without a mistake."""
    methods = {"most frequent sentence": most_frequent, "nearest input": nearest}
    if not train[0].is_floating_point():
        methods["word by word"] = word_by_word
    return {name: float(compare(write(train, test[0]), test[1])["exact"]) for name, write in methods.items()}


def most_frequent(train: Pairs, inputs: Tensor) -> Tensor:
    """Return the most frequent training sentence for each input, without looking at it."""
    sentences, counts = train[1].unique(dim=0, return_counts=True)
    return sentences[counts.argmax()].expand(len(inputs), -1)


def nearest(train: Pairs, inputs: Tensor) -> Tensor:
    """Return the sentence of the nearest training input: by pixels, or by the angle between word counts."""
    if inputs.is_floating_point():
        known, asked = train[0].flatten(1), inputs.flatten(1)
    else:
        known, asked = (F.normalize(bags(tokens, int(train[0].max()) + 1)) for tokens in (train[0], inputs))
    return train[1][torch.cdist(asked, known).argmin(dim=1)]


def word_by_word(train: Pairs, inputs: Tensor) -> Tensor:
    """Return each word's translation, in the order of the words: the word that it most often goes with.

    The Dice coefficient of a pair of words is 2 n(both) / (n(one) + n(other)), counted over training phrases.
    """
    source, target = (bags(tokens, int(tokens.max()) + 1).clamp(max=1) for tokens in train)  # (N, S), (N, V)
    both = source.T @ target  # (S, V)
    dice = 2 * both / (source.sum(dim=0)[:, None] + target.sum(dim=0)).clamp(min=1)
    dice[:, : STOP + 1] = -1.0  # only words translate words
    best = dice.argmax(dim=1)  # (S,)
    best[: STOP + 1] = PADDING  # an unknown word is left out
    found = best[inputs]
    found[:, 1:][found[:, 1:] == found[:, :-1]] = PADDING  # the same word twice: once is better
    return found


def bags(tokens: Tensor, size: int) -> Tensor:
    """Return how often each token occurs in each row of tokens (N, T), without padding: (N, size)."""
    counts = torch.zeros(len(tokens), size).scatter_add_(1, tokens, torch.ones(tokens.shape))
    counts[:, PADDING] = 0
    return counts
