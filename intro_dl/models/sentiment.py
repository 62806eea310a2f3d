"""Many to one: read a sentence word by word, then score its classes from the last state."""

from typing import Literal

from torch import Tensor, nn

from intro_dl.config.types import Fraction, Width
from intro_dl.tasks import Classifier

PADDING = 0  # the token that fills up short sentences


class Sentiment(Classifier):
    """A sentence goes in, one class comes out (lecture 001, "Sentiment Classification").

    Args:
        vocab_size: V, number of different tokens; token 0 is padding and is not read.
        num_classes: number of logits K.
        reader: "mean" averages the vectors of the words, so it does not see their order; "rnn" and "lstm"
            read one word after the other, and their state after the last word counts.
        embedding_size: E, the length of the vector of each word.
        hidden_size: H, units of the recurrent layer.
        dropout: probability of zeroing a number of a word vector, and of what was read, in [0, 1).
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        reader: Literal["mean", "rnn", "lstm"] = "lstm",
        embedding_size: Width = 32,
        hidden_size: Width = 32,
        dropout: Fraction = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.embedding = nn.Embedding(vocab_size, embedding_size, padding_idx=PADDING)
        if reader != "mean":
            layer = {"rnn": nn.RNN, "lstm": nn.LSTM}[reader]
            self.recurrent = layer(embedding_size, hidden_size, batch_first=True)
        if reader == "lstm":  # open forget gates: the first words count too (Gers et al. 2000)
            forget = self.recurrent.get_parameter("bias_hh_l0")[hidden_size : 2 * hidden_size]
            nn.init.constant_(forget, 2.0)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(embedding_size if reader == "mean" else hidden_size, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (B, K) of tokens (B, T), padded at the end."""
        x = self.dropout(self.embedding(tokens))  # (B, T, E), 0 for padding
        count = (tokens != PADDING).sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
        if self.hparams["reader"] == "mean":
            read = x.sum(dim=1) / count  # (B, E)
        else:
            states, _ = self.recurrent(x)  # (B, T, hidden_size)
            last = (count - 1)[..., None].expand(-1, -1, states.shape[2])  # (B, 1, hidden_size)
            read = states.gather(1, last).squeeze(1)  # (B, hidden_size)
        return self.logits(self.dropout(read))  # (B, K)
