"""Run the README's first command, and put its output and its curves into the README.

python docs/make_first_run.py        needs half a minute on two quiet cores
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from intro_dl.runs.folder import RunFolder, find_runs

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COMMAND = ["scripts/train.py", "model=lenet", "optim=adam"]
BEFORE = "the training prints:\n\n```\n"  # the words of the README before its output
SHOWN = 3  # epochs at the start and at the end


def run(folder: str) -> tuple[list[str], RunFolder]:
    """Run the command in an empty directory; return the lines of its output, and the run."""
    command = [sys.executable, str(ROOT / COMMAND[0]), *COMMAND[1:]]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=os.environ | {"COLUMNS": "100"},
    )
    (found,) = find_runs(Path(folder) / "outputs")
    return [line.rstrip() for line in done.stdout.splitlines()], found


def shorten(lines: list[str]) -> str:
    """Return the output without the progress bar and without the epochs in the middle."""
    lines = [line for line in lines if line and "steps/s" not in line]
    first = next(number for number, line in enumerate(lines) if re.match(r" +1/", line))
    last = max(number for number, line in enumerate(lines) if re.match(r" +\d+/\d+ ", line))
    return "\n".join(
        [*lines[: first + SHOWN], "     ...", *lines[last - SHOWN + 1 : last + 1], "", *lines[last + 1 :]]
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines, found = run(folder)
        shutil.copy(found.curves_file, ROOT / "docs" / "first_run.png")
    text = README.read_text(encoding="utf-8")
    before, marker, rest = text.partition(BEFORE)
    _, fence, after = rest.partition("\n```")
    README.write_text(before + marker + shorten(lines) + fence + after, encoding="utf-8")


if __name__ == "__main__":
    main()
