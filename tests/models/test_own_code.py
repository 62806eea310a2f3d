"""A model, data, a callback and a logger in a folder of one's own, and a stranger's run with them."""

import re
import shutil
import sys

import pytest
import torch

from intro_dl.runs.folder import RunFolder

NET = """
import pytorch_lightning as pl
import torch


class Net(pl.LightningModule):
    def __init__(self, width: int = 4, optimizer=None, net=None):
        super().__init__()
        self.save_hyperparameters()
        self.net = net or torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, 1))
        self.optimizer = optimizer or (lambda weights: torch.optim.SGD(weights, lr=0.01))

    def loss(self, batch):
        return ((self.net(batch[0]) - batch[1]) ** 2).mean()

    def training_step(self, batch, batch_idx):
        self.log("train_loss", self.loss(batch), on_step=False, on_epoch=True)
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch))

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.loss(batch))

    def configure_optimizers(self):
        return self.optimizer(self.parameters())
"""
DATA = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Line(pl.LightningDataModule):
    def __init__(self, batch_size: int = 8):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage):
        x = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
        self.data = TensorDataset(x, x.sum(1, keepdim=True))

    def train_dataloader(self):
        return DataLoader(self.data, self.batch_size)

    val_dataloader = test_dataloader = train_dataloader
"""
PARTS = """
import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger


class Count(pl.Callback):
    def on_train_end(self, trainer, module):
        print("counted", trainer.global_step)


class Table(CSVLogger):
    pass
"""
TASK = """
from torch import nn

from intro_dl.tasks import Classifier


class Flat(Classifier):
    def __init__(self, in_shape, num_classes):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))
        self.layers(__import__("torch").zeros(1, *in_shape))

    def forward(self, images):
        return self.layers(images)
"""
YAML = {
    "model/net": "_target_: mine.net.Net\nwidth: 4",
    "model/template": """
_target_: mine.net.Net
optimizer: {_target_: torch.optim.Adam, _partial_: true, lr: 0.01}
net: {_target_: torch.nn.Linear, in_features: 2, out_features: 1}""",
    "model/flat": "_target_: mine.task.Flat",
    "data/line": "_target_: mine.data.Line\nbatch_size: 8",
    "callbacks/count": "count:\n  _target_: mine.parts.Count",
    "logger/table": "table:\n  _target_: mine.parts.Table\n  save_dir: ${run_dir}\n  name: table",
    "experiment/sly": "# @package _global_\nown_code: .\ndefaults: [override /model: net]",
}
FOREIGN = ("--config-dir=conf", "model=net", "data=line", "monitor=val_loss", "trainer.max_epochs=3")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write the user's folder; return a function that replaces one of its Python files."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "mine").mkdir()
    for name, text in {"net": NET, "data": DATA, "parts": PARTS, "task": TASK}.items():
        (tmp_path / "mine" / f"{name}.py").write_text(text)
    for name, text in YAML.items():
        file = tmp_path / "conf" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return lambda name, text: (tmp_path / "mine" / f"{name}.py").write_text(text)


def test_module_data_callback_and_logger_of_ones_own_train(own, train):
    answer = train(*FOREIGN, "own_code=.", "callbacks=count", "logger=table")
    assert answer.code == 0, answer.err
    assert answer.result["epochs"] == 3 and {"train_loss", "val_loss", "test_loss"} <= answer.result.keys()
    assert "counted 12" in answer.out and "val_loss" in answer.out
    (run,) = answer.runs
    assert (run / "table" / "version_0" / "metrics.csv").is_file()
    assert [row["epoch"] for row in RunFolder(run).read_history()] == [1, 2, 3]


def test_run_of_ones_own_module_resumes_when_its_folder_is_typed_again(own, train):
    (run,) = train(*FOREIGN, "own_code=.").runs
    longer = (f"resume={run}", "trainer.max_epochs=5", "--config-dir=conf")
    refused = train(*longer)
    assert refused.code == 1 and "Refused data._target_=mine.data.Line" in refused.err
    assert "own_code=" in refused.err
    assert train(*longer, "own_code=.").code == 0
    losses = [row["val_loss"] for row in RunFolder(run).read_history()]
    shutil.rmtree(run)
    train(*FOREIGN, "own_code=.", "trainer.max_epochs=5")
    (whole,) = refused.runs
    assert losses == [row["val_loss"] for row in RunFolder(whole).read_history()]


def test_parts_of_a_module_may_be_named_in_its_yaml(own, train):
    answer = train(*FOREIGN, "own_code=.", "model=template", "model.optimizer.lr=0.1")
    assert answer.code == 0, answer.err
    (run,) = answer.runs
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == 0.1


@pytest.mark.parametrize("target", ["os.system", "torch.load", "torch.hub.load", "torch.nn.init.normal_"])
def test_parts_are_classes_of_torch_or_ones_own(target, own, train):
    answer = train(*FOREIGN, "own_code=.", f"+model.part={{_target_:{target}}}")
    assert answer.code == 1 and "Refused model.part._target_" in answer.err


def test_task_of_ones_own_reads_the_data_of_the_lectures(own, train):
    answer = train("--config-dir=conf", "own_code=.", "model=flat", "trainer=smoke", "optim=sgd")
    assert answer.code == 0, answer.err
    assert "accuracy/test" in answer.result


def test_plain_module_gets_the_dimensions_that_it_names(own, train):
    own("net", NET.replace("width: int = 4", "num_features, width: int = 4").replace("(2,", "(num_features,"))
    answer = train(*FOREIGN, "own_code=.", "data=line")
    assert "Net needs num_features: add model.num_features=" in answer.err
    own("data", DATA.replace("Module):", 'Module):\n    dims = {"num_features": 2}'))
    for name in ("mine.data", "mine.net"):
        sys.modules.pop(name, None)
    assert train(*FOREIGN, "own_code=.").code == 0


def test_runs_of_ones_own_module_are_compared(own, train, tmp_path):
    answer = train("-m", *FOREIGN, "own_code=.", "model.width=2,3")
    assert answer.code == 0, answer.err
    assert "model.width" in answer.out and "val_loss" in answer.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import pytorch_lightning\n  x = 1\n",
            r"mine[\\/]net.py, line 2: IndentationError: unexpected indent",
        ),
        ("\nimport lightning as L\n", r"line 2: ModuleNotFoundError: .*import pytorch_lightning as pl"),
        ("\n1 / 0\n", r"mine[\\/]net.py, line 2: ZeroDivisionError"),
        ("class Net:\n    pass\n", r"must be a subclass of pytorch_lightning.LightningModule"),
        (
            NET.replace("n self.loss(", "n self.lost("),
            r"AttributeError in mine[\\/]net.py, line 18",
        ),
    ],
)
def test_error_in_ones_own_module_names_its_file_and_line(text, said, own, train):
    own("net", text)
    answer = train(*FOREIGN, "own_code=.")
    assert answer.code == 1 and re.search(said, answer.err), answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Refused data._target_=mine.data.Line"),
        (("own_code=nowhere",), "own_code=nowhere is not a directory"),
        (("own_code=.", "monitor=loss/val"), "Nothing measures monitor=loss/val. Available: val_loss."),
        (("own_code=.", "optim=sgd"), "optim=sgd has no effect: Net is not a lecture model"),
        (("own_code=.", "monitor=val_acc"), "would keep the worst weights: set mode=max"),
        (("own_code=.", "+model.depth=3"), "Unknown key model.depth"),
    ],
)
def test_what_would_not_work_is_refused_before_training(arguments, said, own, train):
    answer = train(*FOREIGN, *arguments)
    assert answer.code == 1 and said in answer.err, answer.err


def test_only_a_typed_key_allows_own_code(own, train):
    answer = train("--config-dir=conf", "experiment=sly")
    assert answer.code == 1 and "Refused own_code= in a yaml file" in answer.err


def test_a_strangers_run_is_refused_although_it_says_own_code(own, train):
    (run,) = train(*FOREIGN, "own_code=.").runs
    assert "own_code='.'" in RunFolder(run).read_overrides()
    marker = run.parent / "marker"
    (run.parents[2] / "mine" / "net.py").write_text(f"open({str(marker)!r}, 'w')")
    answer = train(f"resume={run}", "--config-dir=conf", "trainer.max_epochs=5")
    assert answer.code == 1 and "Refused data._target_=mine.data.Line" in answer.err
    assert not marker.exists()


def test_commands_that_need_a_lecture_model_say_so(own, train):
    from intro_dl import load_run

    (run,) = train(*FOREIGN, "own_code=.").runs
    with pytest.raises(ValueError, match="Net, which intro_dl.models does not define.*load_from_checkpoint"):
        load_run(run)
