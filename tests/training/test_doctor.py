"""`callbacks=doctor` names what is wrong with a training, and reports nothing for a healthy run."""

import contextlib
import io
import json
import math
import re
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from hydra import compose, initialize_config_dir

from intro_dl.cli.help_text import describe
from intro_dl.config.schema import register_schema
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.training.divergence import Diverged
from intro_dl.training.doctor import Evidence, Units, chance_loss, diagnose
from intro_dl.training.report import far_above_chance, near_chance
from intro_dl.training.train import train as train_config
from tests.conftest import ROOT

FAILURE_MODES = {
    "dead_units": "dead units",
    "exploding": "loss exploded",
    "learning_rate_too_large": "learning rate too large",
    "learning_rate_too_small": "learning rate too small",
    "no_learning": "no learning",
    "overfitting": "overfitting",
    "saturated_units": "saturated units",
    "shuffled_labels": "labels shuffled",
    "softmax_twice": "softmax applied twice",
    "vanished_gradients": "vanished gradients",
    "zero_initialization": "zero initialization",
}
HEALTHY = [
    "model=lenet optim=adam trainer.max_epochs=5",
    "model=mlp optim=sgd optim.lr=0.05 trainer.max_epochs=6",
    "model=mlp data=spirals optim.lr=1e-2 trainer.max_epochs=6",
    f"model=char_rnn data=file data.path={ROOT / 'README.md'} optim.lr=3e-3 trainer.max_epochs=5",
]
HEALTHY_TOO = [
    "model=lenet optim=adam",
    "model=mlp",
    "model=cnn trainer.max_epochs=6",
    "model=softmax optim=sgd trainer.max_epochs=10",
    "model=softmax optim=adam seed=1",
    "model=mlp model.activation=sigmoid optim=momentum trainer.max_epochs=10",
    "model=mlp model.activation=tanh model.hidden=[50,50,50,50] seed=2 trainer.max_epochs=8",
    "model=mlp regularization=dropout seed=3 trainer.max_epochs=8",
    "model=mlp data=xor optim=rmsprop",
    "model=mlp data=moons seed=4",
    "model=mlp data=circles model.batch_norm=true",
    "model=perceptron",
    "model=rosenblatt",
    "model=regressor",
    "model=resnet trainer.max_epochs=3 trainer.limit_train_batches=20",
    "model=torchvision trainer=smoke",
]
NO_PICTURES = [
    f"callbacks.{name}=null" for name in ("progress", "sample_inputs", "mistakes", "decision_regions")
]


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """Train, and return the result and the output on the screen; equal overrides share one run."""

    @cache
    def run(*overrides: str) -> tuple[dict, str]:
        folder = tmp_path_factory.mktemp("visit")
        register_schema()
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            cfg = compose("train", ["trainer=cpu", *overrides, *NO_PICTURES, f"run_dir='{folder}'"])
        screen = io.StringIO()
        try:
            with contextlib.redirect_stdout(screen):
                train_config(cfg)
        except Diverged as error:
            return {"diagnosis": error.diagnosis}, str(error)
        return json.loads((folder / "result.json").read_text()), screen.getvalue()

    return run


def test_every_broken_experiment_has_its_failure_mode():
    assert {f"broken/{name}" for name in FAILURE_MODES} <= set(describe("experiment"))
    # The doctor does not examine what a model draws; the distance of a rival shows that it has collapsed.
    experiments = {path.stem for path in (ROOT / "configs" / "experiment" / "broken").glob("*.yaml")}
    assert experiments == {*FAILURE_MODES, "mode_collapse"}


@pytest.mark.parametrize("name", FAILURE_MODES)
def test_doctor_names_the_failure_mode_and_no_other(name, visit):
    result, screen = visit(f"experiment=broken/{name}")
    (finding,) = result["diagnosis"]
    assert finding["failure_mode"] == FAILURE_MODES[name]
    assert finding["sentence"] in screen


@pytest.mark.parametrize("name", FAILURE_MODES)
def test_page_for_students_shows_the_sentence_and_the_fix(name, visit):
    """Except the numbers and the layer, which depend on the machine."""
    page = (ROOT / "docs" / "DOCTOR.md").read_text()
    (row,) = (line for line in page.splitlines() if f"`experiment=broken/{name}`" in line)
    (finding,) = visit(f"experiment=broken/{name}")[0]["diagnosis"]
    assert _without_numbers(finding["sentence"]) in _without_numbers(row)
    assert f"`{fix(name)}`" in row


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILURE_MODES)
def test_fix_of_a_broken_experiment_works(name, visit):
    assert visit(f"experiment=broken/{name}", *fix(name).split())[0]["diagnosis"] == []


def fix(name: str) -> str:
    """Return the change that the comment in the experiment names."""
    experiment = (ROOT / "configs" / "experiment" / "broken" / f"{name}.yaml").read_text()
    return re.search(r"^# Fix: (.+)$", experiment, re.MULTILINE)[1]


def _without_numbers(text: str) -> str:
    text = re.sub(r"[Ll]ayer \S+ \(\w+\)", "layer # (#)", text)
    return re.sub(r"[\d.,]*\d(e[+-]?\d+)?", "#", text)


@pytest.mark.parametrize(
    "command", [*HEALTHY, *(pytest.param(command, marks=pytest.mark.slow) for command in HEALTHY_TOO)]
)
def test_doctor_finds_nothing_in_a_healthy_run(command, visit):
    result, screen = visit("callbacks=doctor", *command.split())
    assert result["diagnosis"] == []
    assert "doctor               found nothing wrong" in screen


def test_there_are_twenty_healthy_runs():
    assert len({*HEALTHY, *HEALTHY_TOO}) == 20


def test_exploded_loss_is_reported_on_the_screen_and_in_the_result(train):
    answer = train("experiment=broken/exploding")
    assert answer.code == 1
    (finding,) = answer.result["diagnosis"]
    assert answer.result["status"] == "diverged"
    assert f"Error: {finding['sentence']}" in answer.err
    assert "broke first" in answer.err and "no weights are saved" in answer.err
    (run,) = answer.runs
    answer = train(f"resume={run}")
    assert "its status is diverged" in answer.err and "try optim.lr=0.1" in answer.err
    assert "Start it again with that change" in answer.err


def test_unknown_broken_experiment_gets_the_nearest_name(train):
    assert "Did you mean broken/dead_units?" in train("experiment=broken/dead_unit").err
    assert "The nearest names: broken/" in train("experiment=broken/typo").err


def test_doctor_leaves_the_training_as_it_is(trained_run):
    plain, watched = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (
            trained_run(*command)
            for command in (
                ("model=mlp", "data=xor", "regularization=dropout", "trainer.max_epochs=2"),
                (
                    "model=mlp",
                    "data=xor",
                    "regularization=dropout",
                    "trainer.max_epochs=2",
                    "callbacks=doctor",
                ),
            )
        )
    )
    assert all(torch.equal(plain[name], watched[name]) for name in plain)


def exam(**seen) -> Evidence:
    """Return the evidence of a healthy run of 20 epochs, except for what is given."""
    healthy = {
        "history": [{"loss/train": 2 / n, "loss/val": 2 / n, "accuracy/val": 0.9} for n in range(1, 21)],
        "steps": 800,
        "rate": 0.1,
        "chance_loss": 2.3,
        "chance_accuracy": 0.1,
        "start_loss": 2.3,
        "moved": 0.5,
        "scores": torch.randn(8, 10),
        "units": [],
        "equal": [],
        "gradients": {"first": 0.1, "second": 0.1, "third": 0.1},
        "options": {"init": "default", "activation": "sigmoid"},
    }
    return Evidence(**(healthy | seen))


def test_advice_is_neither_what_was_tried_nor_an_argument_that_the_model_lacks():
    off = torch.ones(5, dtype=torch.bool)
    dead = {"history": [{"loss/train": 2.3}] * 20, "units": [Units("first", off, ~off)]}
    flat = {"history": [{"loss/train": 2.3}] * 20, "units": [Units("first", ~off, off)]}
    faint = {"history": [{"loss/train": 2.3}] * 20, "gradients": {"a": 1e-9, "b": 1e-4, "c": 0.1}}
    for seen, tried in ((dead, {"init": "he"}), (flat, {"init": "xavier"}), (faint, {"activation": "relu"})):
        (key, value), *_ = tried.items()
        for options, said in ({key: "default"}, True), (tried, False), ({}, False):
            (finding, *_) = diagnose(exam(**seen, options=options))
            assert (f"model.{key}={value}" in finding["sentence"]) == said, finding


def names(seen: Evidence) -> list[str]:
    return [finding["failure_mode"] for finding in diagnose(seen)]


def test_cause_is_named_without_its_symptoms():
    off, fine = torch.ones(5, dtype=torch.bool), torch.zeros(5, dtype=torch.bool)
    flat_line = [{"loss/train": 2.3, "loss/val": 2.3, "accuracy/val": 0.1}] * 20
    sick = {"history": flat_line, "moved": 0.0, "gradients": {"first": 1e-9, "second": 0.1, "third": 0.1}}
    assert names(exam()) == []
    assert names(exam(**sick)) == ["vanished gradients"]
    assert names(exam(**sick, units=[Units("g", off, fine)])) == ["dead units"]
    assert names(exam(**sick, units=[Units("g", off, fine)], equal=["features.0"])) == ["zero initialization"]


def test_few_steps_are_too_early_to_tell():
    flat_line = [{"loss/train": 2.3, "loss/val": 2.3, "accuracy/val": 0.1}]
    assert names(exam(history=flat_line, steps=41)) == []
    assert names(exam(history=flat_line, steps=410)) == ["no learning"]


def test_one_bad_epoch_is_not_overfitting():
    history = exam().history
    assert names(exam(history=[*history[:-1], history[-1] | {"loss/val": 3.0}])) == []
    rising = [row | {"loss/val": 0.5 + 0.1 * n} for n, row in enumerate(history)]
    assert names(exam(history=rising)) == ["overfitting"]


def test_half_a_layer_may_be_dead_where_the_network_has_learned():
    half = torch.tensor([True, True, True, False, False])
    assert names(exam(units=[Units("g", half, ~half)])) == []
    assert names(exam(units=[Units("g", torch.ones(5, dtype=torch.bool), half)])) == ["dead units"]


def test_loss_that_ends_far_above_chance_is_noted_without_the_doctor():
    model = SoftmaxRegression((2,), 10)
    model.history = [{"loss/train": 3e9, "loss/val": 4e9}]
    remark = far_above_chance(model)
    assert "3e+09" in remark and "smaller optim.lr" in remark
    model.history = [{"loss/train": 0.1, "loss/val": 8.0}]  # overfitted
    assert far_above_chance(model) is None


def imbalanced() -> tuple[SoftmaxRegression, SimpleNamespace]:
    """Return a model of two classes, and data of which 94 % have the label 0."""
    labels = torch.tensor([0] * 188 + [1] * 12)
    splits = {"train": (torch.zeros(200, 2), labels), "val": (torch.zeros(200, 2), labels)}
    return SoftmaxRegression((2,), 2), SimpleNamespace(splits=splits, class_names=("common", "rare"))


def test_doctor_knows_the_frequencies_of_the_labels():
    entropy = -(0.94 * math.log(0.94) + 0.06 * math.log(0.06))
    assert chance_loss(*imbalanced()) == pytest.approx(entropy, rel=1e-4)
    always = torch.tensor([[2.0, -1.0]]).expand(20, 2)
    few = {"steps": 20, "chance_accuracy": 0.95, "chance_loss": entropy}
    assert names(exam(**few, scores=always)) == ["same answer"]
    assert names(exam(**few, scores=torch.cat([always, always.flip(1)]))) == []


def test_answering_the_most_frequent_class_is_noted():
    model, data = imbalanced()
    model.history = [{"accuracy/val": 0.95}]
    assert "ended at 95.0%; always answering 'common' gives 94.0%" in near_chance(model, data, steps=20)
    assert near_chance(model, data, steps=2) is None  # trainer=smoke
    model.history = [{"accuracy/val": 0.99}]
    assert near_chance(model, data, steps=20) is None
