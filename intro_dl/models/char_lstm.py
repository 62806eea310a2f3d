"""The LSTM for texts, character by character: each cell has the steps forget, store, update and output."""

from typing import Literal

import torch
from torch import Tensor, nn

from intro_dl.config.types import Depth, Fraction, Width
from intro_dl.scratch import recurrent
from intro_dl.tasks import LanguageModel

State = tuple[Tensor, Tensor]  # outputs h and cell states c, each (layers, B, H)


class CharLSTM(LanguageModel):
    """Embed the characters, read them in order with LSTM layers, and score the next character.

    Dropout acts between layers, not along time (Zaremba et al. 2014).

    Source: Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000); lecture 001, LSTM.

    Args:
        vocab_size: V, the number of different characters.
        embedding_size: E, the length of the vector of each character.
        hidden_size: H, the number of cells of each layer.
        layers: number of LSTM layers, each reading the outputs of the one below.
        dropout: probability of zeroing an output of a layer, in [0, 1).
        cell: "torch" runs `nn.LSTM`; "scratch" runs the slide's equations (intro_dl/scratch/recurrent.py) on
            the same weights: the same numbers, slower.
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: Width = 64,
        hidden_size: Width = 192,
        layers: Depth = 1,
        dropout: Fraction = 0.0,
        cell: Literal["torch", "scratch"] = "torch",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        between = dropout if layers > 1 else 0.0  # nn.LSTM has no dropout after its last layer
        self.lstm = nn.LSTM(embedding_size, hidden_size, layers, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(hidden_size, vocab_size)

    # pyrefly: ignore[bad-override]  each cell has a state of its own kind
    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of tokens (B, T), and the last state; the first is zero unless given."""
        x = self.embedding(tokens.T)  # (T, B, E): recurrent layers count time first
        if self.hparams["cell"] == "torch":
            x, state = self.lstm(x, state)  # (T, B, H)
        else:
            x, state = self.by_hand(x, state)  # (T, B, H)
        return self.logits(self.dropout(x)).transpose(0, 1), state  # (T, B, V) -> (B, T, V)

    def by_hand(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Compute `self.lstm(x, state)` of x (T, B, E) by the equations of the slide."""
        if state is None:
            zeros = x.new_zeros(
                len(self.lstm.all_weights), x.shape[1], self.lstm.hidden_size
            )  # (layers, B, H)
            state = zeros, zeros
        last_h, last_c = [], []
        for layer, (h, c) in enumerate(zip(*state, strict=True)):
            if layer > 0:
                x = self.dropout(x)  # (T, B, H)
            W, U, b = recurrent.slide_order(*self.lstm.all_weights[layer])
            x, cells = recurrent.lstm(x, h, c, W, U, b)  # (T, B, H) each
            last_h.append(x[-1])
            last_c.append(cells[-1])
        return x, (torch.stack(last_h), torch.stack(last_c))
