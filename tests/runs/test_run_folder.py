"""Every run has a folder of its own, and what it writes there is whole or not there."""

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import torch

from intro_dl import load_run
from intro_dl.cli.hydra_callbacks import _claim
from intro_dl.config.schema import run_name
from intro_dl.runs import files
from intro_dl.runs.files import write_whole
from intro_dl.runs.folder import RunFolder
from intro_dl.tasks import Task
from tests.conftest import ROOT
from tests.stress_kill import QUIET, differences

TINY = (
    "model=softmax",
    "trainer=cpu",
    "trainer.limit_train_batches=2",
    "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1",
    "callbacks=no_early_stopping",
    *QUIET,
)


def weights(run, name="last"):
    return torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]


@pytest.fixture
def same_second(monkeypatch):
    """Let Hydra's clock stand still."""

    class Stopped(datetime):
        @classmethod
        def now(cls):
            return cls(2026, 11, 21, 10)

    monkeypatch.setattr("hydra.core.utils.datetime", Stopped)


def test_runs_of_the_same_second_get_folders_of_their_own(train, same_second):
    for _ in range(3):
        answer = train(*TINY, "trainer.max_epochs=1")
        assert answer.code == 0, answer.err
    first, second, third = (run.name for run in answer.runs)
    assert (second, third) == (f"{first}-2", f"{first}-3")


@pytest.mark.slow
def test_sweeps_of_the_same_second_get_folders_of_their_own(train, same_second):
    sweep = ("-m", *TINY, "trainer.max_epochs=1", "test=false")
    first = train(*sweep, "seed=0,1").folder / "outputs" / "sweeps" / "2026-11-21_10-00-00"
    assert train(*sweep, "seed=2").code == 0
    second = first.with_name(f"{first.name}-2")
    assert [len(list(folder.glob("*/result.json"))) for folder in (first, second)] == [2, 1]


def test_only_one_of_many_processes_gets_a_folder(tmp_path):
    with ThreadPoolExecutor(16) as threads:
        claimed = threads.map(_claim, [tmp_path / "run" / ".hydra" / "config.yaml"] * 64)
    assert sum(claimed) == 1


@pytest.mark.parametrize(
    ("typed", "name"),
    {
        "": "",
        "optim.lr=0.1,optim=sgd": "optim.lr=0.1,optim=sgd",
        "optim.lr=0.10312345678901234": "optim.lr=0.1031",
        "optim.lr=1.0312345678901234e-05": "optim.lr=1.031e-05",
        "model.hidden=[20, 10]": "model.hidden=-20,-10-",
    }.items(),
)
def test_folder_is_named_after_what_was_changed(typed, name):
    assert run_name(typed) == name
    assert run_name(typed, "2026-11-26") == f"{name}_2026-11-26".lstrip(
        "_"
    )  # TensorBoard shows the beginning


@pytest.mark.parametrize("name", ["true", "1_000", "1.50", "007", "nan", "my run, 2=3"])
def test_folder_is_called_as_it_is_typed(name, train):
    answer = train(*TINY, "trainer.max_epochs=1", f"run_dir={name}")
    assert answer.code == 0 and (answer.folder / name / "result.json").is_file()


def test_run_dir_of_another_run_is_refused(train):
    train(*TINY, "trainer.max_epochs=1", "run_dir=outputs/my run")
    answer = train(*TINY, "trainer.max_epochs=1", "run_dir=outputs/my run")
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "resume='outputs/my run'" in line and "another run_dir=" in line
    assert answer.result["status"] == "completed"  # as it was

    (answer.folder / "taken" / ".hydra").mkdir(parents=True)
    (answer.folder / "taken" / ".hydra" / "config.yaml").touch()
    answer = train(*TINY, "run_dir=taken")
    assert answer.code == 1 and "taken belongs to another run" in answer.err


def test_sweep_dir_of_another_sweep_is_refused(train):
    sweep = ("-m", *TINY, "trainer.max_epochs=1", "seed=0", "hydra.sweep.dir=sweep")
    assert train(*sweep).code == 0
    answer = train(*sweep)
    assert answer.code == 1 and "another hydra.sweep.dir=" in answer.err


@pytest.mark.parametrize("place", ["fsync", "open"])
def test_file_that_cannot_be_written_stays_as_it_was(place, tmp_path, monkeypatch):
    write_whole(tmp_path / "a.json", "before")

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if place == "fsync" else (Path, "open")), full)
    with pytest.raises(OSError):
        write_whole(tmp_path / "a.json", "after, and longer")
    monkeypatch.undo()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "before")]


def test_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    )
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: done.append("replaced") or real(path, to))
    write_whole(tmp_path / "a", b"content")
    assert done == [str(tmp_path / "a.tmp"), "replaced"]


def full_after(monkeypatch, epochs):
    """Let the disk be full when so many epochs are saved."""

    def fsync(descriptor):
        if len(saved) == epochs:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    def count_epoch(self):
        saved.append(self.current_epoch)
        end(self)

    saved, real, end = [], files.os.fsync, Task.on_train_epoch_end
    monkeypatch.setattr(files.os, "fsync", fsync)
    monkeypatch.setattr(Task, "on_train_epoch_end", count_epoch)


def test_full_disk_keeps_what_was_finished_and_the_run_goes_on_when_there_is_room(train, monkeypatch):
    whole = train(*TINY, "trainer.max_epochs=3", "run_dir=whole").folder / "whole"
    with monkeypatch.context() as context:
        full_after(context, 2)
        answer = train(*TINY, "trainer.max_epochs=3", "run_dir=stopped here")
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert line.startswith("Error: The disk or your quota is full") and "resume='stopped here'" in line
    stopped = answer.folder / "stopped here"
    assert torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0
    assert sorted(path.name for path in (stopped / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert train("resume=stopped here").code == 0
    assert all(torch.equal(weights(whole)[name], value) for name, value in weights(stopped).items())


def test_half_written_checkpoint_is_never_read(train):
    (run,) = train(*TINY, "trainer.max_epochs=1").runs
    (run / "checkpoints" / "last.ckpt.tmp").write_bytes(b"PK" + os.urandom(100))
    answer = train(f"resume={run}", "trainer.max_epochs=2")
    assert answer.code == 0 and answer.result["epochs"] == 2
    assert not (run / "checkpoints" / "last.ckpt.tmp").exists()


def test_folder_deleted_during_the_run_is_said(train, monkeypatch):
    end = Task.on_train_epoch_end
    monkeypatch.setattr(Task, "on_train_epoch_end", lambda self: end(self) or shutil.rmtree("gone"))
    answer = train(*TINY, "trainer.max_epochs=3", "run_dir=gone")
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "A file or directory is missing" in line and "/gone/" in line
    assert not (answer.folder / "gone").exists()


def test_folder_that_cannot_be_written_is_said(train, monkeypatch):
    def mkdir(path, *arguments, **options):
        if "outputs" in path.parts:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        real(path, *arguments, **options)

    real = Path.mkdir
    with monkeypatch.context() as context:  # the permissions of a real folder do not stop an administrator
        context.setattr(Path, "mkdir", mkdir)
        answer = train(*TINY)
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "Permission denied" in line and "run_dir=" in line

    (answer.folder / "outputs").write_text("a file")
    answer = train(*TINY)
    assert answer.code == 1 and "There is a file where a directory should be" in answer.err


def test_copied_run_goes_on_with_its_best_score_and_can_be_loaded(train):
    worse = ("model=softmax", "optim=sgd", "optim.lr=30", "callbacks=no_early_stopping", *QUIET)
    original = train(*worse, "trainer.max_epochs=3", "run_dir=original").folder / "original"
    before = RunFolder(original).read_result()
    copy = original.with_name("a copy")
    shutil.copytree(original, copy)
    shutil.rmtree(original)
    answer = train("resume=a copy", "trainer.max_epochs=4")
    assert answer.code == 0, answer.err
    after = RunFolder(copy).read_result()
    assert after.best_epoch == before.best_epoch < 4, "the last epoch must be worse"
    assert after.metrics["loss/test"] == before.metrics["loss/test"] and after.epochs == 4
    assert load_run(copy).epoch == after.best_epoch
    assert not original.exists()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts a small disk")
def test_really_full_disk_is_said_in_one_sentence_and_loses_nothing(tmp_path):
    def train(*arguments):
        command = [sys.executable, str(ROOT / "scripts" / "train.py"), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=300)

    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1900k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        run = ("model=lenet", "trainer=cpu", "trainer.max_epochs=3", "callbacks=no_early_stopping")
        answer = train(*run, "run_dir=disk/run")
        assert answer.returncode == 1
        (line,) = answer.stderr.splitlines()
        assert line.startswith("Error: The disk or your quota is full") and "resume=disk/run" in line
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert train("resume=disk/run").returncode == 0
        assert train(*run, "run_dir=whole").returncode == 0
        assert differences(tmp_path / "whole", disk / "run") == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_file_larger_than_allowed_is_said_in_one_sentence(train):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        answer = train("model=mlp", *TINY[1:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "The file would be larger than the limit" in line


@pytest.mark.parametrize("name", ["result.json", "result.json.tmp"])
def test_nothing_is_written_through_a_link(name, tmp_path):
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("three years of work")
    (tmp_path / name).symlink_to(thesis)
    write_whole(tmp_path / "result.json", "{}")
    assert thesis.read_text() == "three years of work"
    assert (tmp_path / "result.json").read_text() == "{}" and not (tmp_path / "result.json").is_symlink()
