"""A sweep of eight learning rates beside eight separate commands, and benchmarks/RESULTS.md.

    python benchmarks/sweep.py                   about four minutes
    python benchmarks/sweep.py rates=2 rounds=1

LeNet on digits. A sweep imports torch once and runs its jobs side by side; eight commands import it eight
times, one after another. What they train is the same. So more is gained the shorter a run is: measured are
runs of two epochs, and runs as they are configured (20 epochs at most, stopped early). The limit is the ratio
of a sweep that would take the time of the bare imports and of the training on its cores, and nothing else.

The fixed cost of a run in a sweep is what the jobs beyond the first eight of a sweep of sixteen cost, without
the seconds of their two epochs: their processes, configs, models, loggers, pictures and tests.
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
SEEDS = 8


def trained(sweep: str) -> float:
    """Seconds of all epochs of the jobs of a sweep."""
    files = Path(sweep).glob("*/history.csv")
    rows = [row for file in files for row in csv.DictReader(file.read_text("utf-8").splitlines())]
    return sum(float(row["seconds"]) for row in rows)


def sweep(rates: list[str], length: list[str], training: list[float]) -> float:
    """Seconds of one sweep; those of its training are added to `training`."""
    with tempfile.TemporaryDirectory() as folder:
        swept = ["-m", f"optim.lr={','.join(rates)}", f"hydra.sweep.dir={folder}"]
        seconds, _ = report.child(report.TRAIN, *swept, "trainer.accelerator=cpu", *length)
        training.append(trained(folder))
    return seconds


def commands(rates: list[str], length: list[str]) -> float:
    """Seconds of a command for each rate, one after the other."""
    total = 0.0
    for rate in rates:
        with tempfile.TemporaryDirectory() as folder:
            run = [f"optim.lr={rate}", f"run_dir={folder}/run", "trainer.accelerator=cpu"]
            total += report.child(report.TRAIN, *run, *length)[0]
    return total


def fixed_cost(at_a_time: int) -> float:
    """Seconds of a core that a job of two epochs takes beside its training."""
    seconds, training = [], []
    for number in SEEDS, 2 * SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            swept = ["-m", f"seed=range({number})", f"hydra.sweep.dir={folder}", "trainer.max_epochs=2"]
            jobs = [f"hydra.launcher.n_jobs={at_a_time}", "trainer.threads=1", "trainer.accelerator=cpu"]
            seconds.append(report.child(report.TRAIN, *swept, *jobs)[0])
            training.append(trained(folder))
    return ((seconds[1] - seconds[0]) * at_a_time - (training[1] - training[0])) / SEEDS


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"rounds": Option(Size, 1), "rates": Option(Size, len(RATES))})
    rates, rows = list(RATES[: options["rates"]]), []
    imports = min(report.child("-c", report.IMPORTS)[0] for _ in range(3))
    for name, (length, reach) in LENGTHS.items():
        report.say(f"{len(rates)} rates, {name}:")
        apart, together, training = f"{len(rates)} commands", "one sweep", []
        contenders = {
            apart: partial(commands, rates, length),
            together: partial(sweep, rates, length, training),
        }
        measured = report.interleaved(contenders, options["rounds"])
        ratio = report.ratio(measured[apart], measured[together])
        times = [f"{report.median(measured[contender]):.1f} s" for contender in (apart, together)]
        limit = report.median(measured[apart]) / (imports + report.median(training) / cores())
        found = f"{ratio:.2f}", f"{limit:.2f}", "yes" if ratio >= reach else "no"
        rows.append((name, *times, f">= {reach}", *found))
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
