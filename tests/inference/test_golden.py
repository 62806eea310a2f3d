"""Runs of earlier versions load, and give the scores that they had; `tests/golden/make.py` made them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intro_dl.inference import evaluate, predict, sample
from tests.golden.make import GOLDEN, scores, sums

pytestmark = pytest.mark.quick

RUNS = sorted(path.parent.parent for path in GOLDEN.glob("*/*/checkpoints/best.ckpt"))


@pytest.fixture
def run_copy(tmp_path, monkeypatch):
    """Copy a golden run, and work in a directory that holds the text of the text models."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.txt").write_bytes(sums().encode())
    return lambda run: Path(shutil.copytree(run, tmp_path / run.name))


def test_there_are_golden_runs_of_each_kind_and_they_are_small():
    assert {run.name for run in RUNS} >= {"softmax", "lenet", "char_lstm"}
    for version in GOLDEN.glob("*/scores.json"):
        assert sum(file.stat().st_size for file in version.parent.rglob("*") if file.is_file()) < 600_000


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}-{run.name}")
def test_a_golden_run_keeps_its_scores(run, tmp_path):
    expected = json.loads((run.parent / "scores.json").read_text(encoding="utf-8"))[run.name]
    found = scores(run, tmp_path)
    assert found == pytest.approx(expected, abs=1e-5)
    assert found["accuracy"] == expected["accuracy"]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}-{run.name}")
def test_a_golden_run_works_with_the_commands(run, run_copy, run_main, tmp_path):
    run = run_copy(run)
    code, out, err = run_main(evaluate.main)(run)
    assert code == 0 and "accuracy" in out
    if run.name == "char_lstm":
        code, out, err = run_main(sample.main)(run, "prompt=1+1=", "length=5")
        assert code == 0 and out.startswith("1+1=")
    else:
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 13:16] = 255
        Image.fromarray(pixels).save(tmp_path / "one.png")
        code, out, err = run_main(predict.main)(run, "one.png")
        assert (code, err) == (0, "") and "one.png" in out
