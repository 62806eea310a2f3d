"""Predict images or rows of numbers with a trained run: `python scripts/predict.py`."""

import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.config.types import Size
from intro_dl.inference.tables import aligned

if TYPE_CHECKING:  # it needs torch, and a mistyped option is answered without waiting for it
    from intro_dl.inference.load import LoadedRun

OPTIONS = {
    "top": Option(Size),
    "format": one_of("table", "json", "csv"),
    "invert": one_of("auto", "yes", "no"),
    "digit_box": one_of("auto", "no"),
    "weights": one_of("best", "last"),
    "out": path(),
}
BATCH = 256

Input = tuple[str, Any, list[str]]  # source, raw input or the error in its place, steps


@dataclass
class Prediction:
    """What a model predicts for one input.

    Args:
        source: the file, or the place of the row.
        top: the most likely classes with their probabilities (or scores); empty for a regression.
        value: of a regression.
        steps: how the image was changed.
        error: why there is no prediction.
    """

    source: str
    top: list[tuple[str, float]] = field(default_factory=list)
    value: float | None = None
    steps: list[str] = field(default_factory=list)
    error: str | None = None

    def values(self) -> list[str | float]:
        """Return the number of a regression, or each class with its probability."""
        return [self.value] if self.value is not None else [part for pair in self.top for part in pair]


def main(arguments: Sequence[str]) -> int:
    """Predict; return 0, or 1 if an input was unreadable. ValueError has a message for the user."""
    words, options = read_options(arguments, OPTIONS)
    out = options["out"]
    if len(words) < 2:
        raise ValueError(
            "Name a run, and what to predict: images, a directory, or -, e.g. "
            "python scripts/predict.py outputs/lenet/<time> digit.png."
        )
    if out is not None and out.is_dir():
        raise ValueError(f"out={out} is a directory: name a file in it.")

    from intro_dl.inference.load import load_run  # torch loads here

    run = load_run(words[0], options["weights"])
    if run.kind == "text":
        raise ValueError(f"{words[0]} was trained on text: let it write with python scripts/sample.py.")
    count, most = options["top"], len(run.metadata.get("classes", ()))
    if count is not None and not most:
        raise ValueError(f"top={count} needs classes, but {words[0]} predicts a number: leave top= out.")
    if count is not None and count > most:
        raise ValueError(f"top={count} is more than the {most} classes of the run: choose at most {most}.")
    inputs = _images(run, words[1:], options) if run.kind == "images" else _rows(run, words[1:])
    predictions = list(predict(run, inputs, count or min(3, most)))
    for prediction in predictions:
        if prediction.error:
            print(f"Error: {prediction.error}", file=sys.stderr)
    text = {"table": _table, "json": _json, "csv": _csv}[options["format"]](run, predictions)
    if out is None:
        print(text, end="")
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        print(f"Wrote {len(predictions)} predictions to {out}.")
    return 1 if any(prediction.error for prediction in predictions) else 0


def predict(run: "LoadedRun", inputs: Iterable[Input], top: int) -> Iterator[Prediction]:
    """Predict in batches, in the order of the inputs.

    Args:
        run: of a classifier or a regressor.
        inputs: source, raw input or the error that stands in its place, and the steps that led to it.
        top: number of classes, the most likely first.
    """
    import numpy as np
    import torch

    inputs = iter(inputs)
    while batch := list(itertools.islice(inputs, BATCH)):
        good = [value for _, value, _ in batch if not isinstance(value, ValueError)]
        answers = iter([])
        if good:
            with torch.inference_mode():
                answers = iter(_answers(run, torch.from_numpy(np.stack(good)), top))
        for source, value, steps in batch:
            if isinstance(value, ValueError):
                yield Prediction(source, error=str(value))
            else:
                yield Prediction(source, *next(answers), steps)


def _answers(run: "LoadedRun", raw, top: int) -> list[tuple[list[tuple[str, float]], float | None]]:
    """Return, for each input of a batch, its most likely classes, or the number of a regression."""
    model: Any = run.model
    outputs = model(run.prepare(raw))
    if "classes" not in run.metadata:
        return [([], float(value)) for value in outputs]
    scores = model.probabilities(outputs) if model.gives_probabilities else outputs  # (B, K)
    values, places = scores.topk(top, dim=1)
    names = run.metadata["classes"]
    return [
        ([(names[place], value) for place, value in zip(*pair, strict=True)], None)
        for pair in zip(places.tolist(), values.tolist(), strict=True)
    ]


def _images(run: "LoadedRun", words: Sequence[str], options: dict[str, Any]) -> Iterator[Input]:
    from intro_dl.inference.inputs import Unreadable, image_sources, read_picture

    console = Console(stderr=True)
    columns = TextColumn("Predicting"), BarColumn(), MofNCompleteColumn()
    sources = list(image_sources(words, sys.stdin.buffer))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, source in progress.track(sources):
            try:
                if isinstance(source, Unreadable):
                    raise source
                changes = {key: options[key] for key in ("invert", "digit_box")}
                pixels, steps = read_picture(name, source, run.metadata, **changes)
            except Unreadable as error:
                yield name, error, []
            else:
                yield name, pixels, steps


def _rows(run: "LoadedRun", words: Sequence[str]) -> Iterator[Input]:
    import numpy as np

    from intro_dl.inference.inputs import row_sources

    for place, row in row_sources(words, run.metadata["features"], sys.stdin.buffer):
        yield place, row if isinstance(row, ValueError) else np.array(row, dtype=np.float32), []


def _names(run: "LoadedRun") -> tuple[str, str]:
    """Return the name of the sources, file or row, and that of the predicted number."""
    if "classes" in run.metadata:
        number = "probability" if getattr(run.model, "gives_probabilities", False) else "score"
    else:
        number = run.metadata.get("target", {}).get("name", "value")
    return "file" if run.kind == "images" else "row", number


def _table(run: "LoadedRun", predictions: list[Prediction]) -> str:
    """Return aligned lines, and how many images were inverted."""
    shown = [each for each in predictions if not each.error]
    if not shown:
        return ""
    source, number = _names(run)
    unit, style = run.metadata.get("target", {}).get("unit"), ".1%" if number == "probability" else ".4g"
    header = [source, "class", number, *["next", ""] * (len(shown[0].top) - 1)]
    if "classes" not in run.metadata:
        header = [source, f"{number} ({unit})" if unit else number]
    rows = [[each.source, *(_text(value, style) for value in each.values())] for each in shown]
    if any(each.steps for each in shown):
        header.append("changes")
        rows = [[*row, ", ".join(each.steps) or "-"] for row, each in zip(rows, shown, strict=True)]
    text = "".join(f"{line}\n" for line in aligned([header, *rows]))
    inverted = sum("inverted" in each.steps for each in shown)
    if inverted:
        ground = run.metadata.get("background")
        why = f": the run was trained on a {ground} background" if ground else ""
        text += f"\nInverted {inverted} of {len(shown)} images{why}. invert=no leaves them unchanged.\n"
    return text


def _text(value: str | float, style: str) -> str:
    return value if isinstance(value, str) else f"{value:{style}}"


def _json(run: "LoadedRun", predictions: list[Prediction]) -> str:
    source, number = _names(run)
    entries = []
    for each in predictions:
        entry: dict[str, Any] = {source: each.source}
        if each.error:
            entry["error"] = each.error
        elif each.value is not None:
            entry[number] = each.value
        else:
            top = [{"class": name, number: value} for name, value in each.top]
            entry |= top[0] | {"top": top}
        entries.append(entry | ({"steps": each.steps} if each.steps else {}))
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _csv(run: "LoadedRun", predictions: list[Prediction]) -> str:
    import pandas as pd

    source, number = _names(run)
    names, rows = [number], []
    if "classes" in run.metadata:
        most = max([1, *(len(each.top) for each in predictions)])
        ends = ["", *(f"_{place}" for place in range(2, most + 1))]
        names = [f"{name}{end}" for end in ends for name in ("class", number)]
    for each in predictions:
        row = {source: each.source, "steps": "; ".join(each.steps), "error": each.error}
        rows.append(row | dict(zip(names, each.values(), strict=False)))
    return pd.DataFrame(rows, columns=[source, *names, "steps", "error"]).to_csv(index=False)
