"""What a GPU promises: the results of the CPU, the same weights twice, no waiting, and resuming elsewhere.

benchmarks/gpu.py measures how fast it is.
"""

import json

import pytest
import pytorch_lightning as pl
import torch

from intro_dl.data.images import Digits
from intro_dl.data.text import Pydoc
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.lenet import LeNet
from intro_dl.models.resnet import ResNet
from intro_dl.training.checkpoints import MiddleOfEpoch
from intro_dl.training.divergence import StopWhenNotFinite
from tests.conftest import draw_pets

pytestmark = pytest.mark.gpu
GPU, ALL = "trainer.accelerator=gpu", "callbacks=no_early_stopping"
FEW = [
    "trainer.max_epochs=1",
    "trainer.limit_train_batches=12",
    "trainer.limit_val_batches=1",
    "test=false",
    ALL,
]


def result(run):
    return json.loads((run / "result.json").read_text(encoding="utf-8"))


def weights(run):
    saved = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True, map_location="cpu")
    return saved["state_dict"]


def assert_same_weights(one, two):
    first, second = weights(one), weights(two)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_a_run_of_one_seed_is_as_accurate_on_a_gpu_as_on_a_cpu(data_root, trained_run):
    words = ["model=lenet", "data=mnist", f"data.root={data_root}", "trainer.max_epochs=2", ALL]
    cpu, gpu = (result(trained_run(*words, f"trainer.accelerator={device}")) for device in ("cpu", "gpu"))
    assert cpu["device"] == "cpu" != gpu["device"]
    assert gpu["accuracy/test"] == pytest.approx(cpu["accuracy/test"], abs=0.003)


@pytest.mark.parametrize(
    "words",
    [
        ["model=lenet", "data.augment=affine", "regularization=dropout"],
        ["model=resnet", "data.augment=crop_flip", "trainer.precision=bf16-mixed"],
        ["model=char_lstm"],
    ],
    ids=lambda words: words[0],
)
def test_deterministic_gives_the_same_weights_twice(words, trained_run):
    same = [*words, "trainer.deterministic=true", "trainer.benchmark=false", GPU, *FEW]
    # Another progress bar makes another run of it.
    assert_same_weights(trained_run(*same), trained_run(*same, "trainer.enable_progress_bar=false"))


@pytest.mark.parametrize("model", ["lenet", "resnet"])
def test_bfloat16_trains_with_weights_of_float32(model, trained_run):
    half = ["trainer.precision=bf16-mixed", "trainer.max_epochs=3", GPU, ALL]
    run = trained_run(f"model={model}", "data=digits", *half)
    assert result(run)["accuracy/val"] > 0.8
    assert {value.dtype for value in weights(run).values() if value.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize(("before", "after"), [("gpu", "cpu"), ("cpu", "gpu")])
def test_a_run_resumes_on_the_other_device(before, after, train):
    words = ["model=lenet", "data=digits", "data.augment=affine", "run_dir=run", ALL]
    assert train(*words, f"trainer.accelerator={before}", "trainer.max_epochs=2").code == 0
    answer = train("resume=run", f"trainer.accelerator={after}", "trainer.max_epochs=4")
    assert answer.code == 0, answer.err
    found = result(answer.folder / "run")
    assert found["epochs"] == 4 and (found["device"] == "cpu") == (after == "cpu")
    assert found["accuracy/val"] > 0.85


@pytest.mark.parametrize("before", ["gpu", "cpu"])
def test_a_run_resumes_on_the_other_device_in_the_middle_of_an_epoch(before, train, monkeypatch):
    words = ["model=lenet", "data=digits", "data.augment=affine", "run_dir=run", ALL]
    words += ["trainer.max_epochs=2", "callbacks.last_checkpoint.every_n_steps=60"]  # an epoch has 41

    def fail(self, trainer, module, outputs, batch, batch_idx):
        if trainer.global_step == 61:
            raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr(MiddleOfEpoch, "on_train_batch_end", fail)
        assert train(*words, f"trainer.accelerator={before}").code == 1
    after = {"gpu": "cpu", "cpu": "gpu"}[before]
    answer = train("resume=run", f"trainer.accelerator={after}")
    assert answer.code == 0, answer.err
    assert "Resuming run at epoch 2 of 2" in answer.out
    assert result(answer.folder / "run")["epochs"] == 2


class Waits(pl.Callback):
    """Let torch raise an error where a step waits for the GPU, after the first steps."""

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if batch_idx == 3:
            torch.cuda.set_sync_debug_mode("error")

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if batch_idx == 9:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    ("data", "model", "precision"),
    [(Digits(augment="affine"), LeNet, "32-true"), (Digits(augment="crop_flip"), ResNet, "bf16-mixed")]
    + [(Pydoc(), CharLSTM, "32-true")],
    ids=["lenet", "resnet", "char_lstm"],
)
def test_no_step_waits_for_the_gpu(data, model, precision, tmp_path):
    trainer = pl.Trainer(
        accelerator="gpu",
        devices=1,
        precision=precision,
        max_epochs=1,
        limit_train_batches=11,
        limit_val_batches=0,
        callbacks=[Waits(), StopWhenNotFinite()],
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    try:
        data.setup()
        trainer.fit(model(**data.dims), data)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert trainer.global_step == 11


def test_images_in_a_file_give_the_weights_of_images_on_the_gpu(tmp_path_factory, trained_run):
    folder = tmp_path_factory.mktemp("images")
    draw_pets(folder / "pets", 200)
    words = ["model=lenet", "data=image_folder", f"data.root={folder}/pets", "data.batch_size=16"]
    words += ["trainer.deterministic=true", GPU, *FEW]
    in_file = ["data.in_memory_limit=0", f"data.cache={folder}/cache"]
    assert_same_weights(trained_run(*words), trained_run(*words, *in_file))
