"""Measure the curves of figure G16: accuracy and objective of the four MNIST networks of lecture 001.

    python intro_dl/figures/lecture_001/g16_measure.py

Trains each network once, for 3,000 steps of 100 images instead of the 10,000 of RESULTS.md; the learning
rates fall 10,000 / 3,000 times as fast. Takes less than 10 minutes of one core, and writes
results/figures/g16.json. It needs MNIST (12 MB), which it downloads if INTRO_DL_DATA does not have it.
"""

import time

import pytorch_lightning as pl
import torch

from intro_dl.results.evidence import RESULTS
from intro_dl.runs.files import to_json, write_whole
from intro_dl.training.product import train

SEED, EVERY, POINTS = 0, 100, 30  # a point of a curve every 100 steps
NETWORKS = {
    "softmax": "mnist_softmax",
    "MLP": "mnist_mlp",
    "CNN": "mnist_cnn",
    "CNN, all tricks": "mnist_tricks_batch_norm",
}
FAST = "scheduler.steps=600"  # 2,000 of 10,000 steps
MEASURES = "accuracy/train", "accuracy/test", "loss/train", "loss/test"


def curves(experiment: str) -> dict[str, list[float]]:
    """Train one network; return its measures at each point, of the training steps since the last one."""
    options = [f"experiment={experiment}", f"seed={SEED}", f"trainer.max_epochs={POINTS}"]
    options += [f"trainer.limit_train_batches={EVERY}", *([FAST] if experiment != "mnist_softmax" else [])]
    network, _ = train(*options)
    return {name: [round(epoch[name], 5) for epoch in network.history] for name in MEASURES}


if __name__ == "__main__":
    start, networks = time.perf_counter(), {}
    for number, (name, experiment) in enumerate(NETWORKS.items(), start=1):
        print(f"Network {number} of {len(NETWORKS)}: {name} ...", flush=True)
        networks[name] = {"experiment": experiment} | curves(experiment)
        reached = networks[name]["accuracy/test"][-1]
        print(f"  test accuracy {reached:.4f}, {time.perf_counter() - start:.0f} s so far", flush=True)
    result = {
        "command": "python intro_dl/figures/lecture_001/g16_measure.py",
        "seed": SEED,
        "steps": [EVERY * (point + 1) for point in range(POINTS)],
        "seconds": round(time.process_time()),
        "versions": {"torch": torch.__version__, "pytorch_lightning": pl.__version__},
        "networks": networks,
    }
    write_whole(RESULTS / "figures" / "g16.json", to_json(result))
