"""Break the product in many ways, and list which claims of the lectures notice.

    python tests/mutate_claims.py [lecture=004] [all=true]

tests/mutations/*.yaml lists the faults: each replaces a text in one file of a copy of the project. One of the
claims named beside it, whose subject it is, must notice. With all=true every claim runs, and the table also
shows the others that notice; that takes about half a minute a fault.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
BAR = 0.95  # the share of faults that must be noticed


def copy_of_the_project(folder: Path) -> Path:
    """Copy the package with its configs inside, as in a wheel, so that the copy does not read this tree."""
    copy = folder / "copy"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "intro_dl", copy / "intro_dl", ignore=ignored)
    shutil.copytree(ROOT / "configs", copy / "intro_dl" / "configs", ignore=ignored)
    shutil.copytree(ROOT / "results", copy / "results")
    return copy


def place(copy: Path, file: str) -> Path:
    """Return where a file of the project lies in the copy."""
    return copy / "intro_dl" / file if file.startswith("configs/") else copy / file


def run(copy: Path, ids: list[str]) -> dict[str, str]:
    """Run claims (all if there are none) in the copy; return each claim's verdict."""
    out = copy / "verdicts.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "intro_dl", "lectures", "format=json", f"out={out}"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        command + [f"id={','.join(ids)}"] * bool(ids),
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
    )
    if not out.exists():  # the fault broke an import: every claim would notice that, and it tells nothing
        raise SystemExit(f"{answer.stdout}{answer.stderr}The claims did not run.")
    return {each["id"]: each["verdict"] for each in json.loads(out.read_text())["claims"]}


def main(words: list[str]) -> int:
    options = dict(word.split("=", 1) for word in words)
    files = sorted((ROOT / "tests" / "mutations").glob(f"lecture_{options.get('lecture', '*')}.yaml"))
    faults = [fault for file in files for fault in yaml.safe_load(file.read_text(encoding="utf-8"))]
    survivors = 0
    print("| fault | file | its claims | noticed by |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of_the_project(Path(folder))
        healthy = run(copy, [])
        for fault in faults:
            path = place(copy, fault["file"])
            text = path.read_text(encoding="utf-8")
            if text.count(fault["old"]) != 1:
                raise SystemExit(
                    f"{fault['file']} has {fault['old']!r} {text.count(fault['old'])} times, not once."
                )
            path.write_text(text.replace(fault["old"], fault["new"]), encoding="utf-8")
            verdicts = run(copy, [] if options.get("all") == "true" else fault["claims"])
            path.write_text(text, encoding="utf-8")
            noticed = [id for id, verdict in verdicts.items() if verdict != healthy[id]]
            own = set(noticed) & set(fault["claims"])
            survivors += not own
            answer = ", ".join(noticed) if own else f"**none**: {fault.get('reason', 'no reason is given')}"
            print(
                f"| {fault['fault']} | {fault['file']} | {', '.join(fault['claims'])} | {answer} |",
                flush=True,
            )
    print(f"\n{len(faults)} faults, {len(faults) - survivors} noticed by a claim whose subject they are.")
    return 0 if len(faults) - survivors >= BAR * len(faults) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
