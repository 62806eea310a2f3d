"""The character models are the cells of the slide, and carry their state through a text."""

import math
import re

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from intro_dl import load_run
from intro_dl.config.validate import validate
from intro_dl.data.text import TextFile, split_words
from intro_dl.inference import evaluate
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.char_rnn import CharRNN
from intro_dl.training.build import build_data, build_model

B, T, V, H = 3, 7, 11, 5
MODELS = [CharRNN, CharLSTM]


@pytest.fixture
def batch():
    stream = torch.randint(V, (B, T + 1), generator=torch.Generator().manual_seed(0))
    return stream[:, :-1], stream[:, 1:]


def make(model_class, **arguments):
    torch.manual_seed(0)
    return model_class(V, hidden_size=H, **arguments)


# The cells


@torch.no_grad()
def test_char_rnn_equals_torchs_rnn_on_copied_weights(batch):
    model = make(CharRNN)
    twin = nn.RNN(V, H, bias=False, batch_first=True)
    twin.weight_ih_l0.copy_(model.W_xh.T)
    twin.weight_hh_l0.copy_(model.W_hh.T)
    tokens, first = batch[0], torch.randn(B, H)
    one_hot = nn.functional.one_hot(tokens, V).float()
    for mine, theirs in ((None, None), (first, first[None])):
        logits, state = model(tokens, mine)
        outputs, last = twin(one_hot, theirs)
        torch.testing.assert_close(logits, outputs @ model.W_hy)
        torch.testing.assert_close(state, last[0])


def test_char_rnn_has_three_matrices_and_no_more():
    assert sum(weight.numel() for weight in make(CharRNN).parameters()) == V * H + H * H + H * V


@torch.no_grad()
def test_char_lstm_equals_the_gate_equations_of_the_slide(batch):
    model = make(CharLSTM, embedding_size=4)
    tokens = batch[0]
    W, U = model.lstm.weight_ih_l0, model.lstm.weight_hh_l0
    b = model.lstm.bias_ih_l0 + model.lstm.bias_hh_l0
    (W_i, W_f, W_c, W_o), (U_i, U_f, U_c, U_o), (b_i, b_f, b_c, b_o) = W.chunk(4), U.chunk(4), b.chunk(4)
    h, c = torch.zeros(B, H), torch.zeros(B, H)
    expected = []
    for x in model.embedding(tokens).unbind(dim=1):
        f = torch.sigmoid(x @ W_f.T + h @ U_f.T + b_f)
        i = torch.sigmoid(x @ W_i.T + h @ U_i.T + b_i)
        o = torch.sigmoid(x @ W_o.T + h @ U_o.T + b_o)
        c_tilde = torch.tanh(x @ W_c.T + h @ U_c.T + b_c)
        c = f * c + i * c_tilde
        h = o * torch.tanh(c)
        expected.append(model.logits(h))
    logits, (last_h, last_c) = model(tokens)
    torch.testing.assert_close(logits, torch.stack(expected, dim=1))
    torch.testing.assert_close(last_h[0], h)
    torch.testing.assert_close(last_c[0], c)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_scratch_cell_has_the_weights_the_loss_and_the_gradients_of_torchs(layers, batch):
    models = [make(CharLSTM, embedding_size=4, layers=layers, cell=cell) for cell in ("torch", "scratch")]
    for (name, weight), (other, twin) in zip(*(m.named_parameters() for m in models), strict=True):
        assert name == other
        assert torch.equal(weight, twin)
    state = tuple(torch.randn(2, layers, B, H))
    for before in (None, state):
        (mine, my_state), (theirs, their_state) = (m.metrics_and_state(batch, before) for m in models)
        torch.testing.assert_close(mine["loss"], theirs["loss"])
        torch.testing.assert_close(my_state, their_state)
        gradients = [
            torch.autograd.grad(result["loss"], list(model.parameters()))
            for model, result in zip(models, (mine, theirs), strict=True)
        ]
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("cell", ["torch", "scratch"])
@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_between_the_layers_while_training_and_never_while_measuring(layers, cell, batch):
    model = make(CharLSTM, layers=layers, dropout=0.5, cell=cell)
    tokens = batch[0]
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
    (lower, _), (again, _) = model(tokens)[1], model(tokens)[1]
    assert torch.equal(lower[0], again[0])  # nothing is dropped along time
    assert torch.equal(lower, again) == (layers == 1)  # but what one layer hands to the next is
    model.eval()
    assert torch.equal(model(tokens)[0], model(tokens)[0])


@pytest.mark.parametrize("model_class", MODELS)
def test_an_untrained_model_finds_all_characters_about_equally_likely(model_class, batch):
    metrics = make(model_class).metrics(batch)
    assert metrics["loss"].item() == pytest.approx(math.log(V), rel=0.15)


@pytest.mark.parametrize("model_class", MODELS)
def test_bits_per_character_are_nats_divided_by_the_logarithm_of_two(model_class, batch):
    metrics = make(model_class).metrics(batch)
    assert metrics["bits_per_char"].item() == pytest.approx(metrics["loss"].item() / math.log(2))


@pytest.mark.parametrize("model_class", MODELS)
def test_after_i_love_recurrent_neural_the_overfitted_model_is_sure_of_networks(model_class):
    text = "I love recurrent neural networks!"  # lecture 001, "RNN Intuition"
    alphabet = sorted(set(text))
    tokens = torch.tensor([[alphabet.index(character) for character in text]])
    torch.manual_seed(0)
    model = model_class(len(alphabet), hidden_size=32)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        model.metrics((tokens[:, :-1], tokens[:, 1:]))["loss"].backward()
        optimizer.step()
    log_probabilities = model(tokens[:, :-1])[0].log_softmax(dim=-1)
    right = log_probabilities.gather(-1, tokens[:, 1:, None]).squeeze()
    assert right[-len("networks!") :].sum().exp() > 0.9


# The state


@torch.no_grad()
@pytest.mark.parametrize("model_class", MODELS)
def test_reading_window_by_window_with_the_state_equals_reading_at_once(model_class, batch):
    model, tokens = make(model_class), batch[0]
    whole, last = model(tokens)
    state, parts = None, []
    for window in tokens.split(2, dim=1):
        logits, state = model(window, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    torch.testing.assert_close(state, last)


def test_the_state_goes_from_window_to_window_and_is_fresh_in_every_epoch(tmp_path, monkeypatch):
    path = tmp_path / "book.txt"
    path.write_text("".join(chr(0x4E00 + i) for i in range(1300)))  # tokens are positions
    data = TextFile(path=str(path), batch_size=2, window=60)
    data.prepare_data()
    data.setup()
    torch.manual_seed(0)
    model = CharRNN(**data.dims, hidden_size=2)
    notes = []  # split, first token and state of each window that was read
    measure = model.measure

    def noting(batch, split):
        notes.append((split, batch[0][0, 0].item(), model.epoch.states.get(split)))
        return measure(batch, split)

    monkeypatch.setattr(model, "measure", noting)
    trainer = pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=tmp_path,
    )
    trainer.fit(model, data)
    training = [note for note in notes if note[0] == "train"]
    windows = len(data.train_dataloader())
    assert windows == 9
    assert len(training) == 3 * windows
    for number, (_, _, state) in enumerate(training):
        assert (state is None) == (number % windows == 0)
        assert state is None or not state.requires_grad  # errors stop where the window began
    starts = [start for _, start, _ in training[::windows]]
    assert len(set(starts)) > 1  # each epoch cuts the text elsewhere
    held_out = [state is None for split, _, state in notes if split == "val"]
    assert held_out == 3 * [True, False]  # 64 characters in windows of 60


# The command line


@pytest.mark.parametrize("name", ["char_rnn", "char_lstm"])
def test_character_models_choose_a_text_and_clip_their_gradients(name, make_config):
    cfg = make_config(f"model={name}")
    assert cfg.data._target_ == "intro_dl.data.text.Pydoc"
    assert cfg.trainer.gradient_clip_val == 1.0
    assert make_config(f"model={name}", "data=irish_abc").data._target_ == "intro_dl.data.text.IrishABC"
    assert make_config(f"model={name}", "trainer.gradient_clip_val=5").trainer.gradient_clip_val == 5


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["model=char_lstm", "data=digits"],
            "CharLSTM cannot read Digits: these data are images with in_shape, num_classes, and CharLSTM",
        ),
        (["model=char_rnn", "data=digits"], "CharRNN cannot read Digits"),
        (
            ["model=lenet", "data=pydoc"],
            "LeNet cannot read Pydoc: these data are text with vocab_size, and LeNet needs in_shape, num",
        ),
    ],
)
def test_images_for_a_text_model_and_the_reverse_are_a_sentence(overrides, sentence, make_config):
    cfg = make_config(*overrides)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build_model(cfg, build_data(cfg))


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("model.cell=gru", "choose one of torch, scratch."),
        ("model.layers=0", "choose an integer from 1 to 2000."),
        ("model.hidden_size=0", "choose an integer from 1 to 10000."),
    ],
)
def test_a_cell_or_size_that_does_not_exist_is_a_sentence(override, wanted, make_config):
    with pytest.raises(ValueError, match=re.escape(f"Invalid {override}: {wanted}")):
        validate(make_config("model=char_lstm", override))


def test_with_words_the_same_model_predicts_the_next_word(trained_run, capsys, tmp_path):
    run = trained_run("model=char_lstm", "data.unit=word", "trainer=smoke")
    loaded = load_run(run)
    assert loaded.metadata["dims"] == {"vocab_size": 2001} and len(loaded.metadata["alphabet"]) == 2001
    assert "bits_per_word/test" in loaded.result.metrics and loaded.result.leading == "bits_per_word"
    assert not any(name.startswith("bits_per_char") for name in loaded.result.metrics)
    prompt = "I love recurrent neural"
    text = loaded.sample(prompt, length=12)
    assert text.startswith(prompt) and "".join(split_words(text)) == text
    note = capsys.readouterr().err
    assert "' recurrent', ' neural' of the prompt are not in the vocabulary" in note and "<unknown>" in note
    assert evaluate.main([str(run), "weights=last", f"out={tmp_path / 'e'}"]) == 0
    shown = capsys.readouterr().out
    assert "bits per word" in shown and "Most frequent words" in shown


def test_a_text_of_characters_is_not_evaluated_by_a_model_of_words(trained_run, tmp_path):
    run = trained_run("model=char_lstm", "data.unit=word", "trainer=smoke")
    with pytest.raises(ValueError, match="Pydoc has other tokens than the run was trained with"):
        evaluate.main([str(run), "data=pydoc", f"out={tmp_path / 'e'}"])
