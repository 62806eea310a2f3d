"""The systems of the decks and fast CIFAR-10: commands, what each must show, tables of measured results."""

import operator
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import floor, log10
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any, TypedDict

from annotated_types import MinLen

from intro_dl.runs.files import in_markdown, read_json
from intro_dl.runs.values import fits

SEEDS = 3
FAST = {  # experiments with the fast recipe for CIFAR-10
    "cifar10_2min": "16, 32 and 32 maps, 3 epochs",
    "cifar10_5min": "32, 64 and 64 maps, 5 epochs",
    "cifar10_10min": "32, 128 and 128 maps, 6 epochs",
    "cifar10_fast": "64, 256 and 256 maps, 10 epochs",
}
SHORT = "cifar10_5min"  # the one whose tricks are turned off
TRICKS = {
    "whitening": "model.whiten=false",
    "identity": "model.identity=false",
    "fast_biases": "model.bias_speed=1",
    "smoothing": "model.smoothing=0",
    "lookahead": "callbacks.lookahead=null",
    "alternating": "data.augment=crop_reflect",
    "triangle": "scheduler=none",
    "views": "model.views=one",
}
# results/systems/<name>.json: the words of its command, without the seeds.
COMMANDS = {
    "autoencoder": "model=autoencoder",
    "autoencoder_32": "model=autoencoder model.code_size=32",
    "autoencoder_linear": "model=autoencoder model.hidden=[] optim.lr=1e-2 scheduler=cosine "
    "trainer.max_epochs=80",
    "vae": "model=vae",
    "gan": "model=gan",
    "mode_collapse": "experiment=broken/mode_collapse",
    "dcgan": "model=dcgan",
    "captioner": "model=captioner",
    "captioner_pairs": "model=captioner data.held_out=pairs",
    "captioner_blind": "model=captioner model.look=false",
    "translator": "model=translator",
    "translator_plain": "model=translator model.attention=false",
    "translator_concepts": "model=translator data.held_out=concepts",
    "sentiment": "model=sentiment",
    "sentiment_rnn": "model=sentiment model.reader=rnn",
    "sentiment_mean": "model=sentiment model.reader=mean",
    "tweets": "experiment=tweets",
    "motif": "model=motif",
    "restorer": "model=restorer",
    "restorer_china": "model=restorer data.held_out=china",
    "restorer_noise": "experiment=restorer_noise",
    "forecaster": "model=forecaster",
    "forecaster_1": "model=forecaster model.history=1",
    "forecaster_stocks": "experiment=forecaster_stocks",
    "forecaster_sunspots": "experiment=forecaster_sunspots",
    "forecaster_eeg": "experiment=forecaster_eeg",
    "gcn": "model=gcn",
    "gcn_alone": "model=gcn model.neighbors=false",
    "digit_graph": "model=gcn data=digit_graph",
    "digit_graph_alone": "model=gcn data=digit_graph model.neighbors=false",
    "gda": "model=gda",
    "gda_quadratic": "model=gda model.shared=false",
    "words": "model=char_lstm data=pydoc data.unit=word",
    "history_1952_sgd_softmax": "experiment=history/1952_sgd_softmax",
    "history_1958_perceptron": "experiment=history/1958_perceptron",
    "history_1986_backpropagation": "experiment=history/1986_backpropagation",
    "history_1995_convolution": "experiment=history/1995_convolution",
    **{name: f"experiment={name}" for name in FAST},
    **{f"{SHORT}_without_{name}": f"experiment={SHORT} {change}" for name, change in TRICKS.items()},
}
Summary = dict[str, Any]  # the content of a file: a `Saved`


class Saved(TypedDict):
    """The runs of one system, see `summary.summarize`."""

    experiment: str
    command: str
    recipe: dict[str, Any]
    runs: Annotated[list[dict[str, Any]], MinLen(1)]


@dataclass(frozen=True)
class Row:
    """A measured number, and what it must be.

    Args:
        system: a key of `COMMANDS`.
        what: the number in words.
        measure: its key in a run, or among the rivals of a run.
        rival: with which it is compared: a rival of the same run, or another system's same measure.
        bound: what it must be with each seed, e.g. "≤ 0.65 rival", "≥ rival - 0.03" or "= 1".
    """

    system: str
    what: str
    measure: str = "accuracy/test"
    rival: str = ""
    bound: str = ""


EXACT, BLEU, LOSS, DISTANCE, PSNR = "exact/test", "bleu/test", "loss/test", "distance/test", "psnr/test"
CODES, PCA_CODES = "5-NN accuracy, own codes", "5-NN accuracy, PCA codes"
COVERED, NEAR = "clouds covered", "draws within 3 standard deviations"
FILTERS = [f"{name} filter" for name in ("Gaussian", "median", "7x7 linear")]
TABLES: dict[str, tuple[Row, ...]] = {
    "Autoencoder": (
        Row("autoencoder", "error, 2 numbers", LOSS, "PCA", "≤ 0.65 rival"),
        Row("autoencoder", "5-NN accuracy of the codes, 2 numbers", CODES, PCA_CODES, "≥ 0.8"),
        Row("autoencoder_linear", "error, 2 numbers, linear", LOSS, "PCA", "≤ 1.01 rival"),
        Row("autoencoder_32", "error, 32 numbers", LOSS, "PCA", "> rival"),
        Row("autoencoder_32", "5-NN accuracy of the codes, 32 numbers", CODES, PCA_CODES),
    ),
    "Variational autoencoder": (
        Row("vae", "nats per image", LOSS, "independent pixels", "≤ rival - 40"),
        Row("vae", "of these, for the codes", "divergence/test"),
    ),
    "GAN": (
        Row("gan", "clouds covered, of 8", COVERED, "", "= 8"),
        Row("gan", NEAR, NEAR, "", "≥ 0.85"),
        Row("gan", "energy distance", DISTANCE, "one Gaussian", "< rival"),
        Row("mode_collapse", "broken: clouds covered, of 8", COVERED, "", "< 8"),
        Row("mode_collapse", "broken: energy distance", DISTANCE, "one Gaussian", "> rival"),
    ),
    "Convolutional GAN": (
        Row("dcgan", "energy distance", DISTANCE, "one Gaussian, cut", "< rival"),
        Row("dcgan", "energy distance", DISTANCE, "one Gaussian", "< rival"),
    ),
    "Captions": (
        Row("captioner", "exact, new pictures", EXACT, "nearest input", "≥ 0.95"),
        Row("captioner_pairs", "exact, pairs never seen together", EXACT, "nearest input", "≤ 0.15"),
        Row("captioner_blind", "exact, without looking", EXACT, "most frequent sentence", "≤ 0.01"),
        Row("captioner", "BLEU, new pictures", BLEU),
        Row("captioner_pairs", "BLEU, pairs never seen together", BLEU),
        Row("captioner_blind", "BLEU, without looking", BLEU),
    ),
    "Translation": (
        Row("translator", "exact, with attention", EXACT, "word by word", "≥ 0.5"),
        Row("translator", "exact, with attention", EXACT, "translator_plain", "≥ 4 rival"),
        Row("translator_concepts", "exact, things never named in training", EXACT, "word by word", "< 0.1"),
        Row("translator", "BLEU, with attention", BLEU, "translator_plain"),
        Row("translator_concepts", "BLEU, things never named in training", BLEU),
    ),
    "Sentiment": (
        Row("sentiment", "generated sentences, LSTM", rival="bag of words", bound="= 1"),
        Row("sentiment_rnn", "generated sentences, RNN", rival="bag of words", bound="= 1"),
        Row("sentiment_mean", "generated sentences, mean of the word vectors", bound="= 0.5"),
        Row("tweets", "tweets, LSTM", rival="bag of words", bound="≥ rival - 0.03"),
        Row("tweets", "tweets, LSTM", rival="most frequent class", bound="≥ rival + 0.15"),
    ),
    "Motifs": (
        Row("motif", "accuracy", rival="Bayes-optimal", bound="≥ rival - 0.03"),
        Row("motif", "accuracy", rival="bag of letters", bound="≥ rival + 0.15"),
    ),
    "Rain": (
        *(Row("restorer", "flower, rain: dB", PSNR, each, "> rival") for each in FILTERS),
        *(Row("restorer_china", "palace, rain: dB", PSNR, each, "> rival") for each in FILTERS),
        *(Row("restorer_noise", "palace, noise: dB", PSNR, each) for each in FILTERS),
    ),
    "Forecasting": (
        Row("forecaster_1", "ball, 1 picture: squared error", LOSS, "nothing changes", "≥ 0.9 rival"),
        Row("forecaster", "ball, 8 pictures: squared error", LOSS, "nothing changes", "≤ 0.0625 rival"),
        Row("forecaster", "ball, 8 pictures: squared error", LOSS, "linear (AR)"),
        Row(
            "forecaster",
            "ball, 8 pictures: pixels off",
            "absolute_error/test",
            "forecaster_1",
            "≤ 0.25 rival",
        ),
        Row("forecaster_stocks", "S&P 500: squared error", LOSS, "mean change", "≥ 0.95 rival"),
        Row("forecaster_sunspots", "sunspots: squared error", LOSS, "nothing changes", "< rival"),
        Row("forecaster_sunspots", "sunspots: squared error", LOSS, "linear (AR)", "> rival"),
        Row("forecaster_eeg", "EEG: squared error", LOSS, "nothing changes", "< rival"),
        Row("forecaster_eeg", "EEG: squared error", LOSS, "linear (AR)", "> rival"),
    ),
    "Graph": (
        Row("gcn", "karate club, 24 test members", rival="label propagation", bound="≥ 0.95"),
        Row("gcn_alone", "karate club, without edges", bound="≤ 0.75"),
        Row("digit_graph", "digits, 5 labels of each", rival="digit_graph_alone", bound="> rival"),
        Row("digit_graph", "digits, 5 labels of each", rival="label propagation"),
    ),
    "Gaussian discriminant analysis": (
        Row("gda", "two clouds, shared covariance"),
        Row("gda_quadratic", "two clouds, a covariance for each class"),
    ),
    "Words": (Row("words", "nats of the next word", LOSS), Row("words", "next word right")),
    "History": tuple(
        Row(name, name[8:].replace("_", " ")) for name in COMMANDS if name.startswith("history")
    ),
    "CIFAR-10 in minutes": (
        *(Row(name, f"accuracy, {size}") for name, size in FAST.items()),
        *(Row(name, f"seconds, {size}", "seconds") for name, size in FAST.items()),
    ),
    "Tricks": tuple(
        Row(f"{SHORT}_without_{name}", f"without {name.replace('_', ' ')}", rival=SHORT) for name in TRICKS
    ),
}
SIGNS = {"≤": operator.le, "≥": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}
BOUND = re.compile(r"([≤≥<>=]) (?:([\d.]+) )?rival(?: ([+-]) ([\d.]+))?|([≤≥<>=]) ([\d.]+)")


def holds(bound: str, value: float, rival: float) -> bool:
    """Return whether a number is within a bound, e.g. "≤ 0.65 rival", "≥ rival - 0.03" or "= 1"."""
    found = BOUND.fullmatch(bound)
    assert found, bound
    sign, times, plus, offset, alone, number = found.groups()
    if alone:
        return SIGNS[alone](value, float(number))
    limit = float(times or 1) * rival + float(f"{plus}{offset}" if plus else 0)
    return SIGNS[sign](value, limit)


def read_systems(results: Path) -> dict[str, Summary]:
    """Return the content of the files of results/systems/ by name, e.g. "autoencoder".

    Raises:
        ValueError: if a file is damaged.
    """
    found: dict[str, Summary] = {}
    for name in COMMANDS:
        path = results / "systems" / f"{name}.json"
        if path.is_file():
            found[name] = read_json(path)
            if not fits(found[name], Saved):
                raise ValueError(
                    f"results/systems/{name}.json is damaged: add its sweep again with intro-dl results."
                )
    return found


def system_of(words: Iterable[str]) -> str | None:
    """Return the name of the system that these words of a command train, or None."""
    wanted = _read(words)
    return next((name for name, command in COMMANDS.items() if _read(command.split()) == wanted), None)


def _read(words: Iterable[str]) -> set[str]:
    """Return words as a sweep writes them: optim.lr=0.01 for optim.lr=1e-2, False for false."""
    read = set()
    for word in words:
        key, _, value = word.lower().partition("=")
        with suppress(ValueError):
            value = str(float(value))
        read.add(f"{key}={value}")
    return read


def table(name: str, systems: dict[str, Summary]) -> str:
    """Return the table of a key of `TABLES`, without the rows that are not measured."""
    rows = [row for row in TABLES[name] if row.system in systems]
    missing = [f"`{COMMANDS[row.system]}`" for row in TABLES[name] if row.system not in systems]
    lines = [
        "| test split | measured | n (seeds) | rival | | bound | holds |",
        "| :--- | ---: | :--- | :--- | ---: | :--- | :--- |",
        *(f"| {' | '.join(map(in_markdown, _cells(row, systems)))} |" for row in rows),
    ]
    parts = ["\n".join(lines)] if rows else []
    parts += [f"Not measured yet: {', '.join(dict.fromkeys(missing))}."] if missing else []
    return "\n\n".join(parts)


def in_words(values: Sequence[float]) -> str:
    """Return mean and standard error, e.g. "0.17162 ± 0.00031"; equal values as their number."""
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    if not error:
        return f"{fmean(values):.4g}"
    digits = max(0, 1 - floor(log10(error)))  # two of the error
    return f"{fmean(values):.{digits}f} ± {error:.{digits}f}"


def _cells(row: Row, systems: dict[str, Summary]) -> list[str]:
    runs = systems[row.system]["runs"]
    values = [_number(run, row.measure) for run in runs]
    rivals = _rivals(row, runs, systems)
    cells = [row.what, in_words(values), f"{len(runs)} ({', '.join(str(run['seed']) for run in runs)})"]
    shown = f"`{COMMANDS[row.rival]}`" if row.rival in COMMANDS else row.rival
    cells += [shown, in_words(rivals) if row.rival and rivals else "", row.bound]
    if not row.bound or not rivals:
        return [*cells, "–"]
    held = sum(holds(row.bound, value, rival) for value, rival in zip(values, rivals, strict=True))
    return [*cells, "yes" if held == len(values) else f"**no** (holds with {held} of {len(values)} seeds)"]


def _rivals(row: Row, runs: Sequence[Summary], systems: dict[str, Summary]) -> list[float]:
    """Return the rival's number for each run: that of the same run, or the mean of another system."""
    if not row.rival:
        return [0.0] * len(runs)
    if row.rival not in COMMANDS:
        return [_number(run, row.rival) for run in runs]
    others = systems.get(row.rival, {"runs": []})["runs"]
    return [fmean(_number(run, row.measure) for run in others)] * len(runs) if others else []


def _number(run: Summary, name: str) -> float:
    return run[name] if name in run else run["rivals"][name]
