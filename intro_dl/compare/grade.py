"""Grade submitted runs on the instructor's data, and rank them: `intro-dl grade`.

Nothing of a submission is executed: its weights are read as plain tensors into a model of this package. What
its result.json states is shown beside what the weights reach, and never counted.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.runs.files import one_line, require_writable, to_csv, write_whole
from intro_dl.runs.folder import RunFolder, find_runs
from intro_dl.runs.program import explain, printable, say_loading
from intro_dl.runs.progress_bar import with_bar

if TYPE_CHECKING:
    from intro_dl.inference.load import LoadedRun

FAR = 3.0  # standard errors between the stated and the reached value of an honest run


class Contest(NamedTuple):
    """What is ranked: a measure, whether more is better, and what a run must keep.

    Args:
        measure: "accuracy", "loss", "bits" (a character) or "parameters".
        broken: returns which rule a run breaks, or None.
    """

    measure: str
    more: bool
    broken: Callable[["LoadedRun", float], str | None] = lambda run, accuracy: None


def _below_98(run: "LoadedRun", accuracy: float) -> str | None:
    return None if accuracy >= 0.98 else f"its accuracy is {accuracy:.4f}, and 0.98 is needed"


def _convolves(run: "LoadedRun", accuracy: float) -> str | None:
    from torch.nn.modules.conv import _ConvNd

    return "it has a convolution" if any(isinstance(part, _ConvNd) for part in run.model.modules()) else None


def _too_long(run: "LoadedRun", accuracy: float) -> str | None:
    seconds = run.result.seconds
    if seconds is None or seconds > 66:  # trainer.max_time ends an epoch, and the last test takes a while
        return f"its result.json states {seconds} seconds, and 66 are allowed"
    return None


def _no_text(run: "LoadedRun", accuracy: float) -> str | None:
    return None if run.kind == "text" else f"a {type(run.model).__name__} is not a text model"


def _more_than_100(run: "LoadedRun", accuracy: float) -> str | None:
    limit = RunFolder(run.folder).read_config().get("data", {}).get("limit_train")
    return None if limit in range(1, 101) else f"its config has data.limit_train={limit}, and 100 is needed"


CONTESTS = {
    "accuracy": Contest("accuracy", True),
    "fewest_parameters": Contest("parameters", False, _below_98),
    "sixty_seconds": Contest("accuracy", True, _too_long),
    "fewest_bits": Contest("bits", False, _no_text),
    "hundred_examples": Contest("loss", False, _more_than_100),
    "no_convolution": Contest("accuracy", True, _convolves),
}
OPTIONS = {
    "data": Option(str),
    "contest": one_of(*CONTESTS),
    "split": one_of("test", "val"),
    "out": path(),
}


@dataclass
class Graded:
    """What the runs of one student reach: the mean over the runs, and the standard error by the examples."""

    student: str
    value: float
    error: float
    accuracy: float
    parameters: int
    seconds: float
    seeds: list[str]
    notes: list[str] = field(default_factory=list)
    rank: int = 0


def main(arguments: Sequence[str]) -> int:
    """Grade every folder of submissions, print and write the leaderboard. Return 0.

    Raises:
        ValueError: for a mistake in the arguments, or if no submission can be graded.
    """
    words, wanted = read_options(arguments, OPTIONS, open_groups=("data",))
    if len(words) != 1 or not Path(words[0]).is_dir():
        raise ValueError(
            "Name one directory that has a directory for each student: intro-dl grade submissions data=digits"
        )
    if wanted["data"] is None:
        raise ValueError(
            "data= is missing: name your own data, e.g. data=digits, or data=image_folder data.root="
        )
    students = sorted(each for each in Path(words[0]).iterdir() if each.is_dir())
    out = wanted["out"] or Path(words[0]) / "leaderboard.csv"
    require_writable(out.parent, f"out={out}", "file")
    changes = {key.partition(".")[2]: text for key, text in wanted.items() if key.startswith("data.")}
    say_loading()

    graded, refused, weights = [], {}, {}
    for student in with_bar(students, lambda folder: folder.name):
        try:
            graded.append(_grade(student, wanted, changes, weights))
        except (ValueError, OSError) as error:
            refused[student.name] = explain(error)
    if not graded and not refused:
        raise ValueError(f"{words[0]} has no directories: put the runs of each student into one.")
    _note_copies(graded, weights)
    rank(graded, CONTESTS[wanted["contest"]].more)
    _print(graded, refused, wanted["contest"])
    rows = _rows(graded, refused)
    write_whole(out, to_csv(rows[0], rows))
    print(f"Wrote {out}.")
    return 0


def _grade(
    student: Path, wanted: dict[str, Any], changes: dict[str, str], weights: dict[str, set[str]]
) -> Graded:
    """Measure all runs of a student."""
    contest, found = CONTESTS[wanted["contest"]], list(find_runs(student))
    if not found:
        raise ValueError("there is no run in its directory")
    measured = [_measure(each.path, wanted, changes) for each in found]
    for run, numbers in measured:
        if reason := contest.broken(run, numbers.get("accuracy", math.nan)):
            raise ValueError(f"{run.folder.name}: {reason}")
        weights.setdefault(_digest(run), set()).add(student.name)
    missing = contest.measure not in measured[0][1]
    if missing:
        raise ValueError(
            f"a {type(measured[0][0].model).__name__} has no {contest.measure}: choose another contest="
        )

    def mean(name: str) -> float:
        return sum(numbers.get(name, math.nan) for _, numbers in measured) / len(measured)

    graded = Graded(
        student.name, mean(contest.measure), mean("error"), mean("accuracy"), int(mean("parameters")),
        mean("seconds"), [str(run.result.seed) for run, _ in measured],
    )  # fmt: skip
    if not math.isfinite(graded.value):
        raise ValueError(f"its {contest.measure} is {graded.value}")
    graded.notes += [
        note for run, numbers in measured for note in _false_claims(run, numbers, wanted["split"])
    ]
    return graded


def _measure(
    folder: Path, wanted: dict[str, Any], changes: dict[str, str]
) -> tuple["LoadedRun", dict[str, float]]:
    """Return a run and what it reaches, with the standard error of the contest's measure."""
    import torch

    from intro_dl.inference.data import data_for
    from intro_dl.inference.load import load_run
    from intro_dl.inference.metrics import predict_split, predict_text
    from intro_dl.models.size import count_parameters

    run = load_run(folder)
    if run.metadata.get("labels") is not None and "labels" not in changes:
        raise ValueError(f"it knows the classes {run.metadata['labels']} only: all are graded")
    data = data_for(run, wanted["data"], changes)
    text = run.kind == "text"
    found = predict_text(run, data, wanted["split"]) if text else predict_split(run, data, wanted["split"])
    if not run.classes and not text:
        raise ValueError(f"{type(run.model).__name__} is neither a classifier nor a text model")
    numbers = dict(found.numbers)
    right = (found.predicted == found.targets).double()
    own = found.probabilities[:, 0] if text else found.probabilities.gather(1, found.targets[:, None])[:, 0]
    nats = -own.double().clamp_min(1e-38).log()
    numbers["bits"] = float(nats.mean()) / math.log(2)
    spread = {"accuracy": right, "loss": nats, "bits": nats / math.log(2)}.get(
        CONTESTS[wanted["contest"]].measure, torch.zeros(2)
    )
    numbers["error"] = float(spread.std()) / math.sqrt(len(spread))
    numbers["accuracy_error"] = float(right.std()) / math.sqrt(len(right))
    numbers["parameters"] = count_parameters(lambda: run.model)
    numbers["seconds"] = run.result.seconds or math.nan
    return run, numbers


def _false_claims(run: "LoadedRun", numbers: dict[str, float], split: str) -> list[str]:
    """Return a note if result.json states another accuracy or size than the weights have."""
    stated = run.result.metrics.get(f"accuracy/{split}")
    notes = []
    if stated is not None and abs(stated - numbers["accuracy"]) > FAR * max(numbers["accuracy_error"], 1e-3):
        notes.append(f"states an accuracy of {stated:.4f}")
    if run.result.parameters not in (None, numbers["parameters"]):
        notes.append(f"states {run.result.parameters:,} parameters")
    return notes


def _digest(run: "LoadedRun") -> str:
    """Return a digest of the weights: two trainings never end with the same."""
    digest = hashlib.sha256()
    for name, weights in run.model.state_dict().items():
        digest.update(name.encode() + weights.numpy().tobytes())
    return digest.hexdigest()


def _note_copies(graded: Sequence[Graded], weights: dict[str, set[str]]) -> None:
    for students in weights.values():
        for each in graded:
            if each.student in students and (others := sorted(students - {each.student})):
                each.notes.append(f"has the same weights as {', '.join(others)}")


def rank(graded: list[Graded], more: bool) -> None:
    """Sort best first. Those within one standard error of the best of a rank share it."""
    graded.sort(key=lambda each: -each.value if more else each.value)
    first = None
    for place, each in enumerate(graded, start=1):
        if first is None or abs(each.value - first.value) > max(each.error, first.error):
            first, first.rank = each, place
        each.rank = first.rank


def _rows(graded: Sequence[Graded], refused: dict[str, str]) -> list[dict[str, str]]:
    rows = [
        {
            "rank": str(each.rank),
            "student": one_line(each.student),
            "value": f"{each.value:,.4f}" if each.error else f"{each.value:,.0f}",
            "standard error": f"{each.error:.4f}" if each.error else "",
            "accuracy": f"{each.accuracy:.4f}",
            "parameters": f"{each.parameters:,}",
            "stated seconds": f"{each.seconds:.1f}",
            "seeds": ", ".join(each.seeds),
            "notes": one_line("; ".join(each.notes)),
        }
        for each in graded
    ]
    return rows + [
        dict.fromkeys(rows[0] if rows else ("rank", "student", "notes"), "")
        | {"student": one_line(student), "notes": f"refused: {one_line(reason)}"}
        for student, reason in refused.items()
    ]


def _print(graded: Sequence[Graded], refused: dict[str, str], contest: str) -> None:
    measure = CONTESTS[contest].measure
    rows = _rows(graded, refused)
    table = Table(box=None, title=f"{contest}: by {measure}", title_justify="left")
    columns = [
        column for column in rows[0] if column not in ("notes", "accuracy" if measure == "accuracy" else "")
    ]
    for column in columns:
        table.add_column(measure if column == "value" else column, overflow="fold")
    for row in rows[: len(graded)]:
        table.add_row(*(row[column] for column in columns))
    Console(highlight=False, markup=False).print(table)
    for row in rows:
        if row["notes"]:
            print(printable(f"{row['student']}: {row['notes']}"))
