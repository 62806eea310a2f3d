"""Find a short motif anywhere in a sequence: filters slide along it, and the best match of each counts."""

from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.config.types import Width
from intro_dl.tasks import Classifier


class Motif(Classifier):
    """One convolution and the maximum over all positions: each filter is a template that is matched.

    Source: DeepBind (Alipanahi et al. 2015), without its rectification and its hidden layer.

    Args:
        vocab_size: V, number of different tokens, padding (token 0) included.
        num_classes: number of logits K.
        filters: number of filters.
        width: tokens that a filter covers. A sequence must have at least as many.
    """

    def __init__(self, vocab_size: int, num_classes: int, filters: Width = 8, width: Width = 8) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.match = nn.Conv1d(vocab_size - 1, filters, width)
        self.logits = nn.Linear(filters, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (B, K) of tokens (B, T)."""
        width = self.hparams["width"]
        if tokens.shape[1] < width:
            raise ValueError(f"The sequence has {tokens.shape[1]} tokens: give at least {width}.")
        letters = F.one_hot(tokens, self.hparams["vocab_size"])[..., 1:]  # (B, T, V-1), 0 for padding
        matches = self.match(letters.float().transpose(1, 2))  # (B, filters, T-width+1)
        return self.logits(matches.amax(dim=2))  # (B, filters) -> (B, K)
