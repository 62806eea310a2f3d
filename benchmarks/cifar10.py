"""CIFAR-10 in minutes: what each budget reaches, what each trick buys, and benchmarks/RESULTS.md.

    python benchmarks/cifar10.py                        all budgets, then all tricks: a night on two cores
    python benchmarks/cifar10.py experiments=cifar10_2min seeds=0,1,2
    python benchmarks/cifar10.py experiments=none tricks=views,whitening
    python benchmarks/cifar10.py tricks=none data=image_folder data.root=<directory>

The runs of a budget follow one after another, because their seconds are measured. Each trick is turned off in
experiment=cifar10_2min, with its seeds in a sweep. Other words are passed to the training. The runs are in
outputs/cifar10/: the same command trains what is missing there, and writes tables of all that is there.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, median

import report
from throughput import matrix_product, of_one_image

from intro_dl.config.compose import composed
from intro_dl.config.options import Option, read_options, several_of
from intro_dl.config.types import Seed
from intro_dl.data.cifar10 import CIFAR10
from intro_dl.models.airbench import Airbench
from intro_dl.results.evidence import Mean
from intro_dl.runs.folder import find_runs
from intro_dl.runs.program import run_script
from intro_dl.runs.result import Result, Status

FOLDER = Path("outputs") / "cifar10"
EXPERIMENTS = ("cifar10_2min", "cifar10_5min", "cifar10_10min", "cifar10_fast")
SMALL = "cifar10_2min"
TRICKS = {  # what turns it off
    "nothing": [],
    "whitening": ["model.whiten=false"],
    "identity": ["model.identity=false"],
    "biases": ["model.bias_speed=1"],
    "smoothing": ["model.smoothing=0"],
    "lookahead": ["callbacks.lookahead=null"],
    "alternation": ["data.augment=crop_reflect"],
    "triangle": ["scheduler=none"],
    "views": ["model.views=one"],
}
ABOUT = """\
Accuracies are means ± standard errors over the seeds; validation looks at one view of an image, the test at
six. `sampling` is the standard error of one accuracy because the test has so few images. All rows share these
images, so it is smaller in a difference. A product of two 2048x2048 matrices of float32 makes {:,.0f} GFLOP/s
here: `at least` is the time that the operations of a training would take at this speed.
"""
ABOUT_TRICKS = f"""\
Each trick is turned off in experiment={SMALL}. Its gain is the accuracy of all tricks less that without it.
"""
OPTIONS = {
    "experiments": several_of(*EXPERIMENTS, "none", default=EXPERIMENTS),
    "tricks": several_of(*TRICKS, "none", default=list(TRICKS)),
    "seeds": Option(list[Seed], [0, 1, 2]),
}


def train(name: str, seeds: Sequence[int], overrides: Sequence[str]) -> None:
    """Train the seeds that are not finished, several of them as a sweep."""
    place = FOLDER / name / "-".join(map(str, seeds))
    done = [run for run in find_runs(place) if run.status() is Status.COMPLETED]
    report.say(f"{place}: {len(done)} of {len(seeds)} finished.")
    if len(done) == len(seeds):
        return
    where = ["-m", f"hydra.sweep.dir={place}"] if len(seeds) > 1 else [f"run_dir={place}"]
    seed = f"seed={place.name.replace('-', ',')}"
    command = [f"resume={place}"] if place.is_dir() else [*where, *overrides, seed]
    subprocess.run([sys.executable, report.TRAIN, *command], check=True)


def finished(name: str) -> list[Result]:
    """Return the results of all finished runs of that name."""
    results = [run.read_result() for run in find_runs(FOLDER / name)]
    return [result for result in results if result.status is Status.COMPLETED]


def percents(results: Sequence[Result], split: str) -> list[float]:
    return [100 * result.metrics[f"accuracy/{split}"] for result in results]


def percent(values: Sequence[float]) -> str:
    """Return the mean of percentages, with its standard error if there are two."""
    return f"{fmean(values):.2f}" + (f" ± {Mean.of(values).error:.2f}" if len(values) > 1 else "")


def images_of(split: str, results: Sequence[Result]) -> int:
    """Return the number of images, the same in all runs."""
    (number,) = {int(re.search(rf"([\d,]+) {split}", each.data)[1].replace(",", "")) for each in results}
    return number


def sampling(results: Sequence[Result]) -> str:
    """Return the standard error of an accuracy on so few test images, and their number."""
    images = images_of("test", results)
    mean = fmean(percents(results, "test"))
    return f"± {sqrt(mean * (100 - mean) / images):.2f} on {images:,}"


def operations(name: str, results: Sequence[Result]) -> float:
    """Return the floating-point operations of all training steps of an experiment."""
    cfg = composed(f"experiment={name}")
    model = Airbench(**CIFAR10.dims, widths=tuple(cfg["model"]["widths"]))
    return of_one_image(model.train()) * images_of("train", results) * cfg["trainer"]["max_epochs"]


def budgets(speed: float) -> str:
    """Return a table of the experiments that have finished runs.

    Args:
        speed: operations a second of a product of matrices.
    """
    rows = []
    for name in EXPERIMENTS:
        if results := finished(name):
            first, accuracies = results[0], [percent(percents(results, split)) for split in ("test", "val")]
            sizes = f"{first.parameters or 0:,}", str(first.epochs), str(len(results))
            seconds = f"{median(each.seconds or 0 for each in results):,.0f}"
            how = sorted({f"{each.precision}, {each.threads} threads" for each in results})
            least = f"{operations(name, results) / speed:,.0f}"
            rows.append((name, *accuracies, sampling(results), *sizes, seconds, least, "; ".join(how)))
    columns = (
        "experiment",
        "test, %",
        "validation, %",
        "sampling",
        "parameters",
        "epochs",
        "seeds",
        "seconds",
        "at least",
    )
    return report.table((*columns, "precision"), rows) if rows else ""


def ablation() -> str:
    """Return a table of the tricks that have finished runs."""
    whole, rows = finished("without/nothing"), []
    for name in TRICKS:
        if results := finished(f"without/{name}"):
            cells = [name]
            for split in ("test", "val"):
                values, everything = percents(results, split), percents(whole, split)
                known = name != "nothing" and min(len(values), len(everything)) > 1
                gain = Mean.of(everything) - Mean.of(values) if known else None
                cells += [percent(values), f"{gain.value:.2f} ± {gain.error:.2f}" if gain else "–"]
            rows.append((*cells, str(len(results))))
    columns = ("without", "test, %", "gain", "validation, %", "gain", "seeds")
    return report.table(columns, rows) if rows else ""


def main(arguments: list[str]) -> int:
    mine = [word for word in arguments if word.partition("=")[0] in OPTIONS]
    passed = [word for word in arguments if word not in mine]
    _, options = read_options(mine, OPTIONS)
    chosen = {key: [each for each in options[key] if each != "none"] for key in ("experiments", "tricks")}
    seeds, speed = options["seeds"], matrix_product("cpu")
    jobs = [(name, [seed], [f"experiment={name}"]) for name in chosen["experiments"] for seed in seeds]
    jobs += [(f"without/{name}", seeds, [f"experiment={SMALL}", *TRICKS[name]]) for name in chosen["tricks"]]
    for name, trained, overrides in jobs:
        train(name, trained, [*overrides, *passed])
        about = f"{report.machine()}\n\n{ABOUT.format(speed / 1e9)}"
        report.write_section(
            "benchmarks/cifar10.py", f"{about}\n{budgets(speed)}\n{ABOUT_TRICKS}\n{ablation()}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
