"""Expand `resume=<folder>` to the command that created the run or sweep. Does not import torch."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from intro_dl.cli.help_text import GROUPS
from intro_dl.config.override_syntax import quote, unquote
from intro_dl.runs.files import shown_path
from intro_dl.runs.folder import DATA_PATHS, LATEST, RunFolder, named_run, newest_run, refuse_links
from intro_dl.runs.result import Status
from intro_dl.runs.sweep import SweepFolder

NEVER_SAVED = ("resume", "run_dir", "own_code")  # own_code= allows code to run, so it is typed each time
OVERRIDE = re.compile(
    r"[~+]*([A-Za-z_]\w*(?:\.\w+)*)(?:=(.*))?", re.DOTALL
)  # an override of a run, not of Hydra
NUMBERS = r"hydra\.(launcher\.n_jobs|sweeper\.(n_jobs|n_trials|n_startup_trials|seed))=\d+"  # of our plugins
OPTION = re.compile(r"[\w-]+(/[\w-]+)*")  # the name of a yaml in configs/: it cannot name a file elsewhere


def with_saved_command(arguments: list[str]) -> list[str]:
    """Return the arguments with those saved in the folder that `resume=` names.

    Raises:
        ValueError: if there is no such run, or it cannot be resumed.
    """
    given = dict(argument.split("=", 1) for argument in arguments if re.match(r"[~+]*[\w.@/]+=", argument))
    if given.get("resume", "null") == "null":
        return arguments
    word = unquote(given["resume"])
    path = named_run(word)
    if word == LATEST and SweepFolder(path.parent).is_sweep():
        path = path.parent
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
    folder = RunFolder(checkpoint.absolute().parent.parent)
    refuse_links(folder.path)
    # Saved overrides stand before resume=, and those of this command line after it.
    overrides = [f"resume={checkpoint}", *(text for text in arguments if not text.startswith("resume="))]
    if not folder.overrides_file.is_file():
        return overrides
    keep = _safe(folder.read_overrides(), folder.overrides_file, {*given, "sweep", *NEVER_SAVED})
    how = [f"hydra.run.dir={quote(shown_path(folder.path))}", "hydra.mode=RUN"]
    paths = [
        f"{key}={quote(found)}"
        for key, path in read_data_paths(folder).items()
        if (found := folder.find(path)) != path and key not in given and "data" not in given
    ]
    own = [source for source in folder.config_directories() if not {"--config-dir", "-cd"} & {*arguments}]
    if own and not any(text.startswith("--config-dir=") for text in arguments):
        raise ValueError(f"This run was started with --config-dir {own[0]}: add this to resume it.")
    # train() itself changes the saved command, once it has accepted the new one.
    return [*keep, *paths, *overrides, *how, "hydra.output_subdir=null"]


def read_data_paths(folder: RunFolder) -> dict[str, str]:
    """Return the paths of a run's data, e.g. {"data.root": "scans"}; empty if its config is damaged."""
    try:
        data = folder.read_config()["data"]
        paths = {key: data.get(key.removeprefix("data.")) for key in DATA_PATHS}
    except (ValueError, KeyError, AttributeError):
        return {}
    return {key: path for key, path in paths.items() if isinstance(path, str)}


def _with_saved_sweep(folder: Path, arguments: list[str]) -> list[str]:
    """Return the command that started the sweep, with `resume=`, so that each job finds its own result.

    Hydra's own overrides are not repeated: an untrusted launcher or sweeper could run code, and the
    folder of the jobs could be elsewhere.
    """
    typed_again = ("hydra", "own_code=", "--config-dir=")
    how = [text for text in arguments if text.lstrip("+~").startswith(typed_again)]
    others = [text for text in arguments if text not in (*how, "-m", "--multirun")]
    if changed := [text for text in others if not text.startswith("resume=")]:
        raise ValueError(
            f"resume={folder} repeats the sweep without changes: leave out {' '.join(changed)}, "
            "or start another sweep."
        )
    refuse_links(folder)
    task, hydra = SweepFolder(folder).read_overrides()
    task = _safe(task, folder / "multirun.yaml", {*NEVER_SAVED})
    typed = [text.lstrip("+~").partition("=")[0] for text in how]
    for text in hydra:
        key = text.lstrip("+~").partition("=")[0]
        if not re.match(r"hydra[./](launcher|sweeper|sweep|run|mode)\b", key) or "_target_" in text:
            raise ValueError(_refusal(text, folder / "multirun.yaml"))
        if re.fullmatch(NUMBERS, text) and key not in typed and "hydra/launcher" not in typed:
            how.append(text)  # a number cannot run code
        own = (*how, "hydra.run.dir", "hydra.sweep.dir", "hydra.mode", "hydra/launcher=basic", *typed)
        if key not in own and text not in own:
            print(f"Resuming without {ascii(text)[1:-1]}: type it again to use it.", file=sys.stderr)
    sweep_dir = f"hydra.sweep.dir={quote(shown_path(folder))}"
    return ["--multirun", *task, *how, f"resume={folder}", sweep_dir]


def _safe(saved: Iterable[str], file: Path, replaced: set[str]) -> list[str]:
    """Return the saved overrides that are not replaced, if all are safe: the folder may be untrusted.

    Hydra's own keys could run code, and so could an option that is a path to another yaml.
    """
    keep = []
    for text in saved:
        found = OVERRIDE.fullmatch(text)
        if not found or found[1].partition(".")[0] == "hydra":
            raise ValueError(_refusal(text, file))
        options = re.findall(r"[^\s,()\[\]'\"]+", found[2] or "") if found[1] in GROUPS else []
        if not all(OPTION.fullmatch(option) for option in options):
            raise ValueError(_refusal(text, file))
        if found[1].startswith("logger."):  # it could send the curves to a stranger's server
            print(f"Resuming without {ascii(text)[1:-1]}: type it again to use it.", file=sys.stderr)
        elif not {found[1], found[1].partition(".")[0]} & replaced:
            keep.append(text)
    return keep


def _refusal(text: str, file: Path) -> str:
    return f"Refused the override {text!r} in this run folder: {file} may only change a run or a sweep."


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
    if (run := newest_run(folder)) is None:
        return " Name a folder under outputs/."
    in_sweep = SweepFolder(run.path.parent).is_sweep()
    kind, newest = ("sweep", run.path.parent) if in_sweep else ("run", run.path)
    return f" The newest {kind} of {folder}: {RunFolder(newest).resume_command()}"
