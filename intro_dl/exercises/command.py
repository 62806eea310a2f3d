"""The command `intro-dl exercises`: write the files, check them, give hints, remember what was reached."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from intro_dl.config.names import closest
from intro_dl.config.options import one_of, path, read_options
from intro_dl.runs.files import read_limited
from intro_dl.runs.program import as_typed, printable, say_loading

if TYPE_CHECKING:
    from intro_dl.exercises.engine.check import Verdict
    from intro_dl.exercises.engine.exercise import Exercise
    from intro_dl.exercises.engine.progress import Progress

ACTIONS = ("start", "check", "hint", "next", "skip", "solution", "status", "report")
OPTIONS = {
    "folder": replace(path(), default=Path("my_exercises")),
    "lecture": one_of("all", "000", "001", "002", "003", "004"),
    "watch": one_of("false", "true"),
    "force": one_of("false", "true"),
    "out": path(),
}


def main(arguments: Sequence[str]) -> int:
    """Do one action. Return 1 if a checked exercise is not passed, else 0.

    Raises:
        ValueError: for a mistake in the arguments.
    """
    words, wanted = read_options(arguments, OPTIONS)
    action, *names = words or ["status"]
    if action not in ACTIONS:
        close = closest(action, ACTIONS)
        guess = f" Did you mean {close}?" if close else ""
        raise ValueError(f"Unknown action {action}.{guess} Choose {', '.join(ACTIONS)}.")
    say_loading()
    if action == "report":
        from intro_dl.exercises import report

        return report.main(names, wanted["out"])
    from intro_dl.exercises.engine.exercise import find
    from intro_dl.exercises.engine.progress import Progress

    progress = Progress(wanted["folder"], wanted["lecture"])
    if action == "start":
        return _start(progress)
    if action == "status":
        return _status(progress)
    chosen = [find(name) for name in names] or [each for each in [progress.next()] if each]
    if not chosen:
        print("All exercises are passed." if wanted["lecture"] == "all" else "This lecture is passed.")
        return 0
    if action == "check" and wanted["watch"] == "true":
        return _watch(progress, chosen[0] if names else None)
    do: dict[str, Any] = {"check": _check, "hint": _hint, "next": _next, "skip": _skip}
    do["solution"] = lambda progress, exercise: _solution(progress, exercise, wanted["force"] == "true")
    codes = [do[action](progress, exercise) for exercise in chosen]
    return max(codes)


def _start(progress: Progress) -> int:
    written = progress.start()
    print(f"Wrote {len(written)} file{'s' * (len(written) != 1)} to {progress.folder}/.")
    exercise = progress.next()
    return _next(progress, exercise) if exercise else 0


def _next(progress: Progress, exercise: Exercise) -> int:
    console = _console()
    console.print(Text(exercise.title, "bold"))
    console.print(Text(f"Lecture {exercise.lecture}, {exercise.slides}"))
    console.print(Padding(Text(_flowing(exercise.task)), (1, 2)))
    console.print(Text(exercise.limits, "dim"))
    console.print(Text(f"Edit     {progress.file_of(exercise)}"))
    for what, action in (("Check", "check"), ("Hint", "hint")):
        console.print(Text(f"{what:<8} {as_typed(f'intro-dl exercises {action}')} {exercise.name}"))
    return 0


def _flowing(text: str) -> str:
    """Join the lines of a paragraph; indented lines, such as formulas, stay lines."""
    return re.sub(r"(?<!\n)\n(?![\n ])", " ", text)


def _check(progress: Progress, exercise: Exercise) -> int:
    from intro_dl.exercises.engine.check import check

    verdict = check(exercise, _text(progress, exercise))
    progress.load()  # while the check ran, another terminal may have saved
    record = progress.records[exercise.name]
    record.checks += 1
    record.passed = record.passed or verdict.passed
    progress.save()
    _tell(exercise, verdict)
    if verdict.passed and (following := progress.next()):
        print(f"Next: {following.name}, {progress.file_of(following)}")
    return 0 if verdict.passed else 1


def _text(progress: Progress, exercise: Exercise) -> str:
    from intro_dl.exercises.engine.progress import MOST_BYTES

    file = progress.file_of(exercise)
    if not file.is_file():
        raise ValueError(
            f"{file} is missing. `{as_typed('intro-dl exercises start')}` writes missing files; "
            "if yours are in another folder, add folder=..."
        )
    try:
        return read_limited(file, MOST_BYTES).decode("utf-8-sig")  # Windows editors write a mark
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8 text.") from None


def _tell(exercise: Exercise, verdict: Verdict) -> None:
    console = _console()
    if verdict.passed:
        console.print(Text.assemble(("✓ ", "bold green"), (exercise.name, "bold"), " passed"))
        for claim in exercise.claims[:1]:
            console.print(Text(f"  The slide: {as_typed('intro-dl lectures')} id={claim}", "dim"))
        return
    console.print(
        Text.assemble(("✗ ", "bold red"), (exercise.name, "bold"), f"  {printable(verdict.message)}")
    )
    if verdict.hint:
        console.print(Padding(Text(f"Hint: {verdict.hint}", "yellow"), (0, 2)))
    else:
        console.print(Text(f"  Hints: {as_typed('intro-dl exercises hint')} {exercise.name}", "dim"))


def _hint(progress: Progress, exercise: Exercise) -> int:
    record = progress.records[exercise.name]
    last = len(exercise.hints) - 1
    number = min(record.hints, last)
    before = "No more hints. " if record.hints > last else ""
    _console().print(Text(f"{before}Hint {number + 1} of {last + 1}: {exercise.hints[number]}"))
    record.hints += 1
    progress.save()
    return 0


def _skip(progress: Progress, exercise: Exercise) -> int:
    progress.records[exercise.name].skipped = True
    progress.save()
    following = progress.next()
    print(f"Skipped {exercise.name}. `check {exercise.name}` takes it up again.")
    return _next(progress, following) if following and following != exercise else 0


def _solution(progress: Progress, exercise: Exercise, force: bool) -> int:
    record = progress.records[exercise.name]
    if not (record.passed or force):
        raise ValueError(f"{exercise.name} is not passed yet. force=true shows the solution all the same.")
    record.solution = record.solution or not record.passed
    progress.save()
    print(exercise.solution, end="")
    return 0


def _status(progress: Progress) -> int:
    table = Table(box=None, pad_edge=False)
    for column in ("", "exercise", "lecture", "title", "checks", "hints"):
        table.add_column(column, overflow="fold")
    for name, exercise in progress.exercises().items():
        record = progress.records[name]
        sign = (
            Text("✓*" if record.solution else "✓", "green")
            if record.passed
            else Text("–" if record.skipped else " ")
        )
        table.add_row(sign, name, exercise.lecture, exercise.title, *map(str, (record.checks, record.hints)))
    _console().print(table)
    records = [progress.records[name] for name in progress.exercises()]
    print(f"{sum(record.passed for record in records)} of {len(records)} passed.")
    if any(record.passed and record.solution for record in records):
        print("* after a look at the solution")
    if not progress.folder.is_dir():
        start = as_typed("intro-dl exercises start")
        print(f"There is no folder {progress.folder}. `{start}` writes it; to name another, add folder=...")
    return 0


def _watch(progress: Progress, exercise: Exercise | None) -> int:
    """Check a file whenever it is saved, until it passes; without a name, then the next one."""
    only = exercise is not None
    current = exercise or progress.next()
    while current is not None:
        print(f"Watching {progress.file_of(current)}. Ctrl-C ends.")
        _text(progress, current)  # says so if the file is missing
        seen = None
        while True:
            try:
                changed = progress.file_of(current).stat().st_mtime_ns
                if changed != seen:
                    seen = changed
                    if _check(progress, current) == 0:
                        break
            except FileNotFoundError:
                pass  # some editors delete a file for a moment, then write it
            except ValueError as error:
                print(error)
            time.sleep(0.3)
        current = None if only else progress.next()
    return 0


def _console() -> Console:
    return Console(highlight=False)
