"""The command `python scripts/predict.py`: what a run says about images, or about rows of numbers."""

import csv
import io
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.config.types import Size
from intro_dl.inference.tables import aligned

OPTIONS = {
    "top": Option(Size),
    "format": one_of("table", "json", "csv"),
    "invert": one_of("auto", "yes", "no"),
    "digit_box": one_of("auto", "no"),
    "weights": one_of("best", "last"),
    "out": path(),
}
BATCH = 256


@dataclass
class Prediction:
    """What the model says about one input.

    Args:
        source: the file, or the place of the row.
        top: the classes with their probabilities (or scores), the likeliest first; empty for a regression.
        value: of a regression.
        steps: what was done to the image.
        error: why there is no prediction.
    """

    source: str
    top: list[tuple[str, float]] = field(default_factory=list)
    value: float | None = None
    steps: list[str] = field(default_factory=list)
    error: str | None = None


def main(arguments: Sequence[str]) -> int:
    """Predict; 0, 1 if an input could not be read, or ValueError with a sentence."""
    words, options = read_options(arguments, OPTIONS)
    if len(words) < 2:
        raise ValueError(
            "Name a run, and what to predict: images, a folder, or -, e.g. "
            "python scripts/predict.py outputs/lenet/<time> digit.png."
        )
    if options["out"] is not None and options["out"].is_dir():
        raise ValueError(f"out={options['out']} is a folder: name a file in it.")

    from intro_dl.inference.load import load_run  # torch loads here

    run = load_run(words[0], options["weights"])
    if run.metadata["kind"] == "text":
        raise ValueError(f"{words[0]} was trained on a text: let it write with python scripts/sample.py.")
    count, most = options["top"], len(run.metadata.get("classes", ()))
    if count is not None and not most:
        raise ValueError(f"top={count} asks for classes, but {words[0]} predicts a number: leave it out.")
    if count is not None and count > most:
        raise ValueError(f"top={count} is more than the {most} classes that there are: name fewer.")
    read = _images if run.metadata["kind"] == "images" else _rows
    predictions = list(predict(run, read(run, words[1:], options), min(3, most) if count is None else count))
    for prediction in predictions:
        if prediction.error:
            print(f"Error: {prediction.error}", file=sys.stderr)
    text = {"table": _table, "json": _json, "csv": _csv}[options["format"]](run, predictions)
    if options["out"] is None:
        print(text, end="")
    else:
        options["out"].parent.mkdir(parents=True, exist_ok=True)
        options["out"].write_text(text, encoding="utf-8")
        print(f"Wrote {len(predictions)} predictions to {options['out']}.")
    return 1 if any(prediction.error for prediction in predictions) else 0


def predict(run, inputs: Iterable[tuple[str, Any, list[str]]], top: int) -> Iterator[Prediction]:
    """Predict in batches, in the order of the inputs.

    Args:
        run: a `LoadedRun`.
        inputs: (source, raw input or the error that stands in its place, what was done to it).
        top: how many classes, the likeliest first.
    """
    import numpy as np
    import torch

    inputs = iter(inputs)
    while batch := list(itertools.islice(inputs, BATCH)):
        good = [entry for entry in batch if not isinstance(entry[1], ValueError)]
        answers = iter([])
        if good:
            with torch.inference_mode():
                raw = torch.from_numpy(np.stack([entry[1] for entry in good]))
                answers = iter(_answers(run, run.model(run.prepare(raw)), top))
        for source, value, steps in batch:
            if isinstance(value, ValueError):
                yield Prediction(source, error=str(value))
                continue
            classes, number = next(answers)
            yield Prediction(source, classes, number, steps)


def _answers(run, outputs, top: int) -> list[tuple[list[tuple[str, float]], float | None]]:
    """For each output of the model, its likeliest classes, or the number of a regression."""
    if "classes" not in run.metadata:
        return [([], float(value)) for value in outputs]
    shares = run.model.probabilities(outputs) if run.model.gives_probabilities else outputs  # (B, K)
    values, places = shares.topk(top, dim=1)
    names = run.metadata["classes"]
    return [
        ([(names[place], value) for place, value in zip(*pair, strict=True)], None)
        for pair in zip(places.tolist(), values.tolist(), strict=True)
    ]


def _images(run, words, options) -> Iterator[tuple[str, Any, list[str]]]:
    from intro_dl.inference.read_images import Unreadable, image_sources, read_picture

    for name, source in _tracked(list(image_sources(words, sys.stdin.buffer))):
        try:
            if isinstance(source, Unreadable):
                raise source
            pixels, steps = read_picture(name, source, run.metadata, options["invert"], options["digit_box"])
        except Unreadable as error:
            yield name, error, []
            continue
        yield name, pixels, steps


def _rows(run, words, options) -> Iterator[tuple[str, Any, list[str]]]:
    import numpy as np

    from intro_dl.inference.read_rows import BadRow, row_sources

    for place, row in _tracked(list(row_sources(words, run.metadata["features"], sys.stdin.buffer))):
        yield place, row if isinstance(row, BadRow) else np.array(row, dtype=np.float32), []


def _tracked(sources: list) -> Iterator:
    """The sources, behind a progress bar that is shown on a terminal only."""
    console = Console(stderr=True)
    columns = TextColumn("Predicting"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(sources)


def _measure_name(run) -> str:
    return "probability" if run.model.gives_probabilities else "score"


def _target_name(run) -> str:
    return run.metadata.get("target", {}).get("name", "value")


def _table(run, predictions: list[Prediction]) -> str:
    """Aligned lines, and how many images were inverted."""
    shown = [prediction for prediction in predictions if not prediction.error]
    if not shown:
        return ""
    source = "file" if run.metadata["kind"] == "images" else "row"
    if "classes" not in run.metadata:
        unit = run.metadata.get("target", {}).get("unit", "")
        rows = [[each.source, f"{each.value:.4g}"] for each in shown]
        return _lines([[source, f"{_target_name(run)} ({unit})" if unit else _target_name(run)], *rows])
    percent = run.model.gives_probabilities
    best = len(shown[0].top)
    header = [source, "class", _measure_name(run), *["next", ""] * (best - 1)]
    rows = [
        [
            each.source,
            *(
                text
                for name, value in each.top
                for text in (name, f"{value:.1%}" if percent else f"{value:.4g}")
            ),
        ]
        for each in shown
    ]
    if any(each.steps for each in shown):
        header.append("done to the image")
        rows = [[*row, ", ".join(each.steps) or "-"] for row, each in zip(rows, shown, strict=True)]
    text = _lines([header, *rows])
    inverted = sum("inverted" in each.steps for each in shown)
    if inverted:
        ground = run.metadata.get("background")
        why = f": the run was trained on a {ground} background" if ground else ""
        text += f"\nInverted {inverted} of {len(shown)} images{why}. invert=no leaves them as they are.\n"
    return text


def _lines(rows: list[list[str]]) -> str:
    return "".join(f"{line}\n" for line in aligned(rows))


def _json(run, predictions: list[Prediction]) -> str:
    entries = []
    for each in predictions:
        entry: dict[str, Any] = {"file" if run.metadata["kind"] == "images" else "row": each.source}
        if each.error:
            entry["error"] = each.error
        elif each.value is not None:
            entry[_target_name(run)] = each.value
        else:
            entry |= {"class": each.top[0][0], _measure_name(run): each.top[0][1]}
            entry["top"] = [{"class": name, _measure_name(run): value} for name, value in each.top]
        if each.steps:
            entry["steps"] = each.steps
        entries.append(entry)
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _csv(run, predictions: list[Prediction]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    source = "file" if run.metadata["kind"] == "images" else "row"
    best = max((len(each.top) for each in predictions), default=0)
    if "classes" in run.metadata:
        numbered = ["", *(f"_{place}" for place in range(2, best + 1))][: max(best, 1)]
        names = [f"{name}{end}" for end in numbered for name in ("class", _measure_name(run))]
    else:
        names = [_target_name(run)]
    writer.writerow([source, *names, "steps", "error"])
    for each in predictions:
        values = [each.value] if each.value is not None else [part for pair in each.top for part in pair]
        values += [""] * (len(names) - len(values))
        writer.writerow([each.source, *values, "; ".join(each.steps), each.error or ""])
    return stream.getvalue()
