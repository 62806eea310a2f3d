"""The switches that end or shorten a training do what their words say, and the result names the limit."""

import json
from pathlib import Path

import pytest

from intro_dl.runs.folder import RunFolder
from tests.stress_kill import QUIET

FOUR_STEPS = ("trainer=cpu", "model=softmax", "data.limit_train=100", "data.batch_size=25", *QUIET)


def result(run: Path) -> dict:
    return json.loads((run / "result.json").read_text())


def test_max_steps_ends_within_an_epoch_and_the_resumed_run_begins_the_next(train):
    run = train(*FOUR_STEPS, "trainer.max_steps=6", "run_dir=run").folder / "run"
    assert result(run)["stopped"] == "stopped by max_steps=6"
    first = RunFolder(run).read_history()
    assert len(first) == 2 and first[0]["loss/val"] != first[1]["loss/val"]  # the last epoch is measured
    answer = train("resume=run")
    assert answer.code == 0 and "already finished (2 epochs)" in answer.err
    assert "trainer.max_steps=12" in answer.err
    answer = train("resume=run", "trainer.max_steps=11")
    assert answer.code == 0 and "Resuming run at epoch 3 of 20" in answer.out
    history = RunFolder(run).read_history()
    assert [row["epoch"] for row in history] == [1, 2, 3, 4] and history[:2] == first
    assert all({"lr", "loss/train", "loss/val"} <= row.keys() for row in history)
    assert result(run)["stopped"] == "stopped by max_steps=11"


def test_max_time_ends_the_run_and_a_longer_one_resumes_it(train):
    limits = ("trainer.max_time=00:00:00:01", "trainer.max_epochs=100000", "callbacks=no_early_stopping")
    run = train(*FOUR_STEPS, *limits, "run_dir=run").folder / "run"
    assert result(run)["stopped"] == "stopped by max_time=00:00:00:01"
    epochs = len(RunFolder(run).read_history())
    assert "loss/val" in RunFolder(run).read_history()[-1]
    answer = train("resume=run")
    assert answer.code == 0 and "has used its trainer.max_time=00:00:00:01" in answer.err
    assert train("resume=run", "trainer.max_time=00:00:00:02").code == 0
    assert len(RunFolder(run).read_history()) > epochs


def test_fast_dev_run_takes_one_batch_of_each_split_and_does_not_resume_another_run(train, tmp_path):
    run = train(*FOUR_STEPS, "trainer.fast_dev_run=true", "run_dir=run").folder / "run"
    assert result(run)["stopped"] == "stopped by fast_dev_run=1" and result(run)["epochs"] == 1
    assert train(*FOUR_STEPS, "trainer.max_epochs=2", "run_dir=other").code == 0
    answer = train("resume=other", "trainer.fast_dev_run=true")
    assert answer.code == 1 and "it cannot resume a run" in answer.err


def test_epochs_without_validation_have_no_old_value_and_do_not_stop_the_run(train):
    words = (
        "trainer.check_val_every_n_epoch=3",
        "callbacks.early_stopping.patience=1",
        "trainer.max_epochs=7",
    )
    run = train(*FOUR_STEPS, *words, "run_dir=run").folder / "run"
    measured = ["loss/val" in row for row in RunFolder(run).read_history()]
    assert measured == [False, False, True, False, False, True, True]  # the last one always
    assert result(run)["stopped"] == "all epochs done"


def test_min_epochs_lets_a_run_improve_again(train):
    stopping = ("optim=sgd", "optim.lr=30", "callbacks.early_stopping.patience=1", "trainer.max_epochs=9")
    early = result(train(*FOUR_STEPS, *stopping, "run_dir=early").folder / "early")
    assert early["epochs"] < 6
    late = result(train(*FOUR_STEPS, *stopping, "trainer.min_epochs=6", "run_dir=late").folder / "late")
    assert late["epochs"] >= 6


def test_overfit_batches_trains_on_the_same_batch_to_the_last_epoch(train, make_config):
    from intro_dl.training.build import build

    data, model, trainer = build(
        make_config(*FOUR_STEPS, "trainer.overfit_batches=1", "trainer.max_epochs=9")
    )
    seen = []
    step = model.training_step
    model.training_step = lambda batch, *index: seen.append(batch[0]) or step(batch, *index)
    trainer.fit(model, data)
    assert len(seen) == 9 and all(bool((batch == seen[0]).all()) for batch in seen)
    assert not trainer.early_stopping_callbacks  # the validation loss is expected to rise


def test_progress_bar_can_be_switched_off(train):
    answer = train(*FOUR_STEPS, "trainer.max_epochs=1", "trainer.enable_progress_bar=false")
    assert answer.code == 0 and "loss train / val" not in answer.out and "accuracy/test" in answer.out


@pytest.mark.parametrize(
    ("words", "message"),
    {
        "model=cnn model.batch_norm=true data.limit_train=33 data.batch_size=32": "e.g. data.batch_size=31",
        "model=mlp model.batch_norm=true data.limit_train=9 data.batch_size=1": "batch norm needs two",
        "model=mlp model.batch_norm=true data.limit_train=9 data.batch_size=2": "e.g. data.batch_size=9",
    }.items(),
)
def test_batch_of_one_example_under_batch_norm_is_refused(words, message, make_config):
    from intro_dl.training.build import build

    with pytest.raises(ValueError, match=message):
        build(make_config(*words.split()))
    build(
        make_config(*words.split(), "trainer.limit_train_batches=1", "data.batch_size=4")
    )  # the rest is not read


def test_batch_of_one_image_is_enough_where_several_pixels_are_left(make_config):
    from intro_dl.training.build import build

    build(make_config("model=resnet", "model.depth=8", "data.limit_train=9", "data.batch_size=8"))


def test_model_that_does_not_fit_into_memory_is_refused_before_it_is_built(make_config):
    from intro_dl.training.build import build

    layers = ",".join(["10000"] * 100)
    with pytest.raises(ValueError, match=r"has 9,9\d\d,\d+,\d+ parameters, .* training needs about"):
        build(make_config("model=mlp", f"model.hidden=[{layers}]"))
