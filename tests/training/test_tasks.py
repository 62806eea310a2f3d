"""What a task may say about itself, and what the programs do with kinds of data that they know little of."""

import json

import pytest
import torch

from intro_dl.data.images import Digits
from intro_dl.inference import evaluate, export, predict, sample
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.runs.program import run_script
from intro_dl.training.build import check_fit, dims_for

SMALL = ("model=softmax", "trainer=smoke", "trainer.accelerator=cpu", "run_dir=run")


@pytest.fixture
def command(capfd):
    """Run the `main` of a command, after `train`: exit code, what it printed, and its errors."""

    def run(main, *words):
        capfd.readouterr()
        return run_script("", main, list(words)), *capfd.readouterr()

    return run


def own_model(folder, *lines):
    """Write an option of model= and return the overrides that choose it."""
    (folder / "model").mkdir(exist_ok=True)
    target = "model: {_target_: intro_dl.models.softmax.SoftmaxRegression}"
    (folder / "model" / "mine.yaml").write_text("\n".join(["# @package _global_", *lines, target]))
    return f"hydra.searchpath=[file://{folder}]", "model=mine"


def test_a_model_chooses_what_it_monitors_and_a_command_chooses_otherwise(make_config, tmp_path):
    words = own_model(tmp_path, "monitor: accuracy/val", "mode: max", "trainer: {max_epochs: 7}")
    cfg = make_config(*words)
    assert (cfg.monitor, cfg.mode, cfg.trainer.max_epochs) == ("accuracy/val", "max", 7)
    assert cfg.callbacks.early_stopping.monitor == "accuracy/val"
    cfg = make_config(*words, "monitor=loss/train", "mode=min")
    assert (cfg.monitor, cfg.mode) == ("loss/train", "min")


def test_an_experiment_decides_over_its_model(make_config, tmp_path):
    words = own_model(tmp_path, "monitor: accuracy/val", "mode: max", "watch_test: true")
    (tmp_path / "experiment").mkdir()
    text = "# @package _global_\ndefaults: [{override /model: mine}]\nmonitor: loss/val\nmode: min\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    cfg = make_config(words[0], "experiment=mine")
    assert (cfg.monitor, cfg.mode, cfg.watch_test) == ("loss/val", "min", True)


@pytest.mark.parametrize("monitor", ["accuracy/val", "exact/val", "psnr/val"])
def test_the_mode_that_would_keep_the_worst_weights_is_refused(monitor, train):
    answer = train(*SMALL, f"monitor={monitor}", "mode=min")
    assert answer.code == 1 and "would keep the worst weights: set mode=max." in answer.err


def test_rivals_stand_beside_the_result_and_the_evaluation(train, command, monkeypatch):
    def rivals(self, train, test):
        (inputs, labels), (others, expected) = train, test
        assert inputs.shape == (1297, 1, 28, 28) and inputs.mean().abs() < 1e-3  # as the model reads them
        means = torch.stack([inputs[labels == k].flatten(1).mean(dim=0) for k in range(10)])
        found = torch.cdist(others.flatten(1), means).argmin(dim=1)
        return {"nearest class mean": float((found == expected).float().mean())}

    monkeypatch.setattr(SoftmaxRegression, "rivals", rivals)
    answer = train(*SMALL)
    measured = json.loads((answer.folder / "run" / "result.json").read_text())
    number = measured["rivals"]["nearest class mean"]
    assert number > 0.8 and measured["leading"] == "accuracy"
    lines = answer.out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("accuracy/test"))
    assert lines[place + 1].split() == ["nearest", "class", "mean", f"{number:.4f}"]

    code, out, errors = command(evaluate.main, "run")
    assert code == 0, errors
    report = json.loads((answer.folder / "run" / "evaluation" / "evaluation.json").read_text())
    assert report["rivals"] == {"nearest class mean": pytest.approx(number)}
    assert f"  nearest class mean         {number:.4f}" in out
    monkeypatch.setattr(Digits, "facts", lambda self: [])
    code, out, _ = command(evaluate.main, "run", "data=digits", "data.split_seed=1")
    assert code == 0 and "nearest class mean" not in out  # other examples: it would have seen them


@pytest.mark.pictures
def test_a_model_that_draws_images_writes_a_sheet_and_others_say_what_can(train, command, monkeypatch):
    folder = train(*SMALL).folder
    code, _, errors = command(sample.main, "run")
    assert code == 1 and "SoftmaxRegression trained on Digits, which cannot write text or draw" in errors
    monkeypatch.setattr(
        SoftmaxRegression, "draw", lambda self, count, generator: torch.zeros(count, 1, 28, 28), raising=False
    )
    code, out, errors = command(sample.main, "run", "samples=5", "out=drawn")
    assert code == 0, errors
    assert "5 images" in out and (folder / "drawn" / "samples.png").stat().st_size > 1000
    code, _, errors = command(sample.main, "run", "length=7")
    assert code == 1 and "length= is for texts, and SoftmaxRegression draws images: leave it out." in errors


def test_a_model_that_draws_points_writes_a_table_in_their_units(train, command, monkeypatch):
    folder = train(
        "model=perceptron", "data=pass_class", "trainer=smoke", "trainer.accelerator=cpu", "run_dir=run"
    ).folder
    monkeypatch.setattr(Perceptron, "draw", lambda self, count, generator: torch.zeros(count, 2))
    code, _, errors = command(sample.main, "run", "samples=3", "out=drawn")
    assert code == 0, errors
    rows = (folder / "drawn" / "samples.csv").read_text().splitlines()
    assert rows[0] == "lectures attended,hours on the project" and len(rows) == 4
    lectures, hours = map(float, rows[1].split(","))
    assert 3 < lectures < 5 and 4 < hours < 6  # zero is the mean of the training points


def test_several_devices_are_refused_where_a_task_cannot_use_them(train, monkeypatch):
    monkeypatch.setattr(SoftmaxRegression, "several_devices", False)
    answer = train(*SMALL, "trainer=ddp", "trainer.accelerator=cpu")
    assert answer.code == 1
    assert "SoftmaxRegression trains on one device only: leave out trainer=ddp." in answer.err


def test_a_model_that_ignores_the_labels_is_built_without_their_number(make_config, monkeypatch):
    cfg, data = make_config("model=regressor", "data=digits"), Digits()
    with pytest.raises(ValueError, match="MLPRegressor cannot read Digits"):
        check_fit(cfg, data)
    from intro_dl.models.regressor import MLPRegressor

    monkeypatch.setattr(MLPRegressor, "unsupervised", True)
    check_fit(cfg, data)
    assert dims_for(MLPRegressor, data) == {"in_shape": (1, 28, 28)}


@pytest.mark.pictures
def test_a_kind_that_predict_and_export_do_not_know_trains_evaluates_and_is_refused_in_a_sentence(
    train, command, monkeypatch
):
    monkeypatch.setattr(Digits, "kind", "pairs")
    answer = train(*SMALL)
    assert answer.code == 0 and "could not draw" not in answer.err
    code, out, errors = command(evaluate.main, "run")
    assert code == 0 and "accuracy" in out, errors
    for main, words in ((predict.main, ["digit.png"]), (export.main, [])):
        code, _, errors = command(main, "run", *words)
        assert code == 1 and "pairs" in errors and errors.count("Error:") == 1
