"""DNA with a planted motif: the best possible answers are known."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from intro_dl.data.dataset import Split
from intro_dl.data.tokens import TokenData

LETTERS = ("<padding>", "A", "C", "G", "T")

# Probability of A, C, G, T at each position of the motif: TATAWAWR, where W is A or T, and R is A or G. The
# consensus is that of the TATA box (Bucher 1990); the numbers are made.
MATRIX = torch.tensor(
    [
        [0.04, 0.04, 0.04, 0.88],  # T
        [0.88, 0.04, 0.04, 0.04],  # A
        [0.04, 0.04, 0.04, 0.88],  # T
        [0.88, 0.04, 0.04, 0.04],  # A
        [0.56, 0.04, 0.04, 0.36],  # W
        [0.88, 0.04, 0.04, 0.04],  # A
        [0.56, 0.04, 0.04, 0.36],  # W
        [0.36, 0.04, 0.56, 0.04],  # R
    ]
)
BACKGROUND = 0.25  # of each letter elsewhere


@dataclass(kw_only=True, eq=False)
class DNA(TokenData):
    """Sequences of 60 random bases; half of them have a TATA-like motif at a random position.

    The motif is drawn from `MATRIX` anew each time, so single bases of it often differ.

    Args:
        split_seed: selects the sequences that are drawn.
        others: see TokenData.
    """

    CLASSES = ("no motif", "motif")
    EXAMPLES, UNIT = "sequences", "letter"
    LENGTH: ClassVar[int] = 60
    SIZES: ClassVar[dict[str, int]] = {"train": 4000, "val": 1000, "test": 2000}

    def load(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(self.split_seed)
        self.vocabulary = list(LETTERS)
        self.dims = self.dims | {"vocab_size": len(LETTERS)}
        return {split: self.draw(count, generator) for split, count in self.SIZES.items()}

    def draw(self, count: int, generator: torch.Generator) -> Split:
        """Return `count` sequences (count, 60) and whether they have the motif, (count,)."""
        width = len(MATRIX)
        labels = torch.arange(count) % 2
        tokens = torch.randint(1, len(LETTERS), (count, self.LENGTH), generator=generator)
        motifs = [torch.multinomial(row, count, replacement=True, generator=generator) for row in MATRIX]
        begins = torch.randint(self.LENGTH - width + 1, (count,), generator=generator)
        places = begins[:, None] + torch.arange(width)  # (count, width)
        planted = tokens.scatter(1, places, 1 + torch.stack(motifs, dim=1))
        return planted.where(labels[:, None] == 1, tokens), labels

    def rivals(self, split: str) -> dict[str, float]:
        tokens, labels = self.splits[split]
        best = (log_odds(tokens) > 0) == (labels == 1)
        return super().rivals(split) | {"Bayes-optimal": best.float().mean().item()}


def log_odds(tokens: Tensor) -> Tensor:
    """Return log P(tokens | motif) - log P(tokens | no motif) of sequences (N, T), (N,).

    Both classes are equally frequent, so the sign is the best possible answer (Bayes' rule). The motif begins
    at each of the T - 7 positions with the same probability.
    """
    letters = tokens.unfold(1, len(MATRIX), 1) - 1  # (N, T - 7, 8)
    ratios = (MATRIX / BACKGROUND)[torch.arange(len(MATRIX)), letters].prod(dim=-1)  # (N, T - 7)
    return ratios.mean(dim=1).log()
