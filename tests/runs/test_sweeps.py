"""What a sweep promises: a table at its end, an honest exit code, and going on where it was stopped."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from intro_dl.runs.sweep import SweepFolder
from intro_dl.tasks import Task
from tests.conftest import ROOT

SMALL = ("model=softmax", "optim=sgd", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1")
TWO = ("hydra.launcher.n_jobs=2",)
ONE_EPOCH = (*SMALL, "trainer.max_epochs=1")
SWEEPS = sorted(path.stem for path in (ROOT / "configs" / "sweep").glob("*.yaml"))
SWEEPS.remove("optuna")  # names no values, but a range: tests/runs/test_launchers.py


def table(folder: Path) -> list[dict[str, str]]:
    """Return the rows of compare.csv, without what depends on the clock and the place."""
    rows = csv.DictReader((folder / "compare.csv").read_text().splitlines())
    return [{key: value for key, value in row.items() if key not in ("seconds", "runs")} for row in rows]


def wait_for(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.005)


def completed(run: Path) -> bool:
    return json.loads((run / "result.json").read_text())["status"] == "completed"


def test_sweep_ends_with_its_table_and_files(train):
    answer = train("-m", *ONE_EPOCH, "optim.lr=1e-3,1e-1,1", "hydra.sweep.dir=sweep")
    assert answer.code == 0, answer.err
    assert "3 runs of softmax on digits, sorted by loss/val" in answer.out
    assert "compare.csv, compare.md, compare.png" in answer.out
    assert {row["optim.lr"] for row in table(answer.folder / "sweep")} == {"0.001", "0.1", "1"}
    assert (answer.folder / "sweep" / "compare.png").is_file()


def test_seeds_become_one_row(train):
    answer = train("-m", *ONE_EPOCH, "seed=0,1", "hydra.sweep.dir=sweep")
    (row,) = table(answer.folder / "sweep")
    assert row["n"] == "2" and row["seeds"] == "0 1" and float(row["loss/val std"]) > 0


def test_diverged_run_is_a_result_and_no_failure(train):
    answer = train("-m", *ONE_EPOCH, "optim.lr=0.1,1e30", "hydra.sweep.dir=sweep")
    assert answer.code == 0
    assert [row["status"] for row in table(answer.folder / "sweep")] == ["completed", "diverged"]


def test_sweep_in_which_all_diverged_names_the_smallest_rate(train):
    answer = train("-m", *ONE_EPOCH, "optim.lr=1e20,1e30", "hydra.sweep.dir=sweep")
    assert answer.code == 1
    assert "All 2 runs diverged; the smallest optim.lr tried was 1e+20" in answer.err


def test_value_that_is_no_number_is_refused_before_the_first_job(train):
    answer = train("-m", *ONE_EPOCH, "optim.lr=0.1,abc", "run_dir=sweep")
    assert answer.code == 1 and answer.err == "Error: Invalid optim.lr=abc: choose a number above 0.\n"
    assert not (answer.folder / "sweep").exists()


def test_option_that_another_option_excludes_fails_alone_and_is_named(train):
    answer = train("-m", *ONE_EPOCH, "regularization=dropout,none", "hydra.sweep.dir=sweep")
    assert answer.code == 1
    assert "Error: regularization.dropout=0.5 has no effect" in answer.err
    assert "is failed and not compared: regularization.dropout=0.5 has no effect" in answer.out
    assert "1 refused before training. Correct the command" in answer.out
    assert [row["status"] for row in table(answer.folder / "sweep")] == ["completed", "failed"]


def test_sweep_over_models_of_different_tasks_ends_with_a_table_for_each(train):
    few = [argument for argument in ONE_EPOCH if not argument.startswith("model=")]
    answer = train("-m", "model=softmax,regressor", *few, "hydra.sweep.dir=sweep")
    assert answer.code == 0, answer.err
    assert "1 run of softmax on digits" in answer.out and "1 run of regressor on grades" in answer.out
    tables = [table(path.parent)[0] for path in sorted((answer.folder / "sweep").glob("*/compare.csv"))]
    assert ["accuracy/val" in row for row in tables] == [False, True]  # absolute_error, accuracy


def test_sweep_killed_and_resumed_ends_with_the_same_table_as_one_not_killed(train):
    sweep = ("-m", *SMALL, "trainer.max_epochs=60", "callbacks=no_early_stopping", "optim.lr=0.01,0.1,1")
    folder = train(*sweep, "hydra.sweep.dir=whole").folder
    stopped = folder / "stopped"
    killed = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "train.py"), *sweep, *TWO, "hydra.sweep.dir=stopped"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: list(stopped.glob("*/checkpoints/last.ckpt")))
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    wait_for(lambda: len(list(stopped.glob("*/result.json"))) == 2)  # the jobs noticed it, and saved
    begun = sorted(stopped.glob("[0-9]_*"))
    assert len(begun) == 2
    results = {run: (run / "result.json").stat().st_mtime_ns for run in begun if completed(run)}

    answer = train("resume=stopped", "hydra.launcher.n_jobs=1")  # in this process
    assert answer.code == 0, answer.err
    assert table(stopped) == table(folder / "whole")
    assert all((run / "result.json").stat().st_mtime_ns == time for run, time in results.items())  # kept
    epochs = (begun[1] / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in epochs[1:]] == [str(number) for number in range(1, 61)]


def test_resumed_sweep_runs_the_damaged_and_the_failed_jobs_again_and_keeps_the_others(train):
    sweep = ("-m", *ONE_EPOCH, "optim.lr=0.01,0.1,1,1e30")
    folder = train(*sweep, "hydra.sweep.dir=sweep").folder / "sweep"
    expected, runs = table(folder), sorted(folder.glob("[0-9]_*"))
    results = [run / "result.json" for run in runs]
    results[0].write_text(results[0].read_text()[:50])
    results[1].write_text(json.dumps({"status": "failed", "reason": "the disk was full"}))
    last = runs[1] / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])  # begins again
    before = [path.stat().st_mtime_ns for path in results]
    answer = train("resume=sweep")
    assert answer.code == 0, answer.err
    assert table(folder) == expected
    again = [path.stat().st_mtime_ns > time for path, time in zip(results, before, strict=True)]
    assert again == [True, True, False, False]  # a diverged run is a result


def test_run_that_had_stopped_early_trains_no_further_when_its_sweep_goes_on(train):
    stop = ("callbacks.early_stopping.patience=1", "callbacks.early_stopping.min_delta=0.5")
    sweep = ("-m", *SMALL, *stop, "trainer.max_epochs=90", "optim.lr=0.01,0.02")
    folder = train(*sweep, "hydra.sweep.dir=sweep").folder / "sweep"
    expected = table(folder)
    assert all(float(row["epochs"]) < 90 for row in expected)
    for path in folder.glob("*/result.json"):
        path.unlink()  # killed before it was written
    answer = train("resume=sweep")
    assert answer.code == 0 and "trainer.max_epochs" not in answer.err  # a sweep is resumed without changes
    assert table(folder) == expected


def test_interrupted_sweep_says_how_to_go_on_with_all_of_it(train, monkeypatch):
    def press(self, batch, batch_idx):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Task, "training_step", press)
        answer = train("-m", *ONE_EPOCH, "seed=0,1", "hydra.sweep.dir=sweep")
    assert answer.code == 130
    assert "Resume with: intro-dl train resume=sweep" in answer.err
    assert train("resume=sweep").code == 0
    assert table(answer.folder / "sweep")[0]["n"] == "2"


def test_sweep_begun_with_another_launcher_goes_on_without_it(train):
    folder = train("-m", *ONE_EPOCH, "seed=0", "hydra.sweep.dir=sweeps/one").folder / "sweeps"
    answer = train("resume=sweeps")
    assert answer.code == 1 and answer.err.endswith("sweep of sweeps: intro-dl train resume=sweeps/one\n")
    saved = yaml.safe_load((folder / "one" / "multirun.yaml").read_text())
    saved["hydra"]["overrides"]["hydra"] += ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=2"]
    (folder / "one" / "multirun.yaml").write_text(yaml.safe_dump(saved))
    answer = train("resume=sweeps/one")
    assert answer.code == 0, answer.err
    assert "Resuming without hydra/launcher=submitit_local: type it again to use it." in answer.err
    assert "\n\t#0 : " in answer.out  # each run is announced, without the time


def test_resuming_a_sweep_takes_no_other_settings(train):
    train("-m", *ONE_EPOCH, "seed=0", "hydra.sweep.dir=sweep")
    answer = train("resume=sweep", "optim.lr=0.5")
    assert answer.code == 1
    assert "without changes: leave out optim.lr=0.5" in answer.err


def test_resuming_a_sweep_whose_record_is_damaged_says_so(train, tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "multirun.yaml").write_text("hydra:\n  overrides: [")
    answer = train("resume=sweep")
    assert answer.code == 1 and "multirun.yaml is truncated" in answer.err


def test_jobs_that_have_not_begun_are_counted(tmp_path):
    saved = {
        "sweeper": {"_target_": "x.BasicSweeper", "params": {"optim.lr": "1,2,3,4"}},
        "overrides": {"task": ["sweep=lr", "model.hidden=[3,4],[5]", "seed=range(3)", "optim.lr=1,2"]},
    }
    (tmp_path / "multirun.yaml").write_text(yaml.safe_dump({"hydra": saved}))
    assert (
        SweepFolder(tmp_path).planned_jobs() == 2 * 3 * 2
    )  # the command line's rates, not those of the yaml
    assert SweepFolder(tmp_path / "elsewhere").planned_jobs() is None


@pytest.mark.parametrize("name", SWEEPS)
def test_sweep_varies_something_and_each_job_composes(name, make_config):
    saved = yaml.safe_load((ROOT / "configs" / "sweep" / f"{name}.yaml").read_text())
    params = saved["hydra"]["sweeper"]["params"]
    for key, values in params.items():
        assert len(values.split(",")) >= 2
        for value in values.split(","):
            make_config(f"sweep={name}", f"{key}={value}")


def test_optimizers_keep_their_own_default_rates(make_config):
    saved = yaml.safe_load((ROOT / "configs" / "sweep" / "optimizers.yaml").read_text())
    for name in saved["hydra"]["sweeper"]["params"]["optim"].split(","):
        own = yaml.safe_load((ROOT / "configs" / "optim" / f"{name}.yaml").read_text())["lr"]
        assert make_config("sweep=optimizers", f"optim={name}").optim.lr == pytest.approx(float(own))
