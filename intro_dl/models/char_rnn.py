"""The vanilla recurrent network, written out: the next character from this one and a state."""

import torch
from torch import Tensor, nn

from intro_dl.config.types import Width
from intro_dl.tasks import LanguageModel


class CharRNN(LanguageModel):
    """The recurrent cell of lecture 001: mix character and old state, apply tanh, score the next character.

    h_t = tanh(W_hh^T h_{t-1} + W_xh^T x_t),  y_t = W_hy^T h_t, where x_t is a character as a one-hot vector.
    Every time step uses the same weights; as on the slide, there are no biases. The states are those of
    `nn.RNN(vocab_size, hidden_size, bias=False)`, whose weights are the transposes of W_xh and W_hh.

    Source: Elman (1990), Finding Structure in Time; lecture 001, "Update Hidden State" and "Output Vector".

    Args:
        vocab_size: V, the number of different characters.
        hidden_size: H, the length of the state.
    """

    def __init__(self, vocab_size: int, hidden_size: Width = 192) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.W_xh = nn.Parameter(torch.empty(vocab_size, hidden_size))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.W_hy = nn.Parameter(torch.empty(hidden_size, vocab_size))
        for weight in self.parameters():
            nn.init.uniform_(weight, -(hidden_size**-0.5), hidden_size**-0.5)  # as nn.RNN and nn.Linear do

    # pyrefly: ignore[bad-override]  each cell has a state of its own kind
    def forward(self, tokens: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (B, T, V) of tokens (B, T), and the last state (B, H), at first zero unless given."""
        inputs = nn.functional.embedding(tokens, self.W_xh)  # (B, T, H): a one-hot x_t picks a row of W_xh
        h = inputs.new_zeros(len(tokens), self.hparams["hidden_size"]) if state is None else state  # (B, H)
        states = []
        for x_t in inputs.unbind(dim=1):
            h = torch.tanh(h @ self.W_hh + x_t)  # (B, H) @ (H, H) + (B, H) -> (B, H)
            states.append(h)
        return torch.stack(states, dim=1) @ self.W_hy, h  # (B, T, H) -> (B, T, V)
