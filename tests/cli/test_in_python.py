"""`intro_dl.train(...)`: what the command does, from a notebook or a script."""

import logging
import os
import random
import signal
import warnings

import pytest
import torch
from matplotlib import rc_context, rcParams, rcParamsDefault
from rich.console import Console

import intro_dl

SMOKE = ("trainer=smoke", "model=softmax", "optim.lr=0.001")


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def state():
    """Return what a training must leave as it was."""
    loggers = [logging.getLogger(name) for name in (None, "pytorch_lightning", "lightning_fabric")]
    return {
        "loggers": [(list(each.handlers), each.level, each.propagate) for each in loggers],
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "warnings": list(warnings.filters),
        "threads": torch.get_num_threads(),
        "random": (random.getstate(), torch.get_rng_state().tolist()),
        "environment": dict(os.environ),
    }


def test_a_run_is_trained_and_returned_and_can_be_resumed_as_the_latest(capfd, tmp_path):
    before = state()
    first = intro_dl.train(*SMOKE)
    assert state() == before
    again = intro_dl.train("resume=latest", "trainer.max_epochs=2")
    assert state() == before
    assert again.folder.resolve() == first.folder.resolve() and list(again.history["epoch"]) == [1, 2]
    assert first.folder.name.startswith("model=softmax,optim.lr=0.001,trainer=smoke_20")
    assert (first.folder / ".hydra" / "overrides.yaml").is_file()
    assert "Training SoftmaxRegression on Digits" in (first.folder / "train.log").read_text()
    out, err = capfd.readouterr()
    assert "accuracy/test" in out and "litlogger" not in out + err and "Warning" not in err


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    {
        ("modle=lenet",): "Unknown key modle. Did you mean model=lenet?",
        ("optim.lr=-1",): "Invalid optim.lr=-1: choose a number above 0.",
        ("-m", "optim.lr=1,2"): "Cannot read '-m': write each override as a string",
        ("model=mlp data=nothing",): "Cannot read the argument",
        ("sweep=lr",): "intro_dl.train trains one run: for sweep=lr, use the command line.",
        ("trainer=ddp",): "for trainer=ddp, use the command line.",
        ("resume=latest",): "There is no run below outputs/ in this directory: train one, or name a run.",
        ("data=image_folder", "data.root=nowhere"): "data.root=nowhere is not a directory",
        ("run_dir=.",): "contains other directories",
    }.items(),
)
def test_a_mistake_is_one_sentence_and_leaves_no_files(overrides, sentence, tmp_path, capfd):
    (tmp_path / "mine").mkdir()
    before = state()
    with pytest.raises(ValueError) as error:
        intro_dl.train(*overrides)
    assert sentence in str(error.value) and "\n" not in str(error.value)
    assert state() == before and os.listdir(tmp_path) == ["mine"] and capfd.readouterr() == ("", "")


def test_a_run_that_diverges_is_recorded_and_raises_its_sentence(tmp_path):
    with pytest.raises(ValueError, match="The training loss became"):
        intro_dl.train("model=regressor", "optim=sgd", "optim.lr=1e30")
    (result,) = tmp_path.glob("outputs/regressor/*/result.json")
    assert '"status": "diverged"' in result.read_text()


@pytest.mark.pictures
def test_an_interrupted_run_keeps_its_curves_and_the_state_of_the_caller(monkeypatch, tmp_path, request):
    from intro_dl.tasks import Task

    steps = iter(range(50))
    measure = Task.training_step

    def interrupted(self, batch, batch_idx):
        if next(steps) == 45:  # in the second epoch
            signal.raise_signal(signal.SIGINT)
        return measure(self, batch, batch_idx)

    monkeypatch.setattr(Task, "training_step", interrupted)
    default = signal.signal(signal.SIGINT, lambda number, frame: None)  # the caller's own answer
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, default))
    before = state()
    with pytest.raises(KeyboardInterrupt, match="Interrupted in epoch 2. Progress is saved"):
        intro_dl.train("model=softmax")
    assert state() == before
    (run,) = tmp_path.glob("outputs/softmax/*")
    assert (run / "curves.png").is_file() and '"interrupted"' in (run / "result.json").read_text()


def test_a_fault_in_the_code_of_a_model_keeps_its_traceback(monkeypatch):
    from intro_dl.models.softmax import SoftmaxRegression

    monkeypatch.setattr(SoftmaxRegression, "forward", lambda self, images: images.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        intro_dl.train(*SMOKE)


def test_a_notebook_gets_lines_and_a_percentage_without_ipywidgets(monkeypatch, capsys):
    monkeypatch.setattr(Console, "_force_jupyter", None, raising=False)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    intro_dl.train(*SMOKE)
    out, err = capsys.readouterr()
    assert "\repoch 1/1: 100%" in out and "\r    1/1 " in out and "ipywidgets" not in out + err
    assert "━" not in out  # the last bar, as one more line


@pytest.mark.pictures
def test_a_style_of_plots_in_the_notebook_does_not_reach_the_pictures_of_a_run():
    with rc_context({"figure.constrained_layout.use": True, "font.size": 30}):  # warnings are errors here
        run = intro_dl.train(*SMOKE)
        assert run.plot().axes[0].xaxis.label.get_size() == rcParamsDefault["font.size"]
        assert rcParams["font.size"] == 30


def test_keywords_are_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"Cannot read 'model': write each override as a string"):
        intro_dl.train(model="mlp")
