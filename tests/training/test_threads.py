"""The number of CPU threads: measured before the training, recorded, and the same when the run resumes."""

import time

import pytest
import torch

from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.runs.folder import RunFolder
from intro_dl.training.threads import fastest


@pytest.fixture(autouse=True)
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("milliseconds", "best"),
    [
        ({1: 4, 2: 2, 4: 1}, 4),  # a quiet machine
        ({1: 2, 2: 20, 4: 40}, 1),  # a busy one
        ({1: 4, 2: 2, 4: 2}, 2),  # more threads are no faster
    ],
)
def test_the_fastest_number_of_threads_is_chosen_and_of_equal_ones_the_smallest(milliseconds, best):
    slept = []

    def step():
        slept.append(torch.get_num_threads())
        time.sleep(milliseconds[slept[-1]] / 100)  # ten times as long: a busy machine also delays the test

    assert fastest(step) == best
    assert set(slept) == {1, 2, 4}


def test_a_slow_step_is_measured_once_for_each_number():
    slept = []

    def step():
        slept.append(torch.get_num_threads())
        time.sleep(1 / slept[-1])

    fastest(step)
    assert len(slept) < 10


def test_a_run_resumes_with_its_number_of_threads_unless_another_is_typed(train, monkeypatch):
    monkeypatch.setattr("intro_dl.training.threads.fastest", lambda step: 3)
    smoke = ("trainer=smoke", "model=softmax", "callbacks.progress=null")
    first = train(*smoke, "run_dir=run")
    assert first.code == 0, first.err
    assert torch.get_num_threads() == 4  # restored for the next run of a sweep
    assert read_checkpoint(first.folder / "run/checkpoints/last.ckpt")["threads"] == 3

    monkeypatch.setattr("intro_dl.training.threads.fastest", lambda step: 2)
    for epochs, typed, threads in [(2, (), 3), (3, ("trainer.threads=1",), 1), (4, (), 1)]:
        assert train("resume=run", f"trainer.max_epochs={epochs}", *typed).code == 0
        assert read_checkpoint(first.folder / "run/checkpoints/last.ckpt")["threads"] == threads


def test_measuring_changes_neither_the_weights_nor_the_random_numbers(train):
    smoke = ("trainer=smoke", "model=lenet", "regularization=dropout", "callbacks.progress=null")
    measured = train(*smoke, "run_dir=a")
    threads = RunFolder(measured.folder / "a").read_result().threads
    assert train(*smoke, f"trainer.threads={threads}", "run_dir=b").code == 0
    weights = [
        read_checkpoint(measured.folder / run / "checkpoints/last.ckpt")["state_dict"] for run in ("a", "b")
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
