"""Series: a ball that bounces in a box, and three that were measured: share prices, an EEG, sunspots."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal

import matplotlib
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from intro_dl.config.types import Seed, Size
from intro_dl.data.dataset import Split, TensorData, plain

SIDE, RADIUS, SPEED = 16, 1.0, 1.5  # of the box, of the ball, and its largest speed, in pixels (per frame)


@dataclass(kw_only=True, eq=False)
class SeriesData(TensorData):
    """Inputs (N, T, F), the last T steps of a series, and targets (N, O), what changes in the next step.

    Args:
        length: T, how many steps an input has.
        others: see TensorData.
    """

    length: Size = 20

    kind = "series"
    EXAMPLES = "windows"
    FEATURES: ClassVar[tuple[str, ...]]
    target: ClassVar[dict[str, str]] = {"name": "change", "unit": "standard deviations"}

    def __post_init__(self) -> None:
        super().__post_init__()
        features = len(self.FEATURES)
        self.dims = {"length": self.length, "num_features": features, "num_outputs": features}
        # Of the training split, (F,); the inputs keep the unit of the series.
        self.mean, self.std = torch.zeros(features), torch.ones(features)
        self.last: dict[str, Tensor] = {}  # the value before each change of a split, (N, O), for pictures

    def facts(self) -> list[str]:
        return [f"{self.length} steps each"]

    def metadata(self) -> dict[str, Any]:
        scale = {"mean": plain(self.mean), "std": plain(self.std)}
        return super().metadata() | {"features": list(self.FEATURES), "target": dict(self.target)} | scale

    def transform(self, inputs: Tensor) -> Tensor:
        """Return standardized series (B, T, F): mean 0 and standard deviation 1 over the training split."""
        return (inputs - self.mean.to(inputs.device)) / self.std.to(inputs.device)


@dataclass(kw_only=True, eq=False)
class Ball(SeriesData):
    """Pictures of 16x16 pixels of a ball that bounces off the walls of a box; the target is its next step.

    The ball starts anywhere, with a velocity of up to 1.5 pixels per frame in each direction. A picture has
    its place, but not its velocity: only several pictures say where it goes. The target is in pixels.

    Args:
        split_seed: selects the starts.
        others: see SeriesData.
    """

    length: Size = 8
    batch_size: Size | None = 32
    split_seed: Seed = 0

    EXAMPLES = "films"
    FEATURES = tuple(f"pixel {row}, {column}" for row in range(SIDE) for column in range(SIDE))
    target = {"name": "step", "unit": "pixels"}
    SIZES: ClassVar[dict[str, int]] = {"train": 3_000, "val": 500, "test": 1_000}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dims |= {"num_outputs": 2}

    def load(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(self.split_seed)
        places = {split: self.places(count, generator) for split, count in self.SIZES.items()}
        self.last = {split: each[:, -2] for split, each in places.items()}
        return {
            split: (self.pictures(each[:, :-1]), each[:, -1] - each[:, -2]) for split, each in places.items()
        }

    def places(self, count: int, generator: torch.Generator) -> Tensor:
        """Return the places (count, T + 1, 2) of balls, each (x, y) in pixels."""
        room = SIDE - 2 * RADIUS
        start, velocity = torch.rand(2, count, 1, 2, generator=generator)
        times = torch.arange(self.length + 1.0).view(-1, 1)
        free = start * room + (2 * velocity - 1) * SPEED * times  # (count, T + 1, 2), as if without walls
        return RADIUS + room - (free.remainder(2 * room) - room).abs()  # folded back at each wall

    @staticmethod
    def pictures(places: Tensor) -> Tensor:
        """Return pictures (..., 256) of a soft ball at places (..., 2)."""
        centers = torch.arange(SIDE) + 0.5
        x, y = (torch.exp(-((place[..., None] - centers) ** 2) / 2) for place in places.unbind(dim=-1))
        return (y[..., :, None] * x[..., None, :]).flatten(-2)  # (..., 16, 16) -> (..., 256)


@dataclass(kw_only=True, eq=False)
class MeasuredSeries(SeriesData):
    """One measured series, cut in time: 60 % for training, 20 % for validation, 20 % for testing.

    The first steps of an input may lie in the split before: at that time they are known. Targets are in
    standard deviations of the training split. Abstract: define `read`.
    """

    batch_size: Size | None = 16
    NUMBERS: ClassVar[Literal["values", "changes"]] = "values"  # what the model reads of each step

    def read(self) -> Tensor:
        """Return the series, (steps, O)."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")

    def load(self) -> dict[str, Split]:
        values = self.read()  # (steps, O)
        changes = values.diff(dim=0)
        steps = values[1:] if self.NUMBERS == "values" else changes
        ends = [int(len(steps) * part) for part in (0.6, 0.8, 1.0)]
        if self.length + 2 > ends[0]:
            raise ValueError(
                f"Invalid data.length={self.length}: {type(self).__name__} has {len(values)} steps, and "
                f"{ends[0]} of them for training. Choose at most {ends[0] - 2}."
            )
        self.mean, self.std = steps[: ends[0]].mean(dim=0), steps[: ends[0]].std(dim=0, correction=0)
        windows = steps.unfold(0, self.length, 1).transpose(1, 2)  # (steps - T + 1, T, O)
        starts, splits = [self.length, *ends[:2]], {}
        for split, start, end in zip(("train", "val", "test"), starts, ends, strict=True):
            splits[split] = windows[start - self.length : end - self.length], changes[start:end] / self.std
            self.last[split] = values[start:end]
        return splits


@dataclass(kw_only=True, eq=False)
class Stocks(MeasuredSeries):
    """Price of a share or an index in 390 months, 1990 to 2022: the model reads and forecasts log returns.

    A log return is the change of the logarithm of the price, about the gain as a fraction. "Nothing changes"
    says that the price stays where it is. Source: `Stocks.csv` of matplotlib, from Yahoo Finance.

    Args:
        share: a column of the file, e.g. ^GSPC, the S&P 500.
        others: see MeasuredSeries.
    """

    length: Size = 12
    share: Literal["^GSPC", "^IXIC", "IBM", "AAPL", "MSFT", "XRX", "AMZN", "DELL", "GOOGL", "ADBE"] = "^GSPC"

    FEATURES = ("log return",)
    NUMBERS = "changes"

    def read(self) -> Tensor:
        file = Path(matplotlib.get_data_path()) / "sample_data" / "Stocks.csv"
        table = pd.read_csv(file, comment="#", parse_dates=["Date"])
        months = table[
            table["Date"].dt.day == 1
        ]  # the others are dividends, and one is a second row of June 2022
        return torch.from_numpy(np.log(months[self.share].dropna().to_numpy())).float()[:, None]


class EEG(MeasuredSeries):
    """800 steps, in 10 seconds, of four channels of an electroencephalogram.

    Source: `eeg.dat` of matplotlib.
    """

    FEATURES = ("channel 1", "channel 2", "channel 3", "channel 4")

    def read(self) -> Tensor:
        file = Path(matplotlib.get_data_path()) / "sample_data" / "eeg.dat"
        return torch.from_numpy(np.fromfile(file).reshape(800, 4)).float()


class Sunspots(MeasuredSeries):
    """The number of sunspots in each of 309 years, 1700 to 2008.

    Source: National Geophysical Data Center, public domain, as in statsmodels' `sunspots`.
    """

    FEATURES = ("sunspots",)

    def read(self) -> Tensor:
        with files("intro_dl.data").joinpath("sunspots.csv").open(encoding="utf-8") as file:
            return torch.from_numpy(pd.read_csv(file)["sunspots"].to_numpy(copy=True)).float()[:, None]
