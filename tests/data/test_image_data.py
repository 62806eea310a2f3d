"""What every image set promises: options that do what they say, and constants that are those of the data."""

import hashlib
import http.server
import io
import os
import pickle
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from intro_dl.data.cifar10 import CIFAR10
from intro_dl.data.images import Digits
from intro_dl.data.mnist import MNIST, FashionMNIST, mnist_files, read_mnist
from intro_dl.data.pixel_file import pixel_statistics

DATA = Path(os.environ.get("INTRO_DL_DATA", "data"))


def digits(**options) -> Digits:
    data = Digits(**options)
    data.setup()
    return data


# Class names


ALL = (Digits, MNIST, FashionMNIST, CIFAR10)


@pytest.mark.parametrize("labels", [None, [1], [0, 2]])
@pytest.mark.parametrize("data_class", ALL)
def test_class_names_of_an_image_set_are_those_of_its_labels(data_class, labels):
    data = data_class(labels=labels)
    if labels is None:
        assert data.class_names == data_class.CLASSES and len(data.class_names) == data.dims["num_classes"]
    else:
        name = " or ".join(data_class.CLASSES[label] for label in labels)
        assert data.class_names == (f"not {name}", name)


# Options of every image set


def test_chosen_labels_make_two_classes():
    ten, two = digits(), digits(labels=[4])
    assert two.dims == {"in_shape": (1, 28, 28), "num_classes": 2}
    for split, (images, labels) in two.splits.items():
        assert torch.equal(images, ten.splits[split][0])
        assert torch.equal(labels, (ten.splits[split][1] == 4).long())
    assert ten.dims["num_classes"] == 10  # the class's own metadata are untouched


def test_several_labels_may_be_chosen_and_by_name():
    by_number = digits(labels=[1, 7]).splits["train"][1]
    assert torch.equal(by_number, digits(labels=["7", "1"]).splits["train"][1])
    assert by_number.sum() == torch.isin(digits().splits["train"][1], torch.tensor([1, 7])).sum()
    FashionMNIST(labels=["Bag"])  # known before anything is downloaded


def test_chosen_labels_say_what_the_majority_answer_reaches():
    (note,) = digits(labels=[4]).notes
    fraction = (digits().splits["test"][1] != 4).float().mean().item()
    assert f"always answering 'not 4' is right for {fraction:.1%} of the test images" in note
    (note,) = digits(labels=[1, 2, 3, 4, 5, 6, 7, 8, 9]).notes
    assert "always answering '1 or 2 or 3" in note


def test_a_limited_training_split_is_a_part_of_the_whole_and_of_a_larger_one():
    whole, more, less = digits(), digits(limit_train=200), digits(limit_train=50)
    assert len(more.splits["train"][1]) == 200
    assert torch.equal(more.splits["train"][0][:50], less.splits["train"][0])
    known = {
        (image.numpy().tobytes(), int(label)) for image, label in zip(*whole.splits["train"], strict=True)
    }
    assert all(
        (i.numpy().tobytes(), int(label)) in known for i, label in zip(*less.splits["train"], strict=True)
    )
    assert torch.equal(less.splits["val"][0], whole.splits["val"][0])


@pytest.mark.parametrize("noise", [0.2, 0.999])
def test_label_noise_makes_exactly_that_fraction_of_the_training_labels_wrong(noise):
    clean, noisy = digits(), digits(label_noise=noise)
    wrong = clean.splits["train"][1] != noisy.splits["train"][1]
    assert wrong.sum() == round(noise * 1297)
    assert set(noisy.splits["train"][1].tolist()) == set(range(10))
    for split in ("val", "test"):
        assert torch.equal(clean.splits[split][1], noisy.splits[split][1])


def test_label_noise_depends_on_the_split_seed_alone():
    first, again = digits(label_noise=0.3, seed=1), digits(label_noise=0.3, seed=2)
    assert torch.equal(first.splits["train"][1], again.splits["train"][1])
    assert (
        digits(label_noise=0.3, labels=[4]).splits["train"][1].max() == 1
    )  # other than 4 or not 4 there is none


def test_label_noise_moves_a_label_to_every_other_class():
    clean, noisy = digits().splits["train"][1], digits(label_noise=0.9).splits["train"][1]
    assert set(noisy[(clean == 3) & (noisy != 3)].tolist()) == {0, 1, 2, 4, 5, 6, 7, 8, 9}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [12]}, r"data\.labels=\[12\] names 12, but the classes are 0 to 9"),
        ({"labels": [-1]}, r"data\.labels=\[-1\] names -1"),
        ({"labels": ["cat"]}, r"data\.labels=\[cat\] names cat"),
        ({"labels": []}, r"data\.labels=\[\] names none of the 10 classes"),
        ({"labels": list(range(10))}, r"names all of the 10 classes"),
        ({"limit_train": 0}, r"Invalid data\.limit_train=0: choose an integer from 1 to 1297"),
        ({"limit_train": 1298}, r"data\.limit_train=1298: choose an integer from 1 to 1297"),
        ({"label_noise": 1.0}, r"Invalid data\.label_noise=1\.0: choose a fraction in \[0, 1\)"),
        ({"label_noise": -0.1}, r"data\.label_noise=-0\.1"),
        ({"augment": "rotate"}, r"Unknown data\.augment=rotate: choose one of none, affine, crop_flip"),
    ],
)
def test_an_invalid_option_is_refused_by_its_key(options, message):
    with pytest.raises(ValueError, match=message):
        digits(**options)


@pytest.mark.parametrize("name", ["affine", "crop_flip"])
def test_training_images_vary_and_labels_and_other_splits_do_not(name):
    plain, varied = digits(batch_size=100), digits(batch_size=100, augment=name)
    for split in ("train", "val", "test"):
        pairs = [(getattr(data, f"{split}_dataloader")()) for data in (plain, varied)]
        (images, labels), (varied_images, varied_labels) = (next(iter(batches)) for batches in pairs)
        assert torch.equal(labels, varied_labels)
        assert torch.equal(images, varied_images) == (split != "train")


def test_mirrored_digits_are_noted():
    assert "a mirrored 3 is not a 3" in MNIST(augment="crop_flip").notes[0]
    assert not FashionMNIST(augment="crop_flip").notes


# CIFAR-10 and Fashion-MNIST


def batch_of_2009(content: dict) -> bytes:
    """Pickle like CIFAR-10: the NumPy of 2009 wrote flags as 0 and 1, and 2.4.0 to 2.4.4 warn about it."""
    return pickle.dumps(content, protocol=2).replace(b"\x89\x88\x87", b"K\x00K\x01\x87")


@pytest.fixture
def small_cifar(tmp_path, monkeypatch):
    """Serve an archive of 6 batches of 20 images, and tell torchvision its checksums."""
    from torchvision import datasets

    generator = np.random.default_rng(0)
    archive, checksums, images = io.BytesIO(), {}, []
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name in names:
            pixels = generator.integers(0, 256, (20, 3072), dtype=np.uint8)
            images.append(pixels)
            content = batch_of_2009({"data": pixels, "labels": [number % 10 for number in range(20)]})
            if name == "batches.meta":
                content = pickle.dumps({"label_names": list(CIFAR10.CLASSES)}, protocol=2)
            checksums[name] = hashlib.md5(content).hexdigest()
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    served = tmp_path / "served"
    served.mkdir()
    (served / "cifar.tar.gz").write_bytes(archive.getvalue())

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=served)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setattr(datasets.CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/cifar.tar.gz")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", hashlib.md5(archive.getvalue()).hexdigest())
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [[name, checksums[name]] for name in names[:5]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", checksums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": checksums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    yield images
    server.shutdown()
    server.server_close()
    thread.join()


def test_cifar10_is_downloaded_once_and_read_as_one_tensor(small_cifar, tmp_path, monkeypatch):
    data = CIFAR10(root=str(tmp_path / "data"))
    data.prepare_data()
    from torchvision import datasets

    monkeypatch.setattr(datasets.CIFAR10, "url", "http://127.0.0.1:1/gone")
    data.prepare_data()  # the files are there
    data.setup()
    sizes = {split: tuple(images.shape) for split, (images, _) in data.splits.items()}
    assert sizes == {"train": (90, 3, 32, 32), "val": (10, 3, 32, 32), "test": (20, 3, 32, 32)}
    more = CIFAR10(root=str(tmp_path / "data"), split_fraction=0.02)
    more.setup()
    assert more.sizes() == {"train": 98, "val": 2, "test": 20}
    images, labels = data.splits["test"]
    assert images.dtype == torch.uint8 and labels.dtype == torch.int64
    assert np.array_equal(images.reshape(20, 3072).numpy(), small_cifar[5])
    assert labels.tolist() == [number % 10 for number in range(20)]
    batch, _ = next(iter(data.train_dataloader()))
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_a_damaged_batch_of_cifar10_is_refused_before_it_is_unpickled(small_cifar, tmp_path):
    data = CIFAR10(root=str(tmp_path / "data"))
    data.prepare_data()
    with (tmp_path / "data" / "cifar-10-batches-py" / "data_batch_3").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="damaged: its checksum is wrong. Move the directory away"):
        data.setup()


def test_mnist_trains_on_the_validation_images_and_keeps_plain_pixels_if_asked_to(data_root):
    usual = MNIST(root=str(data_root))
    source = MNIST(root=str(data_root), train_on_validation=True, normalize=False)
    usual.setup(), source.setup()
    assert (usual.sizes()["train"], source.sizes()["train"]) == (55_000, 60_000)
    assert all(torch.equal(*pair) for pair in zip(usual.splits["val"], source.splits["val"], strict=True))
    images = source.transform(source.splits["test"][0][:500])
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert (source.metadata()["mean"], source.metadata()["std"]) == ([0.0], [1.0])  # for who loads the run
    assert "does not estimate" in source.notes[0] and not usual.notes


def test_normalization_of_cifar10_is_that_of_its_training_images():
    strips = DATA / "cifar10_strips"
    if not strips.is_dir():
        pytest.skip(f"CIFAR-10 is not on disk as strips ({strips}); INTRO_DL_DATA names the data folder")
    pixels = [np.asarray(Image.open(strips / f"cifar10_batch_{number}.png")) for number in range(50)]
    images = torch.from_numpy(np.concatenate(pixels)).view(50_000, 1024, 3).permute(0, 2, 1)
    mean, std = pixel_statistics(images)
    assert CIFAR10.MEAN == pytest.approx(mean, abs=5e-5)
    assert CIFAR10.STD == pytest.approx(std, abs=5e-5)
    each = images[:5000].float().div(255).std(dim=2).mean(dim=0)  # what is often divided by instead
    assert each.tolist() == pytest.approx((0.2023, 0.1994, 0.2010), abs=2e-3)


def test_normalization_of_the_digits_is_that_of_the_training_images():
    mean, std = pixel_statistics(digits().splits["train"][0])
    assert (*Digits.MEAN, *Digits.STD) == pytest.approx((*mean, *std), abs=5e-5)


@pytest.mark.parametrize("images_of", [MNIST, FashionMNIST])
def test_normalization_of_28x28_images_is_that_of_the_training_images(images_of):
    if not all(file.is_file() for file in mnist_files(images_of.__name__, str(DATA))):
        pytest.skip(f"{images_of.__name__} is not on disk ({DATA}); INTRO_DL_DATA names the data directory")
    (images, _), _ = read_mnist(images_of.__name__, str(DATA))
    mean, std = pixel_statistics(images)
    assert (*images_of.MEAN, *images_of.STD) == pytest.approx((*mean, *std), abs=5e-5)
