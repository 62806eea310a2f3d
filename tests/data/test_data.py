"""What every data set promises, and how MNIST gets onto the disk."""

import gzip
import hashlib
import http.server
import struct
import threading

import pytest
import torch
import torchvision
from hydra.utils import instantiate

from intro_dl.config.arguments import check_arguments
from intro_dl.config.compose import composed
from intro_dl.data.batches import Batches, Windows
from intro_dl.data.cifar10 import CIFAR10
from intro_dl.data.dataset import TensorData
from intro_dl.data.images import Digits, ImageData
from intro_dl.data.mnist import MNIST, FashionMNIST
from intro_dl.data.text import TinyShakespeare
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.training.build import build
from tests.conftest import ROOT

NEEDS_FILES = (
    "mnist",
    "fashion_mnist",
    "cifar10",
    "image_folder",
    "shakespeare",
    "irish_abc",
    "tweets",
    "file",
    "table",
)
OPTIONS = sorted(
    path.stem for path in (ROOT / "configs" / "data").glob("*.yaml") if path.stem not in NEEDS_FILES
)


@pytest.fixture(params=OPTIONS, scope="module")
def data(request):
    data = instantiate(composed(f"data={request.param}").data, _convert_="all")
    data.prepare_data()
    data.setup()
    return data


def test_splits_are_train_val_and_test_and_each_has_examples(data):
    assert list(data.splits) == ["train", "val", "test"]
    for inputs, targets in data.splits.values():
        assert len(inputs) == len(targets) > 0


def test_batches_have_the_shape_that_the_metadata_say(data):
    inputs, targets = next(iter(data.train_dataloader()))
    if data.kind == "tokens":
        assert int(inputs.max()) < data.dims["vocab_size"] and inputs.dtype == torch.int64
        assert set(targets.tolist()) == set(range(data.dims["num_classes"]))
        return
    if data.kind not in ("images", "points", "text"):
        return  # their own tests check them
    if "vocab_size" in data.dims:
        assert inputs.shape == targets.shape and int(inputs.max()) < data.dims["vocab_size"]
        return
    assert inputs.shape[1:] == tuple(data.dims["in_shape"]) and inputs.dtype == torch.float32
    if "num_classes" in data.dims:
        assert targets.dtype == torch.int64 and set(targets.tolist()) <= set(range(data.dims["num_classes"]))


def test_class_names_are_the_same_everywhere(data):
    variants = [data]
    if data.kind == "images":
        variants += [type(data)(labels=[1]), type(data)(labels=[0, 2])]
        for variant in variants[1:]:
            variant.setup()
    for variant in variants:
        metadata = variant.metadata()
        assert metadata["kind"] == variant.kind
        assert variant.class_names == tuple(metadata.get("classes", ()))
        assert len(variant.class_names) == variant.dims.get("num_classes", 0)


def test_every_data_set_says_in_one_line_what_was_read(data):
    line, total = data.description(), sum(data.sizes().values())
    examples = "characters" if data.kind == "text" else data.EXAMPLES
    assert line.startswith(f"{total:,} {examples}, ") and "\n" not in line
    for split, size in data.sizes().items():
        assert f"{size:,} {split}" in line
    assert f"{len(data.class_names)} classes" in line or not data.class_names


def test_description_counts_unequal_classes_and_says_what_was_left_out():
    plain, data = Digits(), Digits(labels=[4], limit_train=100, label_noise=0.1)
    plain.setup()
    data.setup()
    assert plain.description() == "1,797 images, 10 classes: 1,297 train, 200 val, 300 test"
    data.left_out.append("3 files are not images: a.txt, b.doc, c.pdf")
    assert data.description() == (
        "600 images, 2 classes (not 4: 526, 4: 74), 10% of the training labels wrong (data.label_noise): "
        "100 train, 200 val, 300 test. Left out: 1,197 training images (data.limit_train=100); "
        "3 files are not images: a.txt, b.doc, c.pdf"
    )


@pytest.mark.parametrize(
    ("option", "key", "value"),
    [
        ("digits", "batch_size", 0),
        ("digits", "limit_train", 0),
        ("digits", "label_noise", 1.0),
        ("digits", "label_noise", -0.1),
        ("digits", "split_seed", -1),
        ("mnist", "limit_train", -5),
        ("image_folder", "image_size", 0),
        ("image_folder", "image_size", 5000),
        ("image_folder", "channels", 2),
        ("image_folder", "split_fraction", 0.5),
        ("image_folder", "split_fraction", 0.0),
        ("image_folder", "in_memory_limit", -1.0),
        ("table", "split_fraction", 0.5),
        ("pydoc", "window", 0),
        ("moons", "noise", -0.1),
        ("two_gaussians", "distance", -1.0),
        ("spirals", "arms", 1),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_key(option, key, value, make_config):
    cfg = make_config(f"data={option}", f"data.{key}={value}")
    with pytest.raises(ValueError, match=f"Invalid data.{key}={value}: choose "):
        check_arguments(cfg.data, "data")


def test_setting_up_twice_changes_nothing(data):
    before = data.splits["train"][0]
    data.setup()
    assert data.splits["train"][0] is before


def test_digits_are_split_into_disjoint_parts_that_sum_up():
    data = Digits()
    data.setup()
    sizes = [len(data.splits[split][0]) for split in ("train", "val", "test")]
    assert sizes == [1297, 200, 300]
    images = torch.cat([data.splits[split][0] for split in data.splits]).flatten(1)
    # The 1,797 scans are all different, and each is in one place.
    assert len(images.unique(dim=0)) == 1797


def test_split_depends_on_the_split_seed_alone():
    def test_images(**seeds):
        data = Digits(**seeds)
        data.setup()
        return data.splits["test"][0]

    assert torch.equal(test_images(seed=0), test_images(seed=1))
    assert not torch.equal(test_images(split_seed=0), test_images(split_seed=1))


def test_mnist_is_three_classes_of_ours_deep():
    ours = [each for each in MNIST.__mro__ if each.__module__.startswith("intro_dl")]
    assert ours == [MNIST, ImageData, TensorData]


def test_mnist_is_split_55000_5000_10000(data_root):
    data = MNIST(root=str(data_root))
    data.prepare_data()
    data.setup()
    assert [len(data.splits[split][0]) for split in ("train", "val", "test")] == [55_000, 5_000, 10_000]
    counts = sum(torch.bincount(data.splits[split][1]) for split in ("train", "val"))
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # of the 60,000
    assert all(inputs.dtype == torch.uint8 for inputs, _ in data.splits.values())


def ten_examples(**options) -> Batches:
    options = {"batch_size": 4, "shuffle": True, "seed": 5} | options
    return Batches(torch.arange(10), torch.arange(10), **options)


@pytest.fixture
def batches():
    return ten_examples()


def test_batches_show_every_example_once(batches):
    seen = torch.cat([inputs for inputs, _ in batches])
    assert sorted(seen.tolist()) == list(range(10)) and len(batches) == 3


def test_order_of_the_batches_depends_on_seed_and_epoch_alone(batches):
    def order(epoch):
        batches.set_epoch(epoch)
        return torch.cat([inputs for inputs, _ in batches]).tolist()

    first, second = order(0), order(1)
    torch.rand(3)
    assert order(0) == first != second


def on_devices(world_size, **options):
    """Return the batches of every device, and how many each device has."""
    loaders = [ten_examples(rank=rank, world_size=world_size, **options) for rank in range(world_size)]
    return [[inputs.tolist() for inputs, _ in loader] for loader in loaders], [*map(len, loaders)]


@pytest.mark.parametrize("world_size", [2, 3, 4])
@pytest.mark.parametrize("batch_size", [4, 5, 7, None])
def test_devices_train_on_equal_parts_of_each_batch(world_size, batch_size):
    whole = [inputs.tolist() for inputs, _ in ten_examples(batch_size=batch_size)]
    devices, lengths = on_devices(world_size, batch_size=batch_size)
    for number, (batch, *parts) in enumerate(zip(whole, *devices, strict=False)):
        assert len({len(part) for part in parts}) == 1
        assert sorted(sum(parts, [])) == sorted(batch[: len(batch) // world_size * world_size]), number
    assert lengths == [sum(len(batch) >= world_size for batch in whole)] * world_size


@pytest.mark.parametrize("world_size", [2, 3, 4])
@pytest.mark.parametrize("batch_size", [4, 5, 9, None])
def test_devices_evaluate_every_example_once_in_equally_many_batches(world_size, batch_size):
    devices, lengths = on_devices(world_size, batch_size=batch_size, shuffle=False)
    assert sorted(sum((part for device in devices for part in device), [])) == list(range(10))
    assert all(
        part for device in devices for part in device
    )  # no device waits, and none has a mean of nothing
    assert len(set(lengths)) == 1 and lengths == [len(device) for device in devices]


@pytest.mark.parametrize("shuffle", [True, False])
def test_more_devices_than_examples_are_refused(shuffle):
    with pytest.raises(
        ValueError, match="A batch of 3 is too small for 4 devices: choose a larger data.batch"
    ):
        ten_examples(batch_size=3, shuffle=shuffle, world_size=4)


def test_skipped_batches_are_left_out_of_one_pass_only(batches):
    whole = [inputs.tolist() for inputs, _ in batches]
    batches.skip(2)
    assert [inputs.tolist() for inputs, _ in batches] == whole[2:]
    assert [inputs.tolist() for inputs, _ in batches] == whole


def images(**place):
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(14, 1, 2, 3, generator=generator), torch.arange(14) % 4
    return Batches(inputs, targets, batch_size=12, shuffle=True, **place)


def text(**place):
    tokens = torch.randint(4, (49,), generator=torch.Generator().manual_seed(0))
    return Windows(tokens[:-1], tokens[1:], batch_size=12, window=4, shuffle=True, **place)


def gradient(model, batch):
    model.zero_grad()
    model.metrics(batch)["loss"].backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("devices", [2, 3, 4])
@pytest.mark.parametrize(
    ("loader", "model"),
    [(images, SoftmaxRegression((1, 2, 3), 4)), (text, CharLSTM(4, hidden_size=3))],
    ids=["images", "text"],
)
def test_the_mean_gradient_of_all_devices_is_that_of_the_whole_batch(loader, model, devices):
    parts = [next(iter(loader(rank=rank, world_size=devices))) for rank in range(devices)]
    mean = sum(gradient(model, part) for part in parts) / devices
    assert torch.allclose(mean, gradient(model, next(iter(loader()))), atol=1e-6)


def idx(values: torch.Tensor) -> bytes:
    header = struct.pack(f">BBBB{values.dim()}I", 0, 0, 8, values.dim(), *values.shape)
    return header + values.to(torch.uint8).numpy().tobytes()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Serve the four files on localhost: right sizes, made-up digits. Yield {name: content}."""
    files = {}
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(torch.zeros(count, 28, 28)), 1)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(torch.arange(count) % 10), 1)
    checksums = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path[1:])
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", checksums)
    yield files
    server.shutdown()
    server.server_close()


def test_mnist_is_downloaded_once_and_read(mirror, tmp_path):
    data = MNIST(root=str(tmp_path / "data"))
    data.prepare_data()
    data.setup()
    assert data.splits["train"][0].shape == (55_000, 1, 28, 28)
    mirror.clear()  # a second download would fail
    MNIST(root=str(tmp_path / "data")).prepare_data()
    assert not list((tmp_path / "data").glob(".download-*"))


def test_corrupted_download_is_refused_and_leaves_only_what_is_whole(mirror, tmp_path):
    mirror["t10k-labels-idx1-ubyte.gz"] += b"x"
    with pytest.raises(ValueError, match="MNIST is not in .* and could not be downloaded"):
        MNIST(root=str(tmp_path / "data")).prepare_data()
    left = sorted(path.name for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert left == ["t10k-images-idx3-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-ubyte"]


def test_absent_mnist_without_a_network_says_what_to_do(mirror, tmp_path):
    mirror.clear()
    with pytest.raises(ValueError) as error:
        MNIST(root=str(tmp_path / "data")).prepare_data()
    for words in (str(tmp_path / "data"), "INTRO_DL_DATA", "data.root=", "data=digits"):
        assert words in str(error.value)


def test_a_root_that_is_one_level_off_is_told_where_the_data_are_and_the_expected_layout(mirror, tmp_path):
    right = tmp_path / "data"
    MNIST(root=str(right)).prepare_data()
    mirror.clear()
    for wrong in (right / "MNIST", right / "MNIST" / "raw", tmp_path):
        with pytest.raises(ValueError) as error:
            MNIST(root=str(wrong)).prepare_data()
        assert f"A copy is in {right}: use it with data.root=" in str(error.value)
        assert "there is no MNIST/raw/train-images-idx3-ubyte in it" in str(error.value)


def test_a_directory_in_the_place_of_a_file_is_named_before_anything_is_downloaded(tmp_path):
    place = tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    place.mkdir(parents=True)
    (tmp_path / "text" / "tinyshakespeare.txt").mkdir(parents=True)
    for data in (MNIST(root=str(tmp_path)), TinyShakespeare(root=str(tmp_path))):
        with pytest.raises(ValueError, match="is not a file. Move it away, and the next run downloads"):
            data.prepare_data()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["model=char_lstm", "data=mnist"], "CharLSTM cannot read MNIST"),
        (["model=regressor", "data=fashion_mnist"], "MLPRegressor cannot read FashionMNIST"),
        (["model=lenet", "data=shakespeare"], "LeNet cannot read TinyShakespeare"),
        (["model=perceptron", "data=cifar10"], "Perceptron is one neuron and separates 2 classes"),
        (["model=char_rnn", "data=image_folder", "data.root=absent"], "CharRNN cannot read ImageFolder"),
        (["model=mlp", "data=file", "data.path=absent.txt"], "MLP cannot read TextFile"),
        (["model=char_rnn", "data=table", "data.path=absent.csv"], "CharRNN cannot read TableFile"),
    ],
)
def test_a_model_for_another_kind_of_data_is_refused_before_they_are_downloaded_or_read(
    overrides, reason, make_config, monkeypatch
):
    for each in (MNIST, FashionMNIST, CIFAR10, TinyShakespeare):
        monkeypatch.setattr(each, "prepare_data", None)
    with pytest.raises(Exception, match=reason):  # of Hydra, if the model itself refuses
        build(make_config(*overrides))


DAMAGES = {
    "cut short": (lambda content: content[:-100], "is damaged: it has"),
    "a web page": (
        lambda content: b"<html>not found</html>",
        "is not an IDX file: it begins with b'<html>no'",
    ),
    "other sizes": (lambda content: idx(torch.zeros(3, 28, 28)), r"holds values of shape \[3, 28, 28\]"),
    "empty": (lambda content: b"", "is not an IDX file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_mnist_file_is_named_and_not_deleted(damage, mirror, tmp_path):
    data = MNIST(root=str(tmp_path))
    data.prepare_data()
    path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    change, message = DAMAGES[damage]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as error:
        data.setup()
    assert str(path) in str(error.value)
    assert path.is_file()
