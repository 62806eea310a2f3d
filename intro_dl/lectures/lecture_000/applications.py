"""Lecture 000: what deep learning is used for, and what stands in for it here: music, prices, translation."""

from itertools import islice
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import listed
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.lectures.lecture_001.networks_on_digits import ALL, SHORT, held_out, trained
from intro_dl.lectures.lecture_003.tensorflow_2 import TUNE
from intro_dl.results.evidence import read_runs
from intro_dl.scratch.sampling import generate
from intro_dl.training import product

STRONGEST = 9  # inputs that excite a unit most, as in Zeiler and Fergus (2013)

cite(
    "A1",
    lectures=["000"],
    slide="Deep Learning Success: Vision",
    says="Detect pneumothorax in real X-ray scans",
    reason="Not shown: it needs X-rays of patients, labeled by physicians, e.g. the 112,120 of ChestX-ray14 "
    "(Wang et al. 2017; Rajpurkar et al. 2017, CheXNet). No package may ship them, and an image classifier "
    "on other pictures tells nothing about a diagnosis.",
)


@claim(
    "A2",
    lectures=["000", "003"],
    slide="Deep Learning Success: Audio; Software Lab 1",
    says="Music generation",
    kind="holds",
)
def music() -> Outcome:
    alphabet: list[str] = sorted(set(TUNE))
    tokens = torch.tensor([alphabet.index(character) for character in TUNE])[None]  # (1, T)
    small = ("model=char_lstm", "model.embedding_size=16", "model.hidden_size=48")
    model = product.model(*small, vocab_size=len(alphabet))
    started = 8  # characters that are given: "X:1\nT:Th"
    before = _written(model, tokens[:, :started], tokens.shape[1], alphabet)
    fit(model, tokens[:, :-1], tokens[:, 1:], steps=120, lr=0.02)
    after = _written(model, tokens[:, :started], tokens.shape[1], alphabet)
    return Outcome(
        [
            Check("the tune that model=char_lstm writes from its first 8 characters", after, TUNE),
            Check("the untrained network writes it", before == TUNE, False),
        ],
        [
            *after.splitlines(),
            "A stand-in for music that sounds: notes as letters (ABC notation), and one tune, learned by "
            "heart. It shows that the network can write a tune note by note, not that it composes one.",
            "New tunes: intro-dl train experiment=irish_tunes, then intro-dl sample latest (needs a "
            "download).",
        ],
    )


@torch.no_grad()
def _written(model: nn.Module, start: Tensor, length: int, alphabet: list[str]) -> str:
    """Return the `length` characters that begin with `start` (1, T); the likeliest next one is written."""
    new = islice(generate(model, start, top_k=1), length - start.shape[1])
    return "".join(alphabet[token] for token in [*start[0].tolist(), *(int(token) for token in new)])


@claim(
    "A3",
    lectures=["000", "001"],
    slide="Other sequence-model applications; Sequence Modeling Applications; Other deep learning frameworks",
    says="Predict stock price; time series (Finance)",
    kind="not reproduced",
)
def stock_prices() -> Outcome:
    network, mean_change, same = (
        read_runs("systems/forecaster_stocks", metric)
        for metric in ("loss/test", "rivals/mean change", "rivals/nothing changes")
    )
    better = [own < rival for own, rival in zip(network, mean_change, strict=True)]
    return Outcome(
        [
            Check(
                "seeds with a smaller error than the mean change: slide, here",
                len(better),
                sum(better),
                differ=True,
            ),
            within(
                "error of the network over that of the mean change, mean",
                fmean(network) / mean_change[0],
                0.97,
                1.3,
            ),
            within("... over that of 'no change', mean", fmean(network) / same[0], low=0.9),
        ],
        [
            "Squared error of next month's change, in variances of the training months, seed by seed: "
            f"network {listed(network)}; mean change {mean_change[0]:.3f}; no change {same[0]:.3f}.",
            "Measured: the monthly values of the S&P 500, 1990 to 2022, a network that reads 12 months, and "
            "the last fifth of the time. A plot of prices would look right all the same, as it shows last "
            "month's price. That nothing is learned here does not show that nothing can be.",
        ],
    )


@claim(
    "A4",
    lectures=["000", "001", "002"],
    slide="Other sequence-model applications; Many to Many: Machine Translation; State of the art in NLP",
    says="Machine translation (Google Translation)",
    kind="measured",
)
def translation() -> Outcome:
    exact = read_runs("systems/translator", "exact/test")
    rivals = [read_runs("systems/translator", f"rivals/{name}") for name in ("word by word", "nearest input")]
    plain = read_runs("systems/translator_plain", "exact/test")
    new = read_runs("systems/translator_concepts", "exact/test")
    return Outcome(
        [
            within("phrases without a mistake, the least of the seeds", min(exact), low=0.5),
            within("... the better of a dictionary and the nearest phrase", max(map(max, rivals)), high=0.1),
            within("... without attention, the least", min(plain), low=0.5),
            within("... about things that training never names, the most", max(new), high=0.1),
        ],
        [
            f"without a mistake, seed by seed: {listed(exact)}; without attention {listed(plain)}; things "
            f"that training never names {listed(new)}.",
            "A stand-in for sentences: the names of the emoji, English to French, about four words each. "
            "Often a test phrase is a training phrase with another skin tone. Nothing is shown about free "
            "text.",
        ],
    )


@claim(
    "A5",
    lectures=["000", "002", "003", "004"],
    slide="Why Deep Learning?; What is Deep Learning (DL)?; Hierarchical Composition of Features",
    says="Can we learn the underlying features directly from data? Low level: lines and edges; mid level: "
    "eyes, nose, ears; high level: facial structure",
    kind="holds",
)
def features() -> Outcome:
    model, data = trained("cnn", 0, ALL, SHORT)
    images, labels = held_out(data)
    after = _purities(model, images, labels)
    before = [_purities(product.model("model=cnn").eval(), images, labels) for _ in range(3)]
    return Outcome(
        [
            within("first convolution: share of the digit that is most frequent", after[0], high=0.65),
            within("... last hidden layer, minus the first", after[-2] - after[0], low=0.1),
            within("... minus the same layer untrained", after[-2] - fmean(p[-2] for p in before), low=0.05),
            within("... the scores", after[-1], low=0.95),
        ],
        [
            f"Share of the most frequent digit among the {STRONGEST} new images that excite a unit "
            f"most, mean over the units of each layer: {listed(after, 2)}; untrained "
            f"{listed((fmean(layer) for layer in zip(*before, strict=True)), 2)}.",
            "A stand-in for faces: model=cnn on small scanned digits, two epochs. What excites a unit of the "
            "first layer occurs in several digits; what excites a late one is more often one digit. Most of "
            "that comes from the layers themselves: the untrained network has it too, to a lesser degree.",
        ],
    )


@torch.no_grad()
def _purities(model: nn.Module, images: Tensor, labels: Tensor) -> list[float]:
    """Return for each layer the share of the most frequent label among a unit's strongest inputs."""
    outputs: list[Any] = []
    layers = [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    hooks = [each.register_forward_hook(lambda *call: outputs.append(call[-1])) for each in layers]
    model(images)
    for hook in hooks:
        hook.remove()
    shares = []
    for output in outputs:  # (N, units) or (N, units, H, W): the strongest place of each map counts
        strongest = output.flatten(2).amax(dim=2) if output.ndim == 4 else output
        found = labels[strongest.topk(STRONGEST, dim=0).indices]  # (9, units)
        shares.append(F.one_hot(found).sum(dim=0).amax(dim=1).float().mean().item() / STRONGEST)
    return shares


@claim(
    "A6",
    lectures=["000", "003"],
    slide="Why Now?",
    says="1952 (or 1957) stochastic gradient descent; 1958 perceptron: learnable weights; 1986 "
    "backpropagation: multi-layer perceptron; 1995 deep convolutional NN: digit recognition",
    kind="measured",
)
def timeline() -> Outcome:
    names = ("1958_perceptron", "1952_sgd_softmax", "1986_backpropagation", "1995_convolution")
    found = {name: read_runs(f"systems/history_{name}", "accuracy/test") for name in names}
    means = {name: fmean(values) for name, values in found.items()}
    return Outcome(
        [
            within("1958, a perceptron for each digit: mean accuracy", means["1958_perceptron"], low=0.85),
            within(
                "1986, a hidden layer, minus 1958",
                means["1986_backpropagation"] - means["1958_perceptron"],
                low=0.01,
            ),
            within("1995, LeNet, minus 1958", means["1995_convolution"] - means["1958_perceptron"], low=0.03),
            within("1995 minus 1986", means["1995_convolution"] - means["1986_backpropagation"], low=0),
        ],
        [
            *(f"experiment=history/{name}: {listed(values)}" for name, values in found.items()),
            "Today's stand-ins for four machines of their time, on the same 1,797 small digits; 300 test "
            "images, so the accuracies are known to about 0.01.",
        ],
    )
