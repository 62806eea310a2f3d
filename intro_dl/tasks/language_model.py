"""Predict the next character or word of a text, and learn by cross-entropy."""

import math

from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Batch, Task

State = Tensor | tuple[Tensor, ...]  # of an RNN, or (hidden, cell) of an LSTM


class LanguageModel(Task):
    """Predict the next token: cross-entropy in nats, and in bits per character or word.

    A batch is (tokens, targets), both (B, T), cut from B streams of text: row b of the next batch continues
    row b of this one. So the recurrent state is carried from batch to batch within an epoch, without its
    gradient (truncated back-propagation through time), and every epoch starts without a state.
    """

    leading = "bits_per_char"

    def read_words(self) -> None:
        """State that a token is a word, so that the measure is called `bits_per_word`."""
        self.leading = "bits_per_word"

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of tokens (B, T), and the state after them."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(tokens, state)")

    def metrics(self, batch):
        return self.metrics_and_state(batch)[0]

    def metrics_and_state(self, batch: Batch, state: State | None = None) -> tuple[dict[str, Tensor], State]:
        """Return the metrics of a batch that follows `state`, and the state after it."""
        tokens, targets = batch
        logits, state = self(tokens, state)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        accuracy = (logits.argmax(dim=-1) == targets).float().mean()
        return {"loss": loss, self.leading: loss / math.log(2), "accuracy": accuracy}, state

    def measure(self, batch, split):
        metrics, state = self.metrics_and_state(batch, self.epoch.states.get(split))
        self.epoch.states[split] = (
            tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        )
        return self.epoch.add(split, metrics, self.count(batch))

    def chance_loss(self):
        return math.log(self.hparams["vocab_size"])
