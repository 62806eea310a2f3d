"""What a folder of own images becomes, and which folders are refused."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from intro_dl.data import image_folder
from intro_dl.data.image_file import read_image
from intro_dl.data.image_folder import ImageFolder


def write_images(folder: Path, count: int, side: int = 8, color=(200, 100, 50), suffix: str = ".png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (side, side), (*color[:2], (color[2] + number) % 256)).save(
            folder / f"{number:03d}{suffix}"
        )


@pytest.fixture
def pets(tmp_path):
    """Twenty red cats and thirty blue dogs, in class folders."""
    write_images(tmp_path / "cat", 20, color=(250, 0, 0))
    write_images(tmp_path / "dog", 30, color=(0, 0, 200))
    return tmp_path


def folder(root: Path, **options) -> ImageFolder:
    data = ImageFolder(root=str(root), **{"image_size": 8, **options})
    data.prepare_data()
    data.setup()
    return data


def test_class_folders_are_split_by_a_fraction_of_each_class(pets):
    data = folder(pets, split_fraction=0.1)
    assert data.dims == {"in_shape": (3, 8, 8), "num_classes": 2} and data.CLASSES == ("cat", "dog")
    counts = {split: labels.bincount().tolist() for split, (_, labels) in data.splits.items()}
    assert counts == {"train": [16, 24], "val": [2, 3], "test": [2, 3]}
    images, labels = data.splits["train"]
    assert images.dtype == torch.uint8
    assert torch.equal(images[:, 0, 0, 0] == 250, labels == 0)  # every image kept its label
    everything = torch.cat([images for images, _ in data.splits.values()])
    assert len(everything.unique(dim=0)) == 50  # and every image is in one split


def test_train_and_test_folders_are_kept_apart(tmp_path):
    for split, count in (("train", 10), ("test", 4)):
        write_images(tmp_path / split / "cat", count, color=(250, 0, 0))
        write_images(tmp_path / split / "dog", count, color=(0, 0, 250), suffix=".bmp")
    data = folder(tmp_path, split_fraction=0.2)
    counts = {split: labels.bincount().tolist() for split, (_, labels) in data.splits.items()}
    assert counts == {"train": [8, 8], "val": [2, 2], "test": [4, 4]}


def test_held_out_images_are_fixed_by_the_split_seed(pets):
    def validation(**seeds):
        return folder(pets, **seeds).splits["val"][0]

    assert torch.equal(validation(seed=1), validation(seed=2))
    assert not torch.equal(validation(split_seed=1), validation(split_seed=2))


def test_an_image_folder_is_normalized_by_its_own_training_images(pets):
    data = folder(pets)
    images = data.transform(data.splits["train"][0])
    assert images.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    deviation = images.std(dim=(0, 2, 3), correction=0)
    assert deviation[[0, 2]].tolist() == pytest.approx([1, 1], abs=1e-5)
    assert images.isfinite().all()  # green is 0 everywhere, and nothing was divided by 0


def test_images_become_grey_on_request_and_get_the_size_asked_for(pets):
    write_images(pets / "cat", 20, side=30, color=(250, 0, 0))
    data = folder(pets, channels=1, image_size=12)
    images, labels = data.splits["train"]
    assert images.shape[1:] == data.dims["in_shape"] == (1, 12, 12)
    red = round(0.299 * 250)
    assert images[labels == 0].float().mean() == pytest.approx(red, abs=3)


def test_an_image_is_upright_unstretched_and_white_where_transparent(tmp_path):
    wide = Image.new("RGB", (30, 10), "black")
    wide.paste("white", (10, 0, 20, 10))
    wide.save(tmp_path / "wide.png")
    assert (read_image(tmp_path / "wide.png", (10, 10), "L")[0] == 255).all()  # the middle third

    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was held upside down
    photo = Image.new("L", (16, 16), 0)
    photo.paste(255, (0, 0, 16, 8))
    photo.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    upright, _ = read_image(tmp_path / "photo.jpg", (16, 16), "L")
    assert upright[:4].max() < 20 and upright[-4:].min() > 235

    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png", (4, 4), "RGB")[0] == 255).all()


def test_hidden_folders_and_other_files_are_no_classes_and_no_images(pets):
    write_images(pets / ".ipynb_checkpoints", 2)
    (pets / "cat" / "notes.txt").write_text("not an image")
    (pets / "cat" / "._000.png").write_bytes(b"what macOS leaves")
    assert sum(len(labels) for _, labels in folder(pets).splits.values()) == 50


def test_broken_images_are_left_out_and_named(pets, caplog):
    plain = folder(pets)
    for name in ("cat/005a.jpg", "dog/torn.png"):
        (pets / name).write_bytes(b"no image")
    with caplog.at_level("INFO"):
        data = folder(pets)
    for split, (images, labels) in data.splits.items():
        assert torch.equal(images, plain.splits[split][0]) and torch.equal(labels, plain.splits[split][1])
    assert "torn.png is not a readable image" in caplog.text
    assert data.left_out == [
        "2 images that could not be read: cat/005a.jpg, dog/torn.png (train.log has the reasons)"
    ]


def test_the_options_of_image_sets_work_on_folders_too(pets):
    data = folder(pets, labels=["dog"], limit_train=30, label_noise=0.5, augment="crop_flip")
    assert data.dims["num_classes"] == 2 and len(data.splits["train"][1]) == 30
    assert data.class_names == tuple(data.metadata()["classes"]) == ("not dog", "dog")
    assert "always answering 'dog' is right for 60.0%" in data.notes[0]
    next(iter(data.train_dataloader()))
    with pytest.raises(ValueError, match=r"names bird, but the classes are 0 to 1: cat, dog"):
        folder(pets, labels=["bird"])


def test_a_folder_named_like_a_number_is_found_by_its_name(tmp_path):
    for name in ("2", "4", "7"):
        write_images(tmp_path / name, 5)
    assert folder(tmp_path, labels=[4]).splits["train"][1].sum() == 3


def make_one_class(root):
    write_images(root / "cat", 5)


def make_loose_images(root):
    write_images(root, 5)


def make_empty_class(root):
    write_images(root / "cat", 5)
    (root / "dog").mkdir()


def make_different_classes(root):
    for place in ("train/cat", "train/dog", "test/cat", "test/bird"):
        write_images(root / place, 5)


def make_test_alone(root):
    for place in ("test/cat", "test/dog"):
        write_images(root / place, 5)


def make_few_images(root):
    write_images(root / "cat", 5)
    write_images(root / "dog", 2)


def make_nothing(root):
    pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_nothing, "There is no class in .*at least two classes"),
        (make_loose_images, "There is no class in .*at least two classes"),
        (make_one_class, "There is only one class, cat, in .*at least two classes"),
        (make_empty_class, "There are no images in .*dog. Add some"),
        (make_different_classes, "differ: only one of them has bird, dog"),
        (make_test_alone, r"has test/, but no train/\. Put the images into .*data\.root="),
        (make_few_images, "The class dog in .* has too few images: 2, but at least 3 are needed"),
    ],
)
def test_a_folder_that_cannot_be_learned_from_is_refused(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        folder(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"data\.root=.*nowhere is not a directory"):
        folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"data=image_folder needs images: add data\.root="):
        ImageFolder()


def test_a_set_too_large_for_the_memory_gives_the_same_batches_from_a_file(pets, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    (pets / "cat" / "broken.png").write_bytes(b"no image")
    write_images(pets / "dog" / "copies", 3, color=(0, 0, 200))
    held, filed = (
        folder(pets, in_memory_limit=limit, cache=str(cache), batch_size=7) for limit in (4.0, 0.0)
    )
    assert held.on_device and not filed.on_device
    assert (held.MEAN, held.STD, held.notes) == (filed.MEAN, filed.STD, filed.notes)
    assert len(held.notes) == len(held.left_out) == 1 and held.left_out == filed.left_out
    for loader in ("train_dataloader", "val_dataloader", "test_dataloader"):
        pairs = zip(getattr(held, loader)(), getattr(filed, loader)(), strict=True)
        assert all(torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


def test_images_are_decoded_once_and_again_when_one_changes(pets, tmp_path_factory, monkeypatch):
    options = {"in_memory_limit": 0.0, "cache": str(tmp_path_factory.mktemp("cache"))}
    decoded = []
    read = image_folder.read_image
    monkeypatch.setattr(image_folder, "read_image", lambda *args: decoded.append(args) or read(*args))
    first, second = folder(pets, **options), folder(pets, **options)
    assert len(decoded) == 50 and torch.equal(first.splits["val"][0], second.splits["val"][0])
    write_images(pets / "cat", 1, side=9)
    folder(pets, **options)
    assert len(decoded) == 100
    write_images(pets / "bird", 1)
    with pytest.raises(ValueError, match="bird .* has too few images"):
        folder(pets, **options)
    assert not list(Path(options["cache"]).glob("*.tmp"))  # nothing unfinished is left
