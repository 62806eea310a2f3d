"""What a run leaves behind for people and programs: result.json, history.csv, a short table on the screen."""

import csv
import io
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from intro_dl.running.files import write_whole

# A loss this many times that of guessing is no slow learning any more: the steps overshoot.
FAR_ABOVE_GUESSING = 2.0


def write_result(run_dir: str | Path, result: dict[str, Any]) -> None:
    """Put `result` into the run folder's result.json, whole or not at all."""
    write_whole(Path(run_dir) / "result.json", json.dumps(result, indent=2) + "\n")


def read_result(run_dir: str | Path) -> dict[str, Any]:
    """What result.json says; empty where it is missing or cut short."""
    try:
        result = json.loads((Path(run_dir) / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def write_history(run_dir: str | Path, history: list[dict[str, float]]) -> None:
    """Put what each epoch measured into the run folder's history.csv: a line an epoch, counted from 1."""
    if not history:
        return
    names = dict.fromkeys(name for row in history for name in row)
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(names))
    writer.writeheader()
    writer.writerows({**row, "epoch": int(row["epoch"]) + 1} for row in history)
    write_whole(Path(run_dir) / "history.csv", table.getvalue())


def git_commit() -> str | None:
    """The commit of this checkout; None where there is none."""
    folder = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def print_summary(run_dir: str, result: dict[str, Any]) -> None:
    """The end of a run on the screen."""
    measured = ("accuracy/test", "bits_per_char/test", "absolute_error/test", "loss/test", "loss/val")
    rows = [(name, f"{result[name]:.4f}") for name in measured if name in result]
    rows += [
        ("epochs", f"{result['epochs']} ({result['stopped']}; best: epoch {result['best_epoch']})"),
        ("seconds", f"{result['seconds']:.1f} on {result['device']}"),
        ("parameters", f"{result['parameters']:,}"),
        ("folder", shown_path(run_dir)),
        (
            "curves",
            "tensorboard --logdir "
            + shlex.quote("outputs" if shown_path(run_dir).startswith("outputs") else run_dir),
        ),
        *(("note", remark) for remark in result["remarks"]),
        *(("doctor", finding["sentence"]) for finding in result.get("diagnosis") or []),
    ]
    if result.get("diagnosis") == []:
        rows.append(("doctor", "found nothing wrong"))
    for name, value in rows:
        print(f"{name:<20} {value}")


def shown_path(path: str) -> str:
    """A path as short as it can be typed from where the user stands."""
    absolute = Path(path).resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def go_on(folder: str | Path) -> str:
    """The command that goes on with the run, or the sweep, in `folder`."""
    return f"python scripts/train.py resume={shlex.quote(shown_path(str(folder)))}"
