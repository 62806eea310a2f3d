"""Translate and caption with a trained run; the runs are short, so what they write is mostly wrong."""

import json

import pandas as pd
import pytest
from PIL import Image

from intro_dl import load_run
from intro_dl.inference import evaluate, predict

SMALL = ("trainer=smoke", "logger=none")


@pytest.fixture
def translator(trained_run):
    return trained_run("model=translator", *SMALL)


@pytest.fixture
def captioner(trained_run):
    return trained_run("model=captioner", *SMALL)


def test_predict_translates_phrases_and_names_the_words_that_it_does_not_know(translator, run_main):
    code, out, errors = run_main(predict.main)(
        translator, "woman running", "woman runing", " ", "format=json"
    )
    first, second, third = json.loads(out)
    assert code == 1 and first.keys() == {"phrase", "translation"}
    wanted = "Unknown in 'woman runing': 'runing'. Choose words of the training phrases, e.g. "
    assert second["error"].startswith(wanted)
    assert third["error"] == "The phrase is empty: name words to translate." and errors.count("Error: ") == 2
    assert load_run(translator).predict("woman running") == first


def test_predict_captions_pictures_and_says_if_one_was_scaled(captioner, run_main, tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "scene.png")
    Image.new("RGB", (50, 40)).save(tmp_path / "large.png")
    (tmp_path / "text.png").write_text("no picture")
    code, out, errors = run_main(predict.main)(captioner, *sorted(tmp_path.glob("*.png")), "format=json")
    large, scene, text = json.loads(out)
    assert large["changes"] == "scaled from 50x40" and scene.keys() == {"file", "caption"}
    assert code == 1 and "text.png" in text["error"] and errors.count("Error: ") == 1


@pytest.mark.parametrize("name", ["translator", "captioner"])
def test_evaluate_writes_what_is_right_and_what_is_not(
    name, request, run_main, no_pictures, tmp_path, monkeypatch
):
    save = "intro_dl.visualize.evaluation.save"  # the run itself needs no pictures
    monkeypatch.setattr(save, no_pictures[save])
    code, out, errors = run_main(evaluate.main)(request.getfixturevalue(name), f"out={tmp_path}")
    assert code == 0, errors
    assert "exact" in out and "bleu" in out and "most frequent sentence" in out
    table = pd.read_csv(tmp_path / "sentences.csv", keep_default_na=False)
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert table["right"].mean() == pytest.approx(report["numbers"]["exact"])
    assert (tmp_path / ("attention.png" if name == "translator" else "sentences.png")).stat().st_size > 5_000


def test_data_in_another_language_are_refused_in_a_sentence(translator, run_main):
    code, _, errors = run_main(evaluate.main)(translator, "data.language=de")
    assert code == 1 and errors.count("Error: ") == 1 and "choose other data=" in errors
