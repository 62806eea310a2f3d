"""`intro-dl exercises report`: check the folders of many students, for an instructor.

This executes what strangers wrote: run it in a container without a network and without anything of value.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from intro_dl.exercises.engine.check import Verdict, check
from intro_dl.exercises.engine.exercise import Exercise, all_exercises
from intro_dl.exercises.engine.progress import file_name
from intro_dl.runs.files import read_limited, require_writable, write_whole
from intro_dl.runs.program import tell
from intro_dl.runs.progress_bar import with_bar

MOST_BYTES = 1 << 20
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

    rows = [
        row
        for student, exercise in with_bar(
            [(student, exercise) for student in students for exercise in all_exercises().values()],
            lambda pair: f"{pair[0].name} {pair[1].name}",
        )
        for row in _graded(student, exercise)
    ]
    _print(rows, [student.name for student in students])
    write_whole(out, _csv(rows))
    print(f"Wrote {out}.")
    return 0


def _graded(student: Path, exercise: Exercise) -> list[dict[str, str]]:
    """Return the row of one file; none if it is missing."""
    file = student / file_name(exercise)
    if not file.is_file():
        return []
    content, verdict = b"", None
    try:
        content = read_limited(file, MOST_BYTES)
        verdict = check(exercise, content.decode())
    except (OSError, ValueError) as error:
        verdict = Verdict(False, f"The file cannot be read: {error}")
    values = (
        student.name, exercise.name, "yes" if verdict.passed else "no", verdict.check, verdict.mistake,
        verdict.message, hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    return [dict(zip(COLUMNS, values, strict=True))]


def _print(rows: Sequence[dict[str, str]], students: Sequence[str]) -> None:
    console = Console(highlight=False)
    passed = {(row["student"], row["exercise"]): row["passed"] == "yes" for row in rows}
    table = Table(box=None, title="passed", title_justify="left")
    table.add_column("exercise")
    for student in students:
        table.add_column(student, justify="center")
    for name in all_exercises():
        signs = [{True: "✓", False: "✗", None: "·"}[passed.get((student, name))] for student in students]
        table.add_row(name, *signs)
    table.add_row(
        "passed", *(str(sum(passed.get((one, name), False) for name in all_exercises())) for one in students)
    )
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


def _csv(rows: Sequence[dict[str, str]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for row in rows:
        # A cell that begins with = is a formula for a spreadsheet.
        writer.writerow(
            {key: f"'{text}" if text[:1] in "=+-@" and text else text for key, text in row.items()}
        )
    return file.getvalue()
