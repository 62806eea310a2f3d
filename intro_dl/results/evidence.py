"""The measured results that the lectures' claims read: one JSON file for each experiment."""

import statistics
from pathlib import Path

from intro_dl.runs.files import read_json
from intro_dl.runs.values import fits

RESULTS = Path(__file__).parents[2] / "results"  # in a checkout
if (SHIPPED := Path(__file__).with_name("measured")).is_dir():  # in an installed package
    RESULTS = SHIPPED


class MissingResult(Exception):
    """A claim needs a result that does not exist yet; the text says which."""


def read_runs(experiment: str, metric: str = "accuracy/test") -> list[float]:
    """Return one number for each run of an experiment, e.g. its test accuracy for each seed.

    Args:
        experiment: e.g. "mnist_softmax". Its file is results/<experiment>.json, with
            {"experiment": "mnist_softmax", "runs": [{"seed": 0, "accuracy/test": 0.92, ...}, ...]}.
        metric: which number of each run.

    Raises:
        MissingResult: if the experiment has no file yet.
        ValueError: if the file has no runs, or a run without the metric.
    """
    path = RESULTS / f"{experiment}.json"
    if not path.is_file():
        raise MissingResult(f"results/{experiment}.json")
    saved = read_json(path)
    runs = saved.get("runs") if isinstance(saved, dict) else None
    if not runs or not fits(runs, list[dict]) or not all(fits(run.get(metric), float) for run in runs):
        raise ValueError(
            f"results/{experiment}.json needs runs that each have {metric}: run the experiment again."
        )
    return [float(run[metric]) for run in runs]


def mean_accuracy(experiment: str, metric: str = "accuracy/test") -> float:
    """Return the mean over the runs of an experiment: at least five, as one run may be chance."""
    values = read_runs(experiment, metric)
    if len(values) < 5:
        raise MissingResult(f"five runs in results/{experiment}.json, which has {len(values)}")
    return statistics.fmean(values)
