"""The translator: one recurrent network reads a phrase, another writes it in a second language."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from intro_dl.config.types import Fraction, Width
from intro_dl.tasks import Writer
from intro_dl.tasks.writing import PADDING

State = tuple[tuple[Tensor, Tensor], Tensor, Tensor]  # of the writer's LSTM; what was read; where words are


class Translator(Writer):
    """Encoder and decoder: many words in, many words out.

    Without attention, the writer starts from the reader's last state: one vector for the whole phrase. With
    attention, it also looks back at every word that was read, before it writes a word:
    weights = softmax(h W r), context = weights r, output = tanh(C [context, h]).

    Source: Sutskever et al. (2014), Sequence to Sequence Learning; attention as in Bahdanau et al. (2014),
    whose reader also runs in both directions, with the "general" score of Luong et al. (2015).

    Args:
        source_size: number of words of the first language.
        vocab_size: V, number of words of the second language.
        embedding_size: E, length of the vector of each word.
        hidden_size: H, units of the writer; the reader has half of them in each direction.
        attention: whether the writer looks back at the words.
        dropout: probability of zeroing an input or an output of the networks, in [0, 1).
    """

    traceable = False  # packed sequences

    def __init__(
        self,
        source_size: int,
        vocab_size: int,
        embedding_size: Width = 128,
        hidden_size: Width = 128,
        attention: bool = True,
        dropout: Fraction = 0.2,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        half = (hidden_size + 1) // 2
        self.source = nn.Embedding(source_size, embedding_size)
        self.reader = nn.LSTM(embedding_size, half, batch_first=True, bidirectional=True)
        self.target = nn.Embedding(vocab_size, embedding_size)
        self.writer = nn.LSTM(embedding_size, 2 * half, batch_first=True)
        if attention:
            self.score = nn.Linear(2 * half, 2 * half, bias=False)
            self.weights = nn.Softmax(dim=2)
            self.combine = nn.Sequential(nn.Linear(4 * half, 2 * half), nn.Tanh())
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(2 * half, vocab_size)

    def read(self, inputs: Tensor) -> State:
        """Return the writer's first state after the words (B, S), which end where the padding starts."""
        words = inputs != PADDING  # (B, S)
        x = self.dropout(self.source(inputs))  # (B, S, E)
        packed = pack_padded_sequence(x, words.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False)
        outputs, last = self.reader(packed)
        read, _ = pad_packed_sequence(outputs, batch_first=True, total_length=inputs.shape[1])  # (B, S, H)
        h, c = (torch.cat([*state], dim=1)[None] for state in last)  # (1, B, H) each: both directions
        return (h, c), read, words

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the word after each of the tokens (B, T), and the state after them."""
        last, read, words = state
        x = self.dropout(self.target(tokens))  # (B, T, E)
        h, last = self.writer(x, last)  # (B, T, H)
        if self.hparams["attention"]:
            scores = self.score(h) @ read.transpose(1, 2)  # (B, T, H) @ (B, H, S) -> (B, T, S)
            weights = self.weights(
                scores.masked_fill(~words[:, None], -torch.inf)
            )  # (B, T, S), rows sum to 1
            h = self.combine(torch.cat([weights @ read, h], dim=2))  # (B, T, 2 H) -> (B, T, H)
        return self.logits(self.dropout(h)), (last, read, words)
