"""One run on several devices learns what it would on one, and is one run: its files, words and end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from intro_dl.cli.app import run
from intro_dl.runs.program import run_script

TRAIN = str(Path(__file__).parents[2] / "scripts" / "train.py")
CPU = ("trainer.accelerator=cpu", "model=mlp", "optim=momentum", "trainer.max_epochs=2")
EVEN = (*CPU, "data.limit_train=22", "data.batch_size=6")  # every batch has an even number of examples
LONG = ("trainer=ddp", "trainer.accelerator=cpu", "model=softmax", "trainer.max_epochs=9999", "run_dir=run")
LONG = (*LONG, "callbacks=no_early_stopping")


LOOKS_INTO_PROC = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="looks for processes in /proc"
)


def begin(folder, *command):
    environment = os.environ | {"PYTHONPATH": str(Path(TRAIN).parent.parent)}
    environment.pop("HYDRA_FULL_ERROR", None)
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finish(process, seconds=120):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def weights(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def assert_is_one_run_like(run, expected):
    """Compare files, curves and weights with those of `expected`; not the times."""
    for name in ("result.json", "history.csv", "train.log", ".hydra/config.yaml"):
        assert (run / name).is_file(), name
    assert len(list(run.glob("*.log"))) == 1
    assert {path.name.rpartition(".")[2] for path in run.glob("events*")} == {"0", "1", "2"}  # fit, test, end
    result, wanted = (json.loads((folder / "result.json").read_text()) for folder in (run, expected))
    for name in ("loss/val", "accuracy/val", "loss/test", "accuracy/test", "epochs", "best_epoch"):
        assert result[name] == pytest.approx(wanted[name], rel=1e-5), name
    one, two = weights(run), weights(expected)
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in two)


@pytest.fixture
def one_device(trained_run):
    return trained_run(*EVEN)


def test_two_processes_are_one_run_with_the_weights_of_one_process(tmp_path, one_device):
    code, out, err = finish(begin(tmp_path, TRAIN, "trainer=ddp", *EVEN))
    assert (code, err) == (0, "")
    assert out.count("1/2 ") == out.count("accuracy/test ") == 1
    (result,) = tmp_path.glob("**/result.json")
    assert_is_one_run_like(result.parent, one_device)
    assert os.listdir(tmp_path) == ["outputs"]  # the other process leaves nothing behind


@pytest.mark.slow
def test_a_batch_too_small_for_all_devices_is_left_out_of_training(tmp_path):
    words = ("model=softmax", "data.limit_train=33", "data.batch_size=32", "trainer.max_epochs=2")
    code, out, err = finish(begin(tmp_path, TRAIN, "trainer=ddp", "trainer.accelerator=cpu", *words))
    assert (code, err) == (0, "")
    (result,) = tmp_path.glob("**/result.json")
    assert json.loads(result.read_text())["accuracy/val"] >= 0  # not nan


@pytest.mark.slow
def test_torchrun_starts_the_same(tmp_path, one_device):
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "2", TRAIN)
    code, out, err = finish(begin(tmp_path, *torchrun, "trainer=ddp", *EVEN))
    assert code == 0, err
    assert out.count("1/2 ") == out.count("accuracy/test ") == 1
    (folder,) = (tmp_path / "outputs" / "mlp").iterdir()
    assert_is_one_run_like(folder, one_device)


def test_flags_of_a_command_stay_last_in_each_process(monkeypatch):
    started = {"TORCHELASTIC_RUN_ID": "1", "RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}
    for name, value in (started | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # `run` changes it
    monkeypatch.setattr(sys, "argv", ["intro-dl"])
    words = []
    assert run(lambda: words.extend(sys.argv[1:]), ["--config-dir=conf", "model=softmax"]) == 0
    assert words[0] == "model=softmax" and "hydra.run.dir=." in words and words[-1] == "--config-dir=conf"


def test_a_worker_that_its_launcher_ends_while_it_imports_says_nothing(monkeypatch, capsys):
    def ended(arguments):
        signal.raise_signal(signal.SIGTERM)

    assert run_script(None, ended, []) == 143
    assert capsys.readouterr().err == "Received SIGTERM.\n"
    started = ("INTRO_DL_LAUNCHER", "TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK", "WORLD_SIZE")
    for name in (*started, "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    assert run_script(None, ended, []) == 143
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_torchrun_with_one_device_is_refused_by_one_process(tmp_path):
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "2", TRAIN)
    code, out, err = finish(begin(tmp_path, *torchrun, "trainer=cpu"))
    assert code != 0
    assert err.count("Error: trainer.devices x trainer.num_nodes is 1, but there would be 2 processes.") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("model=char_lstm", "optim=sgd", "data.batch_size=4", "data.window=7"),
        ("optim=gd", "data.limit_train=1296"),
    ],
)
def test_streams_and_whole_batches_are_shared_too(tmp_path, trained_run, arguments):
    limits = ("trainer.limit_train_batches=9", "trainer.limit_val_batches=3", "trainer.limit_test_batches=3")
    arguments = (*arguments, *limits, "trainer.accelerator=cpu", "trainer.max_epochs=2")
    code, out, err = finish(begin(tmp_path, TRAIN, "trainer=ddp", *arguments))
    assert (code, err) == (0, "")
    (result,) = tmp_path.glob("**/result.json")
    assert_is_one_run_like(result.parent, trained_run(*arguments))


@pytest.mark.parametrize(
    "arguments",
    [["-m", "trainer=ddp", "optim.lr=0.1,0.2"], ["sweep=lr", "trainer=ddp"], ["-m", "trainer.devices=2,3"]],
)
def test_a_sweep_over_several_devices_is_refused(train, arguments):
    answer = train(*arguments, "trainer.accelerator=cpu")
    assert answer.code == 1
    first = answer.err.splitlines()[0]
    assert first.startswith("Error: trainer=ddp trains one run on several devices") and "for lr in" in first


def test_machines_that_nobody_names_are_not_waited_for(train, monkeypatch):
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    answer = train("model=softmax", "trainer=smoke", "trainer.num_nodes=2", "trainer.accelerator=cpu")
    assert answer.code == 1 and "trainer.devices x trainer.num_nodes is 2, but there" in answer.err


def test_more_gpus_than_there_are_is_said_in_a_sentence(train, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    answer = train("trainer=ddp", "trainer.devices=8")
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "trainer.devices=8, but this machine has 1 GPU." in line and "trainer.accelerator=cpu" in line


@pytest.mark.parametrize("devices", ["0", "-1", "abc", "1.5", "[]"])
def test_devices_that_make_no_sense_are_refused(train, devices):
    answer = train("trainer=ddp", f"trainer.devices={devices}")
    assert answer.code == 1
    assert "choose an integer of at least 1" in answer.err


DIVERGES_ON_ONE = f"""
import os, runpy, sys
import intro_dl.tasks as tasks

step = tasks.Task.training_step

def broken(self, batch, batch_idx):
    loss = step(self, batch, batch_idx)
    return loss * float("nan") if os.environ.get("RANK") == "1" and batch_idx == 5 else loss

tasks.Task.training_step = broken
sys.argv[0] = {TRAIN!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_loss_that_diverges_on_one_device_ends_all_with_one_reason(tmp_path):
    (tmp_path / "break.py").write_text(DIVERGES_ON_ONE)
    command = ("break.py", "trainer=ddp", "trainer.accelerator=cpu", "model=softmax", "run_dir=run")
    code, out, err = finish(begin(tmp_path, *command))
    assert code == 1
    assert err.count("Error: The training loss became nan at step 6") == err.count("Error: ") == 1
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == "diverged"


@pytest.mark.slow
def test_mistake_in_the_data_or_a_diverged_loss_is_said_once(tmp_path):
    diverge = ("trainer=ddp", "trainer.accelerator=cpu", "model=softmax", "optim=sgd", "optim.lr=1e38")
    code, out, err = finish(begin(tmp_path, TRAIN, *diverge))
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("Error: The training loss became")
    code, out, err = finish(begin(tmp_path, TRAIN, "trainer=ddp", "data=image_folder", "data.root=nowhere"))
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("Error: ") and "nowhere" in line


def workers(launcher):
    """Return the process ids of the ranks that run train.py, in their order."""
    found = {}
    for pid in Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text(encoding="utf-8").split():
        if b"train.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            variables = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
            found |= {
                int(each.removeprefix("RANK=")): int(pid) for each in variables if each.startswith("RANK=")
            }
    return [found[rank] for rank in sorted(found)]


def is_there(pid):
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text(encoding="utf-8")


def begin_and_wait(folder, file):
    launcher = begin(folder, TRAIN, *LONG)
    until = time.monotonic() + 90
    while not (len(ranks := workers(launcher)) == 2 and (folder / "run" / file).exists()):
        assert launcher.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    return launcher, ranks


def listening(pid):
    """Return the addresses, as in /proc/net/tcp, on which a process waits for connections."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    tables = [Path(f"/proc/{pid}/net/{name}").read_text(encoding="utf-8") for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in links}


SAVED = "checkpoints/last.ckpt"


@LOOKS_INTO_PROC
@pytest.mark.parametrize(
    ("victim", "signal_number", "file", "code", "words"),
    [
        (1, signal.SIGKILL, SAVED, 1, "Process 1 of this run was killed by SIGKILL. All finished"),
        pytest.param(0, signal.SIGKILL, SAVED, 1, "Process 0 of this run was killed", marks=pytest.mark.slow),
        pytest.param(1, signal.SIGKILL, ".hydra", 1, "nothing was saved", marks=pytest.mark.slow),
        pytest.param("launcher", signal.SIGKILL, SAVED, -9, "launcher", marks=pytest.mark.slow),
        pytest.param("launcher", signal.SIGKILL, ".hydra", -9, "nothing was saved", marks=pytest.mark.slow),
        pytest.param("launcher", signal.SIGINT, SAVED, 130, "Interrupted in epoch", marks=pytest.mark.slow),
        pytest.param("launcher", signal.SIGTERM, SAVED, 143, "SIGTERM in epoch", marks=pytest.mark.slow),
    ],
)
def test_when_one_process_ends_so_do_the_others_and_one_says_why(
    tmp_path, victim, signal_number, file, code, words
):
    launcher, ranks = begin_and_wait(tmp_path, file)
    if file == SAVED:  # all connections are there
        found = set.union(*(listening(pid) for pid in (launcher.pid, *ranks)))
        assert found == {"0100007F"}, "not only 127.0.0.1"
    os.kill(launcher.pid if victim == "launcher" else ranks[victim], signal_number)
    answer, out, err = finish(launcher, seconds=60)
    (line,) = err.strip().splitlines()
    assert words in line
    assert answer == code
    if file == SAVED:
        assert "scripts/train.py resume=run" in line
    until = time.monotonic() + 60
    while any(is_there(pid) for pid in ranks):
        assert time.monotonic() < until
        time.sleep(0.1)


@LOOKS_INTO_PROC
@pytest.mark.slow
def test_result_names_the_process_that_ended_first(tmp_path):
    launcher, ranks = begin_and_wait(tmp_path, SAVED)
    os.kill(ranks[1], signal.SIGKILL)
    finish(launcher)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["status"] == "failed" and result["reason"].startswith("Process 1 of this run was killed")


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
def test_a_run_of_two_killed_processes_goes_on_with_one_or_two(tmp_path, devices):
    launcher, _ = begin_and_wait(tmp_path, SAVED)
    launcher.kill()
    finish(launcher)
    saved = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] + 1
    trainer = "trainer=cpu" if devices == 1 else "trainer=ddp"
    epochs = f"trainer.max_epochs={saved + 2}"
    code, out, err = finish(begin(tmp_path, TRAIN, "resume=run", trainer, "trainer.accelerator=cpu", epochs))
    assert (code, err) == (0, "")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["status"] == "completed" and result["epochs"] == saved + 2
    assert result["device"] == ("cpu" if devices == 1 else "2 x cpu")


@pytest.fixture
def two_processes(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(TRAIN).parents[1] / "benchmarks"))
    import two_processes

    return two_processes


def test_two_processes_read_images_from_a_file_like_one_from_memory(tmp_path, trained_run, two_processes):
    two_processes.draw_images(tmp_path / "images", 300)
    words = (*CPU, "data=image_folder", f"data.root={tmp_path / 'images'}", "data.batch_size=20")
    in_file = ("data.in_memory_limit=0", f"data.cache={tmp_path / 'cache'}", "run_dir=run")
    code, out, err = finish(begin(tmp_path, TRAIN, "trainer=ddp", *words, *in_file), seconds=300)
    assert (code, err) == (0, "")
    assert_is_one_run_like(tmp_path / "run", trained_run(*words))


@LOOKS_INTO_PROC
@pytest.mark.slow
def test_more_images_in_a_file_take_little_memory_and_a_killed_process_changes_no_weight(
    tmp_path, two_processes
):
    few, many = (two_processes.trial(tmp_path / str(count), count) for count in (20_000, 100_000))
    grown = {name: many[name] - few[name] for name in ("MB a process, after it", "MB of pixels")}
    assert (
        grown["MB a process, after it"] < 0.5 * grown["MB of pixels"]
    )  # names of files, and reserves of malloc
