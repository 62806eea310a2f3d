"""intro_dl/page: a model as a list of known operations, and its weights in fewer bits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from intro_dl.inference.load import LoadedRun
from intro_dl.inference.portable import Portable
from intro_dl.models.lenet import LeNet
from intro_dl.page.content import rounding
from intro_dl.page.graph import ALL_OPERATIONS, to_graph
from intro_dl.page.weights import from_text, pack, to_text, unpack
from intro_dl.training.build import build_model, read, unread_data
from tests.conftest import ROOT

SHOWN = ("images", "points", "text")
REFUSED = {"model=airbench": "gelu"}
VARIANTS = [
    "model=char_lstm model.layers=2 model.hidden_size=8",
    "model=char_lstm model.cell=scratch model.hidden_size=8",
    "model=cnn model.downsample=max_pool model.batch_norm=true",
    "model=resnet model.shortcut=projection model.depth=8",
    "model=lenet model.pooling=max model.activation=relu",
    "model=gda data=iris model.shared=false",
]
MODELS = [f"model={path.stem}" for path in sorted((ROOT / "configs" / "model").glob("*.yaml"))]


@pytest.fixture
def untrained(make_config):
    """Build the model of a command line as a run with random weights."""

    def make(command: str) -> LoadedRun:
        cfg = make_config(*command.split())
        data = unread_data(cfg)
        if data.kind not in SHOWN:
            return LoadedRun(Path("run"), LeNet((1, 28, 28), 10), {"kind": data.kind})
        read(data)
        return LoadedRun(Path("run"), build_model(cfg, data).eval().requires_grad_(False), data.metadata())

    return make


@pytest.mark.parametrize("command", MODELS + VARIANTS)
def test_every_model_becomes_known_operations_or_is_refused_in_a_sentence(untrained, command):
    run = untrained(command)
    if run.kind not in SHOWN:
        with pytest.raises(ValueError, match=rf"{run.kind}: export supports images, points and text only\.$"):
            Portable(run)
        return
    portable = Portable(run)
    if command in REFUSED:
        with pytest.raises(ValueError, match=f"it uses {REFUSED[command]}, which the page does not know"):
            to_graph(portable)
        return
    graph, weights = to_graph(portable)
    known = {*graph["inputs"], *weights}
    for node in graph["nodes"]:
        assert node["op"] in ALL_OPERATIONS and not known & {node["name"]}
        assert set(node["inputs"]) <= known, node
        known |= {node["name"], *([f"{node['name']}.h", f"{node['name']}.c"] if node["op"] == "lstm" else [])}
        assert node["shape"].count(-1) <= 1
        paths = [path for path, _ in run.model.named_modules()]
        assert node["label"] in paths
    assert graph["inputs"] == [entry["name"] for entry in portable.inputs] == list(graph["shapes"])
    assert set(graph["outputs"]) <= known and len(graph["outputs"]) == len(portable.outputs)
    assert rounding(run, portable, {key: pack(weight) for key, weight in weights.items()}) < 1e-4


def test_a_graph_reads_as_the_model_is_written(untrained):
    graph, weights = to_graph(Portable(untrained("model=lenet")))
    assert [(node["op"], node["label"]) for node in graph["nodes"][:6]] == [
        ("conv2d", "stage1.0"),
        ("tanh", "stage1.1"),
        ("avg_pool2d", "stage1.2"),
        ("conv2d", "stage2.0"),
        ("tanh", "stage2.1"),
        ("avg_pool2d", "stage2.2"),
    ]
    assert graph["nodes"][0] == {
        "name": "conv2d",
        "op": "conv2d",
        "inputs": ["images", "stage1.0.weight", "stage1.0.bias"],
        "arguments": {"stride": [1, 1], "padding": [2, 2], "dilation": [1, 1], "groups": 1},
        "label": "stage1.0",
        "shape": [-1, 6, 28, 28],
    }
    assert graph["outputs"] == ["logits", "probabilities"]
    assert weights["stage1.0.weight"].shape == (6, 1, 5, 5)


def test_what_depends_on_parameters_alone_is_computed_once(untrained):
    run = untrained("model=gda data=iris")
    graph, weights = to_graph(Portable(run))
    model = run.model
    factor = model.factor.tril(-1) + torch.diag_embed(model.log_scale.exp())
    assert any(torch.equal(weight, factor.mT) for weight in weights.values())
    assert {node["op"] for node in graph["nodes"]} <= {
        "reshape",
        "sub",
        "matmul",
        "mul",
        "sum",
        "div",
        "softmax",
    }


def test_the_noise_of_an_autoencoder_is_not_in_the_page(untrained):
    graph, _ = to_graph(Portable(untrained("model=autoencoder model.noise=0.5")))
    assert {node["op"] for node in graph["nodes"]} == {"reshape", "linear", "relu"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (torch.erf, "erf"),
        (lambda x: x.sort(dim=1).values, "sort"),
        (lambda x: x + torch.rand_like(x), "random numbers|rand_like"),
        (lambda x: x + torch.randn_like(x), "random numbers"),
        (lambda x: x if x.sum() > 0 else -x, "Python code that torch.export cannot follow"),
    ],
)
def test_an_unknown_operation_is_named_with_its_model(untrained, monkeypatch, change, named):
    run, forward = untrained("model=softmax"), type(untrained("model=softmax").model).forward
    monkeypatch.setattr(type(run.model), "forward", lambda self, inputs: change(forward(self, inputs)))
    with pytest.raises(
        ValueError, match=rf"cannot show SoftmaxRegression: it uses ({named}), .* Choose a run"
    ):
        to_graph(Portable(run))


@pytest.mark.parametrize("bits", [16, 20, 32])
@pytest.mark.parametrize("shape", [(), (1,), (3, 3), (65,), (10, 10), (7, 11, 13), (0,)])
def test_a_packed_weight_is_off_by_half_a_step_at_most(shape, bits):
    weights = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 0.05
    packed = pack(weights, bits)
    error = (unpack(packed) - weights).abs()
    assert packed["shape"] == list(shape) == list(unpack(packed).shape)
    if packed["bits"] == 32:
        assert not error.any()
    else:
        assert packed["bits"] == bits
        assert packed["scale"] == pytest.approx(float(weights.abs().max()) / (2 ** (bits - 1) - 1))
        assert float(error.max()) <= 0.5 * packed["scale"] + 2**-24 * float(weights.abs().max())


@pytest.mark.parametrize("length", [0, 1, 12, 13, 14, 1000])
def test_bytes_become_text_and_come_back(length):
    content = np.random.default_rng(0).bytes(length)
    assert from_text(to_text(content))[:length] == content
    assert len(to_text(content)) == -(-8 * length // 13) * 2 and not set(to_text(content)) & set('<"\\')


def test_the_bytes_are_those_that_the_head_of_the_file_describes():
    weights = torch.zeros(66)
    weights[:4] = torch.tensor([1.0, -1.0, 0.5, -0.25])
    packed, most = pack(weights, 20), 2**19 - 1
    content = from_text(packed["data"])
    first, second = int.from_bytes(content[:5], "little"), int.from_bytes(content[5:10], "little")
    assert first & 0xFFFFF == most and first >> 20 == 2**20 - most
    assert second & 0xFFFFF == 2**18 and second >> 20 == 2**20 - 2**17
    assert np.frombuffer(from_text(pack(weights, 16)["data"]), "<i2", 2).tolist() == [2**15 - 1, 1 - 2**15]


def test_weights_that_are_all_zero_stay_zero():
    assert not unpack(pack(torch.zeros(100))).any()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_of_a_diverged_run_are_refused(bad):
    with pytest.raises(ValueError, match="not finite"):
        pack(torch.tensor([1.0, bad]))
