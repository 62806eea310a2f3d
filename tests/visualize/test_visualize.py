"""Visualizing changes nothing that is learned, works for every model, and shows what is there."""

import io
import re
import subprocess
import sys
from itertools import islice
from typing import Any

import hydra
import pytest
import pytorch_lightning as pl
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from intro_dl import load_run
from intro_dl.data.toy import Spirals
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.char_rnn import CharRNN
from intro_dl.models.cnn import CNN
from intro_dl.models.lenet import LeNet
from intro_dl.models.mlp import MLP
from intro_dl.models.perceptron import Perceptron
from intro_dl.models.resnet import ResNet
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.tasks import Classifier
from intro_dl.visualize import embedding, graph, images, layers, mistakes, regions, style, text
from intro_dl.visualize.callback import Visualizer, Writer, add_picture, evaluating
from intro_dl.visualize.recorder import record_calls, record_outputs
from tests.conftest import ROOT
from tests.training.test_training import same, weights

pytestmark = pytest.mark.pictures
MODELS = sorted(path.stem for path in (ROOT / "configs" / "model").glob("*.yaml"))
IMAGE = (1, 28, 28)


def shown(run) -> EventAccumulator:
    """Return all that a run has written into TensorBoard."""
    events = EventAccumulator(str(run), size_guidance={"images": 0, "histograms": 0, "tensors": 0})
    return events.Reload()


def pictures(run) -> set[str]:
    return set(shown(run).Tags()["images"]) - {"curves"}  # every run has these


EXPECTED = {  # what smoke runs of the lecture models show beside gradients/by_layer
    "softmax": {
        "inputs/training_images",
        "mistakes/confusion_matrix",
        "mistakes/worst",
        "weights/first_layer",
    },
    "perceptron": {"mistakes/confusion_matrix", "regions/plane"},
    "rosenblatt": {"mistakes/confusion_matrix", "regions/plane"},
    "regressor": {"regions/plane"},
    "char_rnn": set(),
    "char_lstm": {"gates/lstm"},
}
EXPECTED["mlp"] = EXPECTED["softmax"]
DRAWN = {"inputs/training_images", "weights/first_layer", "drawn/samples"}
EXPECTED |= {"gan": {"drawn/samples"}, "dcgan": DRAWN}
EXPECTED |= {
    "captioner": {"sentences/captions"},
    "translator": {"sentences/attention"},
    "forecaster": {"forecast/series"},
    "gcn": {"graph/nodes"},
    "gda": {"mistakes/confusion_matrix", "regions/plane"},
    "motif": {"mistakes/confusion_matrix"},
    "restorer": {"pictures/restored"},
    "sentiment": {"mistakes/confusion_matrix"},
}
EXPECTED |= dict.fromkeys(
    ("autoencoder", "vae"), DRAWN | {"codes/plane", "codes/decoded_plane", "codes/walk"}
)


# One model for each kind of picture; tests/models/test_models.py draws the default pictures of every model.
KINDS = {"perceptron", "mlp", "cnn", "char_lstm", "gan", "vae"}
KINDS |= {"captioner", "translator", "forecaster", "gcn", "restorer"}
GRID = [pytest.param(name, marks=() if name in KINDS else pytest.mark.slow) for name in MODELS]


@pytest.mark.parametrize("name", GRID)
def test_every_model_shows_what_applies_to_it(name, train):
    quick = ["callbacks.histograms.examples=16", "callbacks.histograms.every_n_epochs=null"]
    quick += ["model.depth=8"] if name == "resnet" else []
    answer = train(f"model={name}", "trainer=smoke", "callbacks=visualize", "test=false", *quick)
    assert answer.code == 0, answer.err
    (run,) = answer.runs
    events = shown(run)
    model = load_run(run).model
    parts = list(model.modules()) if isinstance(model, Classifier) else []
    expected = EXPECTED.get(name, EXPECTED["softmax"])
    if any(isinstance(part, nn.Conv2d) for part in parts):
        expected = expected | {"feature_maps/one_image"}
    if name != "perceptron":  # its weights are a vector and a number, no matrix
        expected = expected | {"gradients/by_layer"}
    if isinstance(model, Classifier) and load_run(run).kind == "images":
        expected = expected | {"occlusion/images"}
        assert any(tag.startswith("strongest/") for tag in events.Tags()["images"])
    shown_images = {tag for tag in events.Tags()["images"] if not tag.startswith("strongest/")}
    assert shown_images == expected | {"curves"}
    assert events.Tags()["graph"] or name == "translator"
    assert any(tag.startswith("gradients/") for tag in events.Tags()["histograms"])
    texts = {tag for tag in events.Tags()["tensors"] if "text" in tag}
    of_characters = {"inputs/training_text/text_summary", "text/generated/text_summary"}
    translated = {"sentences/translations/text_summary"}
    wanted = {"char_rnn": of_characters, "char_lstm": of_characters, "translator": translated}
    assert texts == wanted.get(name, set())
    without = ("softmax", "perceptron", "rosenblatt", "gda", "gcn", "captioner", "translator", "restorer")
    has_hidden_layer = name not in (*without, "forecaster")
    assert (run / "projector_config.pbtxt").exists() == has_hidden_layer


def test_run_ends_with_its_mistakes_by_default(train):
    (run,) = train("model=softmax", "trainer=smoke").runs
    events = shown(run)
    expected = {"inputs/training_images", "mistakes/confusion_matrix", "mistakes/worst"}
    assert set(events.Tags()["images"]) == expected | {"curves"}
    assert [image.step for image in events.Images("mistakes/worst")] == [2]


def test_points_in_the_plane_get_their_regions_by_default(train):
    (run,) = train("model=mlp", "data=moons", "trainer=smoke").runs
    assert pictures(run) == {"mistakes/confusion_matrix", "regions/plane"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["model=cnn", "model.batch_norm=true", "data.augment=affine", "regularization=dropout"],
        ["model=char_lstm", "model.hidden_size=16", "model.layers=2", "regularization=dropout"],
    ],
    ids=["cnn", "char_lstm"],
)
def test_weights_are_the_same_to_the_last_bit_with_and_without_visualizing(arguments, train):
    arguments = [
        *arguments,
        "trainer.max_epochs=2",
        "trainer.limit_train_batches=3",
        "trainer.limit_val_batches=2",
    ]
    quiet = [f"callbacks.{name}=null" for name in ("sample_inputs", "mistakes", "decision_regions")]
    train(*arguments, *quiet, "run_dir=outputs/a", "test=false")
    plain, visualized = train(*arguments, "callbacks=visualize", "run_dir=outputs/b", "test=false").runs
    assert not pictures(plain) and pictures(visualized)
    assert same(weights(plain), weights(visualized))
    one, two = ((run / "history.csv").read_text().splitlines() for run in (plain, visualized))
    assert [line.rpartition(",")[0] for line in one] == [
        line.rpartition(",")[0] for line in two
    ]  # not seconds


class Counting(Visualizer):
    """Record when it is called, and disturb all it can."""

    def __init__(self, every_n_epochs=None):
        super().__init__(every_n_epochs=every_n_epochs)
        self.seen = []

    def draw(self, model, data, writer):
        assert not model.training and not torch.is_grad_enabled()
        torch.rand(3)
        self.seen.append((writer.step, writer.moment))


def run_with(callback, tmp_path, epochs=5):
    data = Spirals(batch_size=300)
    data.setup()
    trainer = pl.Trainer(
        max_epochs=epochs,
        callbacks=[callback],
        logger=pl.loggers.TensorBoardLogger(tmp_path, name="", version=""),
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )
    model = SoftmaxRegression((2,), 3)
    trainer.fit(model, data)
    return model, trainer


def test_draws_once_at_the_end_or_also_before_and_between(tmp_path):
    once, often = Counting(), Counting(every_n_epochs=2)
    run_with(once, tmp_path)
    run_with(often, tmp_path)
    assert once.seen == [(10, "after epoch 5")]
    assert [step for step, _ in often.seen] == [0, 4, 8, 10]
    assert [moment for _, moment in often.seen][:2] == ["before training", "after epoch 2"]


def test_zero_epochs_between_drawings_are_rejected():
    with pytest.raises(ValueError, match="Invalid every_n_epochs=0: choose an integer"):
        Counting(every_n_epochs=0)


def test_only_the_first_device_draws(tmp_path, monkeypatch):
    callback = Counting()
    monkeypatch.setattr(pl.Trainer, "is_global_zero", False)
    run_with(callback, tmp_path, epochs=1)
    assert not callback.seen


def test_error_while_drawing_is_a_warning_and_does_not_end_the_run(tmp_path):
    class Broken(Visualizer):
        def draw(self, model, data, writer):
            raise RuntimeError("no ink")

    with pytest.warns(UserWarning, match="Broken could not draw SoftmaxRegression: RuntimeError: no ink"):
        model, trainer = run_with(Broken(), tmp_path, epochs=1)
    assert trainer.state.finished and model.training


def test_visualizer_without_tensorboard_or_data_module_does_nothing():
    callback = Counting()
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_checkpointing=False, max_epochs=1)
    callback._draw_safely(trainer, SoftmaxRegression((2,), 3), epoch=1)
    assert not callback.seen


def test_each_layer_returns_to_its_own_mode():
    model = MLP((2,), 3, hidden=[4], dropout=0.5)
    model.train()
    model.features[0].eval()  # e.g. frozen by a student
    before = [part.training for part in model.modules()]
    with evaluating(model):
        assert not any(part.training for part in model.modules())
    assert [part.training for part in model.modules()] == before


def test_confusion_matrix_has_true_classes_in_rows():
    labels, predicted = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([0, 1, 1, 2, 2, 0])
    counts = mistakes.confusion_matrix(labels, predicted, classes=3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


@pytest.mark.parametrize("classes", [2, 10, 30, 100])
def test_confusion_matrix_is_drawn_for_any_number_of_classes(classes, monkeypatch):
    written = []
    real = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "text", lambda *given, **kw: written.append(given[2]) or real(*given, **kw)
    )
    counts = torch.eye(classes, dtype=torch.long)
    counts[0, 0] = 0  # a class without an example
    figure = mistakes.draw_confusion_matrix(counts, [f"class {k}" for k in range(classes)], "title")
    assert written.count("1") == (classes - 1 if classes <= 20 else 0)
    assert written.count(f"class {classes - 1}") == (2 if classes <= 40 else 0)  # a row and a column
    dark = tuple(round(255 * value) for value in colormaps["Blues"](1.0)[:3])
    assert dark in {color for _, color in figure.getcolors(2**24)}  # all examples of a class
    assert figure.width < 1200 and figure.height < 1200


def test_worst_mistakes_are_the_most_confident_first():
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    predicted = probabilities.argmax(dim=1)
    worst, count = mistakes.worst_mistakes(torch.tensor([1, 1, 1, 0]), predicted, probabilities, count=2)
    assert (worst.tolist(), count) == ([0, 3], 3)
    nothing, count = mistakes.worst_mistakes(predicted, predicted, probabilities, count=2)
    assert (len(nothing), count) == (0, 0)
    nobody = torch.zeros(0, 1, 8, 8, dtype=torch.uint8)
    style.pixels(mistakes.draw_mistakes(nobody, nothing, nothing, None, ["a", "b"], "no mistake"))


def test_weight_images_of_softmax_are_the_rows_of_its_matrix():
    model = SoftmaxRegression(IMAGE, 10)
    name, pictures = images.first_weights(model, IMAGE)
    assert name == "logits.weight" and pictures.shape == (10, *IMAGE)
    assert torch.equal(pictures[3].flatten(), model.logits.weight[3])


@pytest.mark.parametrize(
    ("model", "in_shape", "shape"),
    [
        (LeNet(IMAGE, 10), IMAGE, (6, 1, 5, 5)),
        (MLP(IMAGE, 10, hidden=[7]), IMAGE, (7, 1, 28, 28)),
        (Perceptron(IMAGE, 2), IMAGE, (1, 1, 28, 28)),
        (ResNet((3, 32, 32), 10, depth=8), (3, 32, 32), (16, 3, 3, 3)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_first_weights_are_those_that_touch_the_image(model, in_shape, shape):
    name, pictures = images.first_weights(model, in_shape)
    assert pictures.shape == shape
    style.pixels(images.draw_weights(pictures.detach(), list(map(str, range(len(pictures)))), name))


def test_feature_maps_are_taken_after_activation_and_pooling():
    model, image = LeNet(IMAGE, 10).eval(), torch.randn(1, *IMAGE)
    with record_outputs(model) as calls, torch.no_grad():
        model(image)
    first, second = images.convolution_outputs(model, calls)
    assert (first[0], second[0]) == ("stage1.0", "stage2.0")
    assert torch.equal(first[1], model.stage1(image)[0])
    assert second[1].shape == (16, 5, 5)
    padded = CNN(IMAGE, 10).eval()
    with record_outputs(padded) as calls, torch.no_grad():
        padded(image)
    sizes = [maps.shape for _, maps in images.convolution_outputs(padded, calls)]
    assert sizes == [
        (4, 28, 28),
        (8, 14, 14),
        (12, 7, 7),
    ]  # without the zeros that pad the next layer's input


def test_gradients_are_those_of_the_loss_and_leave_grad_alone():
    model, batch = MLP((2,), 3, hidden=[5]), (torch.randn(8, 2), torch.randint(3, (8,)))
    _, activations, gradients = layers.measure(model, batch)
    assert all(weight.grad is None for weight in model.parameters())
    assert list(activations) == ["features.0", "features.1", "features.2", "logits"]
    model.metrics(batch)["loss"].backward()
    for name, weight in model.named_parameters():
        assert torch.equal(gradients[name], weight.grad.flatten())


def test_gradients_of_deep_sigmoids_vanish_and_those_of_relu_do_not():
    torch.manual_seed(0)
    batch = torch.randn(256, *IMAGE), torch.randint(10, (256,))

    def first_over_last(activation, init):
        model = MLP(IMAGE, 10, hidden=[200, 100, 60, 30], activation=activation, init=init)  # lecture 001
        gradients = layers.measure(model, batch)[2]
        first, last = (gradients[name].abs().median() for name in ("features.0.weight", "logits.weight"))
        return float(first / last)

    assert first_over_last("sigmoid", "xavier") < 1e-3
    assert first_over_last("relu", "he") > 0.02


def test_plane_starts_at_the_lower_left_and_surrounds_the_points():
    points = torch.tensor([[0.0, 10.0], [2.0, 30.0]])
    places, extent = regions.plane(points, resolution=3)
    assert extent == pytest.approx((-0.1, 2.1, 9.0, 31.0))
    assert places[0].tolist() == pytest.approx([-0.1, 9.0])
    assert places[2].tolist() == pytest.approx([2.1, 9.0])  # along the first row
    assert places[-1].tolist() == pytest.approx([2.1, 31.0])


def test_gate_traces_are_those_of_the_lstm_that_trains():
    torch.manual_seed(0)
    lstm, inputs = nn.LSTM(4, 6), torch.randn(9, 4)
    with torch.no_grad():
        traces = text.gate_traces(inputs, lstm)
        outputs, (_, cell) = lstm(inputs[:, None])
    assert torch.allclose(traces["cell state, tanh(c)"][-1], cell[0, 0].tanh(), atol=1e-6)
    shown = traces["output gate, o"] * traces["cell state, tanh(c)"]
    assert torch.allclose(shown, outputs[:, 0], atol=1e-6)


@pytest.mark.parametrize("model", [CharLSTM(11, hidden_size=8), CharRNN(11, hidden_size=8)])
def test_text_is_generated_with_the_same_seed_every_time(model):
    prompt = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        generated = [torch.cat([*islice(text.generate(model, prompt), 20)]) for _ in range(2)]
        favorite = next(text.generate(model, prompt, temperature=1e-4))
        logits, _ = model(prompt)
    assert generated[0].shape == (20,) and torch.equal(*generated)
    assert favorite[0] == logits[0, -1].argmax()


def test_last_hidden_layer_is_what_the_logits_are_computed_from():
    model, inputs = MLP((2,), 3, hidden=[5, 4]), torch.randn(6, 2)
    with torch.no_grad():
        assert torch.equal(embedding.last_hidden(model, inputs), model.features(inputs))
        assert embedding.last_hidden(SoftmaxRegression(IMAGE, 10), torch.randn(2, *IMAGE)) is None


def test_states_of_a_language_model_are_those_it_reads_the_next_character_from():
    model, tokens = CharLSTM(11, hidden_size=8, layers=2).eval(), torch.arange(6)
    with torch.no_grad():
        states = embedding.states(model, tokens)
        assert torch.allclose(model.logits(states), model(tokens[None])[0][0], atol=1e-6)


def test_graph_names_operations_after_the_parts_of_the_model():
    nodes = {node.name: node for node in graph.graph(LeNet(IMAGE, 10).eval(), torch.zeros(1, *IMAGE)).node}
    convolution = nodes["stage1/0/conv2d"]
    assert list(convolution.input)[1:] == ["stage1/0/weight", "stage1/0/bias"]
    sizes = convolution.attr["_output_shapes"].list.shape[0].dim
    assert [size.size for size in sizes] == [1, 6, 28, 28]
    assert all(source in nodes for node in nodes.values() for source in node.input)


def test_tensorboard_has_the_pixels_of_a_picture(tmp_path):
    drawn = torch.randint(256, (20, 30, 3), dtype=torch.uint8).numpy()
    with SummaryWriter(tmp_path) as summary:
        add_picture(summary, "new", drawn, 7)
        summary.add_image("usual", drawn, 7, dataformats="HWC")
    new, usual = (shown(tmp_path).Images(tag)[0] for tag in ("new", "usual"))
    assert (new.step, new.width, new.height) == (usual.step, usual.width, usual.height) == (7, 30, 20)
    for event in new, usual:
        image = Image.open(io.BytesIO(event.encoded_image_string))
        assert image.mode == "RGB" and (style.pixels(image) == drawn).all()


def test_pictures_are_opaque_and_take_any_class_name():
    names = ["$\\frac$", "猫", "x" * 300]
    some = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)
    picture = style.pixels(style.mosaic([style.image_pixels(image) for image in some], names, "title"))
    assert picture.shape[2] == 3 and (picture[0, 0] == 255).all()
    style.pixels(text.draw_gates({"gate": torch.rand(2, 4)}, "$a$\n", "title"))


def test_classes_have_distinct_colors_for_red_green_blind_people():
    # How a person without green-sensitive cones sees colors: Machado, Oliveira and Fernandes (2009), table 1.
    deuteranopia = torch.tensor(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    )
    codes = [[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in style.COLORS]
    linear = torch.tensor(codes) ** 2.2
    seen = (linear @ deuteranopia.T).clamp(0, 1) ** (1 / 2.2)  # (K, 3)
    distances = torch.cdist(seen, seen) + torch.eye(len(seen))
    assert distances.min() > 0.15
    assert len(set(style.MARKERS)) == len(style.MARKERS)  # and by their shapes


def test_gallery_shows_small_pictures_that_exist():
    named = re.findall(r"\]\((gallery/\S+\.png)\)", (ROOT / "docs" / "GALLERY.md").read_text())
    stored = {f"gallery/{path.name}" for path in (ROOT / "docs" / "gallery").iterdir()}
    assert len(named) == len(set(named)) and set(named) == stored
    assert max((ROOT / "docs" / name).stat().st_size for name in named) < 60_000


def test_style_does_not_import_torch():
    code = "import sys, intro_dl.visualize.style; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout == "False\n"


def test_recorder_keeps_every_call_in_order_and_removes_its_hooks():
    twice = nn.ReLU()
    model = nn.Sequential(nn.Linear(2, 3), twice, nn.Linear(3, 2), twice, nn.LSTM(2, 4))
    with record_calls(model, lambda layer, inputs, output: (inputs[0].shape[1], output.shape[1])) as calls:
        model(torch.randn(5, 2))
    assert calls == [("0", (2, 3)), ("1", (3, 3)), ("2", (3, 2)), ("1", (2, 2)), ("4", (2, 4))]
    model(torch.randn(5, 2))
    assert len(calls) == 5


@pytest.fixture
def tiny_folder(tmp_path):
    """Make a directory of 2 x 8 random images: the classes are called cat and dog."""
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(8):
            pixels = torch.randint(256, (32, 32, 3), dtype=torch.uint8).numpy()
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


@pytest.mark.parametrize(
    ("name", "labels", "names"),
    [
        ("digits", "[4]", ["not 4", "4"]),
        ("mnist", "[3,8]", ["not 3 or 8", "3 or 8"]),
        ("mnist", None, list("0123456789")),
        ("fashion_mnist", "[Bag]", ["not Bag", "Bag"]),
        ("cifar10", None, None),
        ("image_folder", None, ["cat", "dog"]),
        ("pass_class", None, ["fail", "pass"]),
        ("spirals", None, ["0", "1", "2"]),
        ("xor", None, ["0", "1"]),
    ],
)
def test_class_names_in_pictures_are_those_of_the_metadata(
    name, labels, names, make_config, tiny_folder, monkeypatch
):
    options = [f"data.labels={labels}"] if labels else []
    options += [f"data.root={tiny_folder}"] if name == "image_folder" else []
    data = hydra.utils.instantiate(make_config(f"data={name}", *options).data, _convert_="all")
    if name in ("mnist", "fashion_mnist", "cifar10"):  # without a download
        images_of = torch.randint(256, (50, *data.dims["in_shape"]), dtype=torch.uint8)
        splits = {split: (images_of, torch.arange(50) % 10) for split in ("train", "val", "test")}
        monkeypatch.setattr(data, "load", lambda: splits)
    data.setup()
    expected = data.metadata()["classes"]
    assert list(data.class_names) == expected == (names or expected)

    drawn: dict[str, Any] = {}
    for module in (images, mistakes):
        monkeypatch.setattr(module, "mosaic", lambda pictures, names, *_, **__: names)
    monkeypatch.setattr(mistakes, "draw_confusion_matrix", lambda counts, classes, title: classes)
    monkeypatch.setattr(Writer, "figure", lambda self, tag, figure: drawn.update({tag: figure}))
    model = SoftmaxRegression(data.dims["in_shape"], data.dims["num_classes"]).eval()
    with torch.no_grad():
        for callback in (
            images.SampleInputs(),
            images.Filters(),
            mistakes.Mistakes(),
            regions.DecisionRegions(),
        ):
            callback.draw(model, data, Writer(None, step=1, epoch=1))
    assert drawn["mistakes/confusion_matrix"] == expected
    if data.kind == "points":
        (_, legend) = drawn["regions/plane"].axes[0].get_legend_handles_labels()
        assert legend == expected
        return
    assert drawn["weights/first_layer"] == expected
    labels = data.splits["train"][1][:30]
    assert drawn["inputs/training_images"] == [expected[label] for label in labels]
    for caption in drawn["mistakes/worst"]:
        true, answer = re.fullmatch(r"true: (.+)\nmodel: (.+) \(\d+%\)", caption).groups()
        assert {true, answer} <= set(expected) and true != answer
