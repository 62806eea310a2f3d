"""`intro-dl exercises report`: check the folders of many students, for an instructor.

This executes what strangers wrote: run it in a container without a network and without anything of value.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from intro_dl.exercises.engine.apart import NOT_WRITTEN, prepare
from intro_dl.exercises.engine.check import Verdict, check
from intro_dl.exercises.engine.exercise import Exercise, all_exercises
from intro_dl.exercises.engine.progress import MOST_BYTES, file_name
from intro_dl.runs.files import read_limited, require_writable, to_csv, write_whole
from intro_dl.runs.program import printable, tell
from intro_dl.runs.progress_bar import with_bar

COLUMNS = ("student", "exercise", "passed", "check", "mistake", "message", "sha256")


def main(words: Sequence[str], out: Path | None) -> int:
    """Check every file of every student's folder, print tables, and write them as CSV.

    Raises:
        ValueError: if there is no folder of submissions.
    """
    if len(words) != 1 or not Path(words[0]).is_dir():
        given = " ".join(words) or "nothing"
        raise ValueError(f"report needs one folder with a folder for each student, but got {given}.")
    students = sorted(each for each in Path(words[0]).iterdir() if each.is_dir())
    if not students:
        raise ValueError(
            f"{words[0]} has no folders: put the files of each student in a folder with the name."
        )
    out = out or Path(words[0]) / "report.csv"
    require_writable(out.parent, f"out={out}", "file")
    tell("This executes the students' code. Run it in a container, without a network.")

    prepare("torch", "torch._dynamo")
    files = [(student, exercise, file) for student in students for exercise, file in _files(student).items()]
    rows = [
        _graded(*each) for each in with_bar(files, lambda each: printable(f"{each[0].name} {each[1].name}"))
    ]
    _print(rows, [student.name for student in students])
    write_whole(out, to_csv(COLUMNS, rows))
    print(f"Wrote {out}.")
    return 0


def _files(student: Path) -> dict[Exercise, Path]:
    """Return the files of a student, wherever in the folder; of two with the same name, the upper one."""
    found = sorted(student.rglob("*.py"), key=lambda file: (len(file.parts), file), reverse=True)
    by_name = {file.name: file for file in found if file.is_file()}
    every = all_exercises().values()
    return {each: by_name[file_name(each)] for each in every if file_name(each) in by_name}


def _graded(student: Path, exercise: Exercise, file: Path) -> dict[str, str]:
    """Return the row of one file."""
    content, verdict = b"", None
    try:
        content = read_limited(file, MOST_BYTES)
        verdict = check(exercise, content.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        verdict = Verdict(False, f"The file cannot be read: {error}")
    passed = "not written" if verdict.message.endswith(NOT_WRITTEN) else "yes" if verdict.passed else "no"
    values = (
        student.name, exercise.name, passed, verdict.check, verdict.mistake, printable(verdict.message),
        hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _print(rows: Sequence[dict[str, str]], students: Sequence[str]) -> None:
    console = Console(highlight=False)
    table = Table("student", "passed", "not written", "failed", box=None)
    for student in students:
        names: dict[str, list[str]] = {"yes": [], "no": [], "not written": []}
        for row in rows:
            if row["student"] == student:
                names[row["passed"]].append(row["exercise"])
        failed = ", ".join(names["no"]) if any(names.values()) else "no file of an exercise found"
        counts = (str(len(names[sign])) for sign in ("yes", "not written"))
        table.add_row(Text(printable(student)), *counts, failed)
    console.print(table)
    failing = Counter(
        (row["exercise"], row["check"], row["mistake"]) for row in rows if row["passed"] == "no"
    )
    often = Table(
        "exercise", "function", "mistake", "times", box=None, title="what failed", title_justify="left"
    )
    for (exercise, function, mistake), times in failing.most_common():
        often.add_row(exercise, function or "–", mistake or "unknown", str(times))
    console.print(often)
