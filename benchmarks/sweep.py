"""A sweep of eight learning rates beside eight separate commands, and benchmarks/RESULTS.md.

    python benchmarks/sweep.py                   about six minutes
    python benchmarks/sweep.py rates=2 rounds=1

LeNet on digits. A sweep imports torch once and runs its jobs side by side; eight commands import it eight
times, one after another. What they train is the same. So more is gained the shorter a run is: measured are
runs of two epochs, and runs as they are configured (20 epochs at most, stopped early). The limit is the ratio
of a sweep that would take the time of the bare imports and of the training on its cores, and nothing else.

The fixed cost of a run in a sweep is what the jobs beyond the first eight of a sweep of 24 cost, without
their two epochs, in seconds in which a core computes. What it consists of: see benchmarks/job.py.
"""

import csv
import sys
import tempfile
from functools import partial
from pathlib import Path

import report

from intro_dl.cli.launcher import cores
from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.runs.program import run_script

RATES = ("1e-4", "2e-4", "5e-4", "1e-3", "2e-3", "5e-3", "1e-2", "2e-2")
LENGTHS = {"two epochs": (["trainer.max_epochs=2"], 6), "as configured": ([], 3.5)}
FIXED = 0.3  # seconds
SEEDS = 8, 24


def trained(sweep: str) -> float:
    """Seconds of all epochs of the jobs of a sweep."""
    files = Path(sweep).glob("*/history.csv")
    rows = [row for file in files for row in csv.DictReader(file.read_text("utf-8").splitlines())]
    return sum(float(row["seconds"]) for row in rows)


def sweep(*words: str) -> tuple[report.Child, float]:
    """Return what a sweep took, and the seconds of the epochs in it."""
    with tempfile.TemporaryDirectory() as folder:
        swept = ["-m", f"hydra.sweep.dir={folder}", "trainer.accelerator=cpu", *words]
        return report.child(report.TRAIN, *swept), trained(folder)


def commands(rates: list[str], length: list[str]) -> float:
    """Seconds of a command for each rate, one after the other."""
    total = 0.0
    for rate in rates:
        with tempfile.TemporaryDirectory() as folder:
            run = [f"optim.lr={rate}", f"run_dir={folder}/run", "trainer.accelerator=cpu"]
            total += report.child(report.TRAIN, *run, *length).seconds
    return total


def fixed_cost(at_a_time: int) -> float:
    """Seconds in which a core computes for a job of two epochs, beside these."""
    own = [f"hydra.launcher.n_jobs={at_a_time}", "trainer.threads=1", "trainer.max_epochs=2"]
    few, many = (took.of_a_core - epochs for took, epochs in (sweep(f"seed=range({n})", *own) for n in SEEDS))
    return (many - few) / (SEEDS[1] - SEEDS[0])


def compare(rates: list[str], length: list[str], rounds: int, imports: float) -> tuple[float, ...]:
    """Return the seconds of the commands and of the sweep, their ratio, and its limit."""
    apart, together, training = [], [], []
    for number in range(1, rounds + 1):
        apart.append(commands(rates, length))
        took, epochs = sweep(f"optim.lr={','.join(rates)}", *length)
        together.append(took.seconds)
        training.append(epochs)
        report.say(f"  round {number} of {rounds}: commands {apart[-1]:.1f} s, sweep {together[-1]:.1f} s")
    limit = report.median(apart) / (imports + report.median(training) / cores())
    return report.median(apart), report.median(together), report.ratio(apart, together), limit


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"rounds": Option(Size, 1), "rates": Option(Size, len(RATES))})
    rates, rows = list(RATES[: options["rates"]]), []
    imports = min(report.child("-c", report.IMPORTS).seconds for _ in range(3))
    for name, (length, reach) in LENGTHS.items():
        report.say(f"{len(rates)} rates, {name}:")
        apart, together, ratio, limit = compare(rates, length, options["rounds"], imports)
        found = f"{ratio:.2f}", f"{limit:.2f}", "yes" if ratio >= reach else "no"
        rows.append((name, f"{apart:.1f} s", f"{together:.1f} s", f">= {reach}", *found))
    report.say("fixed cost of a run in a sweep:")
    ways = {"one at a time": 1, f"side by side, {cores()} at a time": cores()}
    fixed = report.interleaved({name: partial(fixed_cost, n) for name, n in ways.items()}, options["rounds"])
    costs = [(name, report.median(seconds)) for name, seconds in fixed.items()]
    costs = [
        (name, f"<= {FIXED} s", f"{cost:.2f} s", "yes" if cost <= FIXED else "no") for name, cost in costs
    ]
    columns = ("each run", f"{len(rates)} commands", "one sweep", "reach", "ratio", "limit", "reached")
    text = [
        f"{report.machine()}\n",
        f"{options['rounds']} round(s). LeNet on digits, rates {', '.join(rates)}.\n",
        report.table(columns, rows),
        report.table(("fixed cost of a run in a sweep", "reach", "measured", "reached"), costs),
    ]
    report.say("\n" + "\n".join(text))
    report.write_section("benchmarks/sweep.py", "\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
