"""A config, a run folder or an archive from a stranger runs no code, and writes only where it should."""

import re
import shutil

import pytest
import yaml
from omegaconf import OmegaConf

from intro_dl.config.arguments import check_arguments
from intro_dl.config.targets import class_of

SMALL = ("model=softmax", "trainer=smoke", "trainer.accelerator=cpu")

REFUSED = [
    "model._target_=os.system",
    "model._target_=builtins.eval",
    "model._target_=torch.hub.load",
    "model._target_=torch.load",
    "model._target_=intro_dl.models.lenet.Classifier",
    "model._target_=intro_dl.models.lenet.nn.Linear",
    "model._target_=pytorch_lightning.Trainer",
    "model._target_=intro_dl.inference.data.data_for",
    "data._target_=subprocess.Popen",
    "data._target_=intro_dl.data.text.read_utf8",
    "optim._target_=torch.utils.cpp_extension.load_inline",
    "optim._target_=torch.optim.optimizer.functools.partial",
    "optim._target_=intro_dl.scratch.optimizers.torch.load",
    "trainer._target_=os.system",
    "trainer._target_=pytorch_lightning.cli.LightningCLI",
    "callbacks.progress._target_=shutil.rmtree",
    "callbacks.progress._target_=pytorch_lightning.utilities.rank_zero.rank_zero_only",
    "scheduler=step scheduler._target_=webbrowser.open",
    "+optim._args_=[1]",
    "+model.extra={_target_:os.system,command:ls}",
    "+trainer.plugins=[{_target_:os.system,command:ls}]",
]


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_no_class_of_the_lectures_is_refused_in_a_sentence(command, make_config):
    cfg = make_config(*command.split())
    with pytest.raises(ValueError, match="Refused .*(may only name|names a class)|does not exist"):
        for group in ("data", "model", "optim", "scheduler", "trainer", "callbacks.progress"):
            if (node := OmegaConf.select(cfg, group)) is not None:
                check_arguments(node, group)


def test_a_module_outside_of_the_lists_is_not_even_imported(make_config, tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="Refused"):
        class_of(make_config("model._target_=trap.Model").model, "model")


def test_a_missing_class_is_named(make_config):
    with pytest.raises(ValueError, match=r"intro_dl\.models\.lenet\.Lenet does not exist"):
        class_of(make_config("model._target_=intro_dl.models.lenet.Lenet").model, "model")
    with pytest.raises(ValueError, match="its _target_ is missing"):
        class_of(make_config("~model._target_").model, "model")


def test_the_command_line_builds_no_other_class(train, tmp_path):
    answer = train(*SMALL, "model._target_=os.system", f"+model.command='touch {tmp_path / 'executed'}'")
    assert answer.code == 1
    (line,) = answer.err.strip().splitlines()
    assert line.startswith("Error: Refused model._target_=os.system")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "hostile",
    [
        "model._target_=os.system",
        "hydra.callbacks.evil={_target_: os.system, command: ls}",
        "hydra/job_logging=x",
        "hydra.searchpath=[/evil]",
        "hydra.sweeper._target_=os.system",
        "--config-dir=/evil",
        "--experimental-rerun=evil.pickle",
    ],
)
def test_a_resumed_folder_from_a_stranger_builds_no_other_class(hostile, train, trained_run, tmp_path):
    run = tmp_path / "stranger"
    shutil.copytree(trained_run(*SMALL), run)
    (run / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*SMALL, hostile]))
    answer = train(f"resume={run}")
    assert answer.code == 1
    (line,) = answer.err.strip().splitlines()
    assert re.search("(?i)refused|unknown flag", line) and hostile.partition("=")[0] in line


def test_a_resumed_sweep_from_a_stranger_builds_no_other_class(train, tmp_path):
    hydra = {"overrides": {"task": ["seed=1,2"], "hydra": ["hydra.launcher._target_=os.system"]}}
    (tmp_path / "multirun.yaml").write_text(yaml.safe_dump({"hydra": hydra}))
    answer = train(f"resume={tmp_path}")
    assert answer.code == 1
    assert "Refused the override 'hydra.launcher._target_=os.system' in this run folder" in answer.err


@pytest.mark.parametrize("place", ["dirpath=../elsewhere", "dirpath=/tmp", "filename=../../best"])
def test_checkpoints_are_written_inside_of_the_run_folder_only(place, train, tmp_path):
    answer = train(*SMALL, f"callbacks.best_checkpoint.{place}")
    assert answer.code == 1
    assert "lies outside of the run folder" in answer.err
    assert not (tmp_path / "elsewhere").exists()
