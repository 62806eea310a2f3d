"""Points in the plane, drawn from rules that are written here: no download, and a run takes seconds."""

import math
from typing import Any, ClassVar

import torch
from sklearn.datasets import make_circles, make_moons
from torch import Tensor

from intro_dl.data.dataset import Split, TensorData, plain


class ToyData(TensorData):
    """600 points in the plane to train on, 200 to validate, 200 to test. Abstract: a set defines `draw`.

    The three splits are drawn one after the other from the same rule. They keep the unit of each feature;
    `transform` subtracts the mean of the 600 training points from each feature and divides by their standard
    deviation, so that validation and test points do not take part in the choice of the scale.

    Args:
        batch_size: points per optimizer step; None takes all 600 at once.
        split_seed: names the points that are drawn.
        seed: names the order of the training batches.
    """

    SIZES: ClassVar = {"train": 600, "val": 200, "test": 200}
    dims: ClassVar = {"in_shape": (2,), "num_classes": 2}
    features: ClassVar = ("x1", "x2")  # what the two numbers are, for an axis label
    target: ClassVar[dict[str, str]] = {}  # of a regression: the target's name and unit
    CLASSES: ClassVar[tuple[str, ...]] = ()  # names of the classes; () numbers them

    def __init__(self, batch_size: int | None = 16, split_seed: int = 0, seed: int = 0) -> None:
        super().__init__(batch_size, seed)
        self.split_seed = split_seed

    def draw(self, count: int, generator: torch.Generator) -> Split:
        """`count` inputs (count, 2) and their targets (count,)."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(count, generator)")

    def load(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(self.split_seed)
        splits = {split: self.draw(count, generator) for split, count in self.SIZES.items()}
        inputs = splits["train"][0]
        self.mean, self.std = inputs.mean(dim=0), inputs.std(dim=0, correction=0)  # (2,)
        return splits

    def metadata(self) -> dict[str, Any]:
        metadata = super().metadata() | {
            "kind": "points",
            "features": list(self.features),
            "mean": plain(self.mean),
            "std": plain(self.std),
        }
        if "num_classes" not in self.dims:
            return metadata | {"target": dict(self.target)}
        return metadata | {"classes": list(self.CLASSES) or [str(k) for k in range(self.dims["num_classes"])]}

    def transform(self, inputs: Tensor) -> Tensor:
        """Standardized inputs (B, 2): mean 0 and standard deviation 1 over the training split."""
        return (inputs - self.mean.to(inputs.device)) / self.std.to(inputs.device)


def attendance(count: int, generator: torch.Generator) -> Tensor:
    """Lectures attended, 0 to 8, and hours spent on the project, 0 to 10, of `count` students: (count, 2)."""
    lectures = torch.randint(0, 9, (count,), generator=generator)
    hours = 10 * torch.rand(count, generator=generator)
    return torch.stack([lectures.float(), hours], dim=1)


class PassClass(ToyData):
    """Lectures 000 and 003, "Will I pass this class?", by a rule with chance in it.

    A student passes with probability sigmoid(lectures + 1.5 hours - 8): 0.97 for [4, 5], the slide's query.
    The rule is itself a perceptron; the best possible accuracy is 0.92.
    """

    features: ClassVar = ("lectures attended", "hours on the project")
    CLASSES: ClassVar = ("fail", "pass")
    query: ClassVar = (4.0, 5.0)  # the student of the slide, who passed

    def draw(self, count, generator):
        inputs = attendance(count, generator)
        chance = self.chance(inputs)
        return inputs, torch.bernoulli(chance, generator=generator).long()

    @staticmethod
    def chance(inputs: Tensor) -> Tensor:
        """The true probability to pass, (B,), of lectures and hours (B, 2)."""
        lectures, hours = inputs.unbind(dim=1)
        return torch.sigmoid(lectures + 1.5 * hours - 8)


class Grades(ToyData):
    """Lectures 000 and 003, "Final grades": a number in percent instead of pass or fail.

    grade = 20 + 4 lectures + 14 sqrt(hours) + noise, cut to 0..100: each further hour helps less. The noise
    is normal with a standard deviation of 5 percent, so no model comes closer than 4 percent on average.
    """

    dims: ClassVar = {"in_shape": (2,)}
    features: ClassVar = PassClass.features
    target: ClassVar = {"name": "grade", "unit": "percent"}

    def draw(self, count, generator):
        inputs = attendance(count, generator)
        lectures, hours = inputs.unbind(dim=1)
        noise = 5 * torch.randn(count, generator=generator)
        return inputs, (20 + 4 * lectures + 14 * hours.sqrt() + noise).clamp(0, 100)


class TwoGaussians(ToyData):
    """Two round clouds (lecture 004): class 0 around (-m, -m), class 1 around (m, m), standard deviation 1.

    The best boundary is the line x1 + x2 = 0; it is right with probability Phi(distance / 2).

    Args:
        distance: between the centers, 2 sqrt(2) m. At 8 a line separates the clouds; at 2 they overlap, and
            the best accuracy is 0.84.
    """

    def __init__(
        self, batch_size: int | None = 16, split_seed: int = 0, seed: int = 0, distance: float = 8.0
    ) -> None:
        super().__init__(batch_size, split_seed, seed)
        self.distance = distance

    def draw(self, count, generator):
        labels = torch.arange(count) % 2
        centers = (2 * labels - 1) * self.distance / math.sqrt(8)  # (count,), the same in both directions
        return centers[:, None] + torch.randn(count, 2, generator=generator), labels


class NoisyToyData(ToyData):
    """Points scattered around a shape. Abstract.

    Args:
        noise: standard deviation of the scatter, in the unit of the inputs.
    """

    def __init__(
        self, batch_size: int | None = 16, split_seed: int = 0, seed: int = 0, noise: float = 0.1
    ) -> None:
        super().__init__(batch_size, split_seed, seed)
        if noise < 0:
            raise ValueError(f"data.noise={noise} is a standard deviation: it cannot be below 0.")
        self.noise = noise

    def scatter(self, points: Tensor, generator: torch.Generator) -> Tensor:
        return points + self.noise * torch.randn(points.shape, generator=generator)


class XOR(NoisyToyData):
    """Four clouds around (1, 1), (-1, 1), (-1, -1), (1, -1): class 1 where the signs differ (lecture 002).

    A line that is right somewhere in three clouds is wrong in all of the fourth, as long as the noise keeps
    the clouds apart. All four have the same number of points, so no line reaches more than 0.75.
    """

    def __init__(
        self, batch_size: int | None = 16, split_seed: int = 0, seed: int = 0, noise: float = 0.2
    ) -> None:
        super().__init__(batch_size, split_seed, seed, noise)

    def draw(self, count, generator):
        centers = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
        cloud = torch.arange(count) % 4
        return self.scatter(centers[cloud], generator), cloud % 2


class Moons(NoisyToyData):
    """Two half circles that reach into each other. Source: scikit-learn's `make_moons`."""

    def draw(self, count, generator):
        return _from_sklearn(make_moons(count, noise=self.noise, random_state=_integer(generator)))


class Circles(NoisyToyData):
    """A circle inside another, of half its radius: no line separates them, x1^2 + x2^2 does (lecture 004).

    Source: scikit-learn's `make_circles`.
    """

    def draw(self, count, generator):
        points = make_circles(count, noise=self.noise, factor=0.5, random_state=_integer(generator))
        return _from_sklearn(points)


class Spirals(NoisyToyData):
    """K arms that wind around each other, one class each.

    Point i of an arm is at a radius r from 0 to 1 and at the angle 2 pi k / K + 4 r + noise.

    Source: Karpathy, CS231n, "Putting it together: Minimal Neural Network Case Study", with K = 3.

    Args:
        noise: standard deviation of the angle, in radians.
        arms: number of arms K.
    """

    def __init__(
        self,
        batch_size: int | None = 16,
        split_seed: int = 0,
        seed: int = 0,
        noise: float = 0.2,
        arms: int = 3,
    ) -> None:
        super().__init__(batch_size, split_seed, seed, noise)
        if arms < 2:
            raise ValueError(f"data.arms={arms} leaves nothing to tell apart: spirals need at least 2 arms.")
        self.dims = {"in_shape": (2,), "num_classes": arms}

    def draw(self, count, generator):
        arms = self.dims["num_classes"]
        labels = torch.arange(count) % arms
        radius = torch.rand(count, generator=generator)
        angle = self.scatter(2 * math.pi * labels / arms + 4 * radius, generator)
        return radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1), labels


def _from_sklearn(points) -> Split:
    inputs, labels = points
    return torch.from_numpy(inputs).float(), torch.from_numpy(labels).long()


def _integer(generator: torch.Generator) -> int:
    """A number for a library that takes its own seed."""
    return int(torch.randint(2**31, (), generator=generator))
