"""Data that changed after their first use are noticed, and what is too large is refused before it is read."""

import numpy as np
import pytest
import torch
from PIL import Image

from intro_dl.data import image_file
from intro_dl.data.dataset import digest
from intro_dl.data.decode import read_text
from intro_dl.data.image_file import read_image
from intro_dl.data.images import Digits
from intro_dl.inference.evaluate import main as evaluate
from intro_dl.runs import files
from intro_dl.runs.files import read_limited

CHANGED = "have changed since the run started"


@pytest.fixture
def folder(tmp_path):
    """Two classes of 20 images each."""
    dice = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(20):
            pixels = dice.integers(0, 100, (8, 8), dtype=np.uint8) + (150 if name == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


def test_a_changed_image_is_said_when_the_run_goes_on_and_when_it_is_judged(train, folder):
    words = ("model=softmax", "data=image_folder", "data.image_size=8", "trainer=smoke")
    answer = train(*words, f"data.root={folder}")
    (run,) = answer.runs
    assert train(f"resume={run}", "trainer.max_epochs=2").code == 0
    assert evaluate([str(run)]) == 0
    assert CHANGED not in (run / "evaluation" / "evaluation.json").read_text()
    assert not any(CHANGED in note for note in answer.result.get("notes", []))

    for file in folder.glob("*/*.png"):
        Image.new("L", (8, 8), "gray").save(file)  # as many files, of the same names
    assert evaluate([str(run)]) == 0
    assert CHANGED in (run / "evaluation" / "evaluation.json").read_text()
    answer = train(f"resume={run}", "trainer.max_epochs=3")
    assert answer.code == 0
    assert f"The train, val, test examples {CHANGED}" in answer.err
    assert any(CHANGED in note for note in answer.result["notes"])


def test_a_digest_is_of_the_content_and_not_of_how_it_lies_in_memory():
    images = torch.randint(256, (2500, 3, 4, 4), dtype=torch.uint8)
    labels = torch.arange(2500)
    same = images.contiguous(memory_format=torch.channels_last)
    assert digest((images, labels)) == digest((same, labels))
    other = images.clone()
    other[2400, 2, 3, 3] += 1
    assert digest((images, labels)) != digest((other, labels))
    assert digest((images, labels)) != digest((images, labels.flip(0)))


def test_what_is_done_with_the_examples_later_is_no_change():
    plain, varied = Digits(), Digits(limit_train=100, label_noise=0.5, labels=[4])
    plain.setup()
    varied.setup()
    assert varied.change_since(plain.metadata()) is None
    other = Digits(split_seed=1)
    other.setup()
    assert CHANGED in other.change_since(plain.metadata())


def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(folder, monkeypatch):
    file = next(folder.glob("*/*.png"))
    monkeypatch.setattr(image_file, "MOST_PIXELS", 63)
    with pytest.raises(ValueError, match="more than 63 pixels"):
        read_image(file, (8, 8), "L")


def test_a_text_or_table_that_is_too_large_is_refused(tmp_path, monkeypatch):
    book = tmp_path / "book.txt"
    book.write_text("x" * 100)
    assert read_limited(book, most=100) == b"x" * 100
    with pytest.raises(ValueError, match="book.txt has more than 99 bytes: use a part of it"):
        read_limited(book, most=99)
    monkeypatch.setattr(files.read_limited, "__defaults__", (99,))
    with pytest.raises(ValueError, match="has more than 99 bytes"):
        read_text(book)
