"""scripts/predict.py: any image is read as the model needs it; an unreadable input gets one sentence."""

import io
import json
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from intro_dl import load_run
from intro_dl.data import image_file
from intro_dl.data.image_file import Unreadable, read_image
from intro_dl.data.images import Digits, background
from intro_dl.inference.inputs import read_picture
from intro_dl.inference.predict import main
from intro_dl.inference.rows import read_rows

MNIST_LIKE = {"dims": {"in_shape": [1, 28, 28]}, "background": "dark", "digit_box": 20}
PHOTOS = {"dims": {"in_shape": [3, 32, 32]}, "background": None, "digit_box": None}
FEATURES = ["lectures attended", "hours on the project"]


@pytest.fixture
def softmax(trained_run):
    return trained_run("model=softmax", "data=digits", "optim=adam", "trainer.max_epochs=3")


@pytest.fixture
def predict(run_main):
    return run_main(main)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Twelve test digits as PNG files, and their pixels."""
    data = Digits()
    data.setup()
    folder = tmp_path_factory.mktemp("scans")
    images = data.splits["test"][0][:12]
    for number, image in enumerate(images):
        Image.fromarray(image[0].numpy()).save(folder / f"{number:02d}.png")
    return folder, images


def one(size=(100, 100), ink=0, paper=255, mode="L") -> Image.Image:
    """Draw a thick vertical line, above and to the left of the middle."""
    image = Image.new(mode, size, paper)
    width, height = size
    box = (int(0.2 * width), int(0.1 * height), int(0.3 * width), int(0.6 * height))
    ImageDraw.Draw(image).rectangle(box, fill=ink)
    return image


def pixels_of(image: Image.Image, tmp_path: Path, metadata=MNIST_LIKE, suffix="png", **options):
    path = tmp_path / f"image.{suffix}"
    image.save(path)
    return read_picture(path, metadata, **options)


def test_a_test_image_saved_as_png_is_read_bit_by_bit_and_predicted_as_in_training(softmax, scans, predict):
    folder, images = scans
    run = load_run(softmax)
    code, out, err = predict(softmax, folder, "format=json", "top=10")
    answers = json.loads(out)
    expected = run.model.probabilities(run.model(run.prepare(images)))
    assert code == 0 and not err and len(answers) == 12
    for row, answer in zip(expected, answers, strict=True):
        assert "changes" not in answer
        ends = ["", *(f"_{rank}" for rank in range(2, 11))]
        chances = {answer[f"class{end}"]: answer[f"probability{end}"] for end in ends}
        torch.testing.assert_close(torch.tensor([chances[str(k)] for k in range(10)]), row)


def test_dark_on_light_is_inverted_and_said_so(softmax, scans, predict, tmp_path):
    folder, images = scans
    Image.fromarray(255 - images[0, 0].numpy()).save(tmp_path / "ink.png")
    _, plain, _ = predict(softmax, folder / "00.png")
    code, out, _ = predict(softmax, tmp_path / "ink.png")
    assert code == 0 and "inverted" in out
    assert out.splitlines()[1].split()[1:3] == plain.splitlines()[1].split()[1:3]
    _, left, _ = predict(softmax, tmp_path / "ink.png", "invert=no")
    assert "changes" not in left
    _, forced, _ = predict(softmax, folder / "00.png", "invert=yes")
    assert "inverted" in forced


@pytest.mark.parametrize("size", [(20, 31), (100, 100), (640, 480), (300, 1200)])
@pytest.mark.parametrize("colors", [(0, 255), (255, 0), (90, 200), (60, 20)])
def test_a_drawing_gets_the_size_and_the_place_of_mnists(tmp_path, size, colors):
    pixels, steps = pixels_of(one(size, *colors), tmp_path)
    ink = pixels[0].astype(float)
    rows, columns = np.nonzero(ink > 127)
    center = (ink.sum(1) @ np.arange(28) / ink.sum(), ink.sum(0) @ np.arange(28) / ink.sum())
    assert pixels.shape == (1, 28, 28) and pixels.dtype == np.uint8
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20) and ink.max() == 255 and np.median(ink) == 0
    assert center == pytest.approx((13.5, 13.5), abs=0.51)
    assert any(step.startswith("scaled") for step in steps)
    assert ("inverted" in steps) == (colors[1] >= 128)


def test_without_a_digit_box_a_drawing_is_padded_to_a_square_not_cut(tmp_path):
    pixels, steps = pixels_of(one((100, 400), 0, 255), tmp_path, digit_box="no")
    assert steps == ["inverted"]
    assert np.ptp(np.nonzero(pixels[0] > 127)[0]) + 1 == pytest.approx(14, abs=1)  # half of the height


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "CMYK", "LA", "RGBA", "I;16"])
def test_every_kind_of_pixels_gives_the_same_drawing(tmp_path, mode):
    expected, _ = pixels_of(one(ink=0, paper=255), tmp_path)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(one()).astype(np.uint16) * 257)
    else:
        image = one().convert(mode)
    pixels, steps = pixels_of(image, tmp_path, suffix="tif" if mode == "CMYK" else "png")
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= 1
    assert ("16 to 8 bits" in steps) == (mode == "I;16")


def test_a_drawing_on_transparent_ground_is_put_on_white(tmp_path):
    pixels, _ = pixels_of(one(mode="RGBA", ink="black", paper=(0, 0, 0, 0)), tmp_path)
    expected, _ = pixels_of(one(), tmp_path)
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_a_photograph_is_read_as_data_image_folder_reads_it(tmp_path, mode):
    generator = np.random.default_rng(0)
    photo = Image.fromarray(generator.integers(0, 256, (48, 70, 4), dtype=np.uint8), "RGBA").convert(mode)
    pixels, steps = pixels_of(photo, tmp_path, PHOTOS)
    expected, _ = read_image(tmp_path / "image.png", (32, 32), "RGB")
    assert np.array_equal(pixels, expected.transpose(2, 0, 1))
    assert "inverted" not in steps and not any("scaled" in step for step in steps)


def test_a_blank_image_is_predicted_and_called_blank(tmp_path):
    pixels, steps = pixels_of(Image.new("L", (50, 60), 255), tmp_path)
    assert steps == ["inverted", "blank"] and not pixels.any()


def test_an_upside_down_photograph_of_a_phone_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    one((28, 28)).save(tmp_path / "turned.png", exif=exif)
    pixels, _ = read_picture(tmp_path / "turned.png", MNIST_LIKE)
    assert np.array_equal(pixels[0], 255 - np.asarray(one((28, 28)))[::-1, ::-1])


def bomb(side: int) -> bytes:
    """Return a PNG that claims to have side x side pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def whole_png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


BROKEN = {
    "empty.png": (b"", "empty.png is empty: it has 0 bytes"),
    "text.png": (b"not an image at all", "text.png is not a readable image"),
    "half.png": (whole_png()[:4000], "half.png is broken:"),
    "bomb.png": (bomb(8_000), "bomb.png has more than 50,000,000 pixels and may be a decompression bomb"),
    "huge.png": (bomb(60_000), "huge.png has more than 50,000,000 pixels"),
    "page.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "page.svg is not a readable image"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_image_that_cannot_be_read_is_named_and_the_others_are_predicted(
    softmax, scans, predict, tmp_path, name
):
    content, sentence = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    good = scans[0] / "00.png"
    code, out, err = predict(softmax, good, tmp_path / name, scans[0] / "01.png")
    assert code == 1 and sentence in err and len(err.splitlines()) == 1
    assert "00.png" in out and "01.png" in out and name not in out


def test_a_missing_file_and_an_empty_folder_are_named(softmax, predict, tmp_path):
    (tmp_path / "none").mkdir()
    code, out, err = predict(softmax, tmp_path / "missing.png", "format=json")
    assert code == 1 and "There is no file" in err and "error" in json.loads(out)[0]
    code, _, err = predict(softmax, tmp_path / "none")
    assert code == 1 and "There is no image in the directory" in err


def test_an_image_with_values_beyond_16_bits_is_refused(tmp_path):
    Image.fromarray(np.full((9, 9), 1e6, dtype=np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(Unreadable, match="float.tif has values outside 0 to 65535"):
        read_picture(tmp_path / "float.tif", MNIST_LIKE)


def test_the_formats_agree(softmax, scans, predict, tmp_path):
    _, table, _ = predict(softmax, scans[0], "top=2")
    _, text, _ = predict(softmax, scans[0], "top=2", "format=csv")
    code, said, _ = predict(softmax, scans[0], "top=2", "format=json", f"out={tmp_path / 'a' / 'b.json'}")
    answers = json.loads((tmp_path / "a" / "b.json").read_text())
    assert code == 0 and "Wrote 12 predictions" in said
    for answer, line, row in zip(answers, table.splitlines()[1:], text.splitlines()[1:], strict=False):
        assert line.split()[1] == row.split(",")[1] == answer["class"]
        assert f"{answer['probability']:.1%}" == line.split()[2] == f"{float(row.split(',')[2]):.1%}"
        assert answer["class_2"] == row.split(",")[3]
        assert answer["probability"] >= answer["probability_2"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.png", "top=11"], "top=11 is more than the 10 classes"),
        (["x.png", "top=0"], "Invalid top=0: choose an integer of at least 1"),
        (["x.png", "format=xml"], "Unknown format=xml"),
        (["x.png", "invert=maybe"], "Unknown invert=maybe"),
        (["x.png", "tpo=1"], "Unknown key tpo. Did you mean top?"),
        ([], "Name a run, and what to predict"),
    ],
)
def test_a_wrong_option_gets_one_sentence(softmax, predict, arguments, sentence):
    code, out, err = predict(softmax, *arguments)
    assert code == 1 and not out and sentence in err and len(err.splitlines()) == 1


def test_the_background_of_the_training_images_is_told_from_their_sides():
    dark = torch.zeros(5, 1, 8, 8, dtype=torch.uint8)
    dark[:, :, 2:6, 2:6] = 255
    assert background(dark) == "dark" and background(255 - dark) == "light"
    assert background(torch.full((5, 1, 8, 8), 128, dtype=torch.uint8)) is None
    assert background(dark.expand(5, 3, 8, 8)) is None


def test_points_are_read_from_a_csv_file_with_or_without_a_header_and_from_the_command_line(
    trained_run, predict, tmp_path
):
    run = trained_run("model=perceptron", "data=pass_class", "trainer.max_epochs=2")
    (tmp_path / "plain.csv").write_text("4,5\n0,0.5\n\n8,10\n")
    (tmp_path / "named.csv").write_text(
        "name;Hours on the project;lectures attended\nAnn;5;4\nBob;0.5;0\nEve;10;8\n"
    )
    answers = [
        json.loads(predict(run, *words, "format=json")[1])
        for words in ([tmp_path / "plain.csv"], [tmp_path / "named.csv"], ["4,5", "0,0.5", "8,10"])
    ]
    assert [entry["class"] for entry in answers[0]] == ["pass", "fail", "pass"]
    tops = [[entry["probability"] for entry in answer] for answer in answers]
    assert tops[0] == tops[1] == tops[2]
    assert [entry["row"].rpartition(":")[2] for entry in answers[0]] == ["1", "2", "4"]
    model, loaded = load_run(run).model, load_run(run)
    chance = float(model(loaded.prepare(torch.tensor([[4.0, 5.0]]))))
    assert answers[0][0]["probability"] == pytest.approx(chance, abs=1e-6)


def test_a_regression_answers_in_the_unit_of_its_target(trained_run, predict):
    run = trained_run("model=regressor", "data=grades", "trainer.max_epochs=2")
    code, out, _ = predict(run, "4,5")
    assert code == 0 and "grade (percent)" in out
    (entry,) = json.loads(predict(run, "4,5", "format=json")[1])
    assert 0 < entry["grade"] < 120 and "class" not in entry
    assert predict(run, "4,5", "format=csv")[1].splitlines()[0] == "row,grade"
    code, _, err = predict(run, "4,5", "top=1")
    assert code == 1 and "predicts a number" in err


def test_scores_that_are_not_probabilities_are_called_scores(trained_run, predict):
    run = trained_run("model=rosenblatt", "data=two_gaussians", "trainer.max_epochs=1")
    code, out, _ = predict(run, "1,1")
    assert code == 0 and "score" in out and "probability" not in out and "%" not in out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"4,5\n1,2,3\n", "rows.csv:2: 3 numbers, but the model reads 2: lectures attended, hours"),
        (b"4,5\n1,x\n", "rows.csv:2: hours on the project is 'x': write a number alone"),
        (b"4,5\n1,nan\n", "rows.csv:2: hours on the project is nan: choose a finite number"),
        (b"a,b\n1,2\n", "rows.csv has the columns a, b, but the model reads lectures attended, hours"),
        (b"", "rows.csv is empty"),
        (b"\xff\xfe1,2", "rows.csv begins like UTF-16, but is damaged"),
        (b'4,5\n"1,2\n', "rows.csv:2 is not a line of a CSV file: unexpected end of data"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path, monkeypatch, content, sentence):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_bytes(content)
    rows = list(read_rows(["rows.csv", "4,5"], FEATURES))
    bad = [row for _, row in rows if isinstance(row, Unreadable)]
    assert len(bad) == 1 and sentence in str(bad[0])
    assert rows[-1] == ("4,5", [4.0, 5.0])


def test_a_text_model_is_sent_to_the_script_that_writes(trained_run, predict):
    run = trained_run(
        *("model=char_rnn", "model.hidden_size=4", "data=pydoc", "data.batch_size=256"), "trainer=smoke"
    )
    code, _, err = predict(run, "x.png")
    assert code == 1 and "intro-dl sample" in err


def photograph(tmp_path, light, paper=235, ink=40, size=(320, 240)) -> Path:
    """Save a photograph of a 7 in the right part of a page, under `light` of shape (height, width)."""
    page = Image.new("L", size, paper)
    draw = ImageDraw.Draw(page)
    draw.line([(190, 70), (260, 70), (215, 180)], fill=ink, width=12)
    noise = np.random.default_rng(0).normal(0, 3, (size[1], size[0]))
    Image.fromarray((np.asarray(page) * light + noise).clip(0, 255).astype(np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


WIDE = np.linspace(0, 1, 320)[None] * np.ones((240, 1))
LIGHTS = {
    "from the left": 1 - 0.6 * WIDE,
    "half in shadow": np.where(WIDE > 0.5, 0.4, 1.0),
    "shadow through the digit": np.where(WIDE > 0.72, 0.45, 1.0),
    "shadow below": np.where(np.linspace(0, 1, 240)[:, None] > 0.6, 0.5, 1.0) * np.ones((1, 320)),
}


@pytest.mark.parametrize("name", LIGHTS)
def test_a_photograph_under_uneven_light_is_read_like_one_under_even_light(tmp_path, name):
    expected, steps = read_picture(photograph(tmp_path, np.ones((240, 320))), MNIST_LIKE)
    assert "light evened out" not in steps
    pixels, steps = read_picture(photograph(tmp_path, LIGHTS[name]), MNIST_LIKE)
    assert "light evened out" in steps
    assert np.abs(pixels.astype(int) - expected).mean() < 8


@pytest.mark.parametrize("side", [8, 112])
def test_a_drawing_of_few_pixels_is_not_taken_for_a_photograph(tmp_path, side):
    for number, digit in enumerate(load_digits().images[:20]):
        image = Image.fromarray((digit * 15.9).astype(np.uint8))
        image.resize((side, side), Image.Resampling.NEAREST).save(tmp_path / f"{number}.png")
        _, steps = read_picture(tmp_path / f"{number}.png", MNIST_LIKE)
        assert not {"light evened out", "inverted"} & set(steps)


def test_the_lines_of_paper_are_not_read_as_ink(tmp_path):
    expected, _ = read_picture(photograph(tmp_path, np.ones((240, 320))), MNIST_LIKE)
    lines = np.where(np.arange(240)[:, None] % 20 < 2, 0.7, 1.0) * np.ones((1, 320))
    pixels, _ = read_picture(photograph(tmp_path, lines), MNIST_LIKE)
    assert np.abs(pixels.astype(int) - expected).mean() < 8


def test_of_several_drawings_the_largest_is_used_and_said(tmp_path):
    alone, _ = read_picture(photograph(tmp_path, np.ones((240, 320))), MNIST_LIKE)
    image = Image.open(tmp_path / "a.png")
    ImageDraw.Draw(image).line([(60, 90), (60, 150)], fill=40, width=10)
    image.save(tmp_path / "a.png")
    pixels, steps = read_picture(tmp_path / "a.png", MNIST_LIKE)
    assert "2 drawings, the largest is used" in steps
    assert np.abs(pixels.astype(int) - alone).mean() < 8


def test_light_without_a_drawing_is_said(tmp_path):
    noise = np.random.default_rng(0).normal(0, 4, (240, 320))  # of a camera
    Image.fromarray((235 * LIGHTS["half in shadow"] + noise).clip(0, 255).astype(np.uint8)).save(
        tmp_path / "a.png"
    )
    _, steps = read_picture(tmp_path / "a.png", MNIST_LIKE)
    assert "uneven light, and no drawing found" in steps


def test_show_writes_what_the_network_read(softmax, scans, predict, tmp_path):
    sheet = tmp_path / "new" / "sheet.png"
    code, out, err = predict(softmax, scans[0], f"show={sheet}")
    assert code == 0 and "Wrote what the network read of 12 images" in err and "00.png" in out
    with Image.open(sheet) as image:
        assert image.width > 300 and image.height > 300
    before = (scans[0] / "00.png").read_bytes()
    for key in ("show", "out"):
        code, _, err = predict(softmax, scans[0], f"{key}={scans[0] / '00.png'}")
        assert code == 1 and f"{key}=" in err and "is also an input" in err
    assert (scans[0] / "00.png").read_bytes() == before


def test_one_bad_file_does_not_end_the_others(softmax, scans, predict, tmp_path):
    for number in range(2):
        shutil.copy(scans[0] / f"{number:02d}.png", tmp_path)
    Image.new("LAB", (9, 9)).save(tmp_path / "lab.tif")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("text")
    (tmp_path / os.fsdecode(b"bad\xff.png")).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "notes.txt").touch()
    os.mkfifo(tmp_path / "pipe.png")
    named = [tmp_path / "pipe.png", tmp_path / "folder.png", "x" * 300, "~nobody-of-this-name/x.png"]
    for form in ("table", "csv", "json"):
        code, out, err = predict(softmax, tmp_path, *named, f"format={form}")
        assert code == 1 and "00.png" in out and "01.png" in out
        for sentence in (
            "lab.tif has LAB colors",
            "empty.jpg is empty",
            "text.png is not a readable image",
            "bad\\xff.png is not a readable image",
            "pipe.png is not a regular file",
            "There is no image in the directory",
            "File name too long",
            "There is no file",
        ):
            assert sentence in err
        assert "Note: " in err and "2 files that are not read as images: " in err


def test_the_limit_of_pixels_is_checked_before_an_image_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(image_file, "MOST_PIXELS", 99)
    Image.new("L", (10, 10)).save(tmp_path / "a.png")
    with pytest.raises(Unreadable, match="more than 99 pixels"):
        read_picture(tmp_path / "a.png", MNIST_LIKE)
