"""Evaluate a run on a split; print numbers, write tables and pictures: `intro-dl evaluate`."""

import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.inference.tables import inside, make_directory, print_report
from intro_dl.runs.files import to_json, write_whole
from intro_dl.runs.folder import find_checkpoint, named_run
from intro_dl.runs.program import say_loading

if TYPE_CHECKING:  # they need torch; a mistyped option is reported before torch is imported
    from torch import Tensor

    from intro_dl.data.dataset import TensorData
    from intro_dl.inference.load import LoadedRun
    from intro_dl.inference.metrics import Predictions

OPTIONS = {
    "split": one_of("test", "val"),
    "data": Option(str),
    "weights": one_of("best", "last"),
    "out": path(),
}
MISTAKES_SHOWN = 24
TABLES = ("classes", "confusion_matrix", "mistakes", "predictions", "reliability", "characters", "words")
TABLES += ("sentences", "attention")
OUTPUTS = [f"{name}.{suffix}" for name in TABLES for suffix in ("csv", "png")]


def main(arguments: Sequence[str]) -> int:
    """Evaluate a run and return 0; raise ValueError with a message for the user."""
    words, options = read_options(arguments, OPTIONS, open_groups=("data",))
    if len(words) != 1:
        what = f"{len(words)}: {' '.join(words)}" if words else "none"
        raise ValueError(f"Name one run, got {what}. E.g. intro-dl evaluate outputs/lenet/<time>")
    words = [str(named_run(words[0]))]
    changes = {key.partition(".")[2]: text for key, text in options.items() if key.startswith("data.")}
    find_checkpoint(words[0], options["weights"])
    say_loading()

    from intro_dl.inference.data import data_for
    from intro_dl.inference.load import load_run  # torch loads here

    run = load_run(words[0], options["weights"])
    data = data_for(run, options["data"], changes)
    folder = options["out"] or _folder(run.folder, options, changes)
    make_directory(folder, OUTPUTS, "evaluation.json")
    report = evaluate(run, data, options["split"], folder)
    write_whole(folder / "evaluation.json", to_json(report))
    print_report(report, folder)
    return 0


def evaluate(run: "LoadedRun", data: "TensorData", split: str, folder: Path) -> dict[str, Any]:
    """Evaluate a run on a split of data, and write tables and pictures into `folder`.

    Returns:
        The content of evaluation.json: `numbers`, `rivals` (what simple methods reach in the `leading` one,
        on the run's own data) and by the task `classes`, `confusion_matrix`, `reliability`, `characters`,
        `largest_errors`.
    """
    report: dict[str, Any] = {
        "model": type(run.model).__name__,
        "weights": f"{run.weights} (epoch {run.epoch})",
        "data": type(data).__name__,
        "split": split,
        "read": data.description(),
        "notes": [*data.notes, *filter(None, [data.change_since(run.metadata)])],
    }
    from intro_dl.inference.metrics import character_table, predict_split, predict_text
    from intro_dl.tasks import Regressor, Writer
    from intro_dl.training.report import measure_rivals

    text = run.kind == "text"
    found = predict_text(run, data, split) if text else predict_split(run, data, split)
    n = len(found.targets) if text else data.sizes()[split]
    report |= {"n": n, "leading": run.model.leading, "numbers": found.numbers}
    if data.fingerprint == run.metadata.get("fingerprint"):  # otherwise they were fitted to other examples
        report["rivals"] = measure_rivals(run.model, data, split)
    if text:
        name = "words" if isinstance(run.metadata["alphabet"], list) else "characters"
        _write(report, folder, name, character_table(found, run.metadata["alphabet"]))
        _calibrate(found.probabilities[:, 1], found, folder, report)
    elif run.classes:
        _evaluate_classes(run, found, folder, report)
    elif isinstance(run.model, Regressor):
        _evaluate_regression(run, found, folder, report)
    elif isinstance(run.model, Writer):
        _evaluate_sentences(run, found, folder, report)
    return report


def _evaluate_classes(run: "LoadedRun", found: "Predictions", folder: Path, report: dict[str, Any]) -> None:
    import torch
    from sklearn.metrics import confusion_matrix

    from intro_dl.inference.metrics import class_table
    from intro_dl.visualize.evaluation import save
    from intro_dl.visualize.mistakes import draw_confusion_matrix

    classes, model = run.classes, run.model
    counts = torch.from_numpy(
        confusion_matrix(found.targets, found.predicted, labels=range(len(classes)))
    )  # (K, K), true class by predicted class
    _write(report, folder, "classes", class_table(found.targets, found.predicted, classes))
    rows = [
        {"true class": name} | dict(zip(classes, row, strict=True))
        for name, row in zip(classes, counts.tolist(), strict=True)
    ]
    _write(report, folder, "confusion_matrix", rows)
    title = f"{report['data']}, {report['split']}: {counts.trace():,} of {report['n']:,} correct"
    save(draw_confusion_matrix(counts, classes, title), folder / "confusion_matrix.png")
    if not getattr(model, "gives_probabilities", False):
        report["notes"].append(
            f"The scores of {report['model']} are not probabilities, so there is no calibration and no "
            "ranking of its mistakes."
        )
        return
    _calibrate(found.probabilities.amax(dim=1), found, folder, report)
    _write_mistakes(run, found, folder, report)


def _write_mistakes(run: "LoadedRun", found: "Predictions", folder: Path, report: dict[str, Any]) -> None:
    """Write mistakes.csv, the most confident first, and draw those on images."""
    import pandas as pd

    from intro_dl.inference.tokens import write_tokens
    from intro_dl.visualize.evaluation import save
    from intro_dl.visualize.mistakes import draw_mistakes, worst_mistakes

    classes = run.classes
    wrong, count = worst_mistakes(found.targets, found.predicted, found.probabilities, report["n"])
    chosen = found.predicted[wrong]
    rows = {
        "example": wrong.numpy(),
        "true class": [classes[k] for k in found.targets[wrong].tolist()],
        "predicted class": [classes[k] for k in chosen.tolist()],
        "probability": found.probabilities[wrong, chosen].numpy(),
    }
    if run.kind == "tokens":
        rows["text"] = write_tokens(found.inputs[wrong], run.metadata)
    write_whole(folder / "mistakes.csv", pd.DataFrame(rows).to_csv(index=False))
    picture = folder / "mistakes.png"
    picture.unlink(missing_ok=True)  # from an earlier evaluation
    if count and run.kind == "images":
        shown = wrong[:MISTAKES_SHOWN]
        title = f"{report['data']}, {report['split']}: the most confident of {count:,} mistakes"
        images, labels, predicted = found.inputs[shown], found.targets[shown], found.predicted[shown]
        figure = draw_mistakes(images, labels, predicted, found.probabilities[shown], classes, title)
        save(figure, picture)


def _evaluate_regression(
    run: "LoadedRun", found: "Predictions", folder: Path, report: dict[str, Any]
) -> None:
    import pandas as pd

    from intro_dl.visualize.evaluation import draw_regression, save

    report["target"] = run.metadata.get("target", {})
    table = pd.DataFrame(found.inputs.numpy(), columns=run.metadata["features"])
    table = table.assign(target=found.targets.numpy(), predicted=found.predicted.numpy())
    table["error"] = table["predicted"] - table["target"]
    table = table.sort_values("error", key=abs, ascending=False, kind="stable")
    report["largest_errors"] = table.head().to_dict("records")
    write_whole(folder / "predictions.csv", table.to_csv(index=False))
    title = f"{report['data']}, {report['split']}: {report['n']:,} examples"
    save(draw_regression(found.targets, found.predicted, report["target"], title), folder / "predictions.png")


def _evaluate_sentences(run: "LoadedRun", found: "Predictions", folder: Path, report: dict[str, Any]) -> None:
    """Write sentences.csv, mistakes first, and draw captions, or where a translator looks."""
    import pandas as pd

    from intro_dl.data.sentences import decode
    from intro_dl.visualize.evaluation import save
    from intro_dl.visualize.sentences import SHOWN, attention, draw_attention, draw_captions

    model: Any = run.model
    inputs, length, words = run.prepare(found.inputs), found.targets.shape[1], run.metadata["vocabulary"]
    written = decode(model.write(inputs, length), words)
    true = decode(found.targets, words)
    table = pd.DataFrame({"example": range(len(true)), "written": written, "true": true})
    title = f"{report['data']}, {report['split']}"
    if found.inputs.ndim == 4:
        shown = slice(MISTAKES_SHOWN)
        save(draw_captions(found.inputs[shown], written[shown], true[shown], title), folder / "sentences.png")
    else:
        phrases = decode(found.inputs, run.metadata["source_vocabulary"])
        table.insert(1, "phrase", phrases)
        if weights := attention(model, inputs[:SHOWN], length):
            save(draw_attention(weights, phrases, written, title), folder / "attention.png")
    table["right"] = table["written"] == table["true"]
    table = table.sort_values("right", kind="stable")
    write_whole(folder / "sentences.csv", table.to_csv(index=False))


def _calibrate(confidence: "Tensor", found: "Predictions", folder: Path, report: dict[str, Any]) -> None:
    from intro_dl.inference.metrics import expected_calibration_error, reliability
    from intro_dl.visualize.evaluation import draw_reliability, save

    rows = reliability(confidence, found.predicted == found.targets)
    error = expected_calibration_error(rows)
    report["numbers"]["expected_calibration_error"] = error
    _write(report, folder, "reliability", rows)
    title = f"{report['data']}, {report['split']}"
    save(draw_reliability(rows, error, title), folder / "reliability.png")


def _write(report: dict[str, Any], folder: Path, name: str, rows: list[dict[Any, Any]]) -> None:
    """Add the rows to the report, and write <name>.csv."""
    import pandas as pd

    report[name] = rows
    write_whole(folder / f"{name}.csv", pd.DataFrame(rows).to_csv(index=False))


def _folder(run: Path, options: Mapping[str, Any], changes: Mapping[str, str]) -> Path:
    """Return <run>/evaluation, or for another split, weights or data a directory below it."""
    said = [options["data"], *(f"{key}={_short(text)}" for key, text in changes.items())]
    said += [options[key] for key in ("split", "weights") if options[key] != OPTIONS[key].default]
    return inside(run, f"evaluation/{'_'.join(text for text in said if text)}")


def _short(text: str) -> str:
    """Return the last part of a path; with some digits that tell apart paths that end alike, or are long."""
    if "/" not in text and os.sep not in text and len(text) < 40:
        return text
    return f"{Path(text).name[:40]}-{zlib.crc32(os.fsencode(os.path.abspath(text))):08x}"
