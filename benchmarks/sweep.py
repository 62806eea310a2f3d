"""A sweep of eight learning rates beside eight separate commands, and benchmarks/RESULTS.md.

    python benchmarks/sweep.py                   about three minutes
    python benchmarks/sweep.py rates=2 rounds=1

LeNet on digits. A sweep imports torch once, eight commands eight times; what they train is the same. So more
is gained the shorter a run is: measured are runs of two epochs, and runs as they are configured (20 epochs at
most, stopped early).
"""

import sys
import tempfile
from functools import partial

import report

from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.runs.program import run_script

RATES = ("1e-4", "2e-4", "5e-4", "1e-3", "2e-3", "5e-3", "1e-2", "2e-2")
LENGTHS = {"two epochs": ["trainer.max_epochs=2"], "as configured": []}
REACH = 3


def sweep(rates: list[str], length: list[str]) -> float:
    """Seconds of one sweep."""
    with tempfile.TemporaryDirectory() as folder:
        swept = ["-m", f"optim.lr={','.join(rates)}", f"hydra.sweep.dir={folder}"]
        return report.child(report.TRAIN, *swept, "trainer.accelerator=cpu", *length)[0]


def commands(rates: list[str], length: list[str]) -> float:
    """Seconds of a command for each rate, one after the other."""
    total = 0.0
    for rate in rates:
        with tempfile.TemporaryDirectory() as folder:
            run = [f"optim.lr={rate}", f"run_dir={folder}/run", "trainer.accelerator=cpu"]
            total += report.child(report.TRAIN, *run, *length)[0]
    return total


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"rounds": Option(Size, 1), "rates": Option(Size, len(RATES))})
    rates, rows = list(RATES[: options["rates"]]), []
    for name, length in LENGTHS.items():
        report.say(f"{len(rates)} rates, {name}:")
        apart, together = f"{len(rates)} commands", "one sweep"
        contenders = {apart: partial(commands, rates, length), together: partial(sweep, rates, length)}
        measured = report.interleaved(contenders, options["rounds"])
        ratio = report.ratio(measured[apart], measured[together])
        times = [f"{report.median(measured[contender]):.1f} s" for contender in (apart, together)]
        rows.append((name, *times, f">= {REACH}", f"{ratio:.2f}", "yes" if ratio >= REACH else "no"))
    columns = ("each run", f"{len(rates)} commands", "one sweep", "reach", "ratio", "reached")
    text = [
        f"{report.machine()}\n",
        f"{options['rounds']} round(s). LeNet on digits, rates {', '.join(rates)}.\n",
        report.table(columns, rows),
    ]
    report.say("\n" + "\n".join(text))
    report.write_section("benchmarks/sweep.py", "\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
