"""What trainer.threads=auto chooses, quiet and beside other programs, against the best number of threads.

    python benchmarks/threads.py                  # lenet, mlp, resnet and char_lstm
    python benchmarks/threads.py model=lenet      # one command

Each command trains with auto and with each number of threads, in turns: first as the machine is, then beside
one process for each core that computes without end. Seconds are those of all epochs of a run; the fastest of
several rounds counts.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TRAIN = Path(__file__).parent.parent / "scripts" / "train.py"
SHORT = ("callbacks=no_early_stopping", "callbacks.progress=null", "test=false", "trainer.max_epochs=3")
COMMANDS = (
    ("model=lenet", "optim=adam"),  # the first command of the README
    ("model=mlp",),
    ("model=lenet", "data=mnist", "data.batch_size=128", "trainer.limit_train_batches=100"),
    ("model=resnet", "data.batch_size=128"),
    ("model=char_lstm", "trainer.limit_train_batches=100"),
)
ROUNDS = 2


def train(command: tuple[str, ...], threads: str) -> tuple[float, int]:
    """Return the seconds of all epochs of one run, and the number of its threads."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        words = [*command, *SHORT, f"trainer.threads={threads}", f"run_dir={run}"]
        subprocess.run([sys.executable, TRAIN, *words], check=True, stdout=subprocess.DEVNULL)
        rows = (run / "history.csv").read_text(encoding="utf-8").splitlines()
        place = rows[0].split(",").index("seconds")
        seconds = sum(float(row.split(",")[place]) for row in rows[1:])
        return seconds, json.loads((run / "result.json").read_text(encoding="utf-8"))["threads"]


def measure(command: tuple[str, ...], cores: int) -> str:
    """Return a sentence about one command."""
    fastest: dict[str, float] = {}
    chosen = []
    for _ in range(ROUNDS):
        for threads in (
            "auto",
            *(str(number) for number in range(1, cores + 1) if number & (number - 1) == 0),
        ):
            seconds, number = train(command, threads)
            fastest[threads] = min(seconds, fastest.get(threads, seconds))
            chosen += [number] if threads == "auto" else []
    auto = fastest.pop("auto")
    others = ", ".join(f"{number}: {seconds:.2f} s" for number, seconds in fastest.items())
    return f"auto {auto:.2f} s (chose {chosen}), {others}; auto / best {auto / min(fastest.values()):.2f}"


def main() -> None:
    commands = [tuple(sys.argv[1:])] if sys.argv[1:] else COMMANDS
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for busy in (False, True):
        loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores * busy)]
        try:
            for command in commands:
                print(
                    f"{'busy' if busy else 'quiet'}, {' '.join(command)}: {measure(command, cores)}",
                    flush=True,
                )
        finally:
            for loop in loops:
                loop.kill()


if __name__ == "__main__":
    main()
