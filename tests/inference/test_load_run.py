"""A run folder is all that is needed to use its model, and opening one from a stranger is safe."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import intro_dl
from intro_dl.data.dataset import TensorData
from intro_dl.data.images import Digits
from intro_dl.data.text import Pydoc
from intro_dl.data.toy import Grades, PassClass
from intro_dl.inference.load import model_class
from intro_dl.runs.checkpoint import read_checkpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def trained(trained_run):
    """Train on two batches."""
    return lambda *overrides: trained_run("trainer=smoke", *overrides)


@pytest.fixture
def run_copy(trained, tmp_path):
    """Copy a run of LeNet that a test may damage."""
    return Path(shutil.copytree(trained(), tmp_path / "copy"))


def change(folder: Path, **entries) -> None:
    """Write the best checkpoint again with other entries."""
    file = folder / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(file, weights_only=True)
    torch.save(checkpoint | entries, file)


class Marker:
    """Runs a command when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_importing_intro_dl_does_not_import_torch():
    code = "import sys, intro_dl; print('torch' in sys.modules, 'load_run' in intro_dl.__all__)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert printed.stdout.split() == ["False", "True"]


def test_a_moved_run_loads_without_hydra_its_data_and_the_folder_it_was_trained_in(run_copy, tmp_path):
    shutil.rmtree(run_copy / ".hydra", ignore_errors=True)
    moved = shutil.move(run_copy, tmp_path / "somewhere else")
    code = (
        "import sys, intro_dl; run = intro_dl.load_run(sys.argv[1]);"
        "print(type(run.model).__name__, run.metadata['data'], 'hydra' in sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, moved], capture_output=True, encoding="utf-8", check=True
    )
    assert printed.stdout.split() == ["LeNet", "Digits", "False"]


def test_the_model_comes_in_eval_mode_without_gradients_and_with_the_weights_of_the_best_epoch(trained):
    run = intro_dl.load_run(trained())
    saved = torch.load(trained() / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert not run.model.training
    assert not any(parameter.requires_grad for parameter in run.model.parameters())
    assert all(torch.equal(weight, saved[name]) for name, weight in run.model.state_dict().items())
    assert run.result.metrics["accuracy/test"] >= 0 and run.epoch == 1 and run.weights == "best"


def test_the_last_weights_can_be_had_too(run_copy):
    file = run_copy / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(file, weights_only=True)
    checkpoint["state_dict"]["logits.bias"].fill_(7.0)
    torch.save(checkpoint, file)
    assert (intro_dl.load_run(run_copy, weights="last").model.logits.bias == 7).all()
    assert (intro_dl.load_run(run_copy).model.logits.bias != 7).all()


def test_loading_leaves_the_random_numbers_of_a_notebook_alone(trained):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    intro_dl.load_run(trained())
    assert torch.equal(torch.rand(1), expected)


def test_the_metadata_of_images_are_their_normalization_and_class_names(trained):
    metadata = intro_dl.load_run(trained()).metadata
    assert list(metadata.pop("fingerprint")) == ["train", "val", "test"]
    assert metadata == {
        "data": "Digits",
        "kind": "images",
        "dims": {"in_shape": [1, 28, 28], "num_classes": 10},
        "classes": list("0123456789"),
        "labels": None,
        "mean": [0.3050],
        "std": [0.3244],
        "background": "dark",
        "digit_box": 28,
    }


def test_the_metadata_of_one_class_against_the_others_say_what_class_1_means(trained):
    metadata = intro_dl.load_run(trained("data.labels=[4,7]", "data=digits", "model=perceptron")).metadata
    assert metadata["classes"] == ["not 4 or 7", "4 or 7"] and metadata["labels"] == [4, 7]
    assert metadata["dims"]["num_classes"] == 2


def test_the_metadata_of_students_are_their_features_and_what_pass_or_the_grade_mean(trained):
    passing = intro_dl.load_run(trained("model=perceptron", "data=pass_class")).metadata
    grades = intro_dl.load_run(trained("model=regressor", "data=grades")).metadata
    assert passing["features"] == grades["features"] == ["lectures attended", "hours on the project"]
    assert passing["classes"] == ["fail", "pass"]
    assert grades["target"] == {"name": "grade", "unit": "percent"} and "classes" not in grades


def test_the_metadata_of_a_text_are_its_alphabet(trained):
    metadata = intro_dl.load_run(trained("model=char_rnn", "data=pydoc")).metadata
    data = Pydoc()
    data.setup()
    assert metadata["alphabet"] == data.alphabet
    assert metadata["dims"] == {"vocab_size": len(data.alphabet)} and metadata["window"] > 0


@pytest.mark.parametrize(
    ("overrides", "data"),
    [
        ((), Digits()),
        (("model=perceptron", "data=pass_class"), PassClass()),
        (("model=regressor", "data=grades"), Grades()),
    ],
)
def test_raw_inputs_are_prepared_exactly_as_in_training(trained, overrides, data: TensorData):
    data.setup()
    inputs = data.splits["test"][0]
    assert torch.equal(intro_dl.load_run(trained(*overrides)).prepare(inputs), data.transform(inputs))


@pytest.mark.parametrize("place", ["extra", "metadata", "hyper_parameters", "state_dict"])
def test_a_checkpoint_that_would_execute_code_is_refused_with_nothing_executed(run_copy, tmp_path, place):
    change(run_copy, **{place: Marker(tmp_path / "executed")})
    with pytest.raises(
        ValueError, match=r"Refused .*best.ckpt.* \((posix|nt).system\).*No code in it was executed"
    ):
        intro_dl.load_run(run_copy)
    assert not (tmp_path / "executed").exists()
    torch.load(run_copy / "checkpoints" / "best.ckpt", weights_only=False)
    assert (tmp_path / "executed").exists()  # so the trap was armed


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_bare_pickle_is_refused_with_nothing_executed(run_copy, tmp_path, protocol):
    trap = pickle.dumps(Marker(tmp_path / "executed"), protocol)
    (run_copy / "checkpoints" / "best.ckpt").write_bytes(trap)
    with pytest.raises(ValueError, match=r"(?i)no code in it was executed"):
        intro_dl.load_run(run_copy)
    assert not (tmp_path / "executed").exists()


def test_an_object_that_is_not_a_plain_value_is_named(run_copy):
    change(run_copy, note=Path("a"))
    with pytest.raises(ValueError, match=r"Refused .* more than tensors and plain values \(pathlib"):
        intro_dl.load_run(run_copy)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_checkpoint_is_named(run_copy, fraction):
    file = run_copy / "checkpoints" / "best.ckpt"
    content = file.read_bytes()
    file.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match=r"best.ckpt is damaged.*weights=last"):
        intro_dl.load_run(run_copy)


def test_a_file_of_tensors_that_is_not_a_checkpoint_is_named(run_copy):
    torch.save({"weight": torch.zeros(2)}, run_copy / "checkpoints" / "best.ckpt")
    with pytest.raises(ValueError, match="is not a checkpoint of intro_dl"):
        intro_dl.load_run(run_copy)


def test_weights_of_another_architecture_are_refused(run_copy):
    change(run_copy, model="CNN")
    with pytest.raises(ValueError, match="does not fit CNN: its weights belong to another architecture"):
        intro_dl.load_run(run_copy)


def test_weights_of_other_sizes_are_refused(run_copy):
    saved = torch.load(run_copy / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    change(run_copy, state_dict=saved | {"logits.bias": torch.zeros(9)})
    with pytest.raises(ValueError, match=r"another architecture \(.*size mismatch for logits.bias"):
        intro_dl.load_run(run_copy)


def test_a_model_larger_than_its_file_is_refused_before_it_takes_memory(run_copy):
    arguments = {"in_shape": [1, 8, 8], "num_classes": 10, "hidden": [10_000] * 9}  # 3 GB
    change(run_copy, model="MLP", hyper_parameters=arguments)
    with pytest.raises(ValueError, match=r"would have 8\d\d,\S* parameters, more than the file has"):
        intro_dl.load_run(run_copy)


def test_metadata_that_contradict_the_model_are_refused(run_copy):
    metadata = intro_dl.load_run(run_copy).metadata
    change(run_copy, metadata=metadata | {"classes": list("012345678")})
    with pytest.raises(ValueError, match="contradict its weights: 9 classes for 10"):
        intro_dl.load_run(run_copy)
    change(run_copy, metadata=metadata | {"dims": {"in_shape": [3, 28, 28], "num_classes": 10}})
    with pytest.raises(ValueError, match=r"built with in_shape=\[1, 28, 28\]"):
        intro_dl.load_run(run_copy)


def test_weights_without_metadata_are_refused(run_copy):
    change(run_copy, metadata=None)
    with pytest.raises(ValueError, match="does not describe its data"):
        intro_dl.load_run(run_copy)


def test_a_checkpoint_of_version_0_1_is_refused_by_all_who_read_it(run_copy):
    change(run_copy, facts={"kind": "images"})
    message = "best.ckpt was written by intro_dl 0.1, and this version cannot read it. Train it again."
    with pytest.raises(ValueError, match=message):
        read_checkpoint(run_copy / "checkpoints" / "best.ckpt")
    with pytest.raises(ValueError, match=message):
        intro_dl.load_run(str(run_copy))


def test_a_run_of_version_0_1_is_not_resumed(train):
    run = train("model=softmax", "trainer=smoke").runs[0]
    file = run / "checkpoints" / "last.ckpt"
    torch.save(torch.load(file, weights_only=True) | {"facts": {}}, file)
    answer = train(f"resume={run}", "trainer.max_epochs=2")
    assert answer.code == 1 and "last.ckpt was written by intro_dl 0.1, and this version" in answer.err


def test_every_model_of_an_option_is_found_by_its_name():
    options = [file.read_text() for file in (ROOT / "configs" / "model").rglob("*.yaml")]
    names = re.findall(r"_target_: intro_dl\.models\..*\.(\w+)", "\n".join(options))
    assert len(names) == len(options) and all(model_class(name) is not None for name in names)


@pytest.mark.parametrize("name", ["os.system", "system", "Task", "Classifier", "nn", "import_module"])
def test_a_checkpoint_can_name_no_class_but_a_lecture_model(name):
    assert model_class(name) is None


def test_every_lecture_model_is_found_by_its_name():
    names = ["LeNet", "MLP", "MLPRegressor", "SoftmaxRegression", "CharLSTM", "Torchvision", "Rosenblatt"]
    assert [model_class(name).__name__ for name in names] == names


def test_a_folder_that_is_not_a_run_is_told_from_a_folder_of_runs(run_copy, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty is not a run: it has no checkpoints/best.ckpt"):
        intro_dl.load_run(tmp_path / "empty")
    with pytest.raises(ValueError, match="is not a run, it contains 1. Name one, e.g. .*copy"):
        intro_dl.load_run(tmp_path)
    with pytest.raises(ValueError, match="There is no directory .*missing"):
        intro_dl.load_run(tmp_path / "missing")
    with pytest.raises(ValueError, match="is a file. Name the run folder"):
        intro_dl.load_run(run_copy / "checkpoints" / "best.ckpt")


def test_a_run_without_any_weights_is_not_taken_for_a_folder_of_runs(run_copy):
    for file in (run_copy / "checkpoints").glob("*.ckpt"):
        file.unlink()
    with pytest.raises(ValueError, match=r"The run .*copy has no weights: checkpoints/best.ckpt and"):
        intro_dl.load_run(run_copy)


def test_a_run_without_its_best_weights_offers_the_last(run_copy):
    (run_copy / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(ValueError, match="has no best weights. Choose weights=last"):
        intro_dl.load_run(run_copy)
    assert intro_dl.load_run(run_copy, weights="last").weights == "last"


def test_an_unfinished_run_has_no_result_but_a_model(run_copy):
    (run_copy / "result.json").write_text('{"status": ')
    assert intro_dl.load_run(run_copy).result.status == "damaged"
