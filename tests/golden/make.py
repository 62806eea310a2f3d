"""Train the golden runs of this version, and store their weights and scores: python -m tests.golden.make

tests/inference/test_golden.py checks that all later versions load these runs and measure the same scores.
Run this once for each release. It takes a minute, and refuses to replace the runs of a version.

Stored are the files that inference reads: the config, and the best checkpoint without the state of the
training, which contains paths of this computer.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch

from intro_dl import load_run
from intro_dl.inference.data import data_for
from intro_dl.inference.evaluate import evaluate
from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.runs.folder import RunFolder

GOLDEN = Path(__file__).resolve().parent
TRAIN = GOLDEN.parent.parent / "scripts" / "train.py"
RUNS = {
    "softmax": "model=softmax data=digits trainer.max_epochs=5",
    "lenet": "model=lenet data=digits trainer.max_epochs=10",
    "char_lstm": "model=char_lstm model.embedding_size=16 model.hidden_size=32 optim.lr=2 "
    "data=file data.path=sums.txt data.window=32 trainer.max_epochs=60",
}
TRAINING_STATE = ("callbacks", "loops", "optimizer_states", "lr_schedulers")
SCORES = ("loss", "accuracy", "bits_per_char")


def sums() -> str:
    """Return 900 sums such as 17+5=22, one per line, in a mixed order that never changes."""
    pairs = [divmod(number * 577 % 900, 30) for number in range(900)]
    return "".join(f"{a}+{b}={a + b}\n" for a, b in pairs)


def scores(folder: Path, out: Path) -> dict[str, float]:
    """Evaluate a golden run on its test split; a text model reads `out`/sums.txt."""
    run = load_run(folder)
    if run.kind == "text":
        (out / "sums.txt").write_bytes(sums().encode())
    data = data_for(run, None, {"path": str(out / "sums.txt")} if run.kind == "text" else {})
    numbers = evaluate(run, data, "test", out)["numbers"]
    return {name: numbers[name] for name in SCORES if name in numbers}


def main() -> int:
    """Train each run, and copy what inference reads."""
    target, found = GOLDEN / version("intro_dl"), {}
    if target.exists():
        print(f"Error: {target} exists. Raise the version in pyproject.toml first.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sums.txt").write_bytes(sums().encode())
        for name, words in RUNS.items():
            command = [sys.executable, str(TRAIN), "optim=sgd", "trainer=cpu", *words.split()]
            subprocess.run([*command, f"run_dir={name}"], cwd=folder, check=True)
            trained, stored = RunFolder(Path(folder) / name), RunFolder(target / name)
            for file in (stored.config_file, stored.best):
                file.parent.mkdir(parents=True)
            shutil.copy(trained.config_file, stored.config_file)
            checkpoint = read_checkpoint(trained.best)
            torch.save({key: checkpoint[key] for key in checkpoint if key not in TRAINING_STATE}, stored.best)
            found[name] = scores(stored.path, Path(folder))
    (target / "scores.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
