"""The loggers of a run: each holds its curves, and a run without one is complete too."""

import csv
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from intro_dl.runs.folder import RunFolder
from intro_dl.runs.record import read_runs

RUN = ("model=softmax", "trainer=cpu", "trainer.max_epochs=2", "trainer.limit_train_batches=2")


def in_csv(run):
    """Return the curve of loss/val in the table that Lightning's CSV logger wrote."""
    with open(run / "csv" / "version_0" / "metrics.csv", encoding="utf-8") as file:
        return [float(row["loss/val"]) for row in csv.DictReader(file) if row["loss/val"]]


def in_tensorboard(run):
    board = EventAccumulator(str(run))
    board.Reload()
    return [point.value for point in board.Scalars("loss/val")], board.Tags()["images"]


@pytest.mark.pictures
@pytest.mark.parametrize("choice", ["logger=many", "logger=[tensorboard,csv]"])
def test_each_of_several_loggers_holds_the_curves(choice, train):
    answer = train(*RUN, choice)
    (run,) = answer.runs
    curve = pytest.approx([row["loss/val"] for row in RunFolder(run).read_history()])
    curves, images = in_tensorboard(run)
    assert curves == curve and in_csv(run) == curve
    assert images
    assert "tensorboard --logdir outputs" in answer.out


@pytest.mark.pictures
def test_without_tensorboard_pictures_are_left_out_and_the_summary_names_the_table(train):
    answer = train(*RUN, "logger=none", "callbacks=visualize")
    assert answer.code == 0 and not answer.err
    (run,) = answer.runs
    assert not list(run.glob("events*")) and not (run / "csv").exists()
    assert f"{'curves':<20} {run.relative_to(answer.folder)}/history.csv" in answer.out


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_logger_whose_package_is_missing_names_the_pip_command(name, train, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    answer = train(f"logger={name}")
    assert answer.code == 1
    assert answer.err == f"Error: logger={name} needs the package {name}: run pip install {name}.\n"


@pytest.mark.filterwarnings("ignore")
def test_wandb_offline_holds_the_run_in_its_folder(train):
    pytest.importorskip("wandb")
    answer = train(*RUN, "logger=wandb", "logger.wandb.offline=true")
    (run,) = answer.runs
    assert list(run.glob("wandb/offline-run-*/*.wandb"))


@pytest.mark.filterwarnings("ignore")  # of its database
def test_mlflow_holds_the_curves(train, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    answer = train(*RUN, "logger=mlflow")
    (run,) = answer.runs
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'intro_dl'")
    (found,) = client.search_runs([experiment.experiment_id])
    curve = [point.value for point in client.get_metric_history(found.info.run_id, "loss/val")]
    assert curve == pytest.approx([row["loss/val"] for row in RunFolder(run).read_history()])


def test_a_logger_writes_into_the_run_folder_only(train):
    answer = train("logger=csv", "logger.csv.save_dir=/tmp")
    assert answer.code == 1 and "logger.csv.save_dir=/tmp lies outside of the run folder" in answer.err


def test_saved_keys_of_a_logger_are_typed_again(train):
    """The server in the command of a stranger's run would get the curves."""
    answer = train(*RUN, "logger=csv", "logger.csv.name=table")
    (run,) = answer.runs
    assert (run / "table" / "version_0" / "metrics.csv").is_file()
    answer = train(f"resume={run}", "trainer.max_epochs=3")
    assert answer.code == 0 and "Resuming without logger.csv.name=table: type it again" in answer.err
    assert len(in_csv(run)) == 1  # the third epoch


def test_logger_is_no_setting_of_a_comparison(train):
    train(*RUN, "logger=csv")
    (run,) = read_runs([train(*RUN, "logger=none").folder])[:1]
    assert run.settings["optim.lr"] == 0.001
    assert not any(key.startswith("logger") for key in run.settings)
