"""A loaded run in a notebook: predict anything that is an image or a row, plot, history, sample."""

import importlib
import json
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import intro_dl
from intro_dl.cli.saved_command import with_saved_command
from intro_dl.data.images import Digits
from intro_dl.inference import predict as predict_script


@pytest.fixture
def loaded(trained_run):
    """Train on two batches, and load the run."""
    return lambda *overrides: intro_dl.load_run(trained_run("trainer=smoke", *overrides))


@pytest.fixture(scope="module")
def digits():
    data = Digits()
    data.setup()
    return data.splits["test"][0]  # uint8 (N, 1, 28, 28)


def test_an_image_in_any_form_gets_the_record_of_the_script(loaded, digits, tmp_path, run_main):
    run, pixels = loaded(), digits[0, 0].numpy()
    file = tmp_path / "digit.png"
    Image.fromarray(pixels).save(file)
    code, out, err = run_main(predict_script.main)(run.folder, file, "format=json")
    (expected,) = json.loads(out)
    assert run.predict(file) == run.predict(str(file)) == expected
    del expected["file"]
    color = np.repeat(pixels[:, :, None], 3, axis=2)
    forms = [Image.open(file), pixels, pixels[:, :, None], pixels / 255, color, digits[0], digits[0] / 255.0]
    forms += [pixels.astype(np.int64), color.transpose(2, 0, 1), torch.from_numpy(pixels)]
    assert all(run.predict(form) == expected for form in forms)
    assert run.predict(forms) == [expected] * len(forms)
    assert torch.equal(run.prepare(forms), run.prepare(digits[:1]).expand(len(forms), -1, -1, -1))


def test_several_images_are_a_batch_a_list_or_a_directory(loaded, digits, tmp_path):
    run = loaded()
    assert [record["class"] for record in run.predict(digits[:4], top=1)] == [
        run.predict(image)["class"] for image in digits[:4]
    ]
    Image.fromarray(digits[0, 0].numpy()).save(tmp_path / "digit.png")
    assert len(run.predict(tmp_path)) == 1
    good, bad = run.predict([tmp_path / "digit.png", tmp_path / "missing.png"])
    assert "class" in good and "There is no file" in bad["error"]


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (np.zeros((5, 28, 28)), "An array of the shape 5x28x28 is not an image"),
        (np.full((28, 28), 300), "An array of int64 from 300 to 300 is not an image"),
        (np.full((28, 28), np.nan), "An array of float64 from nan to nan is not an image"),
        (np.full((28, 28), -1.0), "An array of float64 from -1 to -1 is not an image"),
        (np.zeros((0, 28)), "An array of the shape 0x28 is not an image"),
        (None, "Cannot read a value of type NoneType as an image"),
        ([1, 2], "Cannot read a value of type int as an image"),
        ("missing.png", "There is no file missing.png."),
    ],
)
def test_what_is_not_an_image_is_one_sentence(loaded, inputs, sentence):
    with pytest.raises(ValueError, match=sentence):
        loaded().predict(inputs)


def test_a_table_given_to_a_model_of_images_is_named(loaded, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="rows.csv is a table, but .* was trained on images"):
        loaded().predict(tmp_path / "rows.csv")


def test_rows_of_numbers_are_predicted_in_any_form(loaded, tmp_path):
    import pandas as pd

    run = loaded("model=perceptron", "data=pass_class")
    one = run.predict([4, 5])
    assert one["class"] in run.metadata["classes"] and one == run.predict("4,5") | {"row": 1}
    table = pd.DataFrame([[4, 5], [8, 1]], columns=run.metadata["features"])
    table.to_csv(tmp_path / "rows.csv", index=False)
    classes = [run.predict(row)["class"] for row in ([4, 5], [8, 1])]
    forms = [[[4, 5], [8, 1]], torch.tensor([[4, 5], [8, 1]]), table, table[table.columns[::-1]]]
    for form in [*forms, tmp_path / "rows.csv"]:
        assert [record["class"] for record in run.predict(form)] == classes
    with pytest.raises(ValueError, match="The model reads rows of 2 numbers"):
        run.predict([1, 2, 3])
    with pytest.raises(ValueError, match="are not rows of numbers"):
        run.predict(["a", "b"])


def test_a_text_model_samples(loaded):
    run = loaded("model=char_rnn")
    assert len(run.sample("def ", length=20)) == 24
    with pytest.raises(ValueError, match=r"use run.sample\(prompt"):
        run.predict("def ")


def test_history_plot_and_repr_tell_how_the_run_went(loaded, trained_run):
    run = loaded()
    assert list(run.history["epoch"]) == [1] and "loss/val" in run.history
    loss, accuracy = run.plot().axes
    assert (loss.get_title(), accuracy.get_title()) == ("loss", "accuracy")
    train, val, best = loss.get_lines()
    assert train.get_color() != val.get_color() and train.get_linestyle() != val.get_linestyle()
    assert best.get_label() == "best: epoch 1"
    assert run.plot()._repr_png_().startswith(b"\x89PNG")
    assert repr(run).startswith("LeNet on Digits: best weights (epoch 1), loss/val ")


@pytest.fixture
def outputs(trained_run, tmp_path, monkeypatch):
    """Go to a directory with three runs; the newest is a job of a sweep."""
    monkeypatch.chdir(tmp_path)
    for place, age in (("lenet/b", 2), ("sweeps/one/0_seed=1", 1), ("mlp/a", 3)):
        shutil.copytree(trained_run("trainer=smoke"), f"outputs/{place}")
        os.utime(f"outputs/{place}/checkpoints/last.ckpt", (1e9 - age, 1e9 - age))
    return tmp_path / "outputs"


NEWEST = os.path.join("outputs", "sweeps", "one", "0_seed=1")


def test_latest_is_the_run_whose_weights_are_newest(outputs, capsys, tmp_path, monkeypatch):
    assert str(intro_dl.load_run("latest").folder) == NEWEST
    assert capsys.readouterr().err == f"latest: {NEWEST}\n"
    shutil.copytree(outputs / "lenet" / "b", "latest")  # a directory of this name is meant
    assert str(intro_dl.load_run("latest").folder) == "latest"
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(ValueError, match="There is no run below outputs/"):
        intro_dl.load_run("latest")


@pytest.mark.parametrize("name", ["evaluate", "predict", "sample", "export", "compare"])
def test_every_script_knows_latest_and_says_which_run_it_took(name, outputs, run_main):
    Image.new("L", (28, 28)).save("digit.png")
    module = importlib.import_module(
        "intro_dl.compare.command" if name == "compare" else f"intro_dl.inference.{name}"
    )
    code, out, err = run_main(module.main)("latest", *["digit.png"] * (name == "predict"))
    place = os.path.dirname(NEWEST) if name == "compare" else NEWEST
    assert err.count(f"latest: {place}\n") == 1
    assert code == 0 or "cannot write text" in err or "onnx" in err  # not a run of a text model; an extra


def test_the_latest_run_is_resumed_with_its_sweep(outputs):
    last = os.path.join(NEWEST, "checkpoints", "last.ckpt")
    assert with_saved_command(["resume=latest"]) == [f"resume={last}"]
    (outputs / "sweeps" / "one" / "multirun.yaml").write_text(
        "hydra: {overrides: {task: [seed=1], hydra: []}}"
    )
    assert f"resume={os.path.dirname(NEWEST)}" in with_saved_command(["resume=latest"])
