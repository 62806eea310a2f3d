"""Small tables of measurements that come with scikit-learn."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.datasets import load_iris, load_wine
from torch import Tensor

from intro_dl.data.dataset import Split
from intro_dl.data.toy import ToyData


@dataclass(kw_only=True, eq=False)
class Table(ToyData):
    """Measurements of things of three classes, shuffled by `split_seed`. Abstract: define `read`."""

    EXAMPLES = "rows"
    SIZES: ClassVar[dict[str, int]]

    def read(self) -> Split:
        """Return all rows (N, F) and their labels (N,)."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")

    def load(self) -> dict[str, Split]:
        inputs, labels = self.read()
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(self.split_seed))
        parts = order.split(list(self.SIZES.values()))
        splits = {split: (inputs[rows], labels[rows]) for split, rows in zip(self.SIZES, parts, strict=True)}
        self.standardize(splits["train"][0])
        return splits


class Iris(Table):
    """150 irises of three species, four lengths in cm each (Fisher 1936)."""

    dims = {"in_shape": (4,), "num_classes": 3}
    CLASSES = ("setosa", "versicolor", "virginica")
    SIZES = {"train": 90, "val": 30, "test": 30}
    features = ("sepal length", "sepal width", "petal length", "petal width")

    def read(self) -> Split:
        return _tensors(load_iris())


class Wine(Table):
    """178 wines of three growers, thirteen chemical measurements each (Forina et al. 1991)."""

    dims = {"in_shape": (13,), "num_classes": 3}
    CLASSES = ("grower 1", "grower 2", "grower 3")
    SIZES = {"train": 106, "val": 36, "test": 36}
    features = (
        "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
        "nonflavanoid phenols", "proanthocyanins", "color intensity", "hue", "od280/od315", "proline",
    )  # fmt: skip

    def read(self) -> Split:
        return _tensors(load_wine())


def _tensors(table) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(table.data).float(), torch.from_numpy(table.target).long()
