"""The command `python scripts/evaluate.py`: judge a run on a split, print it, and write it down."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.inference.tables import print_report, write_csv

OPTIONS = {
    "split": one_of("test", "val"),
    "data": Option(str),
    "weights": one_of("best", "last"),
    "out": path(),
}
MISTAKES_SHOWN = 24


def main(arguments: Sequence[str]) -> int:
    """Evaluate a run; 0, or ValueError with a sentence."""
    words, options = read_options(arguments, OPTIONS, open_groups=("data",))
    if len(words) != 1:
        what = f"{len(words)} words, {' '.join(words)}" if words else "nothing"
        raise ValueError(f"Name one run, not {what}, e.g. python scripts/evaluate.py outputs/lenet/<time>.")
    changes = {key.partition(".")[2]: text for key, text in options.items() if key.startswith("data.")}

    from intro_dl.inference.data import data_for
    from intro_dl.inference.load import load_run  # torch loads here

    run = load_run(words[0], options["weights"])
    data = data_for(run, options["data"], changes)
    folder = options["out"] or _folder(run.folder, options, changes)
    report = evaluate(run, data, options["split"], folder)
    _remark_on_result(report, run.result.metrics, options, changes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print_report(report, folder)
    return 0


def evaluate(run, data, split: str, folder: Path) -> dict[str, Any]:
    """Judge a run (`LoadedRun`) on a split of data (`TensorData`), and write tables and evaluation.

    Returns:
        What evaluation.json says: `numbers`, and by the kind of run `classes`, `confusion_matrix`,
        `reliability`, `characters`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {
        "model": type(run.model).__name__,
        "weights": f"{run.weights} (epoch {run.epoch})",
        "data": type(data).__name__,
        "split": split,
        "notes": list(filter(None, [data.change_since(run.metadata)])),
    }
    if run.metadata["kind"] == "text":
        _evaluate_text(run, data, split, folder, report)
    elif "classes" in run.metadata:
        _evaluate_classes(run, data, split, folder, report)
    else:
        _evaluate_numbers(run, data, split, folder, report)
    return report


def _evaluate_classes(run, data, split, folder, report):
    from intro_dl.inference import metrics
    from intro_dl.visualize import evaluation
    from intro_dl.visualize.mistakes import (
        confusion_matrix,
        draw_confusion_matrix,
        draw_mistakes,
        worst_mistakes,
    )

    judged, classes = metrics.judge(run, data, split), run.metadata["classes"]
    report["n"], report["numbers"] = len(judged.targets), judged.numbers
    counts = confusion_matrix(judged.targets, judged.predicted, len(classes))
    report["classes"] = metrics.class_table(counts, classes)
    report["confusion_matrix"] = counts.tolist()
    title = f"{report['data']}, {split}"
    right = int(counts.diagonal().sum())
    drawn = draw_confusion_matrix(counts, classes, f"{title}: {right:,} of {report['n']:,} right")
    evaluation.save(drawn, folder / "confusion_matrix.png")
    write_csv(folder / "classes.csv", report["classes"])
    rows = [
        {"true class": name} | dict(zip(classes, row, strict=True))
        for name, row in zip(classes, counts.tolist(), strict=True)
    ]
    write_csv(folder / "confusion_matrix.csv", rows)
    if not run.model.gives_probabilities:
        report["notes"].append(
            f"The scores of {report['model']} are no probabilities: there is no calibration, and no telling "
            "how sure it is of its mistakes."
        )
        return
    _calibrate(judged.probabilities.amax(dim=1), judged, title, folder, report)
    wrong, count = worst_mistakes(judged.targets, judged.predicted, judged.probabilities, report["n"])
    _write_mistakes(folder / "mistakes.csv", wrong, judged, classes)
    picture = folder / "mistakes.png"
    picture.unlink(missing_ok=True)  # of an earlier evaluation
    if not count:
        return
    shown = wrong[:MISTAKES_SHOWN]
    if run.metadata["kind"] == "images":
        drawn = draw_mistakes(
            judged.inputs[shown],
            judged.targets[shown],
            judged.predicted[shown],
            judged.probabilities[shown],
            classes,
            f"{title}: the surest of {count:,} mistakes on {report['n']:,} images",
        )
        evaluation.save(drawn, picture)
    elif run.metadata["dims"]["in_shape"] == [2]:
        features = run.metadata["features"]
        text = f"{title}: {count:,} mistakes on {report['n']:,} points"
        drawn = evaluation.draw_point_mistakes(
            judged.inputs, judged.targets, judged.predicted, features, classes, text
        )
        evaluation.save(drawn, picture)


def _evaluate_numbers(run, data, split, folder, report):
    from intro_dl.inference import metrics
    from intro_dl.visualize import evaluation

    judged, target = metrics.judge(run, data, split), run.metadata.get("target", {})
    report["n"], report["numbers"], report["target"] = len(judged.targets), judged.numbers, target
    errors = judged.predicted - judged.targets
    order = errors.abs().argsort(descending=True, stable=True).tolist()
    names = run.metadata["features"]
    rows = [
        dict(zip(names, judged.inputs[place].tolist(), strict=True))
        | {
            "target": float(judged.targets[place]),
            "predicted": float(judged.predicted[place]),
            "error": float(errors[place]),
        }
        for place in order
    ]
    write_csv(folder / "predictions.csv", rows)
    report["largest_errors"] = rows[:5]
    title = f"{report['data']}, {split}: {report['n']:,} examples"
    drawn = evaluation.draw_regression(judged.targets, judged.predicted, target, title)
    evaluation.save(drawn, folder / "predictions.png")


def _evaluate_text(run, data, split, folder, report):
    from intro_dl.inference import metrics

    judged = metrics.judge_text(run, data, split)
    report["n"], report["numbers"] = len(judged.targets), judged.numbers
    report["characters"] = metrics.character_table(judged, run.metadata["alphabet"])
    rows = [row | {"character": repr(row["character"])[1:-1]} for row in report["characters"]]
    write_csv(folder / "characters.csv", rows)
    _calibrate(judged.probabilities[:, 1], judged, f"{report['data']}, {split}", folder, report)


def _calibrate(confidence, judged, title, folder, report):
    from intro_dl.inference import metrics
    from intro_dl.visualize import evaluation

    rows = metrics.reliability(confidence, judged.predicted == judged.targets)
    error = metrics.expected_calibration_error(rows)
    report["numbers"]["expected_calibration_error"] = error
    report["reliability"] = rows
    write_csv(folder / "reliability.csv", rows)
    evaluation.save(evaluation.draw_reliability(rows, error, title), folder / "reliability.png")


def _write_mistakes(file, wrong, judged, classes):
    rows = [
        {
            "example": place,
            "true class": classes[judged.targets[place]],
            "predicted class": classes[judged.predicted[place]],
            "probability": float(judged.probabilities[place, judged.predicted[place]]),
        }
        for place in wrong.tolist()
    ]
    write_csv(file, rows, ["example", "true class", "predicted class", "probability"])


def _folder(run: Path, options: Mapping[str, Any], changes: Mapping[str, str]) -> Path:
    """<run>/evaluation; a folder below it for another split, weights or data, so that nothing is lost."""
    said = [options["data"], *(f"{key}={Path(text).name}" for key, text in changes.items())]
    said += [options[key] for key in ("split", "weights") if options[key] != OPTIONS[key].default]
    name = "_".join(text for text in said if text)
    return run / "evaluation" / name if name else run / "evaluation"


def _remark_on_result(
    report: dict[str, Any], result: Mapping[str, Any], options: Mapping[str, Any], changes: Mapping[str, str]
) -> None:
    """Say so if the run itself once measured something else on what should be the same data."""
    same = options["data"] is None and not changes and options["weights"] == "best"
    for name in ("accuracy", "absolute_error", "loss"):
        then, now = result.get(f"{name}/{options['split']}"), report["numbers"].get(name)
        if not same or then is None or now is None:
            continue
        if abs(then - now) > 1e-3 * max(1.0, abs(then)):
            report["notes"].append(
                f"result.json says {name}/{options['split']} {then:.4f}, but {now:.4f} came out now: the "
                "data changed since, or the run looked at a part of them only (trainer=smoke)."
            )
            return
