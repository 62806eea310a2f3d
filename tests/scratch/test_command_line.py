"""What is written by hand trains from the command line and comes out where torch does."""

import json

import pytest

FIVE_EPOCHS = ("trainer=cpu", "trainer.max_epochs=5", "seed=0", "test=false")


def losses(train, *pair):
    """loss/val of two commands that differ in one word."""
    runs = [
        train(*words, f"run_dir=outputs/{index}").folder / f"outputs/{index}"
        for index, words in enumerate(pair)
    ]
    return [json.loads((run / "result.json").read_text())["loss/val"] for run in runs]


@pytest.mark.parametrize("name", ["sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam"])
def test_optimizer_by_hand_trains_as_its_twin(name, train):
    common = ("model=mlp", "model.hidden=[32]", *FIVE_EPOCHS)
    by_hand, torchs = losses(train, (*common, f"optim=scratch_{name}"), (*common, f"optim={name}"))
    assert by_hand == pytest.approx(torchs, abs=1e-5)


def test_lstm_by_hand_trains_as_torchs(train):
    common = (
        "model=char_lstm",
        "model.hidden_size=16",
        "trainer.limit_train_batches=5",
        "trainer.limit_val_batches=3",
    )
    by_hand, torchs = losses(
        train,
        (*common, *FIVE_EPOCHS, "model.cell=scratch"),
        (*common, *FIVE_EPOCHS, "model.cell=torch"),
    )
    assert by_hand == pytest.approx(torchs, abs=1e-5)
