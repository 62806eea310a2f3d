"""A run that was stopped, at any moment, ends as if it had never been stopped: bit for bit on the CPU."""

import copy
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from intro_dl.runs.folder import RunFolder
from intro_dl.tasks import Task
from intro_dl.training.checkpoints import WholeCheckpoints
from tests.conftest import ROOT
from tests.stress_kill import QUIET, differences

CASES = {
    "schedule per step, augmentation, dropout": (
        "model=lenet data.augment=affine data.limit_train=200 optim=momentum scheduler=one_cycle "
        "regularization=dropout"
    ),
    "plateau, early stopping": (
        "model=mlp data.limit_train=300 callbacks=default callbacks.early_stopping.patience=1 "
        "scheduler=plateau scheduler.patience=0 +scheduler.threshold=9"
    ),
    "recurrent state": "model=char_lstm model.hidden_size=9 data.batch_size=99 trainer.limit_train_batches=9",
    "slow weights, filters of the data, images in turns": (
        "model=airbench model.widths=[4,4,4] data.limit_train=90 data.batch_size=10 "
        "data.augment=crop_alternate callbacks=[no_early_stopping,lookahead]"
    ),
    "two networks in turns": "model=gan data.batch_size=999",
    "batch norm, several batches a step": (
        "model=resnet model.depth=8 data.limit_train=70 data.batch_size=10 trainer.accumulate_grad_batches=2"
    ),
}
SHORT = (
    "trainer=cpu",
    "callbacks=no_early_stopping",
    "trainer.max_epochs=3",
    "trainer.limit_val_batches=2",
    *QUIET,
)


def command(case: str, folder: str) -> list[str]:
    return [*SHORT, *CASES[case].split(), f"run_dir={folder}"]


never_stopped: dict[str, Path] = {}  # the run of each case


def whole_run(train, case: str) -> Path:
    """Return the run of a case that was never stopped; it is trained once."""
    if case not in never_stopped:
        answer = train(*command(case, "whole"))
        assert answer.code == 0, answer.err
        never_stopped[case] = answer.folder / "whole"
    return never_stopped[case]


@pytest.fixture
def tell(monkeypatch):
    """Send a signal to this process in training batch `number` (validation or test step), counted from 1."""

    def arrange(number: int, step: str = "training_step", sent: int = signal.SIGTERM):
        def hook(self, *arguments):
            seen.append(arguments)
            if len(seen) == number:
                os.kill(os.getpid(), sent)
            return real(self, *arguments)

        seen, real = [], getattr(Task, step)
        context = pytest.MonkeyPatch()
        context.setattr(Task, step, hook)
        contexts.append(context)
        return seen

    def over():
        while contexts:
            contexts.pop().undo()

    contexts = []
    arrange.over = over
    yield arrange
    over()


@pytest.mark.parametrize(
    ("case", "sent", "code"),
    [*((case, signal.SIGTERM, 143) for case in CASES), ("plateau, early stopping", signal.SIGINT, 130)],
)
def test_run_told_to_end_in_the_middle_of_an_epoch_goes_on_there(case, sent, code, train, tell):
    whole = whole_run(train, case)
    last = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)
    batches = last["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]["ready"]
    tell(batches + 4, sent=sent)
    answer = train(*command(case, "stopped"))
    tell.over()
    assert answer.code == code
    (line,) = answer.err.splitlines()
    assert "in epoch 2" in line and f"4 of {batches} batches" in line
    assert "intro-dl train resume=stopped" in line
    stopped = answer.folder / "stopped"
    assert torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)["middle_of_epoch"]

    seen = tell(10_000)
    answer = train("resume=stopped")
    assert answer.code == 0, answer.err
    assert len(seen) < batches * (last["epoch"] + 1) - batches  # it did not begin epoch 2 again
    assert differences(whole, stopped) == []


def test_run_told_to_end_while_validating_or_testing_first_saves_what_is_done(train, tell):
    case = "plateau, early stopping"
    whole = whole_run(train, case)
    tell(1, "validation_step")
    answer = train(*command(case, "stopped"))
    tell.over()
    assert answer.code == 143 and "in epoch 2. Progress is saved. Resume with" in answer.err
    tell(1, "test_step")
    answer = train("resume=stopped")
    tell.over()
    assert answer.code == 143 and "during the test. Training is finished" in answer.err
    steps = tell(1, "training_step", signal.SIGCONT)
    assert train("resume=stopped").code == 0
    assert not steps  # it only tests
    assert differences(whole, answer.folder / "stopped") == []


def test_interrupt_while_testing_leaves_only_the_test_to_do(train, tell):
    tell(1, "test_step", signal.SIGINT)
    answer = train(*SHORT, "model=softmax", "run_dir=outputs/stopped")
    tell.over()
    assert answer.code == 130 and "Run the test with: intro-dl train resume=outputs/stopped" in answer.err
    assert answer.result["status"] == "interrupted"
    steps = tell(1, "training_step", signal.SIGCONT)
    answer = train("resume=outputs/stopped")
    assert answer.code == 0 and not steps
    assert answer.result["status"] == "completed" and answer.result["epochs"] == 3


def test_notice_that_a_library_swallows_is_still_what_ended_the_run(train, monkeypatch):
    def swallow(self, path, *arguments, **options):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        except BaseException:  # as fsspec does in asking whether a file exists
            raise FileNotFoundError(path) from None

    with monkeypatch.context() as context:
        context.setattr(WholeCheckpoints, "load_checkpoint", swallow)  # of the best weights, to test them
        answer = train(*SHORT, "model=softmax", "run_dir=outputs/stopped")
    assert answer.code == 143 and "Resume with: intro-dl train resume=outputs/stopped" in answer.err
    assert answer.result["status"] == "interrupted"
    assert train("resume=outputs/stopped").code == 0 and answer.result["status"] == "completed"


def test_run_goes_on_from_the_latest_of_its_steps_when_they_are_saved(train, tell):
    case = "plateau, early stopping"
    whole = whole_run(train, case)
    for _ in ("the first notes it", "the second Ctrl-C ends at once"):
        tell(10 + 8, sent=signal.SIGINT)
    answer = train(*command(case, "stopped"), "callbacks.last_checkpoint.every_n_steps=3")
    tell.over()
    assert answer.code == 130 and "(5 of 10 batches)" in answer.err  # step 15
    seen = tell(10_000)
    assert train("resume=stopped").code == 0
    assert len(seen) == 15
    assert differences(whole, answer.folder / "stopped") == []


@pytest.mark.slow
def test_saving_within_epochs_does_not_change_the_training(train):
    case = "recurrent state"
    folder = train(*command(case, "saving"), "callbacks.last_checkpoint.every_n_steps=2").folder
    assert differences(whole_run(train, case), folder / "saving") == []


def test_epoch_of_another_length_cannot_be_finished(train, tell):
    case = "plateau, early stopping"
    tell(14)
    answer = train(*command(case, "stopped"))
    tell.over()
    answer = train("resume=stopped", "data.batch_size=7")
    assert answer.code == 1
    assert "after batch 4 of 10" in answer.err and "43 batches" in answer.err
    assert train("resume=stopped").code == 0


def test_plateau_schedule_survives_the_end_of_an_epoch(train, tell):
    case = "plateau, early stopping"
    whole = whole_run(train, case)
    for _ in ("the first notes it", "the second Ctrl-C ends at once"):
        tell(11, sent=signal.SIGINT)
    answer = train(*command(case, "stopped"))
    tell.over()
    assert answer.code == 130
    assert train("resume=stopped").code == 0
    assert differences(whole, answer.folder / "stopped") == []


def test_notice_before_the_training_ends_the_run_at_once(train, monkeypatch):
    from intro_dl.data.images import Digits

    monkeypatch.setattr(Digits, "setup", lambda self, stage=None: os.kill(os.getpid(), signal.SIGTERM))
    answer = train(*SHORT)
    assert answer.code == 143 and "before anything was saved" in answer.err
    assert answer.result["status"] == "interrupted"


def test_resume_refuses_another_optimizer_and_other_values_of_it(train):
    train(*SHORT, "model=softmax", "optim=adam", "run_dir=run")
    answer = train("resume=run", "optim=momentum")
    assert answer.code == 1
    assert "trained with Adam, and SGD cannot use the state of Adam. Leave out optim=." in answer.err
    answer = train("resume=run", "optim.lr=0.5", "trainer.max_epochs=9")
    assert answer.code == 1 and "it was trained with optim.lr=0.001. Leave out optim.lr=." in answer.err


@pytest.mark.parametrize(
    ("typed", "says"),
    {
        "data=moons": "it was trained on PassClass, and data= names Moons: a run cannot mix both",
        "seed=5": "it was trained with seed=0. Leave out seed=.",
    }.items(),
)
def test_resume_refuses_what_would_make_two_runs_of_one(typed, says, train):
    train(*SHORT, "data=pass_class", "model=softmax", "run_dir=run")
    answer = train("resume=run", typed, "trainer.max_epochs=9")
    assert answer.code == 1 and says in answer.err


def test_resume_from_other_weights_than_the_last_would_lose_epochs_and_is_refused(train):
    run = train(*SHORT, "model=softmax", "run_dir=run").folder / "run"
    before = (run / "history.csv").read_bytes()
    answer = train("resume=run/checkpoints/best.ckpt", "trainer.max_epochs=9")
    assert (
        answer.code == 1
        and "only last.ckpt holds the state of the training. Name the run: resume=run." in answer.err
    )
    assert (run / "history.csv").read_bytes() == before
    assert train("resume=run/checkpoints/last.ckpt", "trainer.max_epochs=4").code == 0


def test_refused_resume_names_what_was_typed_and_leaves_no_trace(train, tell):
    tell(5, "training_step", signal.SIGINT)
    run = train(*SHORT, "model=softmax", "optim=adam", "optim.lr=0.01", "run_dir=run").folder / "run"
    tell.over()
    before = (run / "result.json").read_bytes()
    answer = train("resume=run", "optim=adam")
    assert answer.code == 1 and "trained with optim.lr=0.01. Leave out optim=." in answer.err
    assert (run / "result.json").read_bytes() == before
    assert "Leave out optim=" in (said := (run / "train.log").read_text())
    assert "in resumable" not in said  # no traceback


def test_resume_of_a_finished_run_says_so_and_leaves_its_result(train):
    answer = train(*SHORT, "callbacks=doctor", "model=softmax", "run_dir=outputs/run")
    result = answer.folder / "outputs" / "run" / "result.json"
    before = result.read_bytes()
    for more in ((), ("trainer.max_epochs=2",)):
        answer = train("resume=outputs/run", *more)
        assert answer.code == 0
        assert "already finished (3 epochs)" in answer.err and "trainer.max_epochs=6" in answer.err
        assert result.read_bytes() == before
    result.unlink()
    answer = train("resume=outputs/run", "trainer.max_epochs=2")
    assert answer.code == 1 and "it has 3 epochs, more than trainer.max_epochs=2" in answer.err


def test_resume_of_nothing_or_of_a_folder_of_runs_names_the_newest_run(train):
    for number, name in enumerate(("b", "a new one")):
        train(*SHORT, "model=softmax", "trainer.max_epochs=1", f"run_dir=outputs/softmax/{name}")
        os.utime(f"outputs/softmax/{name}/checkpoints/last.ckpt", (number, number))
    for argument in ("resume=", "resume=outputs", "resume=outputs/softmax"):
        answer = train(argument)
        assert answer.code == 1
        assert "intro-dl train resume='outputs/softmax/a new one'" in answer.err
    answer = train("resume=outputs/softmax/b", "run_dir=elsewhere")
    assert answer.code == 1 and "leave out run_dir=" in answer.err


def test_two_runs_of_one_command_have_the_same_results(train):
    case = "recurrent state"
    folder = train(*command(case, "again")).folder
    assert differences(whole_run(train, case), folder / "again") == []


def test_few_kills_at_random_moments_lose_nothing():
    stress = [sys.executable, str(ROOT / "tests" / "stress_kill.py"), "--kills", "3", "--seed", "216"]
    case = ["--case", "mlp: trainer=deterministic"]  # the seed loses the power, kills, and sends SIGTERM
    answer = subprocess.run([*stress, *case], capture_output=True, encoding="utf-8", timeout=300, cwd=ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "kills: 0 lost runs, 0 differing weights" in answer.stdout


def test_measuring_the_test_split_in_every_epoch_changes_nothing_else(train):
    case = "recurrent state"
    folder = train(*command(case, "watching"), "watch_test=true").folder
    assert "loss/test" in (folder / "watching" / "history.csv").read_text()
    assert differences(whole_run(train, case), folder / "watching") == ["history.csv"]


@pytest.mark.parametrize("key", ["best_model_path", "last_model_path", "kth_best_model_path", "dirpath"])
def test_resume_deletes_nothing_that_a_checkpoint_points_to(key, train):
    run = train("model=softmax", "trainer.max_epochs=1", "run_dir=run", *QUIET).folder / "run"
    victim = run.with_name("victim")
    victim.mkdir()
    (victim / "best.ckpt").write_text("precious")
    file = run / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(file, weights_only=True)
    hostile = str(run / "checkpoints" / ".." / ".." / "victim" / ("" if key == "dirpath" else "best.ckpt"))
    for state in checkpoint["callbacks"].values():
        for path in {key} & state.keys() | ({key} if "best_model_path" in state else set()):
            state[path] = hostile
        if "best_k_models" in state:
            state["best_k_models"] = {hostile: torch.tensor(9.0)}
    for name in [name for name in checkpoint["callbacks"] if "LastCheckpoint" in name]:
        checkpoint["callbacks"][name] = {"best_model_score": None, "best_model_path": hostile}
    torch.save(checkpoint, file)
    answer = train("resume=run", "trainer.max_epochs=3")
    assert (victim / "best.ckpt").read_text() == "precious", answer.err


def rates(run: Path) -> list[float]:
    """Return the learning rate of every epoch, from history.csv."""
    return [row["lr"] for row in RunFolder(run).read_history()]


SCHEDULES = {  # finished epochs, and what is typed beside resume=
    "cosine": (3, "trainer.max_epochs=6"),
    "one_cycle": (2, "trainer.max_epochs=5"),
    "exponential": (2, "trainer.max_epochs=4 scheduler=none"),
    "none": (2, "trainer.max_epochs=4 scheduler=inverse_sqrt"),
    "plateau": (2, "trainer.max_epochs=4 scheduler.patience=0 +scheduler.threshold=9"),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_resumed_run_continues_with_the_schedule_that_is_asked_for(schedule, train):
    epochs, more = SCHEDULES[schedule]
    common = (*SHORT, "model=softmax", "data.limit_train=100", "optim=sgd", "trainer.limit_train_batches=4")
    words = f"scheduler={schedule}".split()
    assert train(*common, *words, f"trainer.max_epochs={epochs}", "run_dir=run").code == 0
    answer = train("resume=run", *more.split())
    assert answer.code == 0, answer.err
    assert train(*common, *words, *more.split(), "run_dir=whole").code == 0
    resumed, whole = rates(answer.folder / "run"), rates(answer.folder / "whole")
    assert len(resumed) > epochs
    assert resumed[epochs:] == pytest.approx(whole[epochs:], rel=0.01)
    assert more.split()[0] in (answer.folder / "run" / ".hydra" / "overrides.yaml").read_text()


def test_schedule_spans_the_steps_that_remain_after_a_change_of_the_batch_size(train):
    words = (*SHORT, "model=softmax", "data.limit_train=100", "data.batch_size=25", "optim=sgd")
    run = train(*words, "scheduler=one_cycle", "trainer.max_epochs=2", "run_dir=run").folder / "run"
    assert train("resume=run", "data.batch_size=50", "trainer.max_epochs=4").code == 0  # 2 x 4 + 2 x 2 steps
    (state,) = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["lr_schedulers"]
    assert (state["last_epoch"], state["total_steps"]) == (12, 12)
    answer = train("resume=run", "scheduler.total_steps=5", "trainer.max_epochs=9")
    assert answer.code == 1 and "total_steps=5 ends before the run of 22 steps" in answer.err
    assert train("resume=run", "trainer.max_epochs=5").code == 0  # the refused command was not saved


REFUSED = (
    "model.",
    "optim.",
    "regularization.",
    "seed",
    "monitor",
    "mode",
)  # they would make two runs of one
REPLACED = {"patience", "dirpath", "mode", "monitor"}  # of callbacks; StayStopped, WholeCheckpoints, REFUSED


def other_value(value: object) -> str:
    if isinstance(value, bool):
        return str(not value).lower()
    if isinstance(value, int | float):
        return str(value / 2 if isinstance(value, float) and value else value + 1)
    others = {"loss/val": "loss/train", "min": "max", "sigmoid": "tanh", "relu": "tanh", "default": "he"}
    return others.get(str(value), "null" if value is not None else "3")


def test_every_key_typed_beside_resume_is_applied_or_refused(make_config, train):
    from omegaconf import OmegaConf

    from intro_dl.training.build import build_data, build_model, build_trainer
    from intro_dl.training.resume import read_resumed

    words = ("data=pass_class", "model=mlp", "scheduler=step", "trainer.max_epochs=9")
    assert train(*SHORT, *words, "trainer.max_epochs=1", "run_dir=run").code == 0
    last = "resume=run/checkpoints/last.ckpt"
    cfg = make_config(*words, last, "callbacks=default")
    data = build_data(cfg)
    assert read_resumed(cfg, build_model(cfg, data), data)
    for key, node in ((key, cfg[key]) for key in cfg if key not in ("resume", "run_dir")):
        leaves = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else {"": node}
        for name, value in leaves.items():
            path = f"{key}.{name}".rstrip(".")
            if name.startswith("_") or isinstance(value, dict | list):
                continue
            if path.startswith(REFUSED):
                changed = copy.deepcopy(cfg)
                OmegaConf.update(changed, path, yaml.safe_load(other_value(value)))
                with pytest.raises(ValueError, match="Cannot resume"):
                    read_resumed(changed, build_model(changed, data), data)
            else:
                assert key in (
                    "data",
                    "logger",
                    "own_code",
                    "scheduler",
                    "summary",
                    "test",
                    "trainer",
                    "watch_test",
                ), path
    changed = make_config(*words, last, "+optim.amsgrad=true")
    with pytest.raises(ValueError, match="trained with optim.amsgrad=null"):
        read_resumed(changed, build_model(changed, data), data)
    # What the state in a checkpoint would replace, if Lightning restored it over the config.
    for callback in build_trainer(cfg).callbacks:
        settings = next(
            (each for each in cfg.callbacks.values() if type(callback).__name__ in each._target_), {}
        )
        assert callback.state_dict().keys() & settings.keys() <= REPLACED, callback


def test_refused_resume_names_an_option_that_sets_keys_of_other_groups(train):
    assert train(*SHORT, "model=softmax", "trainer.max_epochs=1", "run_dir=run").code == 0
    answer = train("resume=run", "regularization=l2", "trainer.max_epochs=4")
    assert "trained with optim.weight_decay=0.0. Leave out regularization=." in answer.err
    answer = train("resume=run", "regularization=l1", "trainer.max_epochs=4")
    assert "trained with regularization.l1=0. Leave out regularization=." in answer.err


def test_run_started_with_relative_paths_resumes_from_another_directory(train, tmp_path, monkeypatch):
    (tmp_path / "project" / "texts").mkdir(parents=True)
    (tmp_path / "project" / "texts" / "a.txt").write_text("to be or not to be, " * 300)
    monkeypatch.chdir(tmp_path / "project")
    model = ("data=file", "data.path=texts/a.txt", "model=char_rnn", "model.hidden_size=5", "trainer=smoke")
    assert train(*model, "run_dir=out", *QUIET).code == 0
    monkeypatch.chdir(tmp_path)
    run = RunFolder(Path("project/out"))
    assert run.find("texts/a.txt") == str(tmp_path / "project" / "texts" / "a.txt")
    answer = train("resume=project/out", "trainer.max_epochs=2")
    assert answer.code == 0, answer.err
    (tmp_path / "project").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    answer = train("resume=out", "trainer.max_epochs=3")
    assert answer.code == 0, answer.err
