"""What training runs have shown: the results that measured claims read, one JSON file a recipe."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent.parent.parent / "results"  # beside the package, in the repository


class MissingResult(Exception):
    """A result that a claim needs does not exist yet; the text says which."""


def read_runs(recipe: str, metric: str = "accuracy/test") -> list[float]:
    """One number for each run of a recipe, e.g. its accuracy on the test set for each seed.

    Args:
        recipe: the name of an experiment, e.g. "mnist_softmax"; the file is results/<recipe>.json, with
            {"recipe": "mnist_softmax", "runs": [{"seed": 0, "accuracy/test": 0.92, ...}, ...]}.
        metric: which number of each run.

    Raises:
        MissingResult: if the recipe has no file yet.
        ValueError: if the file has no runs, or a run without the metric.
    """
    path = RESULTS / f"{recipe}.json"
    if not path.is_file():
        raise MissingResult(f"results/{recipe}.json")
    runs = json.loads(path.read_text())["runs"]
    if not runs or any(metric not in run for run in runs):
        raise ValueError(
            f"results/{recipe}.json needs runs that each have {metric}: measure the recipe again."
        )
    return [float(run[metric]) for run in runs]


def mean_accuracy(recipe: str, metric: str = "accuracy/test") -> float:
    """The mean over the runs of a recipe, of which there are at least five: one run is an anecdote."""
    values = read_runs(recipe, metric)
    if len(values) < 5:
        raise MissingResult(f"five runs in results/{recipe}.json, which has {len(values)}")
    return sum(values) / len(values)
