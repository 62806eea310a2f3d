"""Speed never changes what is computed: a run gives the weights of a plain loop over the same batches."""

import subprocess
import sys
from copy import deepcopy
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch.nn import functional as F

from intro_dl.data.images import Digits
from intro_dl.inference.load import load_run
from intro_dl.models.lenet import LeNet
from intro_dl.models.resnet import ResNet
from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.training import speed
from intro_dl.training.build import build_trainer
from tests.conftest import ROOT

STEPS = 10
QUICK = [
    "trainer.max_epochs=1",
    f"trainer.limit_train_batches={STEPS}",
    "callbacks.mistakes=null",
    "test=false",
]
OPTIMIZERS = {"adam": partial(torch.optim.Adam, lr=1e-3), "sgd": partial(torch.optim.SGD, lr=0.01)}


def plain_loop(model_class, optimizer):
    """Train as a student would: image by image, torch's plain optimizer, no Lightning."""
    torch.manual_seed(0)
    data = Digits()
    data.setup()
    model = model_class(**data.dims)
    optimizer = OPTIMIZERS[optimizer](model.parameters(), foreach=False, fused=False)
    images, labels = data.splits["train"]
    order = data.train_dataloader().order()
    for step in range(STEPS):
        chosen = order[32 * step : 32 * (step + 1)].tolist()
        batch = torch.stack([(images[i] / 255 - data.MEAN[0]) / data.STD[0] for i in chosen])
        loss = F.cross_entropy(model(batch), torch.stack([labels[i] for i in chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.mark.parametrize(
    ("model_class", "optimizer", "tolerance"),
    # Sums in another order differ in their last digits, in a deep net by more; one other image in the batches
    # changes the statistics of a ResNet's batch norm by over 1e-3 of the largest.
    [(LeNet, "adam", 1e-4), (LeNet, "sgd", 1e-4), (ResNet, "sgd", 3e-4)],
)
def test_a_run_gives_the_weights_of_a_plain_loop_over_the_same_batches(
    model_class, optimizer, tolerance, trained_run
):
    chosen = [f"model={model_class.__name__.lower()}", "data=digits", f"optim={optimizer}", "scheduler=step"]
    rate = OPTIMIZERS[optimizer].keywords["lr"]
    run = trained_run(*chosen, f"optim.lr={rate}", "regularization=none", *QUICK)
    fast = load_run(run, weights="last").model.state_dict()
    for name, value in plain_loop(model_class, optimizer).state_dict().items():
        largest_difference = float((fast[name] - value).abs().max())
        assert largest_difference <= tolerance * max(1.0, float(value.abs().max())), name


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has mallopt")
def test_the_memory_of_freed_tensors_is_used_again_as_it_is():
    import resource

    speed.keep_freed_memory()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2**24)  # 16,384 pages
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 4 * 16_384


def test_a_step_calls_only_the_callbacks_that_have_a_hook_for_it():
    class Counts(pl.Callback):
        ended = 0

        def on_train_batch_end(self, *arguments):
            self.ended += 1

    counts, own = Counts(), Counts()
    own.on_before_backward = lambda *arguments: None  # as LambdaCallback does
    speed.skip_empty_hooks([counts, own])
    called = [[hook for hook in speed.HOOKS_OF_A_STEP if getattr(each, hook)] for each in (counts, own)]
    assert called == [["on_train_batch_end"], ["on_before_backward", "on_train_batch_end"]]
    data = Digits()
    options = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    trainer = pl.Trainer(max_steps=3, accelerator="cpu", callbacks=[counts, own], **options)
    trainer.fit(LeNet(**data.dims), data)
    assert (counts.ended, own.ended) == (3, 3)


SMALL = ["model=softmax", "trainer=smoke", "trainer.accelerator=cpu"]
HALF = [*SMALL, "trainer.precision=bf16-mixed"]


@pytest.fixture
def slow_bfloat16(monkeypatch):
    """Pretend that a step takes 1 ms in float32 and 2 ms in bfloat16."""
    monkeypatch.setattr(speed, "probe", lambda *_: (0.001, 0.002))


@pytest.mark.parametrize(("slower", "sizes"), [(4, [8]), (2, [8, 256])])
def test_a_few_examples_show_that_bfloat16_is_much_slower(slower, sizes, monkeypatch):
    asked, clock = [], [0.0]

    def rehearsal(model, data, device, examples):
        asked.append(examples)
        return lambda: clock.append(clock[-1] + (slower if torch.is_autocast_enabled("cpu") else 1))

    monkeypatch.setattr(speed, "rehearsal", rehearsal)
    monkeypatch.setattr(speed, "_now", lambda device: clock[-1])
    assert speed.probe(None, None, torch.device("cpu")) == (1, slower)
    assert asked == sizes


def test_bfloat16_is_refused_in_a_sentence_where_it_would_be_slower(train, slow_bfloat16):
    answer = train("model=softmax", "trainer=bf16", "trainer.accelerator=cpu")
    assert answer.code == 1
    assert "bfloat16 is slower here: a step of SoftmaxRegression takes 2.0 ms" in answer.err
    assert "trainer.precision=32-true" in answer.err
    assert not list(answer.folder.rglob("*.ckpt"))


def test_a_recipe_in_bfloat16_runs_everywhere_and_says_where_it_is_slower(train, slow_bfloat16):
    answer = train(*HALF, "+trainer.if_slower=warn")
    assert answer.code == 0
    assert "bfloat16 is slower here" in answer.err


def test_a_recipe_in_bfloat16_can_take_float32_where_it_is_faster_and_says_so(train, slow_bfloat16):
    answer = train(*HALF, "+trainer.if_slower=float32")
    assert answer.code == 0 and "slower" not in answer.err
    assert answer.result["precision"] == "32-true"


def test_a_resumed_run_keeps_the_precision_it_had(train, monkeypatch):
    monkeypatch.setattr(speed, "probe", lambda *_: (0.002, 0.001))
    first = train(*HALF, "+trainer.if_slower=float32")
    assert first.result["precision"] == "bf16-mixed"
    monkeypatch.setattr(speed, "probe", lambda *_: (0.001, 0.002))  # on another machine
    again = train(f"resume={first.runs[0]}", "trainer.max_epochs=2")
    assert again.code == 0, again.err
    assert again.result["precision"] == "bf16-mixed"


def test_the_probe_of_bfloat16_changes_neither_the_weights_nor_the_random_numbers():
    data = Digits(augment="affine")
    data.setup()
    model = ResNet(**data.dims)
    before, random = deepcopy(model.state_dict()), torch.random.get_rng_state()
    full, half = speed.probe(model, data, torch.device("cpu"), rounds=1)
    assert full > 0 and half > 0
    assert torch.equal(torch.random.get_rng_state(), random)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(("model", "name"), [("softmax", "metrics"), ("char_rnn", "metrics_and_state")])
def test_compile_compiles_the_step_of_training_alone_and_nothing_that_looks_inside(
    model, name, train, monkeypatch
):
    calls = []

    def follow(function, **_):
        return lambda *inputs: calls.append((function.__name__, torch.is_grad_enabled())) or function(*inputs)

    monkeypatch.setattr(torch, "compile", follow)
    assert train(f"model={model}", *SMALL[1:], "trainer.compile=true").code == 0
    assert calls == [(name, True)] * 2  # trainer=smoke trains and validates on two batches


@pytest.mark.slow
def test_a_compiled_step_gives_the_same_weights(trained_run):
    chosen = ["model=lenet", "data=digits", "regularization=dropout", *QUICK]
    compiled, plain = (
        load_run(trained_run(*chosen, f"trainer.compile={on}"), weights="last").model.state_dict()
        for on in ("true", "false")
    )
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize("model", ["softmax", "char_lstm"])
def test_mixed_precision_with_clipped_gradients_trains(model, train):
    answer = train(f"model={model}", *HALF[1:], "trainer.gradient_clip_val=1.0")
    if model == "char_lstm" and "cannot run CharLSTM in bfloat16" in answer.err:
        pytest.skip("this CPU has no instructions for an LSTM in bfloat16")
    assert answer.code == 0, answer.err


def test_a_device_that_cannot_run_a_model_in_bfloat16_gets_a_sentence(train, monkeypatch):
    def fail(*_):
        raise RuntimeError("could not create a primitive descriptor")

    monkeypatch.setattr(speed, "probe", fail)
    answer = train(*HALF)
    assert answer.code == 1 and "cannot run SoftmaxRegression in bfloat16" in answer.err
    assert "trainer.precision=32-true" in answer.err


def test_lightning_does_not_time_every_step(make_config):
    assert isinstance(build_trainer(make_config(*SMALL)).profiler, speed.Unprofiled)


def test_a_checkpoint_of_a_gpu_is_read_without_one(trained_run, tmp_path, monkeypatch):
    saved = read_checkpoint(trained_run(*SMALL) / "checkpoints" / "last.ckpt")
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(saved, tmp_path / "gpu.ckpt")
    assert b"cuda:0" in (tmp_path / "gpu.ckpt").read_bytes()
    assert read_checkpoint(tmp_path / "gpu.ckpt")["state_dict"]["logits.bias"].device.type == "cpu"


def test_the_benchmark_of_a_gpu_says_that_it_needs_one(monkeypatch, run_main):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    import gpu

    code, out, err = run_main(gpu.main)()
    assert (code, err) == (1, "Error: benchmarks/gpu.py needs a GPU, and torch finds none on this machine.\n")


@pytest.mark.gpu
@pytest.mark.parametrize("chosen", [["trainer=gpu"], ["trainer=bf16", "trainer.accelerator=gpu"]])
def test_on_a_gpu_the_data_and_the_weights_stay_there(chosen, train, monkeypatch):
    devices = set()
    step = LeNet.training_step

    def watched(self, batch, batch_idx):
        devices.update(tensor.device.type for tensor in (*batch, *self.parameters()))
        assert self.trainer.train_dataloader.inputs.is_cuda
        return step(self, batch, batch_idx)

    monkeypatch.setattr(LeNet, "training_step", watched)
    answer = train(
        "model=lenet", "data=digits", *chosen, "trainer.max_epochs=3", "++trainer.if_slower=ignore"
    )
    assert answer.code == 0
    assert devices == {"cuda"}
    assert answer.result["accuracy/val"] > 0.8


@pytest.mark.gpu
def test_on_a_gpu_a_run_gives_the_weights_of_a_plain_loop(trained_run):
    chosen = ["model=lenet", "data=digits", "optim=sgd", "optim.lr=0.01", "regularization=none", *QUICK]
    fast = load_run(trained_run(*chosen, "trainer.accelerator=gpu"), weights="last").model.state_dict()
    for name, value in plain_loop(LeNet, "sgd").state_dict().items():
        torch.testing.assert_close(fast[name], value, rtol=1e-2, atol=2e-3, msg=name)  # TF32 has 10 bits


def test_a_benchmark_replaces_its_own_section_and_keeps_the_others(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import report

    file = tmp_path / "RESULTS.md"
    for script, text in (("b.py", "first"), ("a.py", "other\n\n| 1 |"), ("b.py", "second")):
        report.write_section(script, text, file)
    assert file.read_text() == (
        report.TITLE + "\n## `python a.py`\n\nother\n\n| 1 |\n\n## `python b.py`\n\nsecond\n"
    )


def test_a_run_imports_scikit_learn_only_for_its_data_and_a_forked_job_only_its_model(tmp_path):
    code = f"""
import gc, sys, intro_dl.training.train, intro_dl.data.mnist
assert not {{"sklearn", "pandas", "plotly"}} & set(sys.modules)
import intro_dl.training.preload
from intro_dl.cli.train import main
before = set(sys.modules)
main(["model=mlp", "trainer=smoke", "run_dir={tmp_path.as_posix()}/run"])
heavy = ("intro_dl", "torch", "pytorch_lightning", "matplotlib", "PIL", "tensorboard", "rich", "fsspec")
print(gc.get_freeze_count() > 100_000, [name for name in set(sys.modules) - before if name.startswith(heavy)])
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout.splitlines()[-1] == "True ['intro_dl.models.mlp']"
