"""What a GPU gives: LeNet beside a bare CUDA loop, half precision, memory, and CIFAR-10 in seconds.

    python benchmarks/gpu.py                        about ten minutes; writes benchmarks/RESULTS.md
    python benchmarks/gpu.py rounds=1 seeds=0       does it run? nothing is written

It reads MNIST and CIFAR-10 from the directory that INTRO_DL_DATA names, or data/, and downloads what is
missing. Contenders of benchmarks/throughput.py are measured in turns in one process, after two steps each to
warm up. The seconds of experiment=cifar10_fast are those of whole commands.
"""

import json
import logging
import statistics
import sys
import tempfile
from pathlib import Path

import report
import torch
from throughput import BATCH, ROOT, STEPS, TITLES, WORK

from intro_dl.config.options import Option, read_options
from intro_dl.config.schema import register_schema
from intro_dl.config.types import Seed, Size
from intro_dl.runs.program import run_script

DEVICE, ACCELERATOR = "cuda", "trainer.accelerator=gpu"
CONTENDERS = {
    "lenet": ("bare loop", "bare loop, fused Adam", "ours", "ours, augmented"),
    "resnet": ("bare loop", "ours", "ours, trainer=bf16", "ours, augmented"),
    "char_lstm": ("one-hot loop in NumPy", "ours", "ours, trainer=bf16"),
}
LONGER = {"resnet": 10}  # as many times the steps of a CPU
REACH = [  # what, on which work, which contender, over which, at least
    ("LeNet on MNIST, speed of ours / of the bare loop", "lenet", "bare loop", "ours", 0.8),
    ("ResNet-20, float32 loop / ours with trainer=bf16", "resnet", "bare loop", "ours, trainer=bf16", 1.0),
    ("char LSTM, one-hot NumPy loop / ours", "char_lstm", "one-hot loop in NumPy", "ours", 1.5),
]


def speeds(work: str, rounds: int) -> tuple[dict[str, list[float]], str]:
    """Return the seconds of each contender in each round, and a table with its peak memory on the GPU."""
    steps, peaks, names = STEPS[work] * LONGER.get(work, 1), {}, CONTENDERS[work]
    report.say(f"{TITLES[work]}, {steps} steps of each:")
    with tempfile.TemporaryDirectory() as folder:
        warm, real = (WORK[work](DEVICE, number, Path(folder)) for number in (2, steps))
        for name in names:
            torch.cuda.reset_peak_memory_stats()
            warm[name]()
            peaks[name] = torch.cuda.max_memory_allocated() / 1e6
        measured = report.interleaved({name: real[name] for name in names}, rounds)
    typical = {name: report.median(seconds) for name, seconds in measured.items()}
    rows = [
        (name, f"{typical[name]:.3f}", f"{1000 * typical[name] / steps:.2f}", f"{peaks[name]:,.0f}")
        for name in names
    ]
    return measured, report.table((f"{TITLES[work]}, {steps} steps", "seconds", "ms a step", "peak MB"), rows)


def command(*words: str) -> tuple[float, dict]:
    """Return the seconds of a command, from its start to its end, and its result."""
    with tempfile.TemporaryDirectory() as folder:
        took = report.child(report.TRAIN, *words, ACCELERATOR, f"run_dir={folder}/run")
        return took.seconds, json.loads(Path(folder, "run", "result.json").read_text(encoding="utf-8"))


def cifar10(seeds: list[int]) -> str:
    """Return a table of experiment=cifar10_fast: its seconds and accuracy, with two views or one."""
    rows = []
    for views in ("shift", "one"):
        words = ["experiment=cifar10_fast", f"data.root={ROOT.resolve()}", f"model.views={views}"]
        seconds, results = zip(*(command(*words, f"seed={seed}") for seed in seeds), strict=True)
        percents = [100 * result["accuracy/test"] for result in results]
        spread = f"{statistics.stdev(percents):.2f}" if len(seeds) > 1 else "-"
        inside = report.median([result["seconds"] for result in results])
        mean = statistics.mean(percents)
        rows.append((views, f"{report.median(seconds):.1f}", f"{inside:.1f}", f"{mean:.2f} %", spread))
    columns = ("s of a command", "s after its imports", "test accuracy", "standard deviation")
    return report.table((f"cifar10_fast, {len(seeds)} seeds, model.views", *columns), rows)


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"rounds": Option(Size, 3), "seeds": Option(list[Seed], [0, 1, 2])})
    if DEVICE == "cuda" and not torch.cuda.is_available():
        raise ValueError("benchmarks/gpu.py needs a GPU, and torch finds none on this machine.")
    register_schema()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    text = [f"{report.machine()}\n", f"Batches of {BATCH}. Medians of {options['rounds']} rounds.\n"]
    measured = {}
    for work in CONTENDERS:
        measured[work], section = speeds(work, options["rounds"])
        text.append(section)
    rows = []
    for what, work, above, below, reach in REACH:
        found = report.ratio(measured[work][above], measured[work][below])
        rows.append((what, f">= {reach}", f"{found:.2f}", "yes" if found >= reach else "no"))
    text.append(report.table(("what", "reach", "measured", "reached"), rows))
    report.say("experiment=cifar10_fast ...")
    text.append(cifar10(options["seeds"]))
    report.say("\n" + "\n".join(text))
    if options["rounds"] > 1:
        report.write_section("benchmarks/gpu.py", "\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
