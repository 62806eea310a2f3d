"""Sequences of words or letters, each with one class."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from intro_dl.config.types import Seed, Size
from intro_dl.data.dataset import TensorData
from intro_dl.tasks.writing import bags


@dataclass(kw_only=True, eq=False)
class TokenData(TensorData):
    """Token numbers (N, T), 0 is padding, with labels (N,). Abstract: define `load`, which sets `vocabulary`.

    Args:
        split_seed: selects the examples of each split.
        others: see TensorData.
    """

    batch_size: Size | None = 32
    split_seed: Seed = 0

    kind = "tokens"
    UNIT: ClassVar[Literal["word", "letter"]] = "word"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.vocabulary: list[str] = []
        self.dims = {"vocab_size": None, "num_classes": len(self.CLASSES)}

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"vocabulary": self.vocabulary, "unit": self.UNIT}

    def rivals(self, split: str) -> dict[str, float]:
        """Return the accuracy of the most frequent class, and of how often each token occurs."""
        from sklearn.linear_model import LogisticRegression  # here: only the end of a run needs it

        (train, labels), (asked, truth) = self.splits["train"], self.splits[split]
        size = len(self.vocabulary)
        regression = LogisticRegression(max_iter=1000).fit(bags(train, size), labels)
        found = torch.from_numpy(regression.predict(bags(asked, size)))
        return {
            "most frequent class": (truth == labels.mode().values).float().mean().item(),
            f"bag of {self.UNIT}s": (found == truth).float().mean().item(),
        }
