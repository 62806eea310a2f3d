"""The student's folder: the files to edit, and what was reached so far."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from intro_dl.exercises.engine.exercise import Exercise, all_exercises
from intro_dl.runs.files import read_json, to_json, write_whole

FOLDER = Path("my_exercises")
MOST_BYTES = 1 << 20  # of a student's file


@dataclass
class Record:
    """What a student did with one exercise: checks run, hints read, and how it ended."""

    checks: int = 0
    hints: int = 0
    passed: bool = False
    skipped: bool = False
    solution: bool = False  # the solution was shown before the exercise was passed


class Progress:
    """The folder of a student.

    Args:
        folder: with one file an exercise, e.g. 000_sigmoid.py, and progress.json.
        lecture: whose exercises `next` offers, e.g. "002"; "all" for all of them.
    """

    def __init__(self, folder: Path = FOLDER, lecture: str = "all") -> None:
        self.folder, self.lecture = folder, lecture
        self.file = folder / "progress.json"
        self.load()

    def load(self) -> None:
        """Read progress.json, which another terminal may have changed.

        Raises:
            ValueError: if it is damaged.
        """
        try:
            known = read_json(self.file) if self.file.is_file() else {}
            self.records = {name: Record(**known.get(name, {})) for name in all_exercises()}
        except (ValueError, TypeError, AttributeError):
            raise ValueError(
                f"{self.file} is damaged. Delete it to begin a new count; your other files stay as they are."
            ) from None

    def exercises(self) -> dict[str, Exercise]:
        """Return the exercises of the lecture by name."""
        return {name: each for name, each in all_exercises().items() if self.lecture in ("all", each.lecture)}

    def file_of(self, exercise: Exercise) -> Path:
        """Return the student's file of an exercise."""
        return self.folder / file_name(exercise)

    def start(self) -> list[Path]:
        """Write the files that are missing; return them. Existing files are never changed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = [each for each in all_exercises().values() if not self.file_of(each).exists()]
        for each in missing:
            write_whole(self.file_of(each), each.stub)
        return [self.file_of(each) for each in missing]

    def next(self) -> Exercise | None:
        """Return the first exercise that is neither passed nor skipped, then the first skipped one."""
        return next(self._open(), None)

    def _open(self) -> Iterator[Exercise]:
        for skipped in (False, True):
            for name, exercise in self.exercises().items():
                if not self.records[name].passed and self.records[name].skipped == skipped:
                    yield exercise

    def save(self) -> None:
        """Write progress.json, completely or not at all."""
        kept = {name: asdict(record) for name, record in self.records.items() if record != Record()}
        write_whole(self.file, to_json(kept))


def file_name(exercise: Exercise) -> str:
    """Return the name of a student's file, e.g. 000_sigmoid.py."""
    return f"{exercise.lecture}_{exercise.name}.py"
