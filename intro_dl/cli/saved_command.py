"""`resume=`: the command that made a run or a sweep, read from its folder. Free of torch."""

import os
import re
from pathlib import Path

from intro_dl.config.override_syntax import quote
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Status
from intro_dl.runs.sweep import SweepFolder


def with_saved_command(arguments: list[str]) -> list[str]:
    """With `resume=<run>`, repeat the command that made the run, so that nobody has to remember it.

    Raises:
        ValueError: if there is no such run, or one cannot go on from it.
    """
    given = dict(argument.split("=", 1) for argument in arguments if re.match(r"[~+]*[\w.@/]+=", argument))
    if given.get("resume", "null") == "null":
        return arguments
    path = Path(given["resume"].strip("'\"")).expanduser()
    if path == Path():
        raise ValueError(f"resume= names no run.{_newest_run(Path('outputs'))}")
    if SweepFolder(path).is_sweep():
        return _with_saved_sweep(path, arguments)
    if "-m" in arguments or "--multirun" in arguments or "sweep" in given:
        raise ValueError("resume= goes on with one run, or with a sweep's folder; leave out -m and sweep=.")
    if "run_dir" in given:
        raise ValueError("resume= goes on in the run's own folder: leave out run_dir=, or copy it first.")
    checkpoint = RunFolder(path).last if path.is_dir() else path
    if not checkpoint.is_file():
        if not path.is_dir():
            raise ValueError(f"Cannot resume: there is no folder or file {path}.{_newest_run(path)}")
        result = RunFolder(path).read_result()
        if result.status not in (Status.UNFINISHED, Status.DAMAGED):
            advice = " with that change" if result.status is Status.DIVERGED else ""
            raise ValueError(
                f"Cannot resume {path}: its status is {result.status}, and it saved no checkpoint. "
                f"{result.reason} Start it again{advice}."
            )
        raise ValueError(
            f"Cannot resume {path}: no run was saved there ({checkpoint} is missing).{_newest_run(path)}"
        )
    if checkpoint.name != "last.ckpt":
        raise ValueError(
            f"Cannot resume {path}: only the last weights have what a run goes on with, and the epochs after "
            f"these would be lost. Name the run: resume={path.parent.parent}."
        )
    run_dir = checkpoint.resolve().parent.parent
    # What is typed stands behind resume=, and what is saved before it.
    overrides = [f"resume={checkpoint}", *(text for text in arguments if not text.startswith("resume="))]
    folder = RunFolder(run_dir)
    if not folder.overrides_file.is_file():
        return overrides
    anew = {*given, "resume", "sweep", "run_dir"}
    keep = [
        text
        for text in _safe(folder.read_overrides(), folder.overrides_file)
        if (key := text.split("=", 1)[0].lstrip("+~")) not in anew and key.split(".")[0] not in anew
    ]
    how = [f"hydra.run.dir={quote(os.path.relpath(run_dir))}", "hydra.mode=RUN"]
    # The saved command is changed by train() itself, once it has accepted the new one.
    return [*keep, *overrides, *how, "hydra.output_subdir=null"]


def _newest_run(folder: Path) -> str:
    """Which run or sweep under `folder` the user may have meant, as the end of a message."""
    depths = ("*", "*/*", "*/*/*")  # a run, the runs of a model, the jobs of all sweeps
    found = [file for depth in depths for file in folder.glob(f"{depth}/checkpoints/last.ckpt")]
    if not found:
        return " Name a folder under outputs/."
    run = max(found, key=lambda file: file.stat().st_mtime).parent.parent
    if SweepFolder(run.parent).is_sweep():  # not one of its jobs, but all that it still has to do
        return f" The newest sweep of {folder}: {SweepFolder(run.parent).resume_command()}"
    return f" The newest run of {folder}: {RunFolder(run).resume_command()}"


def _safe(saved: list[str], file: Path) -> list[str]:
    """Saved overrides, if they change no more than a run or a sweep: the folder may come from a stranger."""
    for text in saved:
        key = re.match(r"[~+]*([\w.@/]+)(=|$)", str(text))
        hydra = key and re.match(r"hydra\b(?![./](launcher|sweeper|sweep|mode|run)\b)", key[1])
        if not key or hydra or (key[1].startswith("hydra") and "_target_" in text):
            raise ValueError(f"{file} is refused: {text!r} is no change that a run or a sweep is made of.")
    return saved


def _with_saved_sweep(folder: Path, arguments: list[str]) -> list[str]:
    """The command that began the sweep, with `resume=`, which lets each job look for what it has done."""
    how = [text for text in arguments if text.startswith("hydra") or text in ("-m", "--multirun")]
    changed = [text for text in arguments if text not in how and not text.startswith("resume=")]
    if changed:
        raise ValueError(
            f"resume={folder} goes on with a sweep as it was begun: leave out {' '.join(changed)}, "
            "or begin another sweep."
        )
    given = {text.split("=", 1)[0] for text in how}
    task, hydra = (_safe(saved, folder / "multirun.yaml") for saved in SweepFolder(folder).read_overrides())
    task = [text for text in task if not text.startswith("resume=")]
    elsewhere = ("hydra.run.dir", "hydra.sweep.dir", "hydra.mode")
    hydra = [text for text in hydra if text.split("=", 1)[0] not in {*given, *elsewhere}]
    anew = tuple(f"{key.replace('/', '.')}." for key in given if "/" in key)  # hydra/launcher=: its keys go
    hydra = [text for text in hydra if not text.lstrip("+~").startswith(anew)]
    how = [text for text in how if text.startswith("hydra")]
    sweep_dir = f"hydra.sweep.dir={quote(os.path.relpath(folder))}"
    return ["--multirun", *task, *hydra, *how, f"resume={folder}", sweep_dir]
