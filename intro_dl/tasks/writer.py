"""Write a sentence about an input, word by word: a caption of a picture, or a translation."""

import math
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task
from intro_dl.tasks.writing import PADDING, START, compare, simple_methods, write_words


class Writer(Task):
    """Write sentences: cross-entropy in nats per word, and sentences without a mistake (`exact`).

    The sentences (B, T) of a batch end with STOP, then PADDING, which does not count. In training a model
    sees the true words so far (teacher forcing). To write, it has only its own words.
    """

    leading = "exact"

    def read(self, inputs: Tensor) -> Any:
        """Return the state from which the model writes about the inputs (B, ...)."""
        raise NotImplementedError(f"{type(self).__name__} must define read(inputs)")

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return logits (B, T, V) of the word after each of the tokens (B, T), and the state after them."""
        raise NotImplementedError(f"{type(self).__name__} must define step(tokens, state)")

    def forward(self, inputs: Tensor, sentences: Tensor | None = None) -> Tensor:
        """Return logits (B, T, V) of sentences (B, T), given the true words; or of the first word only."""
        before = inputs.new_empty(len(inputs), 0).long() if sentences is None else sentences[:, :-1]
        return self.step(F.pad(before, (1, 0), value=START), self.read(inputs))[0]

    def metrics(self, batch):
        inputs, sentences = batch
        logits, words = self(inputs, sentences), sentences != PADDING
        loss = F.cross_entropy(logits.flatten(0, 1), sentences.flatten(), ignore_index=PADDING)
        found = {"loss": loss, "accuracy": (logits.argmax(dim=2) == sentences)[words].float().mean()}
        return found | ({} if self.training else compare(self.write(inputs, words.shape[1]), sentences))

    def write(self, inputs: Tensor, length: int, temperature: float = 0.0) -> Tensor:
        """Return the sentences (B, length) that the model writes; see `write_words`."""
        return write_words(self.step, self.read(inputs), inputs, length, temperature)

    def count(self, batch, metric="loss"):
        return len(batch[1]) if metric in ("exact", "bleu") else int((batch[1] != PADDING).sum())

    def rivals(self, train, test):
        return simple_methods(train, test)

    def chance_loss(self):
        return math.log(self.hparams["vocab_size"])
