"""The measured results that the lectures' claims read: one JSON file for each experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from pathlib import Path
from statistics import fmean, stdev

from intro_dl.results.recipe import changes_since, told
from intro_dl.runs.files import read_json
from intro_dl.runs.values import fits

RESULTS = Path(__file__).parents[2] / "results"  # in a checkout
if (SHIPPED := Path(__file__).with_name("measured")).is_dir():  # in an installed package
    RESULTS = SHIPPED
BEYOND_CHANCE = 3  # standard errors: by chance, the mean of five runs is that far off in 4 of 100 experiments
# The test accuracy of the epoch that was chosen by ...
BEST_ON_VALIDATION, BEST_ON_TEST = "accuracy/test", "accuracy/test/highest"
LAST_EPOCH, LEAST_LOSS = "accuracy/test/last", "accuracy/test/least_loss"


class MissingResult(Exception):
    """A claim needs a result that does not exist yet; the text says which."""


def read_runs(experiment: str, metric: str = BEST_ON_VALIDATION) -> list[float]:
    """Return one number for each run of an experiment, e.g. its test accuracy for each seed.

    Args:
        experiment: e.g. "mnist_softmax". Its file is results/<experiment>.json, with
            {"experiment": "mnist_softmax", "runs": [{"seed": 0, "accuracy/test": 0.92, ...}, ...]}.
        metric: which number of each run; "rivals/PCA" is what a simple method reached beside it.

    Raises:
        MissingResult: if the experiment has no file yet.
        ValueError: if the file has no runs, a run without the metric, or runs of another recipe than today's.
    """
    path = RESULTS / f"{experiment}.json"
    if not path.is_file():
        raise MissingResult(f"results/{experiment}.json")
    saved = read_json(path)
    runs = saved.get("runs") if isinstance(saved, dict) else None
    group, _, rival = metric.partition("/")
    if runs and group == "rivals" and fits(runs, list[dict]):
        runs = [{metric: run.get(group, {}).get(rival)} for run in runs]
    if not runs or not fits(runs, list[dict]) or not all(fits(run.get(metric), float) for run in runs):
        raise ValueError(
            f"results/{experiment}.json needs runs that each have {metric}: run the experiment again."
        )
    if not fits(saved.get("recipe"), dict) or not isinstance(saved.get("command"), str):
        raise ValueError(f"results/{experiment}.json needs a recipe and a command: add its sweep again.")
    if changes := changes_since(saved["recipe"], saved["command"]):
        raise ValueError(
            f"results/{experiment}.json was measured with another recipe ({told(changes)}). Train again: "
            f"{saved['command']}"
        )
    return [float(run[metric]) for run in runs]


@dataclass(frozen=True)
class Mean:
    """The mean of a measure over n runs, with its standard error; an accuracy is in percent."""

    value: float
    error: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean":
        """Return the mean of at least two values."""
        return cls(fmean(values), stdev(values) / sqrt(len(values)), len(values))

    def __sub__(self, other: "Mean") -> "Mean":
        """Return the difference of the means of independent runs."""
        return Mean(self.value - other.value, hypot(self.error, other.error), min(self.n, other.n))

    def __str__(self) -> str:
        return f"{self.value:.2f} ± {self.error:.2f} (mean ± standard error, n = {self.n} seeds)"

    def is_below(self, number: float) -> bool:
        """Return whether a number is more than `BEYOND_CHANCE` standard errors above the mean."""
        return number > self.value + BEYOND_CHANCE * self.error


def accuracy(experiment: str, metric: str = BEST_ON_VALIDATION) -> Mean:
    """Return the mean accuracy in percent of the runs of an experiment: at least five.

    Args:
        experiment: e.g. "mnist_softmax".
        metric: how the tested epoch is chosen.

    Raises:
        MissingResult: if there are fewer than five runs.
        ValueError: see `read_runs`.
    """
    values = read_runs(experiment, metric)
    if len(values) < 5:
        raise MissingResult(f"five runs in results/{experiment}.json, which has {len(values)}")
    return Mean.of([100 * value for value in values])
