"""Image folders and image files as people have them: splits, links, copies, other formats, broken files."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intro_dl.data.class_folders import find_images, read_layout
from intro_dl.data.image_file import SUFFIXES, Unreadable, open_image, read_image, shown_name
from intro_dl.data.image_folder import ImageFolder


def write(folder: Path, count: int = 6, start: int = 0, suffix: str = ".png") -> None:
    """Write different images; another `start` gives other images."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}{suffix}")


def load(root: Path, **options) -> ImageFolder:
    data = ImageFolder(root=str(root), **{"image_size": 8, **options})
    data.setup()
    return data


def sizes(data: ImageFolder) -> dict[str, int]:
    return {split: len(labels) for split, (_, labels) in data.splits.items()}


@pytest.fixture
def pets(tmp_path):
    """Ten cats and ten dogs, in class folders."""
    write(tmp_path / "pets" / "cat", 10)
    write(tmp_path / "pets" / "dog", 10, start=100)
    return tmp_path / "pets"


SPELLINGS = [
    {"Train": "train", "Test": "test"},
    {"training": "train", "validation": "val", "testing": "test"},
    {"TRAIN": "train", "VAL": "val"},
    {"training_set": "train", "test_set": "test"},
    {"train2017": "train", "val2017": "val"},
    {"train": "train", "dev": "val", "test1": "test"},
    {"train": "train"},
]


@pytest.mark.parametrize("names", SPELLINGS, ids=lambda names: "-".join(names))
def test_split_folders_are_used_in_any_spelling(tmp_path, names):
    for number, name in enumerate(names):
        write(tmp_path / name / "cat", 10 + number, start=1000 * number)
        write(tmp_path / name / "dog", 10 + number, start=1000 * number + 500)
    data = load(tmp_path)
    assert data.CLASSES == ("cat", "dog") and not data.left_out
    given = {split: 2 * (10 + number) for number, split in enumerate(names.values())}
    assert sum(sizes(data).values()) == sum(given.values())
    for split in ("val", "test"):
        assert sizes(data)[split] == given.get(split, 2)


def make_loose_splits(root):
    write(root / "Train")
    write(root / "Test")


def make_loose_test(root):
    for name in ("cat", "dog", "test"):
        write(root / name)


def make_class_first(root):
    for name in ("cat/train", "cat/test", "dog/train", "dog/test"):
        write(root / name)


def make_one_level_too_high(root):
    for name in ("pets/cat", "pets/dog"):
        write(root / name)


def make_split_twice(root):
    for name in ("val/cat", "valid/cat", "train/cat"):
        write(root / name)


def make_split_among_classes(root):
    for name in ("cat", "dog", "test/cat", "test/dog"):
        write(root / name)


def make_heic_class(root):
    write(root / "cat")
    (root / "dog").mkdir()
    (root / "dog" / "IMG_1.HEIC").write_bytes(b"x")


def make_missing_class(root):
    for name in ("train/cat", "train/dog", "val/cat", "val/dog", "test/cat"):
        write(root / name)


def make_masks(root):
    write(root / "images")
    write(root / "masks", start=100)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_loose_splits, "Test/, Train/ in .* means a split, .* but it holds images"),
        (make_loose_test, "test/ in .* means a split, .* but it holds images"),
        (make_class_first, "hold only directories, no images: cat/, dog/. Put the images into"),
        (make_one_level_too_high, "If you mean cat/, dog/ in it, choose data.root=.*pets"),
        (make_split_twice, "val/, valid/ in .* are both the val split"),
        (make_split_among_classes, "test/ in .* means a split, but cat/, dog/ beside it could be classes"),
        (
            make_heic_class,
            r"no images in .*dog\. It has 1 file that is not read .*: 1 \.heic .convert HEIC",
        ),
        (make_masks, "images/, masks/ in .* are not names of classes"),
        (make_missing_class, "train and .*test differ: only one of them has dog"),
    ],
)
def test_an_unclear_layout_is_refused_in_one_sentence(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_a_train_beside_other_vehicles_is_a_class(tmp_path):
    for number, name in enumerate(("bus", "car", "train")):
        write(tmp_path / name, start=100 * number)
    assert load(tmp_path).CLASSES == ("bus", "car", "train")


def test_what_lies_beside_the_splits_and_the_classes_is_said(tmp_path):
    for number, name in enumerate(("train/cat", "train/dog")):
        write(tmp_path / name, 10, start=100 * number)
    write(tmp_path / "test", 4, start=500)  # without labels, as in many competitions
    write(tmp_path / "masks" / "all", 3)
    write(tmp_path / "train", 2, start=600)
    left_out = " ".join(load(tmp_path).left_out)
    assert "4 images in test/, which has no class directories" in left_out
    assert "3 images in masks/, which is beside the splits" in left_out
    assert "2 images directly in" in left_out


def test_nested_folders_belong_to_their_class(pets):
    write(pets / "cat" / "tabby" / "old", 5, start=200)
    assert sum(sizes(load(pets)).values()) == 25


def test_own_output_and_the_litter_of_systems_are_no_classes(pets):
    for name in (
        "outputs/lenet/2026-01-01/.hydra",
        "my_run/.hydra",
        ".git",
        "__MACOSX",
        "@eaDir",
        "cat/.thumbs",
    ):
        write(pets / name, 3, start=300)
    write(pets / "outputs" / "lenet" / "2026-01-01" / "evaluation", 3, start=400)
    write(pets / "outputs", 1, start=500)
    (pets / "venv").mkdir()
    (pets / "venv" / "pyvenv.cfg").touch()
    (pets / "data" / "cache").mkdir(parents=True)
    (pets / "data" / "cache" / "0123.uint8").touch()
    (pets / "cat" / "Thumbs.db").touch()
    write(pets / "dog" / "run" / ".hydra", 3, start=600)
    write(pets / "dog" / "run", 3, start=700)
    data = load(pets)
    assert data.CLASSES == ("cat", "dog") and sum(sizes(data).values()) == 20 and not data.left_out


def test_a_run_in_the_folder_of_the_images_does_not_change_the_next(train, pets, monkeypatch):
    monkeypatch.chdir(pets)
    words = ("model=softmax", "data=image_folder", "data.root=.", "trainer=smoke", "data.in_memory_limit=0")
    first, second = (train(*words, "data.cache=data/cache", "run_dir=" + name) for name in ("one", "two"))
    assert first.code == second.code == 0


def test_each_real_file_counts_once(pets, tmp_path):
    (pets / "cat" / "all").symlink_to(pets)  # a loop, which leads to the dogs
    (pets / "cat" / "self").symlink_to(pets / "cat")
    (pets / "cat" / "same.png").symlink_to(pets / "cat" / "000.png")
    os.link(pets / "cat" / "001.png", pets / "cat" / "hard.png")
    (pets / "cat" / "gone.png").symlink_to(pets / "nowhere.png")
    (pets / "kitten").symlink_to(pets / "cat")
    write(tmp_path / "more", 5, start=800)
    (pets / "dog" / "more").symlink_to(tmp_path / "more")
    data = load(pets)
    assert data.CLASSES == ("cat", "dog") and sum(sizes(data).values()) == 25 and not data.notes
    left_out = " ".join(data.left_out)
    assert "1 broken link" in left_out and "2 link to a directory that is read anyway" in left_out
    assert "the link kitten to a directory that is read anyway" in left_out


def test_class_folders_may_be_links(pets, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("cat", "dog"):
        (linked / name).symlink_to(pets / name)
    assert sum(sizes(load(linked)).values()) == 20


def held_out_copies(data: ImageFolder) -> int:
    known = {image.numpy().tobytes() for image in data.splits["train"][0]}
    return sum(
        image.numpy().tobytes() in known for split in ("val", "test") for image in data.splits[split][0]
    )


@pytest.mark.parametrize("split_seed", range(3))
def test_copies_of_an_image_stay_in_one_split(pets, split_seed):
    for file in [*pets.glob("*/*.png")]:
        shutil.copy(file, file.with_name(f"{file.stem} (1).png"))
        Image.open(file).save(file.with_suffix(".bmp"))  # the same pixels in another file
    data = load(pets, split_seed=split_seed, split_fraction=0.3)
    assert held_out_copies(data) == 0
    assert sizes(data) == {"train": 24, "val": 18, "test": 18}
    assert data.notes == ["Images that are copies of others: 40 of 60."]


def test_copies_in_given_splits_and_under_two_labels_are_counted(tmp_path):
    for split, start in (("train", 0), ("test", 1000)):
        write(tmp_path / split / "cat", 10, start=start)
        write(tmp_path / split / "dog", 10, start=start + 100)
    shutil.copy(tmp_path / "train/cat/000.png", tmp_path / "test/cat/x.png")
    shutil.copy(tmp_path / "train/cat/001.png", tmp_path / "train/dog/y.png")
    notes = load(tmp_path).notes
    assert notes[0] == "Images that are copies of others: 2 of 42."
    assert any("The training images contain 1 of the 21 test images" in note for note in notes)
    assert any("Images with several labels: 1" in note for note in notes)


def test_a_class_of_copies_is_used_and_said(pets):
    for number in range(1, 10):
        shutil.copy(pets / "cat" / "000.png", pets / "cat" / f"{number:03d}.png")
    data = load(pets)
    assert sizes(data) == {"train": 16, "val": 2, "test": 2}
    assert any("The training images contain 1 of the 2 test" in note for note in data.notes)


def test_files_that_are_not_read_are_counted_and_said(pets):
    for name in ("a.heic", "b.HEIC", "notes.txt", "photos.zip", "page.pdf", "README"):
        (pets / "cat" / name).write_bytes(b"x")
    os.mkfifo(pets / "cat" / "pipe.png")
    (said,) = load(pets).left_out
    assert said.startswith("7 files that are not read as images: 2 .heic, 1 ")
    assert all(kind in said for kind in ("1 .txt", "1 .zip", "1 .pdf", "1 no suffix", "1 special file"))
    assert said.endswith("(convert HEIC to JPEG)")


def test_every_raster_format_that_pillow_reads_is_used(tmp_path):
    assert {".jfif", ".jpe", ".avif", ".webp", ".bmp", ".gif", ".tif", ".tga", ".jp2", ".qoi"} <= SUFFIXES
    assert not {".pdf", ".eps", ".ps", ".mpg", ".h5", ".wmf"} & SUFFIXES
    for number, suffix in enumerate([".JPG", ".jfif", ".jpe", ".webp", ".Png", ".bmp", ".GIF", ".tiff"]):
        write(tmp_path / "a", 3, start=100 * number, suffix=suffix)
        write(tmp_path / "b", 3, start=100 * number + 50, suffix=suffix)
    assert sum(sizes(load(tmp_path)).values()) == 48


def test_a_file_of_another_kind_is_never_handed_to_another_program(tmp_path):
    (tmp_path / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(Unreadable, match=r"page\.png is not a readable image"):
        open_image(tmp_path / "page.png", "L", 8)


@pytest.mark.parametrize(
    ("values", "white", "said"),
    [
        (np.uint16, 255, "values 0..255 kept"),
        (np.uint16, 4095, "12 to 8 bits"),
        (np.uint16, 65535, "16 to 8 bits"),
        (np.int32, 65535, "16 to 8 bits"),
        (np.float32, 1, "0..1 to 8 bits"),
        (np.float32, 255, "values 0..255 kept"),
    ],
)
def test_values_of_more_than_8_bits_choose_the_scale(tmp_path, values, white, said):
    pixels = np.linspace(0, white, 64).reshape(8, 8).astype(values)
    Image.fromarray(pixels).save(tmp_path / "deep.tif")
    read, scaling = read_image(tmp_path / "deep.tif", (8, 8), "L")
    assert scaling == said
    assert np.abs(read.astype(float) - 255 * pixels.astype(float) / white).max() <= 0.51


def test_a_folder_of_16_bit_images_is_trained_on_and_said(pets):
    for file in [*pets.glob("*/*.png")]:
        grey = np.asarray(Image.open(file).convert("L")).astype(np.uint16)
        Image.fromarray(grey * 257).save(file)
    data = load(pets, channels=1)
    assert sizes(data)["train"] == 16 and data.notes == ["Images scaled (16 to 8 bits): 20 of 20."]
    assert data.STD[0] > 0.1


@pytest.mark.parametrize("values", [[-1, 5], [0, 1e6], [0, np.nan]])
def test_values_without_a_scale_are_refused(tmp_path, values):
    Image.fromarray(np.resize(np.array(values, np.float32), (8, 8))).save(tmp_path / "odd.tif")
    with pytest.raises(Unreadable, match=r"odd\.tif has values outside 0 to 65535"):
        read_image(tmp_path / "odd.tif", (8, 8), "L")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"])
def test_every_mode_of_pixels_is_read_or_named(tmp_path, mode):
    file = tmp_path / "image.tif"
    if mode == "PA":
        Image.new("P", (9, 9), 3).save(tmp_path / "image.png", transparency=3)
        file = tmp_path / "image.png"
    else:
        Image.new(mode, (9, 9)).save(file)
    if mode == "LAB":
        with pytest.raises(Unreadable, match=r"image\.tif has LAB colors"):
            read_image(file, (8, 8), "RGB")
    else:
        assert read_image(file, (8, 8), "RGB")[0].shape == (8, 8, 3)
        assert read_image(file, (8, 8), "L")[0].shape == (8, 8)


def test_the_first_image_of_a_film_is_read(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for suffix in ("gif", "webp", "png"):
        file = tmp_path / f"film.{suffix}"
        options = {"lossless": True} if suffix == "webp" else {}
        frames[0].save(file, save_all=True, append_images=frames[1:], **options)
        assert read_image(file, (8, 8), "RGB")[0][0, 0].tolist() == [255, 0, 0]


def test_names_are_shown_in_one_line_of_valid_unicode():
    assert shown_name("Übung 👩‍🔬.png") == "Übung 👩‍🔬.png"
    assert shown_name("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert shown_name(os.fsdecode(b"bad\xff.png")) == "bad\\xff.png"


def test_strange_names_of_classes_and_files_get_through(tmp_path, caplog):
    names = ["a b", "Über\nzwei", "\x1b[31mred", "🐱", os.fsdecode(b"bad\xff")]
    for number, name in enumerate(names):
        write(tmp_path / name, start=100 * number)
    (tmp_path / "a b" / os.fsdecode(b"torn\xff.png")).write_bytes(b"x")
    data = load(tmp_path)
    assert set(data.CLASSES) == {"a b", "Über\\nzwei", "\\x1b[31mred", "🐱", "bad\\xff"}
    assert "torn\\xff.png" in data.left_out[-1]
    "".join([*data.CLASSES, *data.left_out, caplog.text]).encode()  # valid Unicode


def test_classes_that_differ_only_in_case_are_said(pets):
    write(pets / "Cat", start=900)
    assert load(pets).notes == ["The classes Cat, cat differ only in upper and lower case."]


def test_one_spelling_of_umlauts_is_enough(tmp_path):
    for number, name in enumerate(("train/Mu\u0308ll", "train/Glas", "test/M\u00fcll", "test/Glas")):
        write(tmp_path / name, start=100 * number)
    assert load(tmp_path).CLASSES == ("Glas", "Müll")


def test_an_archive_in_place_of_a_folder_is_to_be_unpacked(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match="is not a directory.*Unpack it first"):
        load(tmp_path / "pets.zip")


def test_a_set_that_takes_gigabytes_is_said_before_it_is_read(pets, caplog, monkeypatch):
    monkeypatch.setattr("intro_dl.data.image_folder.LARGE", 1000)
    load(pets)
    assert "20 images of 8x8 pixels take 0.0 GB" in caplog.text and "data.image_size=" in caplog.text


def test_the_files_of_a_folder_are_found_once_and_sorted(pets):
    assert find_images(pets).images == sorted(pets.glob("*/*.png"))
    images, left_out = read_layout(pets)
    assert not left_out and [*images["train"]] == ["cat", "dog"]
