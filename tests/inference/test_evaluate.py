"""scripts/evaluate.py: numbers equal those of training, definitions hold, bad input gets one sentence."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from intro_dl import load_run
from intro_dl.data.cifar10 import CIFAR10
from intro_dl.data.text import TinyShakespeare
from intro_dl.inference.data import check_same_metadata, data_for
from intro_dl.inference.evaluate import main
from intro_dl.inference.metrics import class_table, expected_calibration_error, reliability


@pytest.fixture
def evaluate(run_main):
    return run_main(main)


@pytest.fixture
def softmax(trained_run, tmp_path):
    """Train a softmax regression on digits, in a folder that a test may change."""
    return Path(
        shutil.copytree(trained_run("model=softmax", "data=digits", "trainer.max_epochs=1"), tmp_path / "r")
    )


def report_of(folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text())


@pytest.mark.parametrize("split", ["test", "val"])
@pytest.mark.parametrize(
    "overrides",
    [
        ("model=softmax", "data=digits", "trainer.max_epochs=1"),
        ("model=perceptron", "data=pass_class", "trainer.max_epochs=1"),
        ("model=regressor", "data=grades", "trainer.max_epochs=1"),
        ("model=rosenblatt", "data=two_gaussians", "trainer.max_epochs=1"),
        (
            "model=char_rnn",
            "model.hidden_size=8",
            "data=pydoc",
            "data.batch_size=256",
            "trainer.max_epochs=1",
        ),
    ],
    ids=lambda overrides: overrides[0],
)
def test_the_numbers_are_those_that_training_measured(trained_run, evaluate, tmp_path, overrides, split):
    run = trained_run(*overrides)
    code, _, _ = evaluate(run, f"split={split}", f"out={tmp_path / 'out'}")
    assert code == 0
    report, result = report_of(tmp_path / "out"), json.loads((run / "result.json").read_text())
    for name in ("loss", "accuracy", "absolute_error", "bits_per_char"):
        if f"{name}/{split}" in result:
            assert report["numbers"][name] == pytest.approx(result[f"{name}/{split}"], rel=1e-4)


@pytest.mark.pictures
def test_a_classifier_gets_tables_and_pictures_in_the_folder_of_its_run(softmax, evaluate):
    code, out, _ = evaluate(softmax)
    folder = softmax / "evaluation"
    names = {file.name for file in folder.iterdir()}
    tables = {f"{name}.csv" for name in ("classes", "confusion_matrix", "reliability", "mistakes")}
    pictures = {f"{name}.png" for name in ("confusion_matrix", "reliability", "mistakes")}
    assert code == 0 and names == tables | pictures | {"evaluation.json"}
    for name in pictures:
        with Image.open(folder / name) as picture:
            picture.verify()
    report = report_of(folder)
    counts = [[row[str(k)] for k in range(10)] for row in report["confusion_matrix"]]
    assert sum(map(sum, counts)) == report["n"] == 300
    assert report["numbers"]["accuracy"] == pytest.approx(sum(counts[k][k] for k in range(10)) / 300)
    assert "precision" in out and "expected calibration error" in out


def test_the_mistakes_are_listed_most_confident_first_and_are_mistakes(softmax, evaluate):
    evaluate(softmax)
    with (softmax / "evaluation" / "mistakes.csv").open() as file:
        rows = list(csv.DictReader(file))
    chances = [float(row["probability"]) for row in rows]
    run = load_run(softmax)
    images, labels = data_for(run, None, {}).splits["test"]
    assert chances == sorted(chances, reverse=True) and rows
    for row in rows:
        place = int(row["example"])
        answer = int(run.model(run.prepare(images[place : place + 1])).argmax())
        assert (row["true class"], row["predicted class"]) == (str(int(labels[place])), str(answer))
        assert answer != labels[place]


def test_precision_and_recall_are_none_where_there_is_nothing_to_divide_by():
    targets, predicted = torch.tensor([0, 0, 0, 0, 2, 2]), torch.tensor([0, 0, 0, 1, 0, 0])
    rows = class_table(targets, predicted, ["a", "b", "c"])
    assert [row["precision"] for row in rows] == [3 / 5, 0.0, None]
    assert [row["recall"] for row in rows] == [3 / 4, None, 0.0]
    assert [row["n"] for row in rows] == [4, 0, 2]


def test_the_calibration_error_is_the_mean_gap_weighted_by_the_examples():
    confidence = torch.tensor([0.95, 0.95, 0.95, 0.95, 0.55])
    right = torch.tensor([True, True, True, False, False])
    rows = reliability(confidence, right)
    assert [(row["n"], row["accuracy"]) for row in rows] == [(1, 0.0), (4, 0.75)]
    assert expected_calibration_error(rows) == pytest.approx((4 * 0.20 + 1 * 0.55) / 5, abs=1e-6)


def test_a_model_whose_accuracy_equals_its_confidence_is_calibrated():
    generator = torch.Generator().manual_seed(0)
    confidence = 0.5 + 0.5 * torch.rand(200_000, generator=generator)
    right = torch.rand(200_000, generator=generator) < confidence
    assert expected_calibration_error(reliability(confidence, right)) < 0.005


def test_bins_hold_their_upper_end_and_the_first_also_zero():
    rows = reliability(
        torch.tensor([0.0, 0.1, 0.5, 1.0], dtype=torch.float64), torch.ones(4, dtype=torch.bool)
    )
    assert [(row["from"], row["n"]) for row in rows] == [(0.0, 2), (0.4, 1), (0.9, 1)]


def test_scores_that_are_not_probabilities_get_no_calibration(trained_run, evaluate, tmp_path):
    run = trained_run("model=rosenblatt", "data=two_gaussians", "trainer.max_epochs=1")
    _, out, _ = evaluate(run, f"out={tmp_path / 'out'}")
    assert "are not probabilities" in out and "reliability" not in report_of(tmp_path / "out")


def test_other_data_are_prepared_with_the_mean_of_the_run(softmax, evaluate, data_root):
    code, out, _ = evaluate(softmax, "data=mnist", f"data.root={data_root}")
    (folder,) = (softmax / "evaluation").glob(f"mnist_root={data_root.name}*")
    report = report_of(folder)
    run = load_run(softmax)
    images, labels = data_for(run, "mnist", {"root": str(data_root)}).splits["test"]
    with torch.no_grad():
        answers = run.model((images.float() / 255 - 0.3050) / 0.3244).argmax(dim=1)
    assert code == 0 and report["data"] == "MNIST"
    assert report["numbers"]["accuracy"] == pytest.approx((answers == labels).float().mean().item(), abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["data=moons"], "trained with kind=images, but Moons has kind=points"),
        (["data=nmist"], "Unknown data=nmist. Did you mean mnist?"),
        (["split=training"], "Unknown split=training."),
        (["spilt=val"], "Unknown key spilt. Did you mean split?"),
        (["data.labels=[4]"], "trained with num_classes=10, but Digits has num_classes=2"),
        (["data.rot=x"], "Unknown key data.rot"),
        (["weights=worst"], "Unknown weights=worst"),
        (["another"], "Name one run"),
    ],
)
def test_what_does_not_fit_gets_one_sentence(softmax, evaluate, arguments, sentence):
    code, out, err = evaluate(softmax, *arguments)
    assert code == 1 and not out
    assert sentence in err and len(err.splitlines()) == 1


def test_data_of_another_kind_or_size_are_refused_before_they_are_downloaded(softmax, evaluate, monkeypatch):
    monkeypatch.setattr(CIFAR10, "prepare_data", None)
    monkeypatch.setattr(TinyShakespeare, "prepare_data", None)
    for option, reason in (("cifar10", "in_shape=[3, 32, 32]"), ("shakespeare", "kind=text")):
        code, _, err = evaluate(softmax, f"data={option}")
        assert code == 1 and reason in err


def test_data_of_another_size_are_refused(softmax):
    run = load_run(softmax)
    data = data_for(run, "digits", {})
    data.dims = {"in_shape": (1, 32, 32), "num_classes": 10}
    with pytest.raises(ValueError, match=r"in_shape=\[1, 28, 28\], but Digits has in_shape=\[1, 32, 32\]"):
        check_same_metadata(run, data)


def test_data_of_other_classes_are_refused_even_if_there_are_as_many(softmax):
    run = load_run(softmax)
    data = data_for(run, "digits", {})
    data.CLASSES = tuple("abcdefghij")
    with pytest.raises(ValueError, match=r"with classes=\['0', '1', .* but Digits has classes=\['a', 'b'"):
        check_same_metadata(run, data)


def test_labels_of_the_run_are_those_of_other_data_too(trained_run):
    run = load_run(trained_run("model=perceptron", "data=digits", "data.labels=[4]", "trainer.max_epochs=1"))
    assert data_for(run, "digits", {}).class_names == ("not 4", "4")


def test_a_text_with_characters_that_the_model_never_saw_names_them(trained_run, evaluate, tmp_path):
    run = trained_run(
        *("model=char_rnn", "model.hidden_size=8", "data=pydoc", "data.batch_size=256"),
        "trainer.max_epochs=1",
    )
    text = tmp_path / "greek.txt"
    text.write_text("Python is fun. " * 200 + "αβ" * 400)
    code, _, err = evaluate(run, "data=file", f"data.path={text}", "data.window=8", "data.batch_size=1")
    assert code == 1 and "has 2 characters that the model has never seen: 'α' 'β'" in err
    text.write_text("Python is fun. " * 200)
    code, out, _ = evaluate(run, "data=file", f"data.path={text}", "data.window=8", "data.batch_size=1")
    assert code == 0 and "bits per char" in out


def test_a_run_folder_can_name_no_data_but_those_of_intro_dl(softmax, evaluate, tmp_path):
    config = softmax / ".hydra" / "config.yaml"
    config.write_text(f"seed: 0\ndata: {{_target_: os.system, command: 'touch {tmp_path / 'executed'}'}}")
    code, _, err = evaluate(softmax)
    assert code == 1 and "Refused data._target_=os.system: a config may only name a TensorData" in err
    config.write_text(f"data: !!python/object/apply:os.system ['touch {tmp_path / 'executed'}']")
    code, _, err = evaluate(softmax)
    assert code == 1 and "is truncated or not valid YAML" in err
    config.unlink()
    code, _, err = evaluate(softmax)
    assert code == 1 and "Name the data with data=." in err
    assert not (tmp_path / "executed").exists()


def test_a_file_is_not_taken_for_the_directory_of_the_evaluation(softmax, evaluate, tmp_path):
    (tmp_path / "taken").write_text("")
    code, out, err = evaluate(softmax, f"out={tmp_path / 'taken'}")
    assert code == 1 and not out and "taken: it is a file. Name another one with out=." in err
