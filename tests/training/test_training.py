"""What a run does: learns, stops, resumes, sweeps, and leaves its curves and its result behind."""

import json
import subprocess

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from intro_dl.tasks import Task
from intro_dl.training import report
from intro_dl.training.build import build_data, build_model, build_trainer

SMALL = ("model=softmax", "trainer.limit_train_batches=5", "callbacks=no_early_stopping")


def weights(run, name="last"):
    path = run / "checkpoints" / f"{name}.ckpt"
    return torch.load(path, map_location="cpu", weights_only=True)["state_dict"]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def scalars(run):
    """Tag -> list of values, over all event files of a run folder."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [event.value for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def hparams(run):
    """Columns and values of the run's rows on the HPARAMS page."""
    from tensorboard.plugins.hparams import plugin_data_pb2

    events = EventAccumulator(str(run))
    events.Reload()
    contents = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    data = plugin_data_pb2.HParamsPluginData.FromString(contents)
    return {
        name: getattr(value, value.WhichOneof("kind"))
        for name, value in data.session_start_info.hparams.items()
    }


def test_lenet_learns_the_digits(train):
    answer = train("model=lenet", "optim=adam", "trainer.max_epochs=8")
    assert answer.code == 0, answer.err
    assert answer.result["accuracy/test"] > 0.93
    assert answer.result["parameters"] == 61_706


def test_result_says_what_came_out(train):
    answer = train(*SMALL, "trainer.max_epochs=2", "seed=3")
    result = answer.result
    assert result["status"] == "completed"
    assert {"loss/val", "loss/test", "accuracy/test", "seconds", "commit"} <= result.keys()
    assert (result["epochs"], result["seed"], result["parameters"]) == (2, 3, 7850)
    assert 1 <= result["best_epoch"] <= 2
    assert result["versions"]["torch"] == torch.__version__


def test_run_ends_with_a_short_table(train):
    answer = train(*SMALL, "trainer.max_epochs=1")
    for words in ("accuracy/test", "all epochs done", "seconds", "7,850", "folder", "tensorboard --logdir"):
        assert words in answer.out


def test_what_was_read_is_on_the_screen_before_the_epochs_and_in_the_result(train):
    answer = train(*SMALL, "trainer.max_epochs=1")
    read = answer.result["data"]
    assert read == "1,797 images, 10 classes: 1,297 train, 200 val, 300 test"
    assert answer.out.index(read) < answer.out.index("loss train / val")


def test_curves_of_every_epoch_are_in_tensorboard(train):
    (run,) = train(*SMALL, "trainer.max_epochs=3").runs
    curves = scalars(run)
    for tag in ("loss/train", "loss/val", "accuracy/train", "accuracy/val", "lr"):
        assert len(curves[tag]) == 3, tag
    events = EventAccumulator(str(run))
    events.Reload()
    assert "custom_scalars__config__" in events.Tags()["tensors"]  # train and validation in one chart


@pytest.mark.pictures
def test_a_picture_tells_the_curves_of_training_and_validation_apart(train):
    (run,) = train(*SMALL, "trainer.max_epochs=2").runs
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    events = EventAccumulator(str(run))
    events.Reload()
    assert "curves" in events.Tags()["images"]


def test_layers_are_in_the_log_and_on_the_screen_if_asked_for(train):
    table = "logits  Linear             10                 7,850"
    answer = train(*SMALL, "trainer=smoke")
    assert table not in answer.out and table in (answer.runs[-1] / "train.log").read_text()
    answer = train(*SMALL, "trainer=smoke", "summary=true")
    assert answer.out.index(table) < answer.out.index("loss train / val")
    assert "summary" not in answer.runs[-1].name


def test_best_weights_are_those_of_the_best_epoch(train):
    (run,) = train("model=mlp", "trainer.max_epochs=4", "optim=momentum").runs
    result = json.loads((run / "result.json").read_text())
    assert result["loss/val"] == pytest.approx(min(scalars(run)["loss/val"]))
    saved = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert saved["epoch"] + 1 == result["best_epoch"]


def test_early_stopping_stops_after_its_patience(train):
    # Too large a rate, so that the validation loss gets worse at once.
    answer = train("model=softmax", "optim=sgd", "optim.lr=30", "callbacks.early_stopping.patience=2")
    result = answer.result
    assert result["epochs"] < 20
    assert result["epochs"] == result["best_epoch"] + 2
    assert "has not improved for 2 epochs" in result["stopped"]


def test_no_early_stopping_trains_for_all_epochs(train):
    answer = train(
        "model=softmax", "optim=sgd", "optim.lr=30", "callbacks=no_early_stopping", "trainer.max_epochs=9"
    )
    assert answer.result["epochs"] == 9


@pytest.mark.parametrize("optim", ["sgd", "momentum", "adam", "adadelta"])
def test_learning_rate_reaches_the_optimizer(optim, make_config):
    cfg = make_config(f"optim={optim}", "optim.lr=0.123", "model=softmax")
    model = build_model(cfg, build_data(cfg))
    optimizer = model.configure_optimizers()
    assert optimizer.param_groups[0]["lr"] == 0.123
    assert type(optimizer).__name__ == cfg.optim._target_.rpartition(".")[-1]


RATES = {  # of three epochs, from a rate of 1
    "scheduler=step scheduler.step_size=2 scheduler.gamma=0.1": [1, 1, 0.1],
    "scheduler=exponential scheduler.gamma=0.5": [1, 0.5, 0.25],
    "scheduler=inverse_sqrt": [1, 2**-0.5, 3**-0.5],
    "scheduler=cosine": [1, 0.75, 0.25],
    "scheduler=plateau scheduler.patience=0 scheduler.factor=0.5 scheduler.threshold=9": [1, 0.5, 0.25],
}


@pytest.mark.parametrize("schedule", RATES)
def test_schedule_sets_the_rate_of_every_epoch(schedule, train):
    words = [f"+{word}" if "threshold" in word else word for word in schedule.split()]
    (run,) = train(*SMALL, "optim=sgd", "optim.lr=1", "trainer.max_epochs=3", *words).runs
    assert scalars(run)["lr"] == pytest.approx(RATES[schedule])


def test_one_cycle_spans_the_run_and_reaches_its_peak(make_config):
    cfg = make_config(*SMALL, "scheduler=one_cycle", "optim.lr=1", "trainer.max_epochs=4")
    model, trainer, rates = build_model(cfg, data := build_data(cfg)), build_trainer(cfg), []
    step = model.training_step
    model.training_step = lambda *a: rates.append(trainer.optimizers[0].param_groups[0]["lr"]) or step(*a)
    trainer.fit(model, data)
    assert len(rates) == 4 * 5
    assert max(rates) == pytest.approx(1, abs=0.05) and rates[-1] < 0.01 and rates[0] < 0.1


def test_gd_takes_one_step_an_epoch(train):
    (run,) = train("model=softmax", "optim=gd", "trainer.max_epochs=3").runs
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 3


def test_weight_decay_and_dropout_reach_their_owners(make_config):
    cfg = make_config("model=mlp", "regularization=standard")
    model = build_model(cfg, build_data(cfg))
    assert model.configure_optimizers().param_groups[0]["weight_decay"] == 1e-5
    assert [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)] == [0.25, 0.25]


def test_l1_is_added_to_the_training_loss_alone(make_config):
    cfg = make_config("model=softmax", "regularization=l1", "regularization.l1=0.5")
    data = build_data(cfg)
    model = build_model(cfg, data)
    batch = next(iter(data.train_dataloader()))
    total = sum(weights.abs().sum() for weights in model.parameters())
    loss = model.metrics(batch)["loss"]
    torch.testing.assert_close(model.training_step(batch, 0), loss + 0.5 * total)
    assert model.optimizer_settings()["l1"] == "0.5"  # so that a run does not resume with another strength
    unpenalized = build_model(make_config("model=softmax"), data)
    assert unpenalized.penalty() == 0 and "l1" not in unpenalized.optimizer_settings()


def test_same_seed_gives_the_same_weights_and_another_seed_others(train):
    def run(*arguments):
        before = set(train.runs) if hasattr(train, "runs") else set()
        answer = train("model=mlp", "regularization=dropout", "trainer.max_epochs=2", *arguments)
        return answer.runs, before

    runs, _ = run("seed=1", "run_dir=outputs/one")
    runs, _ = run("seed=1", "run_dir=outputs/two")
    runs, _ = run("seed=2", "run_dir=outputs/zzz")
    one, two, other = (weights(run) for run in runs)
    assert same(one, two)
    assert not same(one, other)


@pytest.fixture
def interrupt_after(monkeypatch):
    """Press Ctrl-C at the beginning of the epoch after so many."""

    def arrange(epochs):
        start = Task.on_train_epoch_end

        def hook(self):
            start(self)
            if len(self.history) == epochs:
                monkeypatch.setattr(Task, "training_step", press)

        def press(self, batch, batch_idx):
            monkeypatch.setattr(Task, "training_step", step)
            raise KeyboardInterrupt

        step = Task.training_step
        monkeypatch.setattr(Task, "on_train_epoch_end", hook)

    return arrange


RESUMABLE = (
    "model=mlp",
    "optim=momentum",
    "scheduler=step",
    "scheduler.step_size=1",
    "regularization=dropout",
    "trainer.max_epochs=4",
)


def test_resuming_equals_not_having_stopped(train, interrupt_after, monkeypatch):
    (whole,) = train(*RESUMABLE).runs
    with monkeypatch.context() as context:
        interrupt_after(2)
        answer = train(*RESUMABLE, "run_dir=outputs/stopped here")
        context.undo()
    stopped = answer.folder / "outputs" / "stopped here"
    assert answer.code == 130
    assert "intro-dl train resume='outputs/stopped here'" in answer.err
    assert json.loads((stopped / "result.json").read_text())["status"] == "interrupted"

    answer = train("resume=outputs/stopped here")
    assert answer.code == 0, answer.err
    assert same(weights(whole), weights(stopped))
    assert same(weights(whole, "best"), weights(stopped, "best"))
    for tag in ("loss/train", "loss/val", "lr"):
        assert scalars(stopped)[tag] == pytest.approx(scalars(whole)[tag]), tag
    one, two = (json.loads((run / "result.json").read_text()) for run in (whole, stopped))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_resuming_can_train_for_longer(train):
    (run,) = train(*SMALL, "trainer.max_epochs=1").runs
    assert train(f"resume={run}/checkpoints/last.ckpt", "trainer.max_epochs=3").code == 0
    assert json.loads((run / "result.json").read_text())["epochs"] == 3


def test_interrupt_before_the_first_epoch_says_that_nothing_was_saved(train, interrupt_after, monkeypatch):
    def press(self, batch, batch_idx):
        raise KeyboardInterrupt

    monkeypatch.setattr(Task, "training_step", press)
    answer = train(*SMALL)
    assert answer.code == 130
    assert "Nothing was saved" in answer.err


def test_sweep_makes_a_run_for_each_value_named_after_it(train):
    answer = train("-m", *SMALL, "trainer.max_epochs=1", "optim.lr=1e-3,1e-2")
    assert answer.code == 0, answer.err
    assert [run.name[:2] for run in answer.runs] == ["0_", "1_"]
    assert "optim.lr=0.001" in answer.runs[0].name and "optim.lr=0.01" in answer.runs[1].name
    assert [hparams(run)["lr"] for run in answer.runs] == [0.001, 0.01]
    assert answer.out.rstrip().count("completed") == 0 and "accuracy/test" in answer.out


def test_failing_job_does_not_hide_the_results_of_the_others(train):
    answer = train("-m", *SMALL, "trainer.max_epochs=1", "regularization=dropout,none")
    assert answer.code == 1
    results = [json.loads((run / "result.json").read_text()) for run in answer.runs]
    assert [result["status"] for result in results] == ["failed", "completed"]
    assert "regularization.dropout=0.5 has no effect" in answer.out + answer.err


def test_sweep_lr_tries_several_rates(make_config):
    cfg = make_config("sweep=lr")
    assert cfg.optim.lr == 1e-3  # the sweep's values are the sweeper's, one job each


def test_smoke_runs_everything_on_two_batches(train):
    answer = train("model=softmax", "trainer=smoke")
    (run,) = answer.runs
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 2
    assert (run / "checkpoints" / "best.ckpt").is_file()


def test_run_that_stopped_early_goes_on_when_asked_for_more(train):
    stopping = ("model=softmax", "optim=sgd", "optim.lr=30", "callbacks.early_stopping.patience=1")
    (run,) = train(*stopping, "trainer.max_epochs=6").runs
    epochs = json.loads((run / "result.json").read_text())["epochs"]
    assert epochs < 6
    assert "This run stopped early" in train(f"resume={run}").err
    assert json.loads((run / "result.json").read_text())["epochs"] == epochs
    assert train(f"resume={run}", "callbacks=no_early_stopping", "trainer.max_epochs=8").code == 0
    assert json.loads((run / "result.json").read_text())["epochs"] == 8


def test_training_loss_can_be_monitored(train):
    answer = train(*SMALL, "trainer.max_epochs=2", "monitor=loss/train")
    assert answer.code == 0 and answer.result["loss/train"] > 0


def test_commit_of_a_users_repository_is_not_that_of_an_installed_package(tmp_path, monkeypatch):
    assert report.git_commit()
    installed = tmp_path / "env" / "report.py"
    installed.parent.mkdir()
    installed.touch()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "theirs"], check=True)
    monkeypatch.setattr(report, "__file__", str(installed))
    assert report.git_commit() is None
