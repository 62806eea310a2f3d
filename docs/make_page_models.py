"""Train the three small networks that ship with the package for `intro-dl page`, without a download.

    python docs/make_page_models.py            three minutes on one core; writes intro_dl/page/shipped/*.json

The text of model=char_lstm is that of the Python that runs this. The results in the files are those of the
rounded weights, on the test split.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from intro_dl import load_run
from intro_dl.inference.data import data_for
from intro_dl.inference.metrics import predict_split, predict_text
from intro_dl.page.content import entry_of, images_of
from intro_dl.page.weights import pack, unpack
from intro_dl.page.write import SHIPPED, as_data
from intro_dl.runs.folder import find_runs

BITS = 16
MOST_BYTES = 400_000  # of the three files together
MODELS = {
    "lenet": "model=lenet",
    "mlp": "model=mlp model.hidden=[24]",
    "char_lstm": "model=char_lstm model.embedding_size=24 model.hidden_size=80 "
    "optim.lr=5e-3 scheduler=cosine trainer.max_epochs=20",
}
EXAMPLES = {"lenet": (20, 8), "mlp": (10, 8)}  # test images, and mistakes: each takes one kilobyte


def train(words: str) -> Path:
    """Train a model in a new directory, and return its run."""
    folder = Path(tempfile.mkdtemp())
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "intro_dl", "train", *words.split()]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    (run,) = find_runs(folder)
    return run.path


def shipped_entry(name: str, folder: Path) -> dict:
    """Return the entry of a run with rounded weights, and what these reach."""
    run = load_run(folder)
    with torch.no_grad():
        for weight in run.model.parameters():
            weight.copy_(unpack(pack(weight, BITS)))
    entry, _ = entry_of(run, "", BITS)
    data = data_for(run, None, {})
    found = predict_text(run, data, "test") if run.kind == "text" else predict_split(run, data, "test")
    if run.kind == "images":
        entry |= images_of(run, data, *EXAMPLES[name])
    numbers = {key: round(value, 6) for key, value in found.numbers.items()}
    result = numbers | {"split": "test", "examples": len(found.targets)}
    return entry | {"result": result, "shipped": True, "run": f"{name}, shipped with intro_dl"}


if __name__ == "__main__":
    total = 0
    for name, words in MODELS.items():
        entry = shipped_entry(name, train(words))
        text = as_data(entry) + "\n"
        total += len(text)
        (SHIPPED / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.json: {len(text):,} bytes. {entry['command']}: {json.dumps(entry['result'])}")
    assert total <= MOST_BYTES, f"{total:,} bytes"
