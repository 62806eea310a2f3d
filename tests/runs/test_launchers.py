"""The extra `sweep`: jobs on a cluster, a search for the learning rate, and one table at the end."""

import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins

from intro_dl.cli.errors import PLUGINS
from intro_dl.cli.hydra_callbacks import SweepSummary
from tests.conftest import ROOT

NEEDS = 'needs pip install -e ".[sweep]"'
SMALL = ("model=softmax", "optim=sgd", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1")
OPTUNA = ("sweep=optuna", *SMALL, "trainer.max_epochs=1", "hydra.sweep.dir=sweep")


@pytest.fixture
def launcher():
    """Return the words that choose a launcher of the extra."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason=NEEDS)
    return ["hydra/launcher=submitit_local"]


@pytest.fixture
def optuna():
    return pytest.importorskip("optuna", reason=NEEDS)


def sweep(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run scripts/train.py in a process of its own, which may start others, with all cores."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "train.py"), *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
    )


def rows(folder: Path) -> dict[str, str]:
    """Return the rates in the table, with their statuses."""
    table = csv.DictReader((folder / "compare.csv").read_text().splitlines())
    return {row["optim.lr"]: row["status"] for row in table}


def test_jobs_on_a_cluster_all_end_up_in_the_table(launcher, tmp_path):
    rates = "optim.lr=0.01,0.1,1e30,abc"
    done = sweep(tmp_path, "-m", *launcher, *SMALL, "trainer.max_epochs=1", rates, "hydra.sweep.dir=sweep")
    statuses = {"0.01": "completed", "0.1": "completed", "1e+30": "diverged", "abc": "failed"}
    assert rows(tmp_path / "sweep") == statuses, done.stderr
    assert done.returncode == 1 and "Invalid optim.lr=abc" in done.stdout


@pytest.mark.slow
def test_sweep_with_a_launcher_goes_on_with_it_if_it_is_typed_again(launcher, tmp_path):
    rates = "optim.lr=0.01,0.1"
    sweep(tmp_path, "-m", *launcher, *SMALL, "trainer.max_epochs=1", rates, "hydra.sweep.dir=sweep")
    expected = rows(tmp_path / "sweep")
    kept, lost = sorted((tmp_path / "sweep").glob("*/result.json"))
    lost.unlink()
    before = kept.stat().st_mtime_ns
    done = sweep(tmp_path, "resume=sweep", *launcher)
    assert done.returncode == 0, done.stderr
    assert "Resuming without" not in done.stderr
    assert rows(tmp_path / "sweep") == expected and lost.is_file() and kept.stat().st_mtime_ns == before
    assert "Submitit" in done.stdout


def test_search_tries_rates_over_the_whole_range_and_ends_with_the_table(optuna, train):
    answer = train(*OPTUNA, "hydra.sweeper.n_trials=6", "optim.lr=tag(log,interval(1e-3,1e30))")
    assert answer.code == 0, answer.err
    assert "alembic" not in answer.out + answer.err and "study" not in answer.out + answer.err
    found = rows(answer.folder / "sweep")
    assert len(found) == 6 and set(found.values()) == {"completed", "diverged"}


@pytest.mark.slow
def test_search_goes_on_with_the_same_trials(optuna, train):
    folder = train(*OPTUNA, "hydra.sweeper.n_trials=7").folder / "sweep"
    expected, results = rows(folder), sorted(folder.glob("*/result.json"))
    results[-1].unlink()
    before = [path.stat().st_mtime_ns for path in results[:-1]]
    assert train("resume=sweep", "hydra.sweeper.n_trials=7").code == 0
    assert rows(folder) == expected
    assert [path.stat().st_mtime_ns for path in results[:-1]] == before  # replayed, not trained again


@pytest.mark.slow
def test_search_learns_from_its_trials(optuna, train):
    values = "optim.lr=tag(log,interval(1e-3,1e30))"
    learned, random = (
        train(*OPTUNA[:-1], values, f"hydra.sweeper.n_startup_trials={number}", f"hydra.sweep.dir={number}")
        for number in (4, 12)
    )
    diverged = [list(rows(learned.folder / name).values()).count("diverged") for name in ("4", "12")]
    assert diverged[0] < diverged[1]  # it stays away from the rates that diverged


@pytest.mark.slow
def test_search_runs_trials_side_by_side_over_choices_and_integers(optuna, tmp_path):
    together = ("hydra.launcher.n_jobs=2", "hydra.sweeper.n_jobs=2")
    space = ("optim=sgd,momentum", "data.batch_size=int(interval(5,50))", "seed=0,1", "mode=max")
    space = (*space, "monitor=accuracy/val", "hydra.sweeper.n_trials=5")
    done = sweep(tmp_path, *OPTUNA, *together, *space)
    assert done.returncode == 0, done.stderr
    results = list((tmp_path / "sweep").glob("*/result.json"))
    assert len(results) == 5 and done.stdout.count("2 jobs, 2 at a time") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["hydra.sweeper.n_trials=0"], "Invalid hydra.sweeper.n_trials=0: choose an integer of at least 1."),
        (["optim.lr=0.1"], "Nothing to search: add a range, e.g."),
        (["optim.lr=tag(log,interval(0,1))"], "low=0.0"),
    ],
)
def test_mistake_in_a_search_is_said_in_one_sentence(optuna, train, words, sentence):
    answer = train(*OPTUNA, *words)
    (line,) = answer.err.strip().splitlines()
    assert answer.code == 1 and line.startswith("Error: ") and sentence in line


def test_a_job_without_a_result_tells_a_search_that_it_is_the_worst(train, monkeypatch):
    told = []
    tell = lambda self, config, job_return, **more: told.append(job_return.return_value)  # noqa: E731
    monkeypatch.setattr(SweepSummary, "on_job_end", tell)
    train("-m", *SMALL, "trainer.max_epochs=1", "regularization=none,dropout")
    train("-m", *SMALL, "mode=max", "monitor=accuracy/val", "regularization=dropout")
    assert 0 < told[0] < 10 and told[1:] == [math.inf, -math.inf]


def test_missing_launcher_is_said_in_one_sentence(train):
    if any("submitit" in str(plugin) for plugin in Plugins.instance().discover()):
        pytest.skip("the extra is installed")
    answer = train("-m", "hydra/launcher=submitit_slurm", "seed=0,1")
    (line,) = answer.err.strip().splitlines()
    assert answer.code == 1
    assert line.startswith("Error: hydra/") and "needs an extra: run pip install " in line


def test_missing_optuna_is_said_in_one_sentence(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)  # as if it were not installed
    answer = train(*OPTUNA)
    (line,) = answer.err.strip().splitlines()
    assert answer.code == 1
    assert line.startswith("Error: A search needs an extra") and 'pip install "' in line


def test_unknown_launcher_is_not_called_an_extra(train):
    answer = train("-m", "hydra/launcher=jolib", "seed=0,1")
    assert answer.code == 1 and "Unknown hydra/launcher=jolib" in answer.err
    assert "jolib" not in PLUGINS
