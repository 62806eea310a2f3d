"""Points in the plane, drawn from the rules in this file: no download, and a run takes seconds."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor

from intro_dl.config.types import NonNegative, Seed, Size
from intro_dl.data.dataset import Split, TensorData, plain

MOST_SHOWN = 20  # names of features in the line about the data

Arms = Annotated[int, Ge(2), Le(100)]


@dataclass(kw_only=True, eq=False)
class ToyData(TensorData):
    """600 points in the plane for training, 200 for validation, 200 for testing. Abstract: define `draw`.

    The three splits are drawn one after the other from the same rule. They keep the unit of each feature.
    `transform` subtracts the mean of the 600 training points from each feature and divides by their standard
    deviation. So validation and test points do not influence the scale.

    Args:
        split_seed: selects the points that are drawn.
        others: see TensorData.
    """

    batch_size: Size | None = 16
    split_seed: Seed = 0

    kind = EXAMPLES = "points"
    dims = {"in_shape": (2,), "num_classes": 2}
    SIZES: ClassVar[dict[str, int]] = {"train": 600, "val": 200, "test": 200}
    features: ClassVar[tuple[str, ...]] = ("x1", "x2")  # names of the inputs, for the axis labels
    target: ClassVar[dict[str, str]] = {}  # of a regression: name and unit of the target

    def draw(self, count: int, generator: torch.Generator) -> Split:
        """Return `count` inputs (count, 2) and their targets (count,)."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(count, generator)")

    def load(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(self.split_seed)
        splits = {split: self.draw(count, generator) for split, count in self.SIZES.items()}
        self.standardize(splits["train"][0])
        return splits

    def standardize(self, inputs: Tensor) -> None:
        """Take mean and standard deviation of each feature from the training inputs (N, F)."""
        self.mean, self.std = inputs.mean(dim=0), inputs.std(dim=0, correction=0)  # (F,)

    def facts(self) -> list[str]:
        names = [*self.features[:MOST_SHOWN], *["..."] * (len(self.features) > MOST_SHOWN)]
        features = f"{len(self.features)} features ({', '.join(names)})"
        target = [] if self.class_names else [f"target {self.target['name']} in {self.target['unit']}"]
        return [features, *super().facts(), *target]

    def metadata(self) -> dict[str, Any]:
        target = {} if "num_classes" in self.dims else {"target": dict(self.target)}
        scale = {"mean": plain(self.mean), "std": plain(self.std)}
        return super().metadata() | {"features": list(self.features), **scale, **target}

    def transform(self, inputs: Tensor) -> Tensor:
        """Return standardized inputs (B, F): mean 0 and standard deviation 1 over the training split."""
        return (inputs - self.mean.to(inputs.device)) / self.std.to(inputs.device)


def attendance(count: int, generator: torch.Generator) -> Tensor:
    """Return lectures attended (0 to 8) and hours on the project (0 to 10) of students: (count, 2)."""
    lectures = torch.randint(0, 9, (count,), generator=generator)
    hours = 10 * torch.rand(count, generator=generator)
    return torch.stack([lectures.float(), hours], dim=1)


class PassClass(ToyData):
    """Lectures 000 and 003, "Will I pass this class?": pass or fail, drawn at random.

    A student passes with probability sigmoid(lectures + 1.5 hours - 8): 0.97 for [4, 5], the slide's query.
    The rule is itself a perceptron; the best possible accuracy is 0.92.
    """

    features = ("lectures attended", "hours on the project")
    CLASSES = ("fail", "pass")
    query = (4.0, 5.0)  # the student of the slide, who passed

    def draw(self, count: int, generator: torch.Generator) -> Split:
        inputs = attendance(count, generator)
        chance = self.chance(inputs)
        return inputs, torch.bernoulli(chance, generator=generator).long()

    @staticmethod
    def chance(inputs: Tensor) -> Tensor:
        """Return the true probability of passing, (B,), for lectures and hours (B, 2)."""
        lectures, hours = inputs.unbind(dim=1)
        return torch.sigmoid(lectures + 1.5 * hours - 8)


class Grades(ToyData):
    """Lectures 000 and 003, "Final grades": a number in percent instead of pass or fail.

    grade = 20 + 4 lectures + 14 sqrt(hours) + noise, clipped to 0..100: each further hour helps less. The
    noise is normal with a standard deviation of 5 percent, so the mean error of any model is at least 4.
    """

    dims = {"in_shape": (2,)}
    features = PassClass.features
    target = {"name": "grade", "unit": "percent"}

    def draw(self, count: int, generator: torch.Generator) -> Split:
        inputs = attendance(count, generator)
        lectures, hours = inputs.unbind(dim=1)
        noise = 5 * torch.randn(count, generator=generator)
        return inputs, (20 + 4 * lectures + 14 * hours.sqrt() + noise).clamp(0, 100)


@dataclass(kw_only=True, eq=False)
class TwoGaussians(ToyData):
    """Two round clouds (lecture 004): class 0 around (-m, -m), class 1 around (m, m), standard deviation 1.

    The best boundary is the line x1 + x2 = 0; it is right with probability Phi(distance / 2).

    Args:
        distance: distance of the centers, 2 sqrt(2) m. At 8 a line separates the clouds; at 2 they overlap,
            and the best accuracy is 0.84.
    """

    distance: NonNegative = 8.0

    def draw(self, count: int, generator: torch.Generator) -> Split:
        labels = torch.arange(count) % 2
        centers = (2 * labels - 1) * self.distance / math.sqrt(8)  # (count,), the same in both directions
        return centers[:, None] + torch.randn(count, 2, generator=generator), labels


@dataclass(kw_only=True, eq=False)
class NoisyToyData(ToyData):
    """Points scattered around a shape. Abstract.

    Args:
        noise: standard deviation of the scatter, in the unit of the inputs.
    """

    noise: NonNegative = 0.1

    def scatter(self, points: Tensor, generator: torch.Generator) -> Tensor:
        """Add normal noise to points of any shape."""
        return points + self.noise * torch.randn(points.shape, generator=generator)


@dataclass(kw_only=True, eq=False)
class XOR(NoisyToyData):
    """Four clouds around (1, 1), (-1, 1), (-1, -1), (1, -1): class 1 where the signs differ (lecture 002).

    As long as the noise keeps the clouds apart, a line that is right for three clouds is wrong for all points
    of the fourth. All four have the same number of points, so a line is right for at most 0.75 of them.
    """

    noise: NonNegative = 0.2

    def draw(self, count: int, generator: torch.Generator) -> Split:
        centers = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
        cloud = torch.arange(count) % 4
        return self.scatter(centers[cloud], generator), cloud % 2


class Moons(NoisyToyData):
    """Two interleaving half circles. Source: scikit-learn's `make_moons`."""

    def draw(self, count: int, generator: torch.Generator) -> Split:
        from sklearn.datasets import make_moons  # here, so that other runs start without its 0.2 s

        return _from_sklearn(make_moons(count, noise=self.noise, random_state=_integer(generator)))


class Circles(NoisyToyData):
    """A circle inside another of twice its radius: no line separates them, x1^2 + x2^2 does (lecture 004).

    Source: scikit-learn's `make_circles`.
    """

    def draw(self, count: int, generator: torch.Generator) -> Split:
        from sklearn.datasets import make_circles

        points = make_circles(count, noise=self.noise, factor=0.5, random_state=_integer(generator))
        return _from_sklearn(points)


@dataclass(kw_only=True, eq=False)
class Spirals(NoisyToyData):
    """K arms that wind around each other, one per class.

    Point i of an arm is at a radius r from 0 to 1 and at the angle 2 pi k / K + 4 r + noise.

    Source: Karpathy, CS231n, "Putting it together: Minimal Neural Network Case Study", with K = 3.

    Args:
        noise: standard deviation of the angle, in radians.
        arms: number of arms K.
    """

    noise: NonNegative = 0.2
    arms: Arms = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dims = {"in_shape": (2,), "num_classes": self.arms}

    def draw(self, count: int, generator: torch.Generator) -> Split:
        labels = torch.arange(count) % self.arms
        radius = torch.rand(count, generator=generator)
        angle = self.scatter(2 * math.pi * labels / self.arms + 4 * radius, generator)
        return radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1), labels


@dataclass(kw_only=True, eq=False)
class Ring(NoisyToyData):
    """Eight clouds on a circle of radius 1; 12,800 points for training, 1,000 for validation and for testing.

    A generative model that has collapsed draws only some of the clouds. Source: Metz et al. (2017), with a
    standard deviation of 0.02.

    Args:
        noise: standard deviation of each cloud.
    """

    noise: NonNegative = 0.05
    batch_size: Size | None = 256

    dims = {"in_shape": (2,), "num_classes": 8}
    SIZES = {"train": 12_800, "val": 1_000, "test": 1_000}

    @staticmethod
    def centers(clouds: Tensor) -> Tensor:
        """Return the centers (N, 2) of clouds with the numbers (N,)."""
        angles = clouds * (2 * math.pi / 8)
        return torch.stack([angles.cos(), angles.sin()], dim=1)

    def draw(self, count: int, generator: torch.Generator) -> Split:
        clouds = torch.arange(count) % 8
        return self.scatter(self.centers(clouds), generator), clouds

    def coverage(self, points: Tensor) -> tuple[int, float]:
        """Return how many clouds points (N, 2) cover, and their fraction within 3 standard deviations.

        A cloud is covered if at least a fifth of its fair share, N / 8, is within 3 standard deviations.
        """
        distances, nearest = torch.cdist(points, self.centers(torch.arange(8))).min(dim=1)
        near = distances <= 3 * self.noise
        counts = torch.bincount(nearest[near], minlength=8)
        return int((counts >= len(points) / 8 / 5).sum()), float(near.float().mean())


def _from_sklearn(points: tuple[np.ndarray, np.ndarray]) -> Split:
    inputs, labels = points
    return torch.from_numpy(inputs).float(), torch.from_numpy(labels).long()


def _integer(generator: torch.Generator) -> int:
    """Return a random integer for a library that takes its own seed."""
    return int(torch.randint(2**31, (), generator=generator))
