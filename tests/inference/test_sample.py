"""A trained character model continues a prompt, and what it wrote is checked and compared."""

import json
import re
import shutil
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import nn

from intro_dl import load_run
from intro_dl.cli.commands import main as intro_dl
from intro_dl.inference.data import training_text
from intro_dl.inference.load import LoadedRun
from intro_dl.inference.sample import write_texts
from intro_dl.inference.tunes import finished_tunes
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.char_rnn import CharRNN
from intro_dl.scratch.sampling import generate
from intro_dl.tasks import LanguageModel

ROOT = Path(__file__).parents[2]
TUNE = "X:1\nT:A Jig\nM:6/8\nL:1/8\nK:G\nG2G AGA|BGE E2D|G6:|\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three tiny runs: an LSTM of the help texts, one of tunes, and a net that writes no text."""
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf

    from intro_dl.config.schema import register_schema
    from intro_dl.training.train import train

    folder = tmp_path_factory.mktemp("runs")
    (folder / "tunes.abc").write_text("\n".join([TUNE] * 60))
    small = ("model=char_lstm", "model.hidden_size=16", "model.embedding_size=8")
    wanted = {
        "text": small,
        "tunes": (*small, "data=file", f"data.path='{folder / 'tunes.abc'}'", "data.window=16"),
        "softmax": ("model=softmax",),
    }
    for name, overrides in wanted.items():
        register_schema()
        with initialize_config_module("intro_dl.configs", version_base="1.3"):
            cfg = compose("train", ["trainer=smoke", *overrides, f"run_dir='{folder / name}'"])
        train(cfg)
        (folder / name / ".hydra").mkdir()
        OmegaConf.save(cfg, folder / name / ".hydra" / "config.yaml")  # as hydra.main does
    return folder


@pytest.fixture
def sample(capfd, monkeypatch, tmp_path):
    """Run `intro-dl sample <arguments>`: its exit code, and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTRO_DL_DATA", raising=False)

    def run(*arguments: str):
        capfd.readouterr()
        code = intro_dl(["sample", *map(str, arguments)])
        printed = capfd.readouterr()
        return code, printed.out, printed.err

    return run


class Recites(LanguageModel):
    """Writes `text` again and again; its state is the place where it is."""

    def __init__(self, text: str, alphabet: str) -> None:
        super().__init__()
        self.text = torch.tensor([alphabet.index(character) for character in text])
        self.size = len(alphabet)

    def forward(self, tokens, state=None):
        place = (0 if state is None else state) + torch.arange(1, tokens.shape[1] + 1)
        following = self.text[place % len(self.text)].expand(len(tokens), -1)
        return nn.functional.one_hot(following, self.size) * 100.0, place[-1]


def reciting(text: str) -> LoadedRun:
    alphabet = "".join(sorted(set(text)))
    metadata = {"data": "TextFile", "kind": "text", "alphabet": alphabet}
    return LoadedRun(Path("run"), Recites(text, alphabet), metadata)


# Writing


def test_a_text_goes_on_after_its_prompt_for_as_many_characters_as_asked():
    assert write_texts(reciting("hello. "), "hel", length=11) == ["hello. hello. "]


def test_every_sample_has_its_own_text(runs):
    first, second = write_texts(load_run(runs / "text"), "The ", length=40, samples=2)
    assert len(first) == len(second) == 44
    assert first != second


def test_the_same_seed_writes_the_same_text_and_another_seed_another(runs):
    run = load_run(runs / "text")
    texts = [write_texts(run, "The ", length=40, seed=seed)[0] for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


@torch.no_grad()
@pytest.mark.parametrize("model_class", [CharRNN, CharLSTM])
def test_one_character_a_step_with_the_state_carried_is_reading_the_whole_text_each_time(model_class):
    torch.manual_seed(0)
    model = model_class(vocab_size=30, hidden_size=16).eval()
    for weights in model.parameters():
        weights *= 5  # so that what was read before matters
    prompt = torch.tensor([5, 7, 11])
    text = prompt
    for token in islice(generate(model, prompt[None], top_k=1), 20):
        assert int(token) == int(model(text[None])[0][0, -1].argmax())
        text = torch.cat([text, token])


def test_the_first_text_is_told_character_by_character():
    pieces = []
    write_texts(reciting("hello. "), "he", length=3, samples=2, on_text=pieces.append)
    assert pieces == ["he", "l", "l", "o"]


def test_a_text_ends_where_it_is_told_to_stop():
    assert write_texts(reciting("hello. "), "h", length=50, stop=". ") == ["hello. "]
    assert write_texts(reciting("hello. "), "hello. ", length=50, stop=". ") == ["hello. hello. "]


@pytest.mark.parametrize("setting", [{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-4}])
def test_the_likeliest_character_is_all_that_strict_settings_leave(runs, setting):
    run = load_run(runs / "text")
    assert write_texts(run, "The ", 30, **setting) == write_texts(run, "The ", 30, top_k=1, seed=9)


# Tunes and the training text


def test_a_tune_that_was_cut_off_is_not_counted_unless_it_is_the_only_one():
    assert finished_tunes("X:1\nA\n\nX:2\nB") == (["X:1\nA"], True)
    assert finished_tunes("X:1\nA\n\nX:2\nB\n\n") == (["X:1\nA", "X:2\nB"], False)
    assert finished_tunes("X:1\nA") == (["X:1\nA"], False)


def test_the_training_text_is_the_first_nine_tenths_of_the_file(runs):
    whole = (runs / "tunes.abc").read_text()
    assert training_text(load_run(runs / "tunes")) == whole[: len(whole) * 90 // 100]


def test_a_training_text_that_is_not_there_is_not_downloaded(runs, tmp_path):
    moved = shutil.copytree(runs / "text", tmp_path / "moved")
    config = moved / ".hydra" / "config.yaml"
    config.write_text("seed: 0\ndata: {_target_: intro_dl.data.text.IrishABC, root: nowhere}")
    with pytest.raises(ValueError, match="There is no .*irish.abc"):
        training_text(load_run(moved))


# The command


def test_the_command_writes_a_text_and_says_what_was_copied(sample, runs):
    code, out, err = sample(runs / "text", "length=30", "prompt=The ", "seed=1")
    assert code == 0 and "Error" not in err
    assert out.startswith("The ")
    assert "characters in a row are from the training text" in out


def test_a_prompt_from_a_file_of_another_system_is_read_like_a_text(runs, sample):
    code, out, _ = sample(runs / "text", "length=5", "prompt=\ufeffa\r\nb\r")
    assert code == 0 and out.startswith("a\nb\n")


def test_the_command_writes_several_texts_to_a_folder(sample, runs, tmp_path):
    code, out, _ = sample(runs / "text", "length=20", "samples=3", "out=texts", r"prompt=a\nb")
    assert code == 0 and out.count("---") >= 2
    files = sorted((tmp_path / "texts").iterdir())
    assert [len(file.read_text()) for file in files] == [23] * 3
    assert all(file.read_text().startswith("a\nb") for file in files)
    assert "exists: name a new directory" in sample(runs / "text", "out=texts")[2]


def test_tunes_are_counted_and_the_valid_ones_written_as_abc_and_midi(sample, monkeypatch, runs, tmp_path):
    symusic = pytest.importorskip("symusic", reason='needs pip install -e ".[music]"')
    recited = reciting(TUNE + "\n" + TUNE.replace("A Jig", "A Slip").replace("E2D", "E2") + "\n")
    monkeypatch.setattr(
        "intro_dl.inference.load.load_run", lambda folder, weights: replace(recited, folder=runs / "tunes")
    )
    code, out, err = sample(
        runs / "tunes",
        "format=abc",
        f"length={3.5 * len(TUNE):.0f}",
        "out=tunes",
    )
    assert code == 0 and "Error" not in err
    assert "Valid       2 (67%) at temperature 0.8" in out and "unfinished" in out
    assert re.search(r"not valid 'A Slip': line 6: .* has 5 time units while the time signature has 6", out)
    names = [path.name for path in sorted((tmp_path / "tunes").iterdir())]
    assert names == ["001-a-jig.abc", "001-a-jig.mid", "002-a-jig.abc", "002-a-jig.mid", "report.json"]
    assert (tmp_path / "tunes" / "001-a-jig.abc").read_text() == TUNE
    assert symusic.Score(tmp_path / "tunes" / "001-a-jig.mid").note_num() == 2 * 11
    report = json.loads((tmp_path / "tunes" / "report.json").read_text())
    assert report["valid"] == 2 and report["tunes"] == 3 and report["settings"]["temperature"] == 0.8
    assert report["longest_copied"] >= len("X:1\nT:A ")


def test_without_its_config_a_run_writes_but_is_not_compared(sample, runs, tmp_path):
    moved = shutil.copytree(runs / "text", tmp_path / "moved")
    shutil.rmtree(moved / ".hydra")
    code, _, err = sample(moved, "length=5")
    assert code == 0 and "Copy the run with its .hydra directory." in err and "data=" not in err


def test_without_symusic_the_command_says_how_to_install_it_and_still_writes(
    sample, monkeypatch, runs, tmp_path
):
    monkeypatch.setitem(sys.modules, "symusic", None)  # its import fails
    code, out, err = sample(runs / "tunes", "format=abc", "length=40", "out=texts", "prompt=X:1")
    assert code == 0 and out.startswith("X:1") and len((tmp_path / "texts" / "001.txt").read_text()) == 43
    assert "need symusic" in err and 'pip install "symusic' in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["temperature=0"], "Invalid temperature=0: choose a number in "),
        (["temperature=-1"], "Invalid temperature=-1: choose"),
        (["temperature=nan"], "Invalid temperature=nan: choose"),
        (["top_k=0"], "Invalid top_k=0: choose"),
        (["top_p=1.5"], "Invalid top_p=1.5: choose a number in "),
        (["length=0"], "Invalid length=0: choose an integer from 1 to"),
        (["length=9999999"], "Invalid length=9999999: choose"),
        (["samples=0"], "Invalid samples=0: choose"),
        (["seed=-1"], "Invalid seed=-1: choose"),
        (["temprature=1"], "Unknown key temprature. Did you mean temperature?"),
        (["prompt=漢字"], "never seen '漢', '字' of the prompt"),
    ],
)
def test_a_wrong_option_is_answered_with_one_sentence(sample, runs, arguments, sentence):
    code, _, err = sample(runs / "text", *arguments)
    assert code == 1 and err.count("\n") == 1
    assert re.search(sentence, err), err


def test_a_run_that_writes_no_text_is_refused(sample, runs):
    code, _, err = sample(runs / "softmax")
    assert code == 1 and "SoftmaxRegression trained on Digits, which cannot write text" in err


def test_a_run_has_to_be_named(sample, tmp_path):
    assert "Name one run folder" in sample()[2]
    assert "There is no directory" in sample("nowhere")[2]
