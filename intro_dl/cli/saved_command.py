"""Expand `resume=<folder>` to the command that created the run or sweep. Free of torch."""

import os
import re
from pathlib import Path

from intro_dl.config.override_syntax import quote
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Status
from intro_dl.runs.sweep import SweepFolder


def with_saved_command(arguments: list[str]) -> list[str]:
    """Return the arguments with those saved in the folder that `resume=` names.

    Raises:
        ValueError: if there is no such run, or it cannot be resumed.
    """
    given = dict(argument.split("=", 1) for argument in arguments if re.match(r"[~+]*[\w.@/]+=", argument))
    if given.get("resume", "null") == "null":
        return arguments
    path = Path(given["resume"].strip("'\"")).expanduser()
    if path == Path():
        raise ValueError(f"resume= needs a path.{_newest_run(Path('outputs'))}")
    if SweepFolder(path).is_sweep():
        return _with_saved_sweep(path, arguments)
    if "-m" in arguments or "--multirun" in arguments or "sweep" in given:
        raise ValueError("resume= takes the folder of one run or of a sweep: leave out -m and sweep=.")
    if "run_dir" in given:
        raise ValueError("resume= continues in the run's own folder: leave out run_dir=, or copy the folder.")
    checkpoint = RunFolder(path).last if path.is_dir() else path
    if not checkpoint.is_file():
        raise ValueError(_explain_missing_checkpoint(path, checkpoint))
    if checkpoint.name != "last.ckpt":
        raise ValueError(
            f"Cannot resume {path}: only last.ckpt holds the state of the training. "
            f"Name the run: resume={path.parent.parent}."
        )
    folder = RunFolder(checkpoint.resolve().parent.parent)
    # Saved overrides stand before resume=, and those of this command line after it.
    overrides = [f"resume={checkpoint}", *(text for text in arguments if not text.startswith("resume="))]
    if not folder.overrides_file.is_file():
        return overrides
    replaced = {*given, "resume", "sweep", "run_dir"}
    keys = {
        text: text.split("=", 1)[0].lstrip("+~")
        for text in _safe(folder.read_overrides(), folder.overrides_file)
    }
    keep = [text for text, key in keys.items() if not {key, key.split(".")[0]} & replaced]
    how = [f"hydra.run.dir={quote(os.path.relpath(folder.path))}", "hydra.mode=RUN"]
    # train() itself changes the saved command, once it has accepted the new one.
    return [*keep, *overrides, *how, "hydra.output_subdir=null"]


def _explain_missing_checkpoint(path: Path, checkpoint: Path) -> str:
    if not path.is_dir():
        return f"Cannot resume: {path} does not exist.{_newest_run(path)}"
    result = RunFolder(path).read_result()
    if result.status in (Status.UNFINISHED, Status.DAMAGED):
        return f"Cannot resume {path}: it is not a run ({checkpoint} does not exist).{_newest_run(path)}"
    advice = " with that change" if result.status is Status.DIVERGED else ""
    return (
        f"Cannot resume {path}: its status is {result.status}, and it saved no checkpoint. "
        f"{result.reason} Start it again{advice}."
    )


def _newest_run(folder: Path) -> str:
    """Return the newest run or sweep under `folder`, as the end of a message."""
    depths = ("*", "*/*", "*/*/*")  # a run, the runs of a model, the jobs of all sweeps
    found = [file for depth in depths for file in folder.glob(f"{depth}/checkpoints/last.ckpt")]
    if not found:
        return " Name a folder under outputs/."
    run = max(found, key=lambda file: file.stat().st_mtime).parent.parent
    if SweepFolder(run.parent).is_sweep():
        return f" The newest sweep of {folder}: {SweepFolder(run.parent).resume_command()}"
    return f" The newest run of {folder}: {RunFolder(run).resume_command()}"


def _safe(saved: list[str], file: Path) -> list[str]:
    """Return saved overrides if all are safe to repeat: the folder may come from a stranger."""
    for text in saved:
        key = re.match(r"[~+]*([\w.@/]+)(=|$)", str(text))
        hydra = key and re.match(r"hydra\b(?![./](launcher|sweeper|sweep|mode|run)\b)", key[1])
        if not key or hydra or (key[1].startswith("hydra") and "_target_" in text):
            raise ValueError(
                f"Refused the override {text!r} in this run folder: {file} may only change a run or a sweep."
            )
    return saved


def _with_saved_sweep(folder: Path, arguments: list[str]) -> list[str]:
    """Return the command that started the sweep, with `resume=`, so that each job finds its own result."""
    how = [text for text in arguments if text.startswith("hydra") or text in ("-m", "--multirun")]
    changed = [text for text in arguments if text not in how and not text.startswith("resume=")]
    if changed:
        raise ValueError(
            f"resume={folder} repeats the sweep without changes: leave out {' '.join(changed)}, "
            "or start another sweep."
        )
    given = {text.split("=", 1)[0] for text in how}
    task, hydra = (_safe(saved, folder / "multirun.yaml") for saved in SweepFolder(folder).read_overrides())
    task = [text for text in task if not text.startswith("resume=")]
    replaced = {*given, "hydra.run.dir", "hydra.sweep.dir", "hydra.mode"}
    # hydra/launcher=... also replaces the keys hydra.launcher. ...
    groups = tuple(f"{key.replace('/', '.')}." for key in given if "/" in key)
    hydra = [
        text
        for text in hydra
        if text.split("=", 1)[0] not in replaced and not text.lstrip("+~").startswith(groups)
    ]
    how = [text for text in how if text.startswith("hydra")]
    sweep_dir = f"hydra.sweep.dir={quote(os.path.relpath(folder))}"
    return ["--multirun", *task, *hydra, *how, f"resume={folder}", sweep_dir]
