"""Predict images, rows of numbers, sentences or phrases with a trained run: `intro-dl predict`."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.config.types import Size
from intro_dl.inference.tables import aligned, make_directory, tracked
from intro_dl.runs.files import to_json, typed_path, write_whole
from intro_dl.runs.folder import find_checkpoint, named_run
from intro_dl.runs.program import say_loading, tell

if TYPE_CHECKING:  # they need torch; a mistyped option is reported before torch is imported
    import numpy as np

    from intro_dl.inference.load import LoadedRun
    from intro_dl.inference.sheet import Sheet

OPTIONS = {
    "top": Option(Size),
    "format": one_of("table", "json", "csv"),
    "invert": one_of("auto", "yes", "no"),
    "digit_box": one_of("auto", "no"),
    "weights": one_of("best", "last"),
    "out": path(),
    "show": path(),
}

TABLES = (".csv", ".tsv", ".txt", ".xlsx")
Record = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Predict; return 0, or 1 if an input was unreadable. ValueError has a message for the user."""
    words, options = read_options(arguments, OPTIONS)
    out = options["out"]
    if len(words) < 2:
        raise ValueError(
            "Name a run, and what to predict: images, a directory, numbers, a sentence or nodes, e.g. "
            "intro-dl predict outputs/lenet/<time> digit.png."
        )
    if out is not None and out.is_dir():
        raise ValueError(f"out={out} is a directory: name a file in it.")
    words[0] = str(named_run(words[0]))
    find_checkpoint(words[0], options["weights"])
    say_loading()

    from intro_dl.inference.load import load_run  # torch loads here

    run = load_run(words[0], options["weights"])
    if run.kind == "text":
        raise ValueError(f"{words[0]} was trained on text: sample from it with intro-dl sample.")
    if options["show"] is not None and run.kind != "images":
        raise ValueError(f"show= needs images, but {words[0]} was trained on {run.kind}: leave it out.")
    count, most = options["top"], len(run.classes)
    if count is not None and not most:
        raise ValueError(f"top={count} needs classes, but {words[0]} predicts a number: leave out top=.")
    if count is not None and count > most:
        raise ValueError(f"top={count} is more than the {most} classes of the run: choose at most {most}.")
    records = list(_finder(run)(run, words[1:], options | {"top": count or min(3, most)}))
    errors = [record["error"] for record in records if "error" in record]
    for error in errors:
        tell(f"Error: {error}")
    text = _text(run, records, options["format"])
    if out is None:
        print(text, end="")
    else:
        make_directory(out.parent)
        write_whole(out, text)
        print(f"Wrote {len(records)} predictions to {out}.")
    return 1 if errors else 0


def predict_images(run: "LoadedRun", words: Iterable[str], options: dict[str, Any]) -> Iterator[Record]:
    """Yield the classes of each image that the words name."""
    from intro_dl.inference.inputs import image_paths
    from intro_dl.inference.sheet import Sheet

    paths, others = image_paths(words)
    for key in ("out", "show"):
        _check_not_an_input(key, options[key], paths)
    for sentence in others:
        tell(f"Note: {sentence}.")
    sheet = Sheet(options["show"]) if options["show"] else None
    yield from _read_and_predict(run, tracked(paths, "Predicting"), options, sheet)
    if sheet and sheet.count:
        make_directory(sheet.path.parent)
        tell(sheet.write())


def _read_and_predict(
    run: "LoadedRun", files: Iterable[Any], options: dict[str, Any], sheet: "Sheet | None" = None
) -> Iterator[Record]:
    """Yield the record of each file, or of each image that is already open, which has no name."""
    from intro_dl.data.image_file import Unreadable, shown_name
    from intro_dl.inference.inputs import read_picture

    for file in files:
        name = {"file": shown_name(file)} if isinstance(file, Path) else {}
        try:
            if name and file.suffix.lower() in TABLES and file.is_file():
                raise Unreadable(f"{name['file']} is a table, but {run} was trained on images: name images.")
            pixels, steps = read_picture(file, run.metadata, options["invert"], options["digit_box"])
        except Unreadable as error:
            yield name | {"error": str(error)}
        else:
            changes = {"changes": ", ".join(steps)} if steps else {}
            record = name | predict(run, pixels, options["top"]) | changes
            if sheet:
                sheet.add(file, pixels, record)
            yield record


def _check_not_an_input(key: str, out: Path | None, files: Iterable[Path]) -> None:
    if out is not None and out.exists() and out.resolve() in (file.resolve() for file in files):
        raise ValueError(f"{key}={out} is also an input: name another file.")


def predict_rows(run: "LoadedRun", words: Iterable[str], options: dict[str, Any]) -> Iterator[Record]:
    """Yield the class or the number of each row: numbers, or the rows of tables that the words name."""
    from intro_dl.inference.rows import read_rows

    _check_not_an_input("out", options["out"], map(typed_path, words))
    yield from _predict_each_row(run, read_rows(words, run.metadata["features"]), options["top"])


def _predict_each_row(run: "LoadedRun", rows: Iterable[tuple[Any, Any]], top: int) -> Iterator[Record]:
    import numpy as np

    for place, row in rows:
        try:
            if isinstance(row, ValueError):
                raise row
            yield {"row": place} | predict(run, np.array(row, dtype=np.float32), top)
        except ValueError as error:
            yield {"row": place, "error": str(error)}


# How `intro-dl predict` reads what is named after the run, by the kind of data: a module of inference/ and
# its function, which takes the run, these words and the options, and yields a record or an {"error": ...} for
# each input. `LoadedRun.predict` calls it too, except for classes of images and points, which it also reads
# from memory.
Finder = Callable[["LoadedRun", Iterable[Any], dict[str, Any]], Iterator[Record]]
FINDERS = {
    "captions": "sentences:predict_sentences",
    "graph": "nodes:predict_nodes",
    "images": "predict:predict_images",
    "pairs": "restore:restore_pictures",
    "points": "predict:predict_rows",
    "series": "forecast:forecast_series",
    "tokens": "tokens:predict_tokens",
}


def _finder(run: "LoadedRun") -> Finder:
    from intro_dl.tasks import Autoencoder, Classifier, Regressor

    name = FINDERS.get(run.kind, "")
    if run.kind in ("images", "points", "tokens") and not isinstance(run.model, Classifier | Regressor):
        restores = run.kind == "images" and isinstance(run.model, Autoencoder)
        name = "restore:restore_images" if restores else ""
    if not name:
        raise ValueError(
            f"{run} holds a {type(run.model).__name__} trained on {run.kind}, and predict does not support "
            "it: evaluate it with intro-dl evaluate."
        )
    module, _, function = name.partition(":")
    return getattr(import_module(f"intro_dl.inference.{module}"), function)


def predict_inputs(run: "LoadedRun", inputs: Any, top: int | None) -> Any:
    """Predict one input or several; see `LoadedRun.predict`."""
    from intro_dl.inference import inputs as images

    if run.kind == "text":
        raise ValueError(f"{run} was trained on text: use run.sample(prompt, length=...).")
    most, find = len(run.classes), _finder(run)
    if top is not None and not 1 <= top <= most:
        raise ValueError(
            f"Invalid top={top}: choose an integer from 1 to {most}."
            if most
            else f"top={top} needs classes, but this run predicts a number: leave it out."
        )
    options = {"top": top or min(3, most), "invert": "auto", "digit_box": "auto"}
    if find is predict_images:
        one = images.is_one(inputs)
        records = list(_read_and_predict(run, images.pictures(inputs), options))
    elif run.kind != "points":
        one = not isinstance(inputs, list | tuple)
        records = list(find(run, [inputs] if one else inputs, options))
    else:
        one, rows = _rows(run, inputs)
        records = list(_predict_each_row(run, rows, options["top"]))
    if one and "error" in records[0]:
        raise ValueError(records[0]["error"])
    return records[0] if one else records


def _rows(run: "LoadedRun", inputs: Any) -> tuple[bool, Any]:
    """Return whether the inputs are one row of numbers, and the rows with their places."""
    import numpy as np

    from intro_dl.inference.rows import read_rows

    features = run.metadata["features"]
    if isinstance(inputs, str | Path):
        rows = list(read_rows([str(inputs)], features))
        return len(rows) == 1 and not os.path.isfile(inputs), rows
    columns = getattr(inputs, "columns", ())  # of a table of pandas
    try:
        values = np.asarray(inputs[features] if set(features) <= set(columns) else inputs, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The inputs are not rows of numbers: {error}.") from error
    if values.ndim not in (1, 2) or values.shape[-1] != len(features):
        shape = " x ".join(map(str, values.shape)) or "one number"
        raise ValueError(
            f"The model reads rows of {len(features)} numbers ({', '.join(features)}), but got {shape}."
        )
    return values.ndim == 1, list(enumerate(np.atleast_2d(values), start=1))


def predict(run: "LoadedRun", raw: "np.ndarray", top: int) -> Record:
    """Predict one example.

    Args:
        run: a run of a classifier or a regressor.
        raw: an image (C, H, W) of uint8, a point (N,), or tokens (T,).
        top: number of classes, the most likely first.

    Returns:
        `class` and `probability` (or `score`), then `class_2` and so on; or the number of a regression by the
        name of its target.

    Raises:
        ValueError: if the model does not answer with finite numbers.
    """
    import torch

    model: Any = run.model
    with torch.inference_mode():
        outputs = model(run.prepare(torch.from_numpy(raw)[None]))
        if not outputs.isfinite().all():
            raise ValueError(
                f"The answer to {raw.tolist()} is not finite: the numbers are too large for the model."
                if run.kind == "points"
                else "The answer is not finite: the weights are damaged, or the training diverged."
            )
        name = _number(run)
        if not run.classes:
            return {name: float(outputs[0])}
        scores = model.probabilities(outputs) if model.gives_probabilities else outputs  # (1, K)
        values, places = scores[0].topk(top)
    record: Record = {}
    for rank, (value, place) in enumerate(zip(values.tolist(), places.tolist(), strict=True), start=1):
        end = f"_{rank}" if rank > 1 else ""
        record |= {f"class{end}": run.classes[place], f"{name}{end}": value}
    return record


def _number(run: "LoadedRun") -> str:
    """Return the name of the predicted number."""
    if run.classes:
        return "probability" if getattr(run.model, "gives_probabilities", False) else "score"
    return run.metadata.get("target", {}).get("name", "value")


def _text(run: "LoadedRun", records: list[Record], form: str) -> str:
    """Return the records as JSON, CSV or a table."""
    import pandas as pd

    if form == "json":
        return to_json(records)
    if form == "csv":
        return pd.DataFrame(records).to_csv(index=False)
    shown = [record for record in records if "error" not in record]
    if not shown:
        return ""
    number, unit = _number(run), run.metadata.get("target", {}).get("unit")
    style = ".1%" if number == "probability" else ".4g"
    frame = pd.DataFrame(shown)
    for name in shown[0]:
        if name.startswith(number):
            frame[name] = [f"{value:{style}}" for value in frame[name]]
    return aligned(frame.rename(columns={number: f"{number} ({unit})"}) if unit else frame) + "\n"
