"""The command remembers what was reached, never overwrites a student's file, and explains wrong turns."""

import csv
import hashlib

import pytest

from intro_dl.exercises import command
from intro_dl.exercises.engine.exercise import all_exercises, find


@pytest.fixture
def exercises(run_main, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: run_main(command.main)(*words)


def test_start_writes_the_files_and_keeps_what_is_there(exercises, tmp_path):
    code, out, _ = exercises("start")
    files = sorted((tmp_path / "my_exercises").glob("*.py"))
    assert code == 0 and len(files) == len(all_exercises())
    assert f"Wrote {len(files)} files" in out or len(files) == 1
    files[0].write_text("mine")
    files[-1].unlink(missing_ok=len(files) == 1)
    exercises("start")
    assert files[0].read_text() == "mine" or len(files) == 1
    assert files[-1].exists()


def test_check_remembers_what_is_passed_and_names_the_next_one(exercises, tmp_path):
    exercises("start")
    code, out, _ = exercises("check", "sigmoid")
    assert code == 1 and "sigmoid is not written yet" in out
    (tmp_path / "my_exercises" / "000_sigmoid.py").write_text("\ufeff" + find("sigmoid").solution, "utf-8")
    code, out, _ = exercises("check", "sigmoid")
    assert code == 0 and "passed" in out
    (line,) = [line for line in exercises("status")[1].splitlines() if "sigmoid" in line]
    assert "✓" in line and " 2 " in line  # two checks


def test_a_mistake_draws_its_hint(exercises, tmp_path):
    exercises("start")
    wrong = find("sigmoid").solution.replace("torch.exp(-z)", "torch.exp(z)", 1)
    (tmp_path / "my_exercises" / "000_sigmoid.py").write_text(wrong)
    code, out, _ = exercises("check", "sigmoid")
    assert code == 1 and "Hint: Your curve falls" in out


def test_hints_come_one_by_one_and_the_last_stays(exercises):
    exercises("start")
    hints = find("sigmoid").hints
    shown = [exercises("hint", "sigmoid")[1] for _ in range(len(hints) + 1)]
    assert [" ".join(text.split(": ", 1)[1].split()) for text in shown] == [*hints, hints[-1]]
    assert shown[-1].startswith("No more hints.") and max(map(len, shown[0].splitlines())) <= 80


def test_a_failed_check_without_a_known_mistake_names_the_hints(exercises):
    exercises("start")
    assert "Hints: " in exercises("check", "sigmoid")[1]


def test_the_file_and_next_name_what_is_not_allowed(exercises, tmp_path):
    exercises("start")
    text = (tmp_path / "my_exercises" / "000_sigmoid.py").read_text()
    for shown in (text, exercises("next", "sigmoid")[1]):
        shown = " ".join(shown.replace("\n# ", " ").split())
        assert "Import only collections" in shown and "Not allowed here: sigmoid, autograd" in shown


def test_a_check_keeps_what_another_terminal_saved(exercises, tmp_path, monkeypatch):
    from intro_dl.exercises.engine import check

    exercises("start")

    def meanwhile(exercise, text):
        exercises("skip", "dropout")
        return check.Verdict(True)

    monkeypatch.setattr(check, "check", meanwhile)
    exercises("check", "sigmoid")
    marks = {
        line.split()[1]: line.split()[0] for line in exercises("status")[1].splitlines() if line[:1] in "✓–"
    }
    assert marks == {"sigmoid": "✓", "dropout": "–"}


def test_status_marks_a_solution_that_was_seen_first(exercises, tmp_path):
    exercises("start")
    (tmp_path / "my_exercises" / "000_sigmoid.py").write_text(find("sigmoid").solution)
    exercises("solution", "sigmoid", "force=true")
    exercises("check", "sigmoid")
    assert "✓*" in exercises("status")[1]


def test_lecture_chooses_the_exercises(exercises):
    exercises("start")
    names = [name for name, each in all_exercises().items() if each.lecture == "004"]
    assert find(names[0]).title in exercises("next", "lecture=004")[1]
    assert f"0 of {len(names)} passed" in exercises("status", "lecture=004")[1]


def test_watch_waits_for_a_file_that_is_missing_for_a_moment(exercises, tmp_path, monkeypatch):
    exercises("start")
    file = tmp_path / "my_exercises" / "000_sigmoid.py"
    steps = iter([file.unlink, lambda: file.write_text(find("sigmoid").solution)])
    monkeypatch.setattr(command.time, "sleep", lambda _: next(steps)())
    code, out, _ = exercises("check", "sigmoid", "watch=true")
    assert code == 0 and "passed" in out


def test_the_solution_is_shown_after_success_or_by_force(exercises, tmp_path):
    exercises("start")
    code, out, err = exercises("solution", "sigmoid")
    assert code == 1 and "force=true" in err and "exp" not in out
    assert exercises("solution", "sigmoid", "force=true")[1] == find("sigmoid").solution
    (tmp_path / "my_exercises" / "000_sigmoid.py").write_text(find("sigmoid").solution)
    exercises("check", "sigmoid")
    assert exercises("solution", "sigmoid")[1] == find("sigmoid").solution


def test_a_skipped_exercise_comes_last(exercises):
    exercises("start")
    first = next(iter(all_exercises()))
    exercises("skip", first)
    title = find(first).title
    assert len(all_exercises()) == 1 or title not in exercises("next")[1]


def test_report_counts_what_failed_and_names_each_file(exercises, tmp_path):
    right, wrong = (
        find("sigmoid").solution,
        find("sigmoid").solution.replace("torch.exp(-z)", "torch.exp(z)", 1),
    )
    for student, text in {"ann": right, "=bob": wrong, "eve": wrong}.items():
        (tmp_path / "submissions" / student).mkdir(parents=True)
        (tmp_path / "submissions" / student / "000_sigmoid.py").write_text(text)
    code, out, err = exercises("report", "submissions")
    assert code == 0 and "executes the students' code" in err
    assert [line.split() for line in out.splitlines() if "without_the_minus" in line] == [
        ["sigmoid", "sigmoid", "without_the_minus", "2"]
    ]
    with (tmp_path / "submissions" / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {name: row["passed"] for name, row in rows.items()} == {"ann": "yes", "'=bob": "no", "eve": "no"}
    assert rows["ann"]["sha256"] == hashlib.sha256(right.encode()).hexdigest()


def test_report_has_a_row_for_each_student_and_finds_files_in_any_folder(exercises, tmp_path, capsys):
    hand_in = tmp_path / "submissions"
    for folder in ("ann/my_exercises", "[red]bob", "eve"):
        (hand_in / folder).mkdir(parents=True)
    (hand_in / "ann/my_exercises/000_sigmoid.py").write_text("\ufeff" + find("sigmoid").solution, "utf-8")
    (hand_in / "[red]bob/000_sigmoid.py").write_text("")
    (hand_in / "[red]bob/000_dropout.py").write_text(find("dropout").stub)
    lines = [line.split() for line in exercises("report", "submissions")[1].splitlines()]
    assert ["ann", "1", "0"] in lines and ["[red]bob", "0", "1", "sigmoid"] in lines
    assert "eve 0 0 no file of an exercise found".split() in lines
    assert not any(line[:1] == ["dropout"] for line in lines)  # not written: nothing failed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["chek"], "Unknown action chek. Did you mean check? Choose start"),
        (["check", "sigmoyd"], "Unknown exercise sigmoyd. Did you mean sigmoid?"),
        (["check", "sigmoid"], "add folder=..."),
        (["report"], "report needs one folder"),
        (["check", "wach=true"], "Unknown key wach. Did you mean watch?"),
    ],
)
def test_a_wrong_turn_gets_one_sentence(words, sentence, exercises):
    code, _, err = exercises(*words)
    assert code == 1 and sentence in err and err.count("\n") == 1


@pytest.mark.parametrize("content", ["[1]", "{", '{"sigmoid": {"marks": 3}}', '{"sigmoid": 3}'])
def test_a_damaged_progress_file_is_named(content, exercises, tmp_path):
    exercises("start")
    (tmp_path / "my_exercises" / "progress.json").write_text(content)
    code, _, err = exercises("status")
    assert code == 1 and "my_exercises/progress.json is damaged. Delete it" in err
