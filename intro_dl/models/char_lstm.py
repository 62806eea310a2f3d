"""The LSTM that writes character by character: its cells forget, store, update and output."""

import torch
from torch import Tensor, nn

from intro_dl.scratch import recurrent
from intro_dl.tasks import LanguageModel

State = tuple[Tensor, Tensor]  # outputs h and cell states c, each (layers, B, H)


class CharLSTM(LanguageModel):
    """Characters become vectors, LSTM layers read them in order, a linear map scores the next character.

    Dropout acts on the way from a layer to the next, never along time (Zaremba et al. 2014).

    Source: Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000); lecture 001, LSTM.

    Args:
        vocab_size: V, the number of characters there are.
        embedding_size: E, the length of the vector of a character.
        hidden_size: H, the number of cells of each layer.
        layers: number of LSTM layers, each reading the outputs of the one below.
        dropout: probability of zeroing an output of a layer, in [0, 1).
        cell: "torch" runs `nn.LSTM`; "scratch" the slide's equations (intro_dl/scratch/recurrent.py) on the
            same weights: the same numbers, slower.
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int = 64,
        hidden_size: int = 192,
        layers: int = 1,
        dropout: float = 0.0,
        cell: str = "torch",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        for name in ("embedding_size", "hidden_size", "layers"):
            if self.hparams[name] < 1:
                raise ValueError(f"model.{name}={self.hparams[name]} is too small: it must be at least 1.")
        if cell not in ("torch", "scratch"):
            raise ValueError(f"There is no cell {cell!r}. Choose one of torch, scratch.")
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        between = dropout if layers > 1 else 0.0  # nn.LSTM leaves its last layer to us
        self.lstm = nn.LSTM(embedding_size, hidden_size, layers, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(hidden_size, vocab_size)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (B, T, V) of tokens (B, T), and the last state; the first state is zero unless given."""
        x = self.embedding(tokens.T)  # (T, B, E): recurrent layers count time first
        if self.hparams.cell == "torch":
            x, state = self.lstm(x, state)  # (T, B, H)
        else:
            x, state = self.by_hand(x, state)
        return self.logits(self.dropout(x)).transpose(0, 1), state

    def by_hand(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """What `self.lstm(x, state)` computes, by the equations of the slide."""
        if state is None:
            zeros = x.new_zeros(self.hparams.layers, x.shape[1], self.hparams.hidden_size)
            state = zeros, zeros
        last_h, last_c = [], []
        for layer, (h, c) in enumerate(zip(*state, strict=True)):
            if layer > 0:
                x = self.dropout(x)
            W, U, b = recurrent.slide_order(*self.lstm.all_weights[layer])
            x, cells = recurrent.lstm(x, h, c, W, U, b)  # (T, B, H) each
            last_h.append(x[-1])
            last_c.append(cells[-1])
        return x, (torch.stack(last_h), torch.stack(last_c))
