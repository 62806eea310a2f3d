"""Predict the next character of a text, and learn by cross-entropy."""

import math

from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task


class LanguageModel(Task):
    """A model that predicts the next character: cross-entropy in nats, and in bits per character.

    A batch is (tokens, targets), both (B, T), cut from B streams of text: row b of the next batch goes on
    where row b of this one ends. So the recurrent state is carried from window to window within an epoch,
    without its gradient (truncated back-propagation through time), and starts at None in every epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self._state = {}  # split -> recurrent state after its latest window

    def forward(self, tokens: Tensor, state=None) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """Logits (B, T, V) of tokens (B, T), and the state to go on with."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(tokens, state)")

    def so_far(self):
        return super().so_far() | {"state": self._state.get("train")}

    def go_on_from(self, so_far):
        super().go_on_from(so_far)
        state = so_far.get("state")
        self._state.clear()
        if state is not None:
            whole = isinstance(state, tuple)
            self._state["train"] = tuple(s.to(self.device) for s in state) if whole else state.to(self.device)

    def on_train_epoch_end(self):
        super().on_train_epoch_end()
        self._state.pop("train", None)

    def on_validation_epoch_start(self):
        self._state.pop("val", None)
        self._state.pop("test", None)

    def on_test_epoch_start(self):
        self._state.pop("test", None)

    def chance_loss(self):
        return math.log(self.hparams.vocab_size)

    def metrics(self, batch):
        return self._metrics_and_state(batch, state=None)[0]

    def _metrics_and_state(self, batch, state):
        tokens, targets = batch
        logits, state = self(tokens, state)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        accuracy = (logits.argmax(dim=-1) == targets).float().mean()
        return {"loss": loss, "bits_per_char": loss / math.log(2), "accuracy": accuracy}, state

    def _measure(self, batch, split, share):
        metrics, state = self._metrics_and_state(batch, self._state.get(split))
        self._state[split] = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return self._record(metrics, batch, split, share)
