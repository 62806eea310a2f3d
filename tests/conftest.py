"""What the tests share: composing a config, and running a script the way a user does."""

import copy
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# The models of the suite are small: one thread is as fast as two, and far faster on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hydra._internal.hydra import Hydra
from omegaconf import OmegaConf
from PIL import Image

from intro_dl.cli.commands import main as intro_dl
from intro_dl.config.compose import composed
from intro_dl.runs.files import write_whole
from intro_dl.runs.program import run_script
from tests.composing import keep_parts

# The fixtures import torch and Lightning: the process that starts the workers of `pytest -n` needs neither.

pytest_plugins = ["tests.browser"]

ROOT = Path(__file__).parent.parent
SWEEPS = ("sweep", "experiment", "hydra.mode", "--config", "resume")  # in commands that may start a sweep


# A shell that starts pytest in the background lets it ignore Ctrl-C, and what it starts too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))


def pytest_collection_finish():
    gc.freeze()  # what is imported stays: to look through it again and again takes a fourth of the time


def draw_pets(root: Path, number: int) -> None:
    """Write so many images of noise for each of two classes, as PNG files of 32x32 pixels."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for each in range(number):
            noise = random.integers(256, size=(32, 32, 3), dtype=np.uint8)
            Image.fromarray(noise).save(root / name / f"{each}.png")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the directory of the real data sets; skip the test if it is absent."""
    root = os.environ.get("INTRO_DL_DATA")
    if not root or not (Path(root) / "MNIST" / "raw").is_dir():
        pytest.skip("INTRO_DL_DATA does not name a folder that holds MNIST")
    return Path(root).resolve()


@pytest.fixture(scope="session", autouse=True)
def read_once():
    """Read the yaml files of the configs once, and do without processes."""
    from intro_dl.cli import launcher

    with pytest.MonkeyPatch.context() as patch:
        keep_parts(patch)
        patch.setattr(launcher, "cores", lambda: 1)  # the jobs of a sweep run in this process
        yield


@pytest.fixture(scope="session", autouse=True)
def no_pictures():
    """Train, evaluate and compare without pictures, which take longer. Yield what draws them, by its name."""
    from intro_dl.compare import plots
    from intro_dl.training import train as training
    from intro_dl.visualize import evaluation
    from intro_dl.visualize.callback import Visualizer

    real = {
        "intro_dl.visualize.callback.Visualizer._draw_safely": Visualizer._draw_safely,
        "intro_dl.training.train.write_curves": training.write_curves,
        "intro_dl.visualize.evaluation.save": evaluation.save,
        "intro_dl.compare.plots.Figure": plots.Figure,
    }

    class Undrawn(plots.Figure):
        def savefig(self, file, **options):
            file.write(b"not drawn")

    def draw_what_measures(self, *arguments, **options):
        if not type(self).__module__.startswith("intro_dl.visualize"):  # e.g. the doctor
            real["intro_dl.visualize.callback.Visualizer._draw_safely"](self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Visualizer, "_draw_safely", draw_what_measures)
        patch.setattr(training, "write_curves", lambda *_: None)
        patch.setattr(evaluation, "save", lambda figure, path: write_whole(path, b"not drawn"))
        patch.setattr(plots, "Figure", Undrawn)
        yield real


@pytest.fixture(autouse=True)
def draw_pictures(request, no_pictures, monkeypatch):
    """Draw all pictures in a test with the marker `pictures`."""
    if request.node.get_closest_marker("pictures"):
        for name, function in no_pictures.items():
            monkeypatch.setattr(name, function)


@pytest.fixture
def make_config(tmp_path):
    """Compose the config of a command line, once for all tests: it takes a fifth of a second."""

    def make(*overrides: str):
        cfg = copy.deepcopy(composed(*overrides))
        cfg.run_dir = str(tmp_path / "run")
        return cfg

    return make


@dataclass
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def runs(self) -> list[Path]:
        """The folders of the runs, in the order in which they ended."""
        results = sorted(self.folder.glob("outputs/**/result.json"), key=lambda path: path.stat().st_mtime_ns)
        return [path.parent for path in results]

    @property
    def result(self) -> dict:
        (run,) = self.runs
        return json.loads((run / "result.json").read_text())


@pytest.fixture
def train(tmp_path, monkeypatch, capfd):
    """Run `intro-dl train <arguments>` in an empty folder; in this process, to import torch once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    def run(*arguments: str) -> Answer:
        interrupt = signal.getsignal(signal.SIGINT)
        monkeypatch.setattr(sys, "argv", ["intro-dl", "train", *arguments])
        capfd.readouterr()
        try:
            with monkeypatch.context() as patch:
                if not any(word in argument for argument in arguments for word in SWEEPS):
                    # Hydra composes once to see if the config asks for a sweep, and once to run.
                    patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
                code = intro_dl()
        finally:
            signal.signal(signal.SIGINT, interrupt)  # Lightning leaves it ignored after Ctrl-C
            os.environ.pop("HYDRA_FULL_ERROR", None)
            for handler in logging.getLogger().handlers[:]:  # a program would end here, and close its log
                if isinstance(handler, logging.FileHandler):
                    logging.getLogger().removeHandler(handler)
                    handler.close()
        printed = capfd.readouterr()
        return Answer(code, printed.out, printed.err, tmp_path)

    return run


@pytest.fixture
def run_main(capsys):
    """Make of a script's `main` a function of its words: exit code, what it printed, and its errors."""

    def made(main: Callable[[Sequence[str]], int]) -> Callable[..., tuple[int, str, str]]:
        def run(*words: object) -> tuple[int, str, str]:
            capsys.readouterr()
            code = run_script("", main, [str(word) for word in words])
            return code, *capsys.readouterr()

        return run

    return made


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """Train, and return the run's folder; the same one for all tests that ask for the same arguments.

    It is for reading: a test that changes it takes a copy.
    """
    from intro_dl.training.train import train
    from intro_dl.visualize.callback import Visualizer

    runs = {}

    def run(*overrides: str) -> Path:
        key = (Visualizer._draw_safely, *overrides)  # with pictures, or without
        if key not in runs:
            folder = tmp_path_factory.mktemp("trained")
            cfg = copy.deepcopy(composed("trainer=cpu", *overrides))
            cfg.run_dir = str(folder)
            (folder / ".hydra").mkdir()
            OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")  # as Hydra does
            train(cfg)
            runs[key] = folder
        return runs[key]

    return run
