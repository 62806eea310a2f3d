"""What the page says about a run: its graph and weights, its classes, test examples, mistakes and command."""

import re
from base64 import b64encode
from typing import Any

import torch
from torch import Tensor

from intro_dl.data.dataset import TensorData
from intro_dl.inference.data import data_for
from intro_dl.inference.load import LoadedRun
from intro_dl.inference.metrics import predict_split
from intro_dl.inference.portable import Portable
from intro_dl.inference.sample import default_prompt
from intro_dl.page.graph import to_graph
from intro_dl.page.weights import BITS, pack, unpack
from intro_dl.runs.files import NOT_PRINTABLE, typed
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.program import tell
from intro_dl.tasks import Classifier
from intro_dl.visualize.mistakes import worst_mistakes

Entry = dict[str, Any]

EXAMPLES, MISTAKES, POINTS = 30, 20, 500  # at most, of the test split
MOST_PIXELS = 300_000  # of all examples together, in bytes
MOST_WEIGHTS = 5_000_000  # a page of 17 MB
CLOSE = 1e-5  # how far the answers of rounded weights may be from those of the run
NOT_REPEATED = ("hydra", "own_code", "resume", "run_dir")  # they name folders or code of one computer


def entry_of(run: LoadedRun, path: str, bits: int = BITS) -> tuple[Entry, float]:
    """Return the entry of a run in the content of the page, and how far its weights change the answers.

    The distance is the largest difference between an output of the run and of its model with the weights of
    the page. Where 20 bits are not enough, the weights are stored as 32-bit floats.

    Args:
        run: a trained run.
        path: how the page names its folder.
        bits: of a weight; 20, or 16 for the models that ship with the package.

    Raises:
        ValueError: if the page cannot show the run; the message says why.
    """
    portable, metadata = _portable(run), run.metadata
    graph, weights = to_graph(portable)
    name = type(run.model).__name__
    try:
        packed = {key: pack(weight, bits) for key, weight in weights.items()}
    except ValueError as error:
        raise ValueError(f"The page cannot show {run}: {error}. Choose another run.") from error
    difference = rounding(run, portable, packed)
    if difference > CLOSE and bits == BITS:
        packed = {key: pack(weight, 32) for key, weight in weights.items()}
        difference = rounding(run, portable, packed)
    entry: Entry = {
        "title": f"{name} on {metadata['data']}",
        "model": name,
        "data": metadata["data"],
        "kind": run.kind,
        "run": path,
        "command": command_of(RunFolder(run.folder), run),
        "parameters": _count(run),
        "graph": graph,
        "weights": packed,
        "classes": run.classes,
        "shipped": False,
    }
    for key in ("mean", "std", "background", "digit_box", "features", "target", "window"):
        entry[key] = metadata.get(key)
    entry["in_shape"] = metadata["dims"].get("in_shape")
    data = _data_of(run)
    entry["result"] = _result(run, data)
    if run.kind == "text":
        entry |= {"alphabet": list(metadata["alphabet"]), "prompt": default_prompt(metadata)}
    elif data is not None:
        entry |= images_of(run, data) if run.kind == "images" else _points(data)
    return entry, difference


def _portable(run: LoadedRun) -> Portable:
    """Return the model as a function of tensors, if the page has a tab for its kind of data."""
    name = type(run.model).__name__
    if run.kind not in ("images", "points", "text"):
        raise ValueError(
            f"The page cannot show {run}: {name} was trained on {run.kind}, and the page has tabs for "
            "images, points and text only. Choose another run."
        )
    if (count := _count(run)) > MOST_WEIGHTS:
        raise ValueError(
            f"The page cannot show {run}: {name} has {count:,} weights, and a page holds at most "
            f"{MOST_WEIGHTS:,}. Choose a run of a smaller model."
        )
    return Portable(run)


def _count(run: LoadedRun) -> int:
    return sum(weight.numel() for weight in run.model.parameters())


def rounding(run: LoadedRun, portable: Portable, packed: dict[str, Any]) -> float:
    """Return the largest difference between the outputs of a run and those with the weights of the page."""
    inputs, state = portable.example(20), run.model.state_dict()
    before = portable.module(*inputs)
    kept = {key: value.clone() for key, value in state.items()}
    with torch.no_grad():
        for key in state.keys() & packed.keys():
            state[key].copy_(unpack(packed[key]))
        after = portable.module(*inputs)
        for key, value in kept.items():
            state[key].copy_(value)
    return max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True))


def command_of(folder: RunFolder, run: LoadedRun) -> str:
    """Return the command that trained a run, as its folder keeps it.

    Somebody may copy it from the folder of a stranger: what is not a setting of a run is left out. A folder
    without its command names the model and the data.
    """
    try:
        saved = folder.read_overrides()
    except ValueError:
        saved = []
    setting = re.compile(r"[~+]*([A-Za-z_]\w*)([./]\w+)*(=.*)?")
    words = [
        word
        for word in saved
        if (found := setting.fullmatch(word))
        and found[1] not in NOT_REPEATED
        and not NOT_PRINTABLE.search(word)
    ]
    if not folder.overrides_file.is_file():
        choices = folder.read_choices()
        model = choices.get("model", type(run.model).__module__.rpartition(".")[2])
        words = [f"model={model}", *(f"data={choices[group]}" for group in ("data",) if group in choices)]
    return " ".join(["intro-dl train", *map(typed, words)])


def _data_of(run: LoadedRun) -> TensorData | None:
    """Return the data of a run; None if they are not on this computer."""
    try:
        data = data_for(run, None, {})
    except (OSError, ValueError) as error:
        tell(f"Note: the page shows no test examples of {run}. {error}")
        return None
    if change := data.change_since(run.metadata):
        tell(f"Note: {change}")
    return data


def _result(run: LoadedRun, data: TensorData | None) -> dict[str, Any]:
    """Return what the run measured on its test split, or without a test on its validation split."""
    metrics = run.result.metrics
    split = "test" if any(name.endswith("/test") for name in metrics) else "val"
    numbers = {
        name.removesuffix(f"/{split}"): value for name, value in metrics.items() if name.endswith(f"/{split}")
    }
    examples = len(data.splits[split][1]) if data is not None else None
    return numbers | {"split": split, "examples": examples}


def _points(data: TensorData) -> Entry:
    inputs, targets = (part[:POINTS] for part in data.splits["test"])
    return {"points": {"inputs": inputs.tolist(), "labels": targets.tolist()}}


def images_of(run: LoadedRun, data: TensorData, most: int = EXAMPLES, mistakes: int = MISTAKES) -> Entry:
    """Return test images class by class, and the worst mistakes of a classifier."""
    inputs, targets = data.splits["test"]
    room = max(MOST_PIXELS // inputs[0].numel(), 1)
    if not isinstance(run.model, Classifier):
        return {"examples": [_example(image, None) for image in inputs[: min(most, room)]]}
    found = predict_split(run, data, "test")
    shown = class_by_class(targets, min(most, room))
    worst, _ = worst_mistakes(targets, found.predicted, found.probabilities, min(mistakes, room))
    known = bool(run.model.gives_probabilities)
    examples = [
        _example(inputs[place], int(targets[place]), int(found.predicted[place]))
        | {"probability": float(found.probabilities[place, found.predicted[place]]) if known else None}
        | ({"mistake": True} if number >= len(shown) else {})
        for number, place in enumerate([*shown, *worst.tolist()])
    ]
    return {"examples": examples}


def class_by_class(labels: Tensor, count: int) -> list[int]:
    """Return the places of `count` examples: the first of each class, as many of each, in their order."""
    ranks: dict[int, int] = {}
    keys = []
    for place, label in enumerate(labels.tolist()):
        ranks[label] = ranks.get(label, -1) + 1
        keys.append((ranks[label], label, place))
    chosen = sorted(keys)[:count]
    return [place for _, _, place in sorted(chosen, key=lambda key: (key[1], key[0]))]


def _example(image: Tensor, label: int | None, predicted: int | None = None) -> dict[str, Any]:
    pixels = b64encode(image.contiguous().numpy().tobytes()).decode()
    return {"pixels": pixels, "label": label, "predicted": predicted}
