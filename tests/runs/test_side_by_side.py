"""What jobs that run side by side promise: the same results, a line for each, and signals that save."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hydra.errors import MissingConfigException
from omegaconf import OmegaConf

from intro_dl.cli import launcher
from intro_dl.cli.errors import explain
from intro_dl.cli.launcher import SideBySide, _labels
from tests.conftest import ROOT
from tests.runs.test_sweeps import table, wait_for

SMALL = ("model=softmax", "optim=sgd", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1")
TRAIN = (sys.executable, str(ROOT / "scripts" / "train.py"))
RATES = ("0.1", "0.3", "1e30", "0.2")
OWN = """
import os, signal, warnings
import pytorch_lightning as pl

class Odd(pl.Callback):
    def on_train_epoch_end(self, trainer, module):
        print("printed by my callback")
        if "lr=0.1" in trainer.default_root_dir:
            warnings.warn("warned by my callback")
        if "lr=0.2" in trainer.default_root_dir:
            os.kill(os.getpid(), signal.SIGKILL)
        if "lr=0.3" in trainer.default_root_dir:
            raise ValueError("refused by my callback")
"""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> subprocess.CompletedProcess:
    """Run four jobs, two at a time: one ends well, one is refused, one diverges, and one is killed."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "odd.py").write_text(OWN)
    own = ("own_code=.", "+callbacks.odd._target_=odd.Odd", "hydra.launcher.n_jobs=2")
    words = ("-m", *SMALL, *own, "trainer.max_epochs=2", f"optim.lr={','.join(RATES)}", "run_dir=sweep")
    done = subprocess.run([*TRAIN, *words], cwd=folder, capture_output=True, encoding="utf-8")
    done.folder = folder / "sweep"
    return done


def job(sweep: subprocess.CompletedProcess, rate: str) -> Path:
    (found,) = sweep.folder.glob(f"*optim.lr={rate.replace('1e', '1e+')},*")
    return found


def weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def same(one: Path, other: Path) -> bool:
    one, other = weights(one), weights(other)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_job_of_a_sweep_gives_the_weights_of_the_same_command_alone(sweep, train):
    alone = train(*SMALL, "trainer.max_epochs=2", "optim.lr=0.1", "trainer.threads=1")
    assert same(job(sweep, "0.1"), alone.runs[0])
    assert json.loads((job(sweep, "0.1") / "result.json").read_text())["threads"] == 1


def test_each_job_has_its_line_and_an_error_names_its_job(sweep):
    lines = sweep.stdout.splitlines()
    assert lines[0] == "4 jobs, 2 at a time"
    assert any(
        line.startswith("#0 optim.lr=0.1    best accuracy/val 0.") and line.endswith(" s") for line in lines
    )
    assert any(line.startswith("#2 optim.lr=1e+30  diverged: ") for line in lines)
    assert "#1 optim.lr=0.3    Error: refused by my callback" in sweep.stderr
    assert sweep.stderr.count("#0 optim.lr=0.1    UserWarning: warned by my callback") == 1


def test_what_a_job_prints_is_in_its_folder(sweep):
    text = (job(sweep, "0.1") / "output.txt").read_text()
    assert text.count("printed by my callback") == 2 and "accuracy train / val" in text
    assert "printed by my callback" not in sweep.stdout
    assert "GPU available" not in text  # Lightning's messages are in train.log
    assert "GPU available" in (job(sweep, "0.1") / "train.log").read_text()


def test_a_job_is_named_by_what_it_does_not_share():
    words = {0: ["model=mlp", "optim.lr=0.1"], 1: ["model=mlp", "optim.lr=1"]}
    assert _labels(words, []) == {0: "#0 optim.lr=0.1", 1: "#1 optim.lr=1"}
    assert _labels({2: words[0]}, ["model=mlp", "sweep=optuna"]) == {2: "#2 optim.lr=0.1"}  # a trial alone


def test_a_job_that_dies_is_named_and_the_others_continue(sweep):
    reason = "The process of this job was killed by SIGKILL, perhaps because the memory was full"
    assert f"#3 optim.lr=0.2    Error: {reason}" in sweep.stderr
    result = json.loads((job(sweep, "0.2") / "result.json").read_text())
    assert result["status"] == "failed" and result["reason"].startswith(reason)
    assert sweep.returncode == 1 and "1 not finished" in sweep.stdout
    statuses = [row["status"] for row in table(sweep.folder)]
    assert statuses == ["completed", "diverged", "failed", "failed"]


LONG = (*SMALL, "trainer.max_epochs=20000", "callbacks=no_early_stopping", "optim.lr=0.01,0.1,1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whole_group", "number", "code"),
    [
        (True, signal.SIGINT, 130),
        (False, signal.SIGINT, 130),
        (True, signal.SIGTERM, 143),
        (False, signal.SIGTERM, 143),
    ],
)
def test_a_signal_lets_all_jobs_save_and_says_how_to_resume(whole_group, number, code, tmp_path):
    words = [*TRAIN, "-m", *LONG, "hydra.launcher.n_jobs=2", "run_dir=sweep"]
    begun = subprocess.Popen(
        words, cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    wait_for(lambda: len(list(tmp_path.glob("sweep/*/checkpoints/last.ckpt"))) == 2)
    (os.killpg if whole_group else os.kill)(begun.pid, number)
    _, errors = begun.communicate(timeout=60)
    assert begun.returncode == code
    assert "Progress is saved. Resume with: " in errors and errors.endswith(" resume=sweep\n")
    results = [json.loads(path.read_text()) for path in tmp_path.glob("sweep/*/result.json")]
    assert [result["status"] for result in results] == ["interrupted"] * 2


@pytest.mark.slow
def test_a_second_interrupt_ends_the_sweep_at_once(tmp_path):
    words = [*TRAIN, "-m", *LONG, "hydra.launcher.n_jobs=2", "run_dir=sweep"]
    begun = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8")
    wait_for(lambda: len(list(tmp_path.glob("sweep/*/checkpoints/last.ckpt"))) == 2)
    for _ in range(2):
        begun.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, errors = begun.communicate(timeout=10)
    assert begun.returncode == 130 and "resume=sweep" in errors


@pytest.mark.slow
def test_the_weights_depend_neither_on_the_number_of_jobs_nor_on_their_order(tmp_path):
    for number, rates in ("2", "0.01,0.1,1"), ("3", "1,0.1,0.01"):
        words = ("-m", *SMALL, "trainer.max_epochs=3", f"optim.lr={rates}", f"run_dir={number}")
        subprocess.run([*TRAIN, *words, f"hydra.launcher.n_jobs={number}"], cwd=tmp_path, check=True)
    for rate in ("0.01", "0.1", "1"):
        (one,), (other,) = (list(tmp_path.glob(f"{number}/*optim.lr={rate},*")) for number in "23")
        assert same(one, other)


@pytest.mark.parametrize(
    ("trainer", "gpu", "n_jobs", "expected"),
    [
        ({}, False, None, 8),
        ({"threads": 3}, False, None, 2),
        ({"threads": 9}, False, None, 1),
        ({}, True, None, 1),
        ({"accelerator": "cpu"}, True, None, 8),
        ({"accelerator": "gpu"}, False, None, 1),
        ({}, True, 3, 3),
    ],
)
def test_as_many_jobs_run_as_there_are_cores_and_one_on_a_gpu(trainer, gpu, n_jobs, expected, monkeypatch):
    monkeypatch.setattr(launcher, "cores", lambda: 8)
    monkeypatch.setattr(launcher, "gpu_present", lambda: gpu)
    chosen = SideBySide(n_jobs)
    chosen.config = OmegaConf.create({"trainer": {"accelerator": "auto", "threads": "auto"} | trainer})
    assert chosen.at_a_time() == expected


def test_a_number_of_jobs_below_one_is_refused(train):
    answer = train("-m", *SMALL, "seed=0,1", "hydra.launcher.n_jobs=0")
    assert (
        answer.code == 1 and "Invalid hydra.launcher.n_jobs=0: choose an integer of at least 1." in answer.err
    )


def test_who_types_joblib_learns_that_jobs_run_side_by_side():
    said = explain(MissingConfigException("", "hydra/launcher/joblib"), [])
    assert (
        said == "Unknown hydra/launcher=joblib. Instead, leave it out: the jobs of a sweep run side by side."
    )
