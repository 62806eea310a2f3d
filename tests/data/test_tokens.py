"""Sentences and DNA: what the splits hold, and what is known about the best answers."""

import math

import pytest
import torch

from intro_dl.data.dna import DNA, MATRIX, log_odds
from intro_dl.data.opinions import Opinions, Tweets, known_words, spaced
from intro_dl.data.sentences import decode
from intro_dl.tasks.writing import bags


@pytest.fixture(scope="module")
def opinions():
    data = Opinions()
    data.setup()
    return data


def test_marks_are_words_and_case_does_not_count():
    assert spaced("The film was GOOD, isn't it?!") == "the film was good , isn't it ?!"
    assert known_words("my dog was good", ["good", "was"]) == "was good"


def test_each_bag_of_words_is_positive_as_often_as_negative_in_its_own_split(opinions):
    assert opinions.description() == "4,608 sentences, 29 words, 2 classes: 3,456 train, 576 val, 576 test"
    for tokens, labels in opinions.splits.values():
        positive, negative = (
            bags(tokens[labels == label], 33).unique(dim=0, return_counts=True) for label in (1, 0)
        )
        assert all(torch.equal(one, other) for one, other in zip(positive, negative, strict=True))


def test_held_out_pairs_of_adjectives_are_new_but_each_adjective_is_known(opinions):
    adjectives = set(Opinions.GOOD + Opinions.BAD)
    pairs = {
        split: {frozenset(adjectives & set(line.split())) for line in decode(tokens, opinions.vocabulary)}
        for split, (tokens, _) in opinions.splits.items()
    }
    assert {split: len(found) for split, found in pairs.items()} == {"train": 48, "val": 8, "test": 8}
    assert not pairs["train"] & pairs["test"] and not pairs["val"] & pairs["test"]
    assert all(frozenset.union(*found) == adjectives for found in pairs.values())


def test_a_sentence_means_what_it_says(opinions):
    tokens, labels = opinions.splits["train"]
    for sentence, label in zip(decode(tokens, opinions.vocabulary), labels.tolist(), strict=True):
        words = sentence.split()
        denied = words[words.index("not") + 1]
        assert (denied in Opinions.BAD) == (label == 1)


def test_the_rows_of_the_matrix_are_probabilities():
    torch.testing.assert_close(MATRIX.sum(dim=1), torch.ones(8))


def test_log_odds_are_those_of_bayes_rule_written_out():
    tokens = torch.randint(1, 5, (3, 12), generator=torch.Generator().manual_seed(0))
    for row, found in zip(tokens.tolist(), log_odds(tokens).tolist(), strict=True):
        begins = range(12 - 8 + 1)
        ratios = [math.prod(MATRIX[i, row[b + i] - 1].item() / 0.25 for i in range(8)) for b in begins]
        assert found == pytest.approx(math.log(sum(ratios) / len(ratios)), rel=1e-4, abs=1e-5)


def test_half_of_the_sequences_have_the_motif_and_letters_alone_tell_less_than_the_best_answer():
    data = DNA()
    data.setup()
    assert data.description() == "7,000 sequences, 2 classes: 4,000 train, 1,000 val, 2,000 test"
    rivals = data.rivals("test")
    assert rivals["most frequent class"] == 0.5
    assert 0.6 < rivals["bag of letters"] < 0.7 < 0.85 < rivals["Bayes-optimal"] < 0.9


def test_tweets_of_another_content_are_refused(tmp_path):
    (tmp_path / "tweets").mkdir()
    (tmp_path / "tweets" / "tweets_GroundTruth.txt").write_text("1\t2.5\tgood\n")
    data = Tweets(root=str(tmp_path))
    data.prepare_data()
    with pytest.raises(ValueError, match="is not the expected file: its md5 is .* Move it away"):
        data.setup()


def test_tweets_are_those_of_their_authors(data_root):
    data = Tweets(root=str(data_root))
    data.prepare_data()
    data.setup()
    assert data.sizes() == {"train": 2746, "val": 343, "test": 343}
    assert all(0 < tokens[:, 0].count_nonzero() <= len(tokens) for tokens, _ in data.splits.values())
    assert data.rivals("test")["bag of words"] > data.rivals("test")["most frequent class"] + 0.15
