"""Trainings to run live in the hall, each with a fixed seed and the event that it shows.

A lecture may have a file `trainings.yaml`. `intro-dl lectures format=demo` runs them between its steps.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
import yaml
from torch import Tensor

from intro_dl.inference.load import load_run
from intro_dl.lectures import LECTURES
from intro_dl.models.mlp import MLP
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Status
from intro_dl.runs.signals import Terminated
from intro_dl.training import product
from intro_dl.training.build import build_data


@dataclass(frozen=True)
class Training:
    """One or more runs that show one idea. They need no download.

    Args:
        title: a few words.
        after: the id of the claim after which it comes.
        ask: the question to the hall before anything is trained.
        finds: the name of a function in EVENTS, which finds the event in a finished run.
        command: what follows `intro-dl train` in all runs.
        runs: for what one run adds to the command, e.g. "seed=3", the event that it shows.
        see: what the runs show.
        mistaken: the usual wrong idea in quotes, and what is right instead.
    """

    title: str
    after: str
    ask: str
    finds: str
    command: str
    runs: dict[str, str]
    see: str
    mistaken: str

    def event(self, folder: Path) -> str:
        """Return the event of a run of this training that has ended."""
        run = RunFolder(folder)
        result = run.read_result()
        if result.status is Status.DIVERGED:
            return f"the loss overflows in epoch {len(run.read_history()) + 1}"
        if result.status is not Status.COMPLETED:
            return f"the run did not complete: {result.reason}"
        return EVENTS[self.finds](run)


@cache
def all_trainings() -> dict[str, Training]:
    """Return the trainings of all lectures by their names."""
    found: dict[str, Training] = {}
    for lecture in LECTURES:
        file = Path(__file__).parent.parent / f"lecture_{lecture}" / "trainings.yaml"
        if file.is_file():
            saved = yaml.safe_load(file.read_text(encoding="utf-8"))
            found |= {name: Training(**fields) for name, fields in saved.items()}
    return found


def run_training(command: str, folder: Path) -> None:
    """Run `intro-dl train <command>` in a process of its own, whose output the hall sees."""
    package = str(Path(__file__).parents[3])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    overrides = [*shlex.split(command), "logger=none", f"run_dir={folder}"]
    training = subprocess.Popen(
        [sys.executable, "-m", "intro_dl", "train", *overrides],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        training.wait()  # the exit code of a run that diverges is 1
    except KeyboardInterrupt as stop:
        if isinstance(stop, Terminated):  # Ctrl-C reaches both processes, SIGTERM only this one
            training.terminate()
        training.wait()
        raise


# What happened in a run. Coarse words, so that two machines say the same. ---------------------------------


def learned(run: RunFolder) -> str:
    """Return whether a classifier learned, by its test accuracy."""
    accuracy = run.read_result().metrics["accuracy/test"]
    if accuracy >= 0.9:
        return "learns: test accuracy at least 0.9"
    return "is stuck: test accuracy at most 0.8" if accuracy <= 0.8 else "test accuracy between 0.8 and 0.9"


def stopped(run: RunFolder) -> str:
    """Return after which epoch the training stopped, and which was the best."""
    result = run.read_result()
    return f"stopped after epoch {result.epochs}, the best is epoch {result.best_epoch}"


def finite(run: RunFolder) -> str:
    """Return that the run completed. `Training.event` answers for one that diverges."""
    return "the loss stays finite"


def mistakes(run: RunFolder) -> str:
    """Return from which epoch on the model made no mistake while it trained."""
    perfect = [row["accuracy/train"] == 1 for row in run.read_history()]
    clean = next((epoch for epoch in range(len(perfect)) if all(perfect[epoch:])), None)
    if clean is None:
        return f"mistakes in the last of {len(perfect)} epochs"
    return f"no mistake from epoch {clean + 1} on"


def memorized(run: RunFolder) -> str:
    """Return whether the last weights know the training labels, and only those."""
    last = run.read_history()[-1]
    train, val = last["accuracy/train"], last["accuracy/val"]
    if train >= 0.9 and val <= 0.2:
        return "memorizes: accuracy at least 0.9 in training, at most 0.2 in validation"
    return f"accuracy {train:.2f} in training, {val:.2f} in validation"


def hidden_units(run: RunFolder) -> str:
    """Return how many units of the first hidden layer are dead, or that all are equal."""
    outputs = _first_hidden_layer(run)
    count = outputs.shape[1]
    if torch.equal(outputs, outputs[:, :1].expand_as(outputs)):
        return f"all {count} hidden units are equal"
    dead = [str(unit + 1) for unit in range(count) if not outputs[:, unit].any()]
    names = f"unit{'s' * (len(dead) > 1)} {', '.join(dead)}" if dead else "none"
    return f"dead hidden units: {names} of {count}"


def _first_hidden_layer(run: RunFolder) -> Tensor:
    """Return what the first hidden layer of an MLP puts out for the training examples, (examples, units)."""
    data = build_data(product.config(*run.read_overrides()))
    inputs, _ = data.whole("train")
    model = load_run(run.path, "last").model
    assert isinstance(model, MLP)
    return model.features[:2](inputs.flatten(1))  # the linear map and its activation function


EVENTS: dict[str, Callable[[RunFolder], str]] = {
    "learned": learned,
    "stopped": stopped,
    "finite": finite,
    "mistakes": mistakes,
    "memorized": memorized,
    "hidden_units": hidden_units,
}
