"""Kill runs at random moments, go on with them, and compare what comes out with runs that were never killed.

    python tests/stress_kill.py                       # 100 kills
    python tests/stress_kill.py --kills 5 --seed 3 --case "mlp: plateau, early stopping"

A kill is SIGKILL, or SIGTERM, or a loss of power in the middle of writing a file: the file keeps a random
part of its content, and the process is gone. Every run is a fork of this process, which has imported torch
but not used it. Unix only.
"""

import argparse
import csv
import json
import os
import random
import runpy
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # so that torch starts no threads, which a fork would not have

import torch

import intro_dl.training.train  # noqa: F401  here, once for all forks
from intro_dl.runs import files

SCRIPT = Path(__file__).parent.parent / "scripts" / "train.py"
LIMIT = 300.0  # seconds, after which a run hangs
QUIET = [f"callbacks.{name}=null" for name in ("mistakes", "sample_inputs", "progress")]
CASES = {
    "lenet: augmentation, dropout, schedule per step": (
        "model=lenet data.augment=affine data.limit_train=300 optim=momentum scheduler=one_cycle "
        "regularization=dropout trainer=cpu trainer.max_epochs=6"
    ),
    "resnet: batch norm, several batches a step": (
        "model=resnet model.depth=8 data.limit_train=80 data.batch_size=10 trainer=cpu trainer.max_epochs=4 "
        "trainer.accumulate_grad_batches=2 trainer.limit_val_batches=2 trainer.limit_test_batches=2"
    ),
    "char_lstm: recurrent state, saved every 5 steps": (
        "model=char_lstm model.hidden_size=32 data.batch_size=60 trainer.limit_train_batches=24 trainer=cpu "
        "trainer.max_epochs=5 trainer.limit_val_batches=4 callbacks.last_checkpoint.every_n_steps=5"
    ),
    "mlp: plateau, early stopping": (
        "model=mlp optim.lr=0.03 scheduler=plateau scheduler.patience=0 trainer=cpu trainer.max_epochs=15 "
        "callbacks=default callbacks.early_stopping.patience=4"
    ),
    "mlp: trainer=deterministic": (
        "model=mlp optim=sgd scheduler=cosine regularization=dropout trainer=deterministic "
        "trainer.accelerator=cpu trainer.max_epochs=8"
    ),
    "lenet: trainer=bf16": (
        "model=lenet data.limit_train=300 trainer=bf16 trainer.if_slower=ignore trainer.accelerator=cpu "
        "trainer.max_epochs=5"
    ),
}


@dataclass
class PowerLoss:
    """The power fails when the so-many-th file is to be made safe: it keeps a share of its content."""

    at: int
    share: float
    seen: int = 0

    def __call__(self, descriptor: int) -> None:
        self.seen += 1
        if self.seen == self.at:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                os.ftruncate(descriptor, int(self.share * status.st_size))
            os.kill(os.getpid(), signal.SIGKILL)


def start(folder: Path, arguments: list[str], power_loss: PowerLoss | None = None) -> int:
    """Begin `python scripts/train.py <arguments>` in `folder`, and return its process id."""
    sys.stdout.flush()
    if process := os.fork():
        return process
    code = 1
    try:
        os.chdir(folder)
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if power_loss:
            files.os.fsync = power_loss
        sys.argv = [str(SCRIPT), *arguments]
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        os._exit(code)


def wait(process: int, seconds: float) -> int | None:
    """Return the exit code of a process, negative for a signal; None if it still runs after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.002)


def command(words: str, run_dir: str) -> list[str]:
    """Return the arguments of a run of a case."""
    return ["callbacks=no_early_stopping", *QUIET, *words.split(), f"run_dir={run_dir}"]


def run(folder: Path, arguments: list[str]) -> float:
    """Let a run end by itself; how many seconds it took."""
    began = time.monotonic()
    process = start(folder, arguments)
    if (code := wait(process, LIMIT)) != 0:
        os.kill(process, signal.SIGKILL) if code is None else None
        raise RuntimeError(f"{' '.join(arguments)} ended with {code}:\n{(folder / 'output.txt').read_text()}")
    return time.monotonic() - began


def differences(one: Path, other: Path) -> list[str]:
    """In what two runs differ, bit for bit, times left out: weights, history.csv, result.json."""
    found = []
    for name in ("last", "best"):
        first, second = (
            torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
            for run in (one, other)
        )
        found += [f"{name}.ckpt: {key}" for key in first if not torch.equal(first[key], second[key])]
    results = [json.loads((run / "result.json").read_text()) | {"seconds": 0} for run in (one, other)]
    found += [f"result.json: {key}" for key in results[0] if results[0][key] != results[1].get(key)]
    tables = [list(csv.DictReader((run / "history.csv").read_text().splitlines())) for run in (one, other)]
    for row in [*tables[0], *tables[1]]:
        row["seconds"] = "0"
    return found + ["history.csv"] * (tables[0] != tables[1])


def stress(kills: int, seed: int, cases: dict[str, str], folder: Path) -> Counter:
    """Kill runs of the cases in turn until there were so many kills; count what came of it."""
    draw, counts, number = random.Random(seed), Counter(), 0
    whole = {}
    for number, (case, words) in enumerate(cases.items()):
        whole[case] = folder / f"whole{number}", run(folder, command(words, f"whole{number}"))
    number = 0
    while counts["kills"] < kills:
        case = list(cases)[number % len(cases)]
        number += 1
        killed = kill_one(folder, f"run{number}", cases[case], whole[case][1], draw, counts)
        found = differences(whole[case][0], killed) if killed else []
        counts["runs"] += 1
        counts["differing"] += bool(found)
        print(f"{counts['kills']:3} kills  {case}: {', '.join(found) or 'equal' if killed else 'LOST'}")
        if killed and not found:
            shutil.rmtree(killed)
    return counts


def kill_one(
    folder: Path, name: str, words: str, seconds: float, draw: random.Random, counts: Counter
) -> Path | None:
    """Begin a run and kill it, go on and kill it, until it comes to its end; None if it cannot go on."""
    run_dir = folder / name
    begin = command(words, name)
    for _ in range(50):
        saved = (run_dir / "checkpoints" / "last.ckpt").is_file()
        if not saved and run_dir.exists():  # nothing was finished: the user begins again
            shutil.rmtree(run_dir)
            counts["begun again"] += 1
        arguments = [f"resume={name}"] if saved else begin
        how = draw.choices(["SIGKILL", "SIGTERM", "power loss"], [5, 3, 2])[0]
        power_loss = PowerLoss(draw.randint(1, 40), draw.random()) if how == "power loss" else None
        process = start(folder, arguments, power_loss)
        code = wait(process, LIMIT if power_loss else draw.uniform(0.0, 1.2 * seconds))
        if code is None:
            os.kill(process, signal.SIGKILL if how == "SIGKILL" else signal.SIGTERM)
            code = wait(process, LIMIT)
            if code is None:
                os.kill(process, signal.SIGKILL)
        if code == 0:
            return run_dir
        if code not in (-signal.SIGKILL, -signal.SIGTERM, 143):  # -SIGTERM: while Python still started
            break  # it was not the kill that ended it
        counts["kills"] += 1
        counts[how] += 1
        if any((run_dir / "checkpoints").glob("*.tmp")):
            counts["half-written checkpoints"] += 1
    counts["lost"] += 1
    print(f"{name} ended with {code}:\n{(folder / 'output.txt').read_text()[-2000:]}")
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", choices=CASES, action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        cases = {case: CASES[case] for case in options.case or CASES}
        counts = stress(options.kills, options.seed, cases, Path(folder))
    kinds = ", ".join(f"{counts[how]} {how}" for how in ("SIGKILL", "SIGTERM", "power loss"))
    print(
        f"{counts['kills']} kills ({kinds}) of {counts['runs']} runs in {time.monotonic() - began:.0f} s; "
        f"{counts['half-written checkpoints']} left a half-written checkpoint, {counts['begun again']} came "
        f"before anything was saved"
    )
    print(f"{counts['kills']} kills: {counts['lost']} lost runs, {counts['differing']} differing weights")
    return int(bool(counts["lost"] or counts["differing"]))


if __name__ == "__main__":
    sys.exit(main())
