"""Break the product in many ways, and list which claims of the lectures notice.

    python tests/mutate_claims.py [lecture=004] [fault=momentum] [all=true]

tests/mutations/*.yaml lists the faults: each replaces a text in one file of a copy of the project. One of the
claims named beside it, whose subject it is, must notice: its verdict changes. fault= selects those whose name
has this text. With all=true every claim runs, and the table also shows the others that notice; that takes
about half a minute a fault.
"""

import multiprocessing
import os
import shutil
import sys
import tempfile
from pathlib import Path

import hydra  # noqa: F401  imported once, here: the process of each fault is a fork of this one
import pytorch_lightning  # noqa: F401
import sklearn.datasets  # noqa: F401
import torch
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


def verdicts(copy: Path, ids: set[str]) -> dict[str, str]:
    """Import the copy and run claims of it, all if there are none; return each claim's verdict."""
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True  # the next fault may change a file within the same second
    sys.path.insert(0, str(copy))
    os.chdir(copy)
    from intro_dl.lectures.engine.claims import all_claims

    if not Path(sys.modules["intro_dl"].__file__ or "").is_relative_to(copy):
        raise ImportError("The claims would run without the fault: intro_dl was not imported from the copy.")
    return {each.id: each.run().verdict for each in all_claims() if not ids or each.id in ids}


def run(copy: Path, ids: set[str]) -> dict[str, str]:
    """Run claims in a new process; return {} if it ends with an error, e.g. because an import fails."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            return pool.apply_async(verdicts, (copy, ids)).get(timeout=1800)
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return {}


def main(words: list[str]) -> int:
    options = dict(word.split("=", 1) for word in words)
    if unknown := options.keys() - {"lecture", "fault", "all"}:
        raise SystemExit(f"Unknown option {', '.join(unknown)}: choose from lecture=, fault=, all=true.")
    files = sorted((ROOT / "tests" / "mutations").glob(f"lecture_{options.get('lecture', '*')}.yaml"))
    faults = [fault for file in files for fault in yaml.safe_load(file.read_text(encoding="utf-8"))]
    faults = [fault for fault in faults if options.get("fault", "") in fault["fault"]]
    every = options.get("all") == "true"
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of_the_project(Path(folder))
        healthy = run(copy, set() if every else {id for fault in faults for id in fault["claims"]})
        if not healthy or "fails" in healthy.values():
            failing = [id for id, verdict in healthy.items() if verdict == "fails"]
            raise SystemExit(f"Without a fault, these claims fail: {', '.join(failing) or 'none can run'}.")
        print("| fault | file | its claims | noticed by |\n|---|---|---|---|")
        for fault in faults:
            path = place(copy, fault["file"])
            text = path.read_text(encoding="utf-8")
            if text.count(fault["old"]) != 1:
                raise SystemExit(
                    f"{fault['file']} has {fault['old']!r} {text.count(fault['old'])} times, not once."
                )
            path.write_text(text.replace(fault["old"], fault["new"]), encoding="utf-8")
            found = run(copy, set() if every else set(fault["claims"]))
            path.write_text(text, encoding="utf-8")
            noticed = [id for id, verdict in found.items() if verdict != healthy[id]]
            own = set(noticed) & set(fault["claims"])
            survivors += not own
            reason = fault.get("reason", "no reason is given")
            if not found:  # a broken import, which every claim would notice, tells nothing
                reason = "no claim could run with this fault; choose another text"
            answer = ", ".join(noticed) if own else f"**none**: {reason}"
            print(
                f"| {fault['fault']} | {fault['file']} | {', '.join(fault['claims'])} | {answer} |",
                flush=True,
            )
    print(f"\n{len(faults)} faults, {len(faults) - survivors} noticed by a claim whose subject they are.")
    return 0 if len(faults) - survivors >= BAR * len(faults) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
