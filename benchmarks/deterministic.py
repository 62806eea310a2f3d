"""What trainer=deterministic costs: seconds of the fastest epoch with it and without it, in turns.

    python benchmarks/deterministic.py                        # lenet, on the best device there is
    python benchmarks/deterministic.py model=resnet data.batch_size=128

The fastest epoch, because other programs only ever make one slower.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

TRAIN = Path(__file__).parent.parent / "scripts" / "train.py"
COMMON = ("callbacks=no_early_stopping", "callbacks.progress=null", "trainer.max_epochs=8", "test=false")
ROUNDS = 3


def fastest_epoch(trainer: str, arguments: list[str]) -> float:
    """Seconds of the fastest epoch of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, TRAIN, f"trainer={trainer}", *COMMON, *arguments, f"run_dir={folder}/run"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        assert (
            json.loads(Path(folder, "run", "result.json").read_text(encoding="utf-8"))["status"]
            == "completed"
        )
        checkpoint = torch.load(Path(folder, "run", "checkpoints", "last.ckpt"), weights_only=True)
        return min(epoch["seconds"] for epoch in checkpoint["history"])


def main() -> None:
    arguments = sys.argv[1:] or ["model=lenet"]
    seconds = {"default": [], "deterministic": []}
    for _ in range(ROUNDS):
        for trainer, measured in seconds.items():
            measured.append(fastest_epoch(trainer, arguments))
    free, fixed = (min(measured) for measured in seconds.values())
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(f"{' '.join(arguments)} on {device}, torch {torch.__version__}")
    print(f"{free:.4f} s an epoch; with trainer=deterministic {fixed:.4f} s, {fixed / free:.2f} times that")


if __name__ == "__main__":
    main()
