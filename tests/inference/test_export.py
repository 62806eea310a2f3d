"""scripts/export.py: an exported model gives the same numbers, and model.json is enough to use it."""

import builtins
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from intro_dl import load_run
from intro_dl.data.images import Digits
from intro_dl.inference import portable
from intro_dl.inference.export import main
from intro_dl.inference.portable import Portable, write

FORMATS = ("onnx", "safetensors")
RUNS = {
    "lenet": ("model=lenet", "data=digits"),
    "resnet": ("model=resnet", "data=digits"),
    "perceptron": ("model=perceptron", "data=pass_class"),
    "rosenblatt": ("model=rosenblatt", "data=two_gaussians"),
    "regressor": ("model=regressor", "data=grades"),
    "char_rnn": ("model=char_rnn", "model.hidden_size=6", "data=pydoc", "data.batch_size=64"),
    "char_lstm": (
        "model=char_lstm",
        "model.hidden_size=6",
        "data=pydoc",
        "data.batch_size=64",
        "model.layers=2",
    ),
}


@pytest.fixture
def trained(trained_run):
    """Train a model of RUNS on two batches."""
    return lambda name: trained_run("trainer=smoke", *RUNS[name])


@pytest.fixture
def export(run_main):
    return run_main(main)


def session_of(file: Path):
    onnxruntime = pytest.importorskip("onnxruntime", reason='needs pip install -e ".[export]"')
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def need(name: str) -> None:
    """Skip a format whose packages are missing."""
    packages = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "safetensors": ("safetensors",)}
    for package in packages.get(name, ()):
        pytest.importorskip(package, reason='needs pip install -e ".[export]"')


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("model", RUNS)
def test_every_kind_of_model_gives_the_same_numbers_in_every_format(trained, tmp_path, model, format):
    need(format)
    difference, _ = write(format, Portable(load_run(trained(model))), tmp_path / "file")
    assert difference < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_onnxruntime_names_the_same_digits_fed_by_the_json_alone(trained, export, tmp_path):
    need("onnx")
    code, out, _ = export(trained("lenet"), f"out={tmp_path}")
    assert code == 0 and "the same numbers" in out and len(out.splitlines()) == 2  # nothing of the exporter
    description = json.loads((tmp_path / "model.json").read_text())
    session = session_of(tmp_path / description["files"]["onnx"]["file"])
    data = Digits()
    data.setup()
    pixels, run = data.splits["test"][0], load_run(trained("lenet"))
    norm = description["normalization"]
    prepared = (pixels.numpy() / 255 - np.reshape(norm["mean"], (-1, 1, 1))) / np.reshape(
        norm["std"], (-1, 1, 1)
    )
    (entry,) = description["inputs"]
    assert entry == {"name": "images", "shape": ["batch", 1, 28, 28], "dtype": "float32"}
    scores, chances = session.run(None, {entry["name"]: prepared.astype(entry["dtype"])})
    expected = run.model(run.prepare(pixels))
    assert np.array_equal(scores.argmax(axis=1), expected.argmax(dim=1).numpy())
    assert np.allclose(chances, expected.softmax(dim=1), atol=1e-5)
    assert description["classes"] == list("0123456789")


def test_a_language_model_goes_on_from_the_state_it_gives(trained, export, tmp_path):
    need("onnx")
    export(trained("char_lstm"), f"out={tmp_path}")
    description = json.loads((tmp_path / "model.json").read_text())
    session = session_of(tmp_path / "model.onnx")
    run = load_run(trained("char_lstm"))
    tokens = torch.tensor([[description["alphabet"].index(letter) for letter in "import torch"]])
    names = [entry["name"] for entry in description["outputs"]]
    assert names == ["logits", "next_h", "next_c"]
    sizes = {
        entry["name"]: [1 if side == "batch" else side for side in entry["shape"]]
        for entry in description["inputs"]
    }
    state = {name: np.zeros(size, dtype=np.float32) for name, size in sizes.items() if name != "tokens"}
    steps = []
    for token in tokens[0].tolist():
        logits, h, c = session.run(names, {"tokens": np.array([token]), **state})
        state = {"h": h, "c": c}
        steps.append(logits[0])
    assert np.allclose(np.stack(steps), run.model(tokens)[0][0], atol=1e-5)


def test_the_json_of_a_regression_tells_its_features_and_its_unit(trained, export, tmp_path):
    export(trained("regressor"), "format=safetensors", f"out={tmp_path}")
    description = json.loads((tmp_path / "model.json").read_text())
    assert description["features"] == ["lectures attended", "hours on the project"]
    assert description["target"] == {"name": "grade", "unit": "percent"}
    assert len(description["normalization"]["std"]) == 2


def test_a_model_that_gives_other_numbers_is_not_exported(trained, export, tmp_path, monkeypatch):
    def wrong(model: Portable):
        other = lambda *inputs: [output + 0.01 for output in model.module(*inputs)]  # noqa: E731
        return b"weights", other, "a broken runtime"

    monkeypatch.setitem(portable.WRITERS, "safetensors", wrong)
    code, out, err = export(trained("lenet"), "format=safetensors", f"out={tmp_path / 'out'}")
    assert code == 1 and "cannot be exported as format=safetensors: its numbers differ by up to 0.01" in err
    assert not out and not list((tmp_path / "out").iterdir())


def test_a_missing_package_is_named_with_how_to_install_it(trained, export, tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "onnxruntime":
            raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    code, _, err = export(trained("lenet"), f"out={tmp_path / 'out'}")
    assert code == 1 and "format=onnx needs onnxruntime, which is not installed" in err
    assert 'pip install "onnx' in err


def test_a_file_is_not_taken_for_the_directory_of_the_export(trained, export, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = export(trained("lenet"), f"out={tmp_path / 'taken'}")
    assert code == 1 and "taken: it is a file. Name another one with out=." in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["format=tflite"], "Unknown format=tflite."),
        (["format=onnx,onx"], "Unknown format=onx. Did you mean onnx?"),
        (["fromat=onnx"], "Unknown key fromat. Did you mean format?"),
        (["another"], "Name one run"),
    ],
)
def test_a_wrong_option_gets_one_sentence(trained, export, arguments, sentence):
    code, out, err = export(trained("lenet"), *arguments)
    assert code == 1 and not out and sentence in err and len(err.splitlines()) == 1
