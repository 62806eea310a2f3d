"""Predict sentences and DNA with a trained run, and evaluate it."""

import csv

import pytest

from intro_dl import load_run
from intro_dl.inference import evaluate, predict


@pytest.fixture
def sentences(trained_run):
    return trained_run("model=sentiment", "trainer=smoke")


@pytest.fixture
def sequences(trained_run):
    return trained_run("model=motif", "trainer=smoke")


def test_predict_names_the_class_of_a_sentence_and_the_words_it_left_out(sentences, run_main):
    code, out, errors = run_main(predict.main)(sentences, "My film was good, not bad", "format=csv")
    assert code == 0, errors
    (row,) = csv.DictReader(out.splitlines())
    assert row["class"] in ("negative", "positive") and 0.5 <= float(row["probability"]) <= 1
    assert row["left out"] == "my"


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("", "'' has no words: write words of the training sentences."),
        ("xyz", "'xyz' has no known word (xyz unknown): write words of the training sentences."),
    ],
)
def test_a_sentence_without_words_is_one_sentence(sentence, reason, sentences, run_main):
    code, _, errors = run_main(predict.main)(sentences, sentence)
    assert code == 1 and errors == f"Error: {reason}\n"


def test_letters_may_be_small_and_spaced(sequences):
    run = load_run(sequences)
    assert run.predict("acgt acgt acgt")["class"] == run.predict("ACGTACGTACGT")["class"]


@pytest.mark.parametrize(
    ("sequence", "reason"),
    [
        ("ACGX ACGT N", "'ACGX ACGT N' has unknown letters (N X): write A, C, G, T."),
        ("", "'' has no letters: write A, C, G, T."),
        ("TATA", "The sequence has 4 tokens: give at least 8."),
    ],
)
def test_what_is_not_dna_is_one_sentence(sequence, reason, sequences, run_main):
    code, _, errors = run_main(predict.main)(sequences, sequence)
    assert code == 1 and errors == f"Error: {reason}\n"


def test_evaluate_shows_the_rivals_and_the_text_of_each_mistake(sequences, run_main, tmp_path):
    code, out, errors = run_main(evaluate.main)(sequences, f"out={tmp_path}")
    assert code == 0, errors
    assert "  Bayes-optimal" in out and "  bag of letters" in out and "By class" in out
    rows = list(csv.DictReader((tmp_path / "mistakes.csv").read_text().splitlines()))
    assert rows and all(len(row["text"]) == 60 and set(row["text"]) <= set("ACGT") for row in rows)


def test_evaluate_refuses_sentences_of_other_words(sequences, run_main):
    code, _, errors = run_main(evaluate.main)(sequences, "data=opinions")
    assert code == 1 and errors == (
        "Error: The run was trained with vocab_size=5, but Opinions has vocab_size=33: choose other data=.\n"
    )
