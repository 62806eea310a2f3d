"""Write a sentence about an input, word by word: a caption of a picture, or a translation."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task

PADDING, START, UNKNOWN, STOP = range(4)  # the first tokens of every vocabulary; then come the words
SPECIAL = ("<padding>", "<start>", "<unknown>", "<stop>")


class Writer(Task):
    """Write a sentence about an input: cross-entropy in nats per word, words right, sentences exactly right.

    A batch is (inputs, sentences): sentences (B, T) end with STOP and then have PADDING, which does not count.
    A model defines `read` and `step`. In training it sees the true words so far (teacher forcing), and scores
    the next one. `write` has only the words that it wrote itself, and `exact` is the fraction of sentences
    that it writes without a mistake. A word that training never had is UNKNOWN and can never be right.
    """

    def read(self, inputs: Tensor) -> Any:
        """Return the state from which the model writes about the inputs (B, ...)."""
        raise NotImplementedError(f"{type(self).__name__} must define read(inputs)")

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return logits (B, T, V) of the word after each of the tokens (B, T), and the state after them."""
        raise NotImplementedError(f"{type(self).__name__} must define step(tokens, state)")

    def forward(self, inputs: Tensor, sentences: Tensor) -> Tensor:
        """Return logits (B, T, V) of each word of sentences (B, T), given the true words before it."""
        start = torch.full_like(sentences[:, :1], START)
        return self.step(torch.cat([start, sentences[:, :-1]], dim=1), self.read(inputs))[0]

    def metrics(self, batch):
        inputs, sentences = batch
        logits, words = self(inputs, sentences), sentences != PADDING
        loss = F.cross_entropy(logits.flatten(0, 1), sentences.flatten(), ignore_index=PADDING)
        found = {"loss": loss, "accuracy": (logits.argmax(dim=2) == sentences)[words].float().mean()}
        if not self.training:  # writing takes as long as a training step
            found["exact"] = (self.write(inputs, sentences.shape[1]) == sentences).all(dim=1).float().mean()
        return found

    @torch.no_grad()
    def write(self, inputs: Tensor, length: int, temperature: float = 0.0) -> Tensor:
        """Return sentences (B, length): at temperature 0 the likeliest next word (greedy), else a random one."""
        tokens, state = torch.full((len(inputs), 1), START, device=inputs.device), self.read(inputs)
        written, ended = [], torch.zeros_like(tokens, dtype=torch.bool)
        for _ in range(length):
            logits, state = self.step(tokens, state)
            scores = logits[:, -1, STOP:] / (temperature or 1.0)  # (B, V - 3): neither padding nor unknown
            best = scores.argmax(1, True) if temperature == 0 else scores.softmax(1).multinomial(1)
            tokens = (best + STOP).masked_fill(ended, PADDING)  # (B, 1)
            written, ended = [*written, tokens], ended | (tokens == STOP)
        return torch.cat(written, dim=1)

    def count(self, batch):
        return int((batch[1] != PADDING).sum())

    def chance_loss(self):
        return math.log(self.hparams["vocab_size"])
