"""`grade` ranks runs by what their weights reach, not by what they state, and executes nothing of them."""

import csv
import json
import os
import shutil

import pytest
import torch
import yaml

from intro_dl.compare import grade
from intro_dl.compare.grade import Graded, rank


@pytest.fixture(scope="module")
def honest(trained_run):
    return trained_run("model=mlp", "model.hidden=[16]", "trainer.max_epochs=8", "optim.lr=1e-2")


@pytest.fixture
def submissions(tmp_path, honest):
    """Return a directory with the honest run of ann, and a copy of it for eve to change."""
    folder = tmp_path / "submissions"
    for student in ("ann", "eve"):
        shutil.copytree(honest, folder / student / "run")
    return folder


@pytest.fixture
def graded(submissions, run_main):
    """Return a function that grades the directory and returns the lines of the leaderboard by student."""

    def board(**options):
        words = [f"{key}={value}" for key, value in ({"data": "digits"} | options).items()]
        code, out, err = run_main(grade.main)(submissions, *words)
        assert code == 0, err
        with (submissions / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
            return {row["student"]: row for row in csv.DictReader(file)}

    return board


def checkpoint_of(run):
    return next(path for path in (run / "checkpoints").glob("*.ckpt") if path.name != "last.ckpt")


def edit_checkpoint(run, change):
    for file in (run / "checkpoints").glob("*.ckpt"):
        content = torch.load(file, weights_only=True)
        change(content)
        torch.save(content, file)


def edit_result(run, **values):
    file = run / "result.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def noise(content):
    for weights in content["state_dict"].values():
        weights.normal_()


def not_a_number(content):
    for weights in content["state_dict"].values():
        weights.fill_(float("nan"))


def set_hyper_parameter(name, value):
    return lambda run: edit_checkpoint(run, lambda content: content["hyper_parameters"].update({name: value}))


def set_metadata(name, value):
    return lambda run: edit_checkpoint(run, lambda content: content["metadata"].update({name: value}))


def evil_pickle(run):
    for file in (run / "checkpoints").glob("*.ckpt"):
        torch.save({"state_dict": Evil()}, file)


def evil_config(run):
    file = run / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    config["data"] = {"_target_": "os.system", "command": "touch executed"}
    file.write_text(yaml.safe_dump(config))


def evil_code(run):
    (run / "sitecustomize.py").write_text("open('executed', 'w')")
    (run / "__init__.py").write_text("open('executed', 'w')")


def link_elsewhere(run):
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").symlink_to("/etc")


def truncated(run):
    for file in (run / "checkpoints").glob("*.ckpt"):
        file.write_bytes(file.read_bytes()[:1000])


REFUSED = {
    "no checkpoint": lambda run: shutil.rmtree(run / "checkpoints"),
    "truncated weights": truncated,
    "weights that execute code": evil_pickle,
    "checkpoints that are a link": link_elsewhere,
    "more units than the weights have": set_hyper_parameter("hidden", [64]),
    "a model that fills the memory": set_hyper_parameter("hidden", [10**9]),
    "a class that is not ours": lambda run: edit_checkpoint(
        run, lambda content: content.update(model="os.system")
    ),
    "fewer classes": set_metadata("labels", [0, 1]),
    "other classes": set_metadata("classes", [*"abcdefghij"]),
    "no metadata": lambda run: edit_checkpoint(run, lambda content: content.pop("metadata")),
    "weights that are not numbers": lambda run: edit_checkpoint(run, not_a_number),
    "an empty directory": lambda run: (shutil.rmtree(run), run.mkdir()),
}
RANKED = {
    "noise for weights": lambda run: edit_checkpoint(run, noise),
    "an accuracy of 1 in result.json": lambda run: edit_result(run, **{"accuracy/test": 1.0}),
    "two parameters in result.json": lambda run: edit_result(run, parameters=2),
    "no result.json": lambda run: (run / "result.json").unlink(),
    "a result.json that is no result": lambda run: (run / "result.json").write_text("[1]"),
    "a config that executes code": evil_config,
    "code beside the weights": evil_code,
    "inputs scaled to nothing": set_metadata("std", [1e9]),
    "a copy of ann": lambda run: None,
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_submission_that_cannot_be_measured_is_refused_with_a_reason(
    change, submissions, graded, monkeypatch
):
    monkeypatch.chdir(submissions)
    change(submissions / "eve" / "run")
    board = graded()
    assert board["eve"]["notes"].startswith("refused: ") and not board["eve"]["rank"]
    assert board["ann"]["rank"] == "1" and not list(submissions.rglob("executed"))


@pytest.mark.parametrize("change", RANKED.values(), ids=RANKED)
def test_a_submission_is_ranked_by_what_its_weights_reach(change, submissions, graded, honest, monkeypatch):
    monkeypatch.chdir(submissions)
    change(submissions / "eve" / "run")
    board = graded()
    assert float(board["eve"]["accuracy"]) <= float(board["ann"]["accuracy"])
    reached = json.loads((honest / "result.json").read_text())["accuracy/test"]
    assert float(board["ann"]["accuracy"]) == pytest.approx(reached, abs=1e-4)
    assert not list(submissions.rglob("executed"))


def test_a_false_claim_and_a_copy_are_named(submissions, graded):
    edit_result(submissions / "eve" / "run", **{"accuracy/test": 1.0}, parameters=2)
    board = graded()
    assert "states an accuracy of 1.0000" in board["eve"]["notes"]
    assert "states 2 parameters" in board["eve"]["notes"]
    assert "has the same weights as ann" in board["eve"]["notes"]
    assert board["ann"]["notes"] == "has the same weights as eve"


def test_runs_within_one_standard_error_share_a_rank():
    values = {"a": 0.97, "b": 0.965, "c": 0.95, "d": 0.948}
    graded = [Graded(name, value, 0.006, value, 1, 1.0, ["0"]) for name, value in values.items()]
    rank(graded, more=True)
    assert [(each.student, each.rank) for each in graded] == [("a", 1), ("b", 1), ("c", 3), ("d", 3)]
    rank(graded, more=False)
    assert [each.student for each in graded] == ["d", "c", "b", "a"]


def test_a_contest_refuses_what_breaks_its_rule(submissions, graded):
    assert graded(contest="no_convolution")["ann"]["rank"] == "1"
    assert "is not a text model" in graded(contest="fewest_bits")["ann"]["notes"]
    assert "limit_train" in graded(contest="hundred_examples")["ann"]["notes"]


def test_grade_needs_a_directory_and_data(tmp_path):
    with pytest.raises(ValueError, match="Name one directory"):
        grade.main([str(tmp_path / "missing"), "data=digits"])
    (tmp_path / "ann").mkdir()
    with pytest.raises(ValueError, match="data= is missing"):
        grade.main([str(tmp_path)])
