"""What stands between the command line and Hydra: saved runs that go on, and errors that a student can read.

Free of torch, so that a typing mistake is answered at once.
"""

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from intro_dl import help, run_folder
from intro_dl.arguments import nearest
from intro_dl.config import register_schema
from intro_dl.files import explain_os_error
from intro_dl.flags import flags_first
from intro_dl.interrupts import INTERRUPTED, TERMINATED, exit_code, on_sigterm, terminate
from intro_dl.processes import FIRST, as_further_process, follow_the_first, rank
from intro_dl.results import go_on, read_result, shown_path, write_result
from intro_dl.sweep import saved_overrides

log = logging.getLogger(__name__)

# Of these, Hydra would read spaces, commas and equal signs in a folder's name as its own.
PATHS = ("resume", "data.root", "data.path", "run_dir")
NO_GROUP = re.compile(r"^(scheduler|experiment|sweep)=null$")  # Hydra: ~scheduler
# What other programs call our keys.
OTHER_NAMES = {
    "learning_rate": "optim.lr",
    "rate": "optim.lr",
    "epochs": "trainer.max_epochs",
    "num_epochs": "trainer.max_epochs",
    "bs": "data.batch_size",
    "device": "trainer.accelerator",
    "optimizer": "optim",
    "dataset": "data",
    "random_seed": "seed",
}
INSTALL = "pip install -e '.[sweep]'"
ENGINES = ("joblib", "optuna", "submitit_local", "submitit_slurm")  # Hydra's plugins of the extra
FULL_ERROR = "INTRO_DL_FULL_ERROR"  # what the user said in HYDRA_FULL_ERROR, for the jobs


def run(main: Callable[[], None]) -> int:
    """Call a Hydra program and return its exit code. HYDRA_FULL_ERROR=1 brings the traceback of an error."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help.text())
        return 0
    register_schema()
    logging.raiseExceptions = False  # a full disk is said once, not for each line of train.log
    full_error = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
    os.environ[FULL_ERROR] = "1" if full_error else ""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on instead of printing them
    if rank():
        warnings.simplefilter("ignore")  # process 0 says the same
    if FIRST in os.environ:
        follow_the_first()
    else:
        on_sigterm(terminate)
    run_folder.made.clear()
    code = _answer(main, full_error)
    if code not in (0, INTERRUPTED, TERMINATED):
        run_folder.remove_what_was_made()
    return code


def _answer(main: Callable[[], None], full_error: bool) -> int:
    try:
        arguments = flags_first(_quote_paths(_with_saved_overrides(sys.argv[1:])))
        arguments = as_further_process(arguments) if rank() else arguments
        sys.argv[1:] = [NO_GROUP.sub(r"~\1", argument) for argument in arguments]
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as error:
        _say("Interrupted.")
        return exit_code(error)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if full_error:
            raise
        _say(f"Error: {explain(error, sys.argv[1:])}")
        return 1
    return 0


@contextmanager
def report_errors(cfg: DictConfig) -> Iterator[None]:
    """Inside a job: say what went wrong in a sentence, note it in result.json, and let a sweep go on."""
    try:
        yield
    except BrokenPipeError:  # in printing the summary: the result is written
        raise
    except (Exception, KeyboardInterrupt) as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = _how_interrupted(error, cfg) if interrupted else explain(error, [])
        status = "interrupted" if interrupted else getattr(error, "status", "failed")
        run_dir = Path(cfg.run_dir)
        if explain_os_error(error) and (run_dir / "checkpoints" / "last.ckpt").is_file():
            reason += f" What was finished is kept; then go on with: {go_on(run_dir)}"
        cause = error.__cause__ if isinstance(error, InstantiationException) else error
        refused = _is_for_the_user(cause) and status == "failed"
        refused = refused and (cfg.resume or not (run_dir / "history.csv").is_file())
        refused = refused and HydraConfig.get().mode != RunMode.MULTIRUN  # there, the table says so
        # In train.log, for whoever looks into it.
        log.info("The run ended early: %s", reason, exc_info=None if refused and cfg.resume else error)
        refused = refused or rank() > 0  # which has no folder
        if not refused and read_result(run_dir).get("status") != "completed":
            with suppress(OSError):  # which is the error that is being reported
                write_result(run_dir, {"status": status, "reason": reason} | getattr(error, "facts", {}))
        _say(reason if interrupted else f"Error: {reason}")
        if os.environ.get(FULL_ERROR):
            raise
        if HydraConfig.get().mode != RunMode.MULTIRUN or interrupted:
            raise SystemExit(exit_code(error) if interrupted else 1) from error


def _how_interrupted(error: KeyboardInterrupt, cfg: DictConfig) -> str:
    job = HydraConfig.get()
    if job.mode == RunMode.MULTIRUN:
        return f"Interrupted. Go on with: {go_on(job.sweep.dir)}"
    if str(error) or not (Path(cfg.run_dir) / "checkpoints" / "last.ckpt").is_file():
        return str(error) or "Interrupted before anything was saved."
    return f"Interrupted. What was finished is kept; go on with: {go_on(cfg.run_dir)}"


def explain(error: BaseException, overrides: list[str]) -> str:
    """One sentence, in the user's words, about what is wrong and what to do."""
    return re.sub(r"(\S{60})\S{200,}", r"\1...", _explain(error, overrides))  # a word of a page


def _explain(error: BaseException, overrides: list[str]) -> str:
    if isinstance(error, MissingConfigException):
        group, slash, name = str(error.missing_cfg_file).partition("/")
        if not slash:  # --config-path, --config-name
            return f"{_first_line(str(error))}. --help shows how a command is written."
        if group == "hydra":
            group, name = str(error.missing_cfg_file).rsplit("/", 1)  # hydra/launcher=joblib
            if name in ENGINES:
                return f"{group}={name} comes with an extra: in the project's folder, {INSTALL}."
        ours = help.describe(group)  # with those in folders, which Hydra leaves out
        if inside := [option for option in ours if option.startswith(f"{name}/")]:
            return f"{group}={name} is a folder: choose one of {', '.join(inside)}."
        folder = name.rpartition("/")[0]
        options = [option for option in ours if folder and option.startswith(f"{folder}/")] or [
            *dict.fromkeys([*(error.options or []), *ours]),
            *(["null"] if group in ("scheduler", "experiment", "sweep") else []),
        ]
        return f"There is no {group}={name}.{nearest(name, options)}"
    if isinstance(error, OverrideParseException):
        return _cannot_read(error.override)
    if isinstance(error, InstantiationException) and error.__cause__:
        return _explain(error.__cause__, overrides)
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        file, problem = shown_path(mark.name), error.problem or "it cannot be read"
        return f"{file} is no valid yaml: {problem} in line {mark.line + 1}."
    if reason := explain_os_error(error):
        return reason
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_composition(error, overrides)
    text = " ".join(str(error).split())
    if _is_for_the_user(error):
        return text
    return f"{type(error).__name__}: {text.rstrip('.')}. HYDRA_FULL_ERROR=1 shows where it came from."


def _is_for_the_user(error: BaseException | None) -> bool:
    """Whether it is a mistake in the command, said in a sentence by this package or by Lightning."""
    return isinstance(error, ValueError) or type(error).__name__ == "MisconfigurationException"


def _cannot_read(argument: str) -> str:
    return f"Cannot read the argument {argument!r}: write key=value, e.g. model=lenet optim.lr=0.01."


def _explain_composition(error: BaseException, overrides: list[str]) -> str:
    text = str(error)
    cause = str(error.__cause__ or "")
    if match := re.match(r"Ambiguous value for argument '([^']+)'", text):
        return f"{match[1]} names several values: add -m to run them all, or write a list as [1,2]."
    if match := re.match(r"(?:In '([^']+)': )?Could not override '([^']+)'", text):
        file, key = match.groups()
        if file:
            return f"{file}.yaml overrides {key}, which is no group.{nearest(key, list(help.GROUPS))}"
        return f"There is no key {key}.{_guess(key, overrides)}"
    if match := re.match(r"Error merging override (.+)", text):
        return f"{match[1]} does not make sense: {_first_line(cause)}."
    if match := re.match(r"Missing mandatory value: (\w+)", text):
        return f"The group {match[1]} is missing. Choose one: {match[1]}=<option>."
    if match := re.search(r"Key '([^']+)' (?:is not in struct|not in '\w+')", text):
        key, place = match[1], re.match(r"In '([^']+)'", text)
        if place and key == place[1].partition("/")[0]:
            return f"{place[1]}.yaml must begin with # @package _global_: its keys are those of a run."
        where = f"{place[1]}.yaml has an unknown key" if place else "There is no key"
        return f"{where} {key}.{_guess(key, overrides)}"
    return " ".join(text.split())


def _guess(key: str, overrides: list[str]) -> str:
    if key.startswith("hydra."):
        return " --cfg hydra shows those of Hydra."
    return _meant(key, overrides) or nearest(key, _known_keys(overrides))


def _meant(key: str, overrides: list[str]) -> str:
    """ " Did you mean ...?" for a key with another name elsewhere, or an option in place of a key."""
    group, _, name = key.rpartition(".")
    if name in OTHER_NAMES:
        return f" Did you mean {OTHER_NAMES[name]}?"
    value = next(
        (text.partition("=")[2] for text in overrides if text.lstrip("+~").startswith(f"{key}=")), ""
    )
    for each in help.GROUPS:
        options = help.describe(each)
        if not group and value in options and get_close_matches(key, [each]):
            return f" Did you mean {each}={value}?"
        if key.startswith(f"{each}.") and (option := key.split(".")[1]) in options:
            rest = key.split(".")[2:]
            return f" Did you mean {each}={option}{f' {each}.{rest[0]}={value}' if rest else ''}?"
    return ""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".")


def _known_keys(overrides: list[str]) -> list[str]:
    """Every key that the command line could have set, given the groups that it chose."""
    choices = [text for text in overrides if re.fullmatch(r"\w+=\w+", text)]
    GlobalHydra.instance().clear()
    with initialize_config_module("intro_dl.configs", version_base="1.3"):
        try:
            cfg = compose("train", choices)
        except (HydraException, OmegaConfBaseException):
            cfg = compose("train")
    return list(_keys(OmegaConf.to_container(cfg, resolve=False), ""))


def _keys(node: dict, prefix: str) -> Iterator[str]:
    for key, value in node.items():
        if not key.startswith("_"):
            yield prefix + key
            if isinstance(value, dict):
                yield from _keys(value, f"{prefix}{key}.")


def _with_saved_overrides(arguments: list[str]) -> list[str]:
    """With `resume=<run>`, repeat the command that made the run, so that nobody has to remember it."""
    given = dict(argument.split("=", 1) for argument in arguments if re.match(r"[~+]*[\w.@/]+=", argument))
    if given.get("resume", "null") == "null":
        return arguments
    path = Path(given["resume"].strip("'\"")).expanduser()
    if path == Path():
        raise ValueError(f"resume= names no run.{_newest_run(Path('outputs'))}")
    if (path / "multirun.yaml").is_file():
        return _with_saved_sweep(path, arguments)
    if "-m" in arguments or "--multirun" in arguments or "sweep" in given:
        raise ValueError("resume= goes on with one run, or with a sweep's folder; leave out -m and sweep=.")
    if "run_dir" in given:
        raise ValueError("resume= goes on in the run's own folder: leave out run_dir=, or copy it first.")
    checkpoint = path / "checkpoints" / "last.ckpt" if path.is_dir() else path
    if not checkpoint.is_file():
        if path.is_dir() and (reason := (result := read_result(path)).get("reason")):
            again = (
                "Start again with what is advised." if result.get("status") == "diverged" else "Start again."
            )
            raise ValueError(
                f"Cannot resume {path}: its status is {result.get('status')}, and nothing was saved to go on "
                f"from. {reason} {again}"
            )
        what = "no run was saved there" if path.is_dir() else "there is no such file"
        raise ValueError(f"Cannot resume {path}: {what} ({checkpoint} is missing).{_newest_run(path)}")
    run_dir = checkpoint.resolve().parent.parent
    # What is typed stands behind resume=, and what is saved before it.
    overrides = [f"resume={checkpoint}", *(text for text in arguments if not text.startswith("resume="))]
    saved = run_dir / ".hydra" / "overrides.yaml"
    if not saved.is_file():
        return overrides
    anew = {*given, "resume", "sweep", "run_dir"}
    keep = [
        text
        for text in _safe(yaml.safe_load(saved.read_text()) or [], saved)
        if (key := text.split("=", 1)[0].lstrip("+~")) not in anew and key.split(".")[0] not in anew
    ]
    how = [f"hydra.run.dir={_quote(os.path.relpath(run_dir))}", "hydra.mode=RUN"]
    # The saved command is changed by train() itself, once it has accepted the new one.
    return [*keep, *overrides, *how, "hydra.output_subdir=null"]


def _newest_run(folder: Path) -> str:
    """Which run or sweep under `folder` the user may have meant, as the end of a message."""
    depths = ("*", "*/*", "*/*/*")  # a run, the runs of a model, the jobs of all sweeps
    found = [file for depth in depths for file in folder.glob(f"{depth}/checkpoints/last.ckpt")]
    if not found:
        return " Name a folder under outputs/."
    run = max(found, key=lambda file: file.stat().st_mtime).parent.parent
    if (run.parent / "multirun.yaml").is_file():  # not one of its jobs, but all that it still has to do
        return f" The newest sweep of {folder}: {go_on(run.parent)}"
    return f" The newest run of {folder}: {go_on(run)}"


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
    task, hydra = (_safe(saved, folder / "multirun.yaml") for saved in saved_overrides(folder))
    task = [text for text in task if not text.startswith("resume=")]
    elsewhere = ("hydra.run.dir", "hydra.sweep.dir", "hydra.mode")
    hydra = [text for text in hydra if text.split("=", 1)[0] not in {*given, *elsewhere}]
    anew = tuple(f"{key.replace('/', '.')}." for key in given if "/" in key)  # hydra/launcher=: its keys go
    hydra = [text for text in hydra if not text.lstrip("+~").startswith(anew)]
    how = [text for text in how if text.startswith("hydra")]
    sweep_dir = f"hydra.sweep.dir={_quote(os.path.relpath(folder))}"
    return ["--multirun", *task, *hydra, *how, f"resume={folder}", sweep_dir]


def _quote_paths(arguments: list[str]) -> list[str]:
    def quoted(argument: str) -> str:
        key, separator, value = argument.partition("=")
        if not key.strip("+~ "):
            raise ValueError(_cannot_read(argument))
        names = value.strip("[] ").split(",") if value.startswith("[") else []
        if key in help.GROUPS and not all(name.strip().isidentifier() for name in names):
            raise ValueError(f"{argument} does not make sense: choose one option of {key}=.")
        if not separator or key not in PATHS or value == "null":
            return argument
        if not value.strip("'\" "):
            raise ValueError(f"{key}= names nothing: write {key}=<path>, or leave it out.")
        return f"{key}={_quote(value)}"

    words = [quoted(argument) for argument in arguments]
    places = [word.removeprefix("run_dir=") for word in words if word.startswith("run_dir=")]
    # Where the folder of a run comes from, and that of a sweep, which has the runs in it.
    where = [f"hydra.{kind}.dir={place}" for place in places for kind in ("run", "sweep")]
    return [word for word in words if not word.startswith("run_dir=")] + where


def _quote(value: str) -> str:
    if re.fullmatch(r"[\w./~-]*", value) or value[:1] in "'\"$":
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _say(text: str) -> None:
    if rank() == 0 or FIRST in os.environ:  # process 0 listens to those that it has started
        print(text, file=sys.stderr)
