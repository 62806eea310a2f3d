"""A config, a run folder or an archive from a stranger runs no code, and writes only where it should."""

import os
import re
import shutil

import pytest
import torch
import yaml
from omegaconf import OmegaConf

from intro_dl.config.arguments import check_arguments
from intro_dl.config.targets import class_of
from tests.conftest import ROOT

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
    "data._target_=intro_dl.data.text.read_text",
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


def test_no_callback_of_a_config_names_a_file_outside_of_the_run_folder(train, tmp_path):
    spike = "pytorch_lightning.callbacks.spike.SpikeDetection"
    victim = tmp_path / "victim.json"
    answer = train(*SMALL, f"+callbacks.s._target_={spike}", f"+callbacks.s.exclude_batches_path={victim}")
    assert answer.code == 1 and "lies outside of the run folder" in answer.err


@pytest.mark.parametrize("link", ["train.log", "hparams.yaml", ".hydra", "checkpoints/last.ckpt"])
def test_a_run_with_links_is_not_resumed(link, train, trained_run, tmp_path):
    run, elsewhere = tmp_path / "stranger", tmp_path / "elsewhere"
    shutil.copytree(trained_run(*SMALL), run)
    (run / link).rename(elsewhere) if (run / link).exists() else elsewhere.touch()
    (run / link).symlink_to(elsewhere)
    before = elsewhere.stat().st_mtime_ns
    answer = train(f"resume={run}", "trainer.max_epochs=2")
    assert answer.code == 1 and "is a link" in answer.err
    assert elsewhere.stat().st_mtime_ns == before


def test_a_job_of_a_sweep_that_is_a_link_is_not_resumed(train, tmp_path):
    write_sweep(tmp_path / "sweep", task=["optim.lr=0.1,0.2"], hydra=[])
    (tmp_path / "sweep" / "0_seed=0").symlink_to(tmp_path)
    answer = train(f"resume={tmp_path / 'sweep'}")
    assert answer.code == 1 and "is a link" in answer.err


def test_state_of_an_optimizer_that_does_not_fit_is_refused(train, tmp_path):
    assert train(*SMALL, "run_dir=run").code == 0
    run = tmp_path / "run"
    file = run / "checkpoints" / "last.ckpt"
    saved = torch.load(file, weights_only=True)
    for state in saved["optimizer_states"][0]["state"].values():
        state["exp_avg"] = torch.zeros(3)
    torch.save(saved, file)
    answer = train(f"resume={run}", "trainer.max_epochs=2")
    assert answer.code == 1 and "optimizer's state" in answer.err


EVIL = {"hydra": {"callbacks": {"evil": {"_target_": "builtins.open", "_args_": ["EXECUTED", "w"]}}}}


@pytest.fixture
def evil(tmp_path):
    """Return an experiment outside of configs/ that creates the file EXECUTED, and that file."""
    text = "# @package _global_\n" + yaml.safe_dump(EVIL).replace("EXECUTED", str(tmp_path / "EXECUTED"))
    (tmp_path / "evil.yaml").write_text(text)
    up = os.path.relpath(tmp_path / "evil", ROOT / "configs" / "experiment")
    return up, tmp_path / "EXECUTED"


@pytest.mark.parametrize(
    "key", ["experiment", "+experiment", "++experiment", "experiment@_global_", "+..", "+model/broken"]
)
def test_an_option_outside_of_the_configs_is_not_repeated(key, evil, train, trained_run, tmp_path):
    path, executed = evil
    run = tmp_path / "stranger"
    shutil.copytree(trained_run(*SMALL), run)
    for value in (path, f"[{path}]", f"'{path}'", str(tmp_path / "evil"), "${data.root}"):
        (run / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*SMALL, f"{key}={value}"]))
        answer = train(f"resume={run}")
        assert answer.code == 1 and "Refused the override" in answer.err
        assert not executed.exists()


def write_sweep(folder, task, hydra):
    folder.mkdir()
    saved = {"hydra": {"overrides": {"task": [*SMALL, "seed=1", *task], "hydra": hydra}}}
    (folder / "multirun.yaml").write_text(yaml.safe_dump(saved))


def test_a_stranger_option_in_a_sweep_is_not_repeated(evil, train, tmp_path):
    path, executed = evil
    for task in ([f"experiment={path}"], ["hydra.launcher=${model}"], ["--config-dir=/evil"]):
        write_sweep(tmp_path / "sweep", task, [])
        answer = train("resume=sweep")
        assert answer.code == 1 and "Refused the override" in answer.err and not executed.exists()
        shutil.rmtree(tmp_path / "sweep")


TYPED_AGAIN = [
    "hydra/launcher=submitit_local",
    "hydra.launcher=${model}",
    "+hydra.launcher.setup=[touch EXECUTED]",
    "hydra/sweeper=nothing",
    "hydra.sweeper.max_batch_size=3",
    "hydra.sweep.subdir=../../elsewhere",
]


def test_launcher_and_sweeper_are_typed_again(train, tmp_path):
    write_sweep(tmp_path / "sweep", [], TYPED_AGAIN)
    answer = train("resume=sweep")
    assert answer.code == 0, answer.err
    for saved in TYPED_AGAIN:
        assert f"Resuming without {saved}: type it again to use it." in answer.err
    assert [path.parent.parent.name for path in tmp_path.glob("**/result.json")] == ["sweep"]


@pytest.mark.parametrize(
    "keys", [("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"), ("run_dir",), ("+run_dir",)]
)
def test_a_resumed_sweep_writes_into_its_own_folder_only(keys, train, tmp_path):
    words = [f"{key}={tmp_path / 'elsewhere'}" for key in keys]
    write_sweep(tmp_path / "sweep", *([[], words] if "hydra" in keys[0] else [words, []]))
    answer = train("resume=sweep")
    assert answer.code == 0, answer.err
    assert len(list((tmp_path / "sweep").glob("*/result.json"))) == 1
    assert not (tmp_path / "elsewhere").exists()
