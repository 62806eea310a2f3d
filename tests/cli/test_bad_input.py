"""Each mistake gets one sentence that names it and says what to do, and a non-zero exit."""

import re
import subprocess
import sys

import pytest
import torch

from intro_dl.tasks import Task
from tests.conftest import ROOT

MISTAKES = {
    "model=lent": ["Unknown model=lent.", "Did you mean lenet?", "softmax"],
    "modle=lenet": ["Unknown key modle.", "Did you mean model=lenet?"],
    "--model=lenet": ["Unknown flag --model=lenet", "model=lenet"],
    "--epochs 3": ["Unknown flag --epochs", "without dashes: trainer.max_epochs=3"],
    "--lr=0.1": ["Unknown flag --lr=0.1", "without dashes: optim.lr=0.1"],
    "data=MNIST": ["Unknown data=MNIST. Did you mean mnist?"],
    "data=image_folder data.size=28": ["Unknown key data.size", "Did you mean data.image_size?"],
    "dropout=0.5": ["Unknown key dropout. Did you mean regularization.dropout?"],
    "optimizer=adam": ["Unknown key optimizer. Did you mean optim=adam?"],
    "callbacks=doctor,visualize": ["gives several values", "write callbacks=[doctor,visualize]"],
    "test=maybe": ["Invalid test=maybe: choose true or false."],
    "run_dir=/": ["/ is not a run, and it contains other directories"],
    "-q model=lenet": ["Unknown flag -q"],
    "--cfg": ["Cannot read the flags", "expected one argument"],
    "--config-path=nowhere": ["Primary config module", "nowhere", "not found", "--help"],
    "--config-name=train2": ["Cannot find primary config 'train2'", "--help"],
    "resume=nowhere --run optim=adam": ["nowhere does not exist"],
    "+=*": ["Cannot read the argument '+=*'"],
    "~": ["Cannot read the argument '~'"],
    "callbacks.best_checkpoint.mode=maximal": ["mode", "min, max"],
    "--experimental-rerun=x.pickle": ["Unknown flag --experimental-rerun"],
    "--exp=x.pickle": ["Unknown flag --experimental-rerun"],
    "optim.learning_rate=1": ["Unknown key optim.learning_rate", "Did you mean optim.lr?"],
    "optim.sgd.lr=1": ["Unknown key optim.sgd.lr", "Did you mean optim=sgd optim.lr=1?"],
    "model.lenet=1": ["Unknown key model.lenet", "Did you mean model=lenet?"],
    "+callbacks.early_stoping.patience=1": [
        "Unknown key callbacks.early_stoping",
        "Did you mean early_stopping?",
    ],
    "+regularization.droput=0.5": ["Unknown key regularization.droput", "Did you mean dropout?"],
    "callbacks.progress=3": ["Invalid callbacks.progress=3", "null"],
    "monitor=acuracy/val": ["Nothing measures monitor=acuracy/val", "Did you mean accuracy/val?"],
    "-m optim.lrr=1,2": ["Unknown key optim.lrr"],
    "optim=adma": ["Unknown optim=adma.", "Did you mean adam"],
    "experiment=nothing": ["Unknown experiment=nothing."],
    "experiment=dead_units": ["Did you mean broken/dead_units?", "broken/saturated_units"],
    "experiment=broken": [
        "experiment=broken is a directory: choose one of broken/dead_units, broken/exploding"
    ],
    "callbacks.early_stopping.monitor=val_loss": ["Nothing measures callbacks.early_stopping.monitor"],
    "monitor=accuracy/vall": ["Nothing measures monitor=accuracy/vall. Did you mean accuracy/val?"],
    "hydra.launcher.jobs=2": ["Unknown key hydra.launcher.jobs. --cfg hydra lists the keys of Hydra."],
    "optim.lrr=1": ["Unknown key optim.lrr", "Did you mean optim.lr?"],
    "lr=0.1": ["Unknown key lr", "Did you mean optim.lr?"],
    "model=mlp model.hiden=[3]": ["Unknown key model.hiden", "Did you mean model.hidden?"],
    "+trainer.max_epoch=3": ["Unknown key trainer.max_epoch", "Did you mean max_epochs?"],
    "optim.lr=abc": ["optim.lr=abc", "a number above 0"],
    "optim.lr=-1": ["optim.lr=-1", "a number above 0"],
    "optim.lr=0": ["optim.lr=0", "a number above 0"],
    "optim.lr=nan": ["Invalid optim.lr=nan: choose a number above 0."],
    "data.batch_size=0": ["Invalid data.batch_size=0: choose an integer of at least 1 or null."],
    "data.batch_size=1.5": ["data.batch_size=1.5", "an integer of at least 1"],
    "trainer.max_epochs=0": ["trainer.max_epochs=0", "an integer of at least 1"],
    "trainer.max_epochs=-3": ["trainer.max_epochs=-3", "an integer of at least 1"],
    "model.dropout=1.0": ["model.dropout=1.0", "a number in [0, 1)"],
    "regularization.dropout=-0.1": ["regularization.dropout=-0.1", "a number in [0, 1)"],
    "seed=abc": ["Invalid seed=abc: choose an integer."],
    "model=mlp model.hidden=abc": ["model.hidden=abc", "a list of at most 100 integers from 1 to 10000"],
    "model=mlp model.hidden=[3,0]": ["model.hidden=[3, 0]", "a list of at most 100 integers from 1 to 10000"],
    "model=mlp model.batch_norm=perhaps": ["Invalid model.batch_norm=perhaps: choose true or false."],
    "model=mlp data=grades": ["MLP cannot read Grades", "num_classes", "Choose another data="],
    "model.activation=gelu": ["Invalid model.activation=gelu: choose one of sigmoid, tanh, relu, identity."],
    "lenet": ["Cannot read the argument 'lenet': write model=lenet."],
    "regularization=dropout model=softmax": ["regularization.dropout=0.5 has no effect", "SoftmaxRegression"],
    "monitor=accuracy/val": ["mode=max"],
    "data=mnist data.root=": ["data.root= needs a path"],
    "resume=nowhere": ["Cannot resume: nowhere does not exist.", "outputs/"],
    "-m resume=nowhere": ["leave out -m"],
    "optim.lr=0.1,0.2": ["optim.lr=0.1,0.2 gives several values", "add -m"],
    "scheduler=step scheduler.interval=week": ["Invalid scheduler.interval=week: choose one of epoch, step."],
    "model=resnet model.depth=60002": ["Invalid model.depth=60002: choose an integer from 1 to 2000."],
    f"model=mlp model.hidden=[{','.join('1' * 500)}]": [
        "Invalid model.hidden=[1, 1,",
        "at most 100 integers",
    ],
    "model=mlp model.hidden=[100000,100000]": ["Invalid model.hidden=[100000, 100000]", "from 1 to 10000"],
    "optim=adam optim.betas=[a,b]": ["Invalid optim.betas=['a', 'b']: choose a list of 2 numbers."],
    "+nonsense=1": ["Unknown key nonsense.", "Available: callbacks, data"],
    "++x.y=1": ["Unknown key x."],
    "+hydra.x=1": ["Unknown key hydra.x. --cfg hydra lists the keys of Hydra."],
    "+data.foo=1": ["Unknown key data.foo."],
    "+trainer.logger=false": ["Unknown key trainer.logger. Instead, choose logger=tensorboard, csv"],
    "trainer.val_check_interval=2": ["Instead, choose trainer.check_val_every_n_epoch."],
    "trainer.max_time=5m": ["Invalid trainer.max_time=5m: write days:hours:minutes:seconds"],
    "trainer.min_epochs=30": ["trainer.min_epochs=30 is more than trainer.max_epochs=20"],
    "trainer.limit_val_batches=0": ["Invalid trainer.limit_val_batches=0", "or a number in (0, 1]"],
    "optim=[adam,sgd]": ["Invalid optim=[adam,sgd]: choose one option of optim=."],
    "data.batch_size=99999999999999999999": ["Invalid data.batch_size=99999999999999999999", "a smaller one"],
    "optim.eps=nan": ["Invalid optim.eps=nan: choose a number."],
    "optim.lr=1e400": ["Invalid optim.lr=inf"],
    "scheduler=step scheduler.step_size=0": ["Invalid scheduler.step_size=0: choose an integer"],
    "scheduler=exponential_to_floor scheduler.steps=0": ["Invalid scheduler.steps=0: choose a number"],
    "scheduler=nothing": ["Unknown scheduler=nothing.", "none", "cosine"],
}


# They take the way of another mistake in the list.
ALIKE = """
--lr=0.1; ~; --exp=x.pickle; model.lenet=1; optim=adma; experiment=nothing; monitor=accuracy/vall; optim.lrr=1
lr=0.1; model=mlp model.hiden=[3]; optim.lr=-1; optim.lr=0; data.batch_size=1.5; trainer.max_epochs=-3
regularization.dropout=-0.1; model=mlp model.hidden=[3,0]; model=mlp model.batch_norm=perhaps; optim.lr=1e400
optim.eps=nan; scheduler=step scheduler.step_size=0; scheduler=exponential_to_floor scheduler.steps=0; ++x.y=1
+data.foo=1; +regularization.droput=0.5; model=mlp model.hidden=[100000,100000]; model=mlp model.hidden=abc
data=image_folder data.size=28; optim=adam optim.betas=[a,b]; data.batch_size=99999999999999999999
""".replace("\n", ";").split(";")
ALIKE = {each.strip() for each in ALIKE if each.strip()}


@pytest.mark.parametrize(
    "command", [pytest.param(each, marks=pytest.mark.slow if each in ALIKE else ()) for each in MISTAKES]
)
def test_mistake_is_said_in_one_sentence(command, train):
    answer = train(*command.split())
    assert answer.code == 1
    (line,) = answer.err.strip().splitlines()
    assert line.startswith("Error: ")
    for words in MISTAKES[command]:
        assert words in line
    assert list(answer.folder.iterdir()) == []  # what was refused leaves nothing


def test_typo_in_an_experiment_names_the_file_and_the_key(train, tmp_path):
    folder = tmp_path / "more" / "experiment"
    folder.mkdir(parents=True)
    (folder / "typo.yaml").write_text("# @package _global_\nsead: 1\n")
    (folder / "deep.yaml").write_text("# @package _global_\ntrainer:\n  max_epoch: 1\n")
    answer = train("--config-dir", str(tmp_path / "more"), "experiment=typo")
    assert answer.code == 1
    assert "experiment/typo" in answer.err and "sead" in answer.err and "Did you mean seed?" in answer.err
    answer = train("--config-dir", str(tmp_path / "more"), "experiment=deep")
    assert answer.code == 1
    assert "Unknown key trainer.max_epoch. Did you mean max_epochs?" in answer.err


LACKS = "{}, which {} does not have: {}."
SET_BY_ANOTHER = {
    "experiment=cifar10_2min data=mnist": (
        "experiment=cifar10_2min sets data.split_fraction",
        "data=mnist",
        "add '~data.split_fraction', or leave out data=mnist",
    ),
    "experiment=cifar10_2min optim=adam": (
        "experiment=cifar10_2min sets optim.momentum",
        "optim=adam",
        "add '~optim.momentum', or leave out optim=adam",
    ),
    "-m experiment=cifar10_2min model=mlp seed=0": (
        "experiment=cifar10_2min sets model.widths",
        "model=mlp",
        "add '~model.widths', or leave out model=mlp",
    ),
    "experiment=history/1952_sgd_softmax model=gan": (
        "model=gan sets optim.betas",
        "optim=sgd",
        "add '~optim.betas'",
    ),
    "sweep=depth_skip model=lenet": (
        "sweep=depth_skip sets model.depth",
        "model=lenet",
        "leave out model=lenet",
    ),
    "--config-dir=own experiment=mine": (
        "experiment=mine sets data.one and data.two",
        "data=digits",
        "add '~data.one' '~data.two'",
    ),
    "--config-dir=own experiment=rate scheduler=none": (
        "experiment=rate sets scheduler.gamma",
        "scheduler=none",
        "leave out scheduler=none",
    ),
    "--config-dir=own experiment=stop callbacks=no_early_stopping": (
        "experiment=stop sets callbacks.early_stopping",
        "callbacks=no_early_stopping",
        "add '~callbacks.early_stopping', or leave out callbacks=no_early_stopping",
    ),
}


QUICK = ("experiment=history/1952_sgd_softmax model=gan", "sweep=depth_skip model=lenet")


@pytest.mark.parametrize(
    "command",
    [pytest.param(each, marks=() if each in QUICK else pytest.mark.slow) for each in SET_BY_ANOTHER],
)
def test_a_key_that_the_user_has_not_typed_is_blamed_on_the_option_that_sets_it(command, train, tmp_path):
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    for name, keys in {
        "mine": "data: {one: 1, two: 2}",
        "rate": "defaults: [{override /scheduler: exponential}]\nscheduler: {gamma: 0.9}",
        "stop": "callbacks: {early_stopping: {patience: 3}}",
    }.items():
        (tmp_path / "own" / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\n{keys}\n")
    answer = train(*command.split())
    assert answer.code == 1 and LACKS.format(*SET_BY_ANOTHER[command]) in answer.err


@pytest.mark.parametrize(
    "command",
    ["experiment=cifar10_2min data=mnist data.split_fraction=0.1", "model=gan optim=sgd +optim.betas=[0,0]"],
)
def test_a_key_that_the_user_has_typed_is_unknown(command, train):
    answer = train(*command.split())
    key = command.split()[-1].lstrip("+").partition("=")[0]
    assert answer.code == 1 and answer.err.startswith(f"Error: Unknown key {key}.")


@pytest.mark.slow
def test_the_way_out_of_a_key_that_an_experiment_sets_works(train):
    words = "experiment=cifar10_2min model=softmax data=digits optim=adam trainer=smoke"
    answer = train(*words.split(), "~model.widths", "~data.split_fraction", "~optim.momentum")
    assert answer.code == 0, answer.err


EXPERIMENTS = {
    "# package _global_\nseed: 1": "mine.yaml must begin with # @package _global_",
    "# @package _global_\ndefaults:\n  - override /modle: mlp": "mine.yaml has an unknown key modle. .*model",
    "# @package _global_\na: [1,\nb: }": "mine.yaml is not valid YAML: .* in line 3",
}


@pytest.mark.parametrize("content", EXPERIMENTS)
def test_a_mistake_in_an_experiment_names_the_file_and_the_key(content, train, tmp_path):
    folder = tmp_path / "own" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(content)
    answer = train("--config-dir", str(tmp_path / "own"), "experiment=mine")
    assert answer.code == 1
    (line,) = answer.err.strip().splitlines()
    assert re.search(EXPERIMENTS[content].replace("?", r"\?"), line)


def test_flags_may_stand_anywhere_and_run_dir_names_the_folder_of_a_sweep(train, tmp_path):
    answer = train(*"model=softmax trainer=smoke -m run_dir=here seed=1,2".split())
    assert answer.code == 0
    assert len(list((tmp_path / "here").glob("*/result.json"))) == 2
    assert not (tmp_path / "outputs").exists()
    assert train("resume=here").code == 0


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), "model=softmax", "trainer=smoke"]
    process = subprocess.Popen(
        [*command, "run_dir=run"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    process.stdout.close()  # as `| head` does
    err = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert len(err.strip().splitlines()) <= 1 and "Traceback" not in err and "BrokenPipe" not in err
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()


def test_the_end_of_a_run_is_its_summary(train):
    answer = train("model=softmax", "trainer=smoke")
    assert "Testing" not in answer.out


def test_full_error_brings_the_traceback_back(train, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="model/lent"):
        train("model=lent")
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="optim.lr=-1"):
        train("optim.lr=-1")


def test_model_that_cannot_read_the_data_says_so(train):
    answer = train("model=lenet", "data=pydoc")
    assert answer.code == 1
    assert "LeNet cannot read" in answer.err and "vocab_size" in answer.err and "in_shape" in answer.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_trainer_without_a_gpu_says_so(train):
    answer = train("trainer=gpu")
    assert answer.code == 1
    assert "no GPU" in answer.err and "trainer=cpu" in answer.err


def test_loss_that_becomes_nan_stops_and_keeps_the_best_checkpoint(train, monkeypatch):
    real = Task.training_step

    def break_later(self, batch, batch_idx):
        loss = real(self, batch, batch_idx)
        return loss * float("nan") if self.trainer.global_step == 50 else loss

    monkeypatch.setattr(Task, "training_step", break_later)
    answer = train("model=softmax", "trainer.max_epochs=3")
    (run,) = answer.runs
    assert answer.code == 1
    assert answer.result["status"] == "diverged"
    assert "The training loss became nan at step 51 (epoch 2)" in answer.err
    assert "learning rate" in answer.err and "try optim.lr=0.0001" in answer.err
    saved = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert saved["epoch"] == 0
    assert all(tensor.isfinite().all() for tensor in saved["state_dict"].values())


def test_exploding_regression_diverges(train):
    answer = train(
        "model=mlp", "model.loss=mse", "optim=sgd", "optim.lr=1e30", "model.init=normal", "model.sigma=1e20"
    )
    assert answer.code == 1
    assert answer.result["status"] == "diverged"


def test_resume_refuses_a_damaged_checkpoint(train):
    (run,) = train("model=softmax", "trainer=smoke").runs
    last = run / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    answer = train(f"resume={run}")
    assert answer.code == 1
    assert "Cannot resume" in answer.err and "damaged" in answer.err


def test_resume_refuses_another_model(train):
    (run,) = train("model=softmax", "trainer=smoke").runs
    answer = train(f"resume={run}", "model=mlp")
    assert answer.code == 1
    assert "holds SoftmaxRegression" in answer.err and "Leave out model=" in answer.err


def test_resume_refuses_other_sizes_of_the_same_model(train):
    (run,) = train("model=mlp", "trainer=smoke").runs
    answer = train(f"resume={run}", "model.hidden=[7]")
    assert answer.code == 1
    assert "model.hidden=[200, 100]" in answer.err


def test_resume_of_a_folder_without_a_run_says_so(train, tmp_path):
    answer = train(f"resume={tmp_path}")
    assert answer.code == 1
    assert "it is not a run" in answer.err


def test_refused_resume_leaves_the_run_as_it_was(train):
    (run,) = train("model=softmax", "trainer=smoke").runs
    files = ("result.json", ".hydra/overrides.yaml", ".hydra/config.yaml", "checkpoints/last.ckpt")
    before = [(run / file).read_bytes() for file in files]
    for mistake in ("trainer.max_epochs=-1", "model=mlp", "data=pydoc", "model.hidden=[3]"):
        assert train(f"resume={run}", mistake).code == 1, mistake
        assert [(run / file).read_bytes() for file in files] == before, mistake
    answer = train(f"resume={run}")
    assert answer.code == 0 and "already finished (1 epoch)" in answer.err
