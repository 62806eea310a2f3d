"""What the models of words and letters read, and what they must reach beside their rivals."""

import pytest
import torch
from torch.nn import functional as F

from intro_dl.data.dna import MATRIX
from intro_dl.models.motif import Motif
from intro_dl.models.sentiment import Sentiment
from intro_dl.training import product


def sentiment(**options):
    torch.manual_seed(0)
    return Sentiment(9, 2, embedding_size=4, hidden_size=5, **options).eval()


@pytest.mark.parametrize("reader", ["mean", "rnn", "lstm"])
@torch.no_grad()
def test_padding_is_not_read(reader):
    model, tokens = sentiment(reader=reader), torch.tensor([[4, 5, 6], [7, 4, 0]])
    longer = torch.cat([tokens, torch.zeros(2, 3, dtype=torch.long)], dim=1)
    torch.testing.assert_close(model(longer), model(tokens))
    torch.testing.assert_close(model(tokens[1:, :2]), model(tokens)[1:])


@pytest.mark.parametrize(("reader", "sees"), [("mean", False), ("rnn", True), ("lstm", True)])
@torch.no_grad()
def test_the_mean_of_the_words_does_not_see_their_order(reader, sees):
    model, tokens = sentiment(reader=reader), torch.tensor([[4, 5, 6]])
    assert torch.allclose(model(tokens), model(tokens.flip(1)), atol=1e-6) != sees


@torch.no_grad()
def test_a_motif_counts_the_same_wherever_it_stands():
    model = Motif(5, 2, filters=1, width=3)
    model.match.weight.zero_()
    model.match.weight[0, [0, 1, 2], [0, 1, 2]] = 1.0  # the template A C G
    sequences = torch.tensor([[1, 2, 3, 4, 4, 4], [4, 4, 4, 1, 2, 3], [1, 2, 4, 4, 3, 4]])
    scores = model(sequences)
    torch.testing.assert_close(scores[0], scores[1])
    assert not torch.allclose(scores[0], scores[2])


def test_a_sequence_shorter_than_the_filters_is_refused():
    with pytest.raises(ValueError, match="has 3 tokens: give at least 8"):
        Motif(5, 2)(torch.ones(1, 3, dtype=torch.long))


def accuracies(*overrides):
    """Train, and return the accuracy of the best weights on the test split, with the rivals; the model."""
    model, data = product.train(*overrides, best=True)
    with torch.no_grad():
        found = model.eval().metrics(data.whole("test"))["accuracy"].item()
    return found, data.rivals("test"), model


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_order_is_read_by_recurrent_readers_and_by_nothing_that_counts_words(seed):
    for reader in ("lstm", "rnn"):
        accuracy, rivals, _ = accuracies("model=sentiment", f"model.reader={reader}", f"seed={seed}")
        assert accuracy == 1.0
    assert rivals["bag of words"] == 0.5
    mean, _, _ = accuracies("model=sentiment", "model.reader=mean", "trainer.max_epochs=2", f"seed={seed}")
    assert mean == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_on_tweets_the_lstm_is_as_good_as_counting_words(seed, data_root):
    accuracy, rivals, _ = accuracies("experiment=tweets", f"data.root={data_root}", f"seed={seed}")
    assert accuracy >= rivals["bag of words"] - 0.03
    assert accuracy >= rivals["most frequent class"] + 0.15


def cosine(filters, matrix, shift):
    """Return the largest cosine of a filter and the log-odds matrix, moved by some positions."""
    width = filters.shape[2]
    begin, end = max(0, shift), width + min(0, shift)
    ours, theirs = filters[:, :, begin:end], matrix[:, begin - shift : end - shift]
    return F.cosine_similarity(ours.flatten(1), theirs.flatten()[None]).abs().max().item()


def match(model):
    """Return how well the best filter fits the matrix, by shift.

    Adding a number to all letters of a position changes nothing, so their mean is subtracted.
    """
    filters, matrix = model.match.weight.detach(), MATRIX.log().T
    filters, matrix = filters - filters.mean(dim=1, keepdim=True), matrix - matrix.mean(dim=0)
    return {shift: cosine(filters, matrix, shift) for shift in (-1, 0, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_filter_becomes_the_matrix_of_the_motif_and_almost_nothing_is_better(seed):
    accuracy, rivals, model = accuracies("model=motif", f"seed={seed}")
    assert accuracy >= rivals["Bayes-optimal"] - 0.03
    assert accuracy >= rivals["bag of letters"] + 0.15
    assert max(match(model).values()) >= 0.9
