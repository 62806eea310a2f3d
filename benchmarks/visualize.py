"""Measure what the pictures at the end of a run cost, as a fraction of the run.

    python benchmarks/visualize.py
    python benchmarks/visualize.py data=mnist model=lenet rounds=9

Each round trains three times: ten steps with the default callbacks, ten steps without their pictures, and two
epochs without them. The cost of the pictures is the difference of the first two; it does not grow with the
number of epochs. All times are CPU times of the whole process, imports included, so other programs hardly
disturb them.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURES = ("sample_inputs", "mistakes", "decision_regions")
WITHOUT = [f"callbacks.{name}=null" for name in PICTURES]
TRAIN = str(Path(__file__).parent.parent / "scripts" / "train.py")
EPOCHS = {"all 20 epochs": 20, "early stopping at once": 6}  # the default's maximum, and 1 + its patience


def cpu_seconds(arguments: list[str]) -> float:
    """Return the CPU time of one training, user and system mode together."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, TRAIN, *arguments, "trainer.accelerator=cpu", f"run_dir={folder}/run"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime


def main(options: dict[str, str]) -> None:
    rounds = int(options.pop("rounds", 5))
    what = [
        f"{key}={value}"
        for key, value in ({"data": "mnist", "model": "lenet", "optim": "adam"} | options).items()
    ]
    ten = ["trainer.max_epochs=1", "trainer.limit_train_batches=10"]
    costs, epochs, starts = [], [], []
    for number in range(1, rounds + 1):
        shown = cpu_seconds([*what, *ten])
        plain = cpu_seconds([*what, *ten, *WITHOUT])
        longer = cpu_seconds([*what, "trainer.max_epochs=2", *WITHOUT])
        costs.append(shown - plain)
        epochs.append((longer - plain) / 2)
        starts.append(plain)
        print(
            f"round {number}: 10 steps with pictures {shown:.2f} s, without {plain:.2f} s, "
            f"2 epochs {longer:.1f} s",
            flush=True,
        )
    cost, epoch, start = map(statistics.median, (costs, epochs, starts))
    print(
        f"medians: pictures {cost:.2f} s ({min(costs):.2f} to {max(costs):.2f}), "
        f"an epoch {epoch:.1f} s, the start {start:.1f} s"
    )
    for name, count in EPOCHS.items():
        print(f"{name}: {cost / (start + count * epoch):.1%} of the run")


if __name__ == "__main__":
    main(dict(word.split("=", 1) for word in sys.argv[1:]))
