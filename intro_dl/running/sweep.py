"""Sweeps: what one says at its end, and how one that was stopped goes on. Free of torch."""

import sys
import zipfile
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from intro_dl.running.processes import NO_SWEEP
from intro_dl.running.results import read_result

COUNTS = ("completed", "diverged")  # a diverged run is a result: it says that the rate was too large


class SweepSummary(Callback):
    """Hydra calls this around a multirun."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if config.trainer.strategy == "ddp":
            print(f"Error: {NO_SWEEP}", file=sys.stderr)  # of an exception, Hydra would make a warning
            raise SystemExit(1)
        # Not every sweeper notes what was asked for; the folder is there, made by OwnFolder.
        OmegaConf.save(config, Path(config.hydra.sweep.dir) / "multirun.yaml")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print and write the comparison of the runs.

        The exit code becomes 1 if a job has failed, or all have diverged; some diverged ones are no failure.
        """
        from intro_dl.command_line.options import run_script
        from intro_dl.compare.command import end_of_sweep

        folder = Path(config.hydra.sweep.dir)
        results = [read_result(path.parent) for path in folder.glob("*/result.json")]
        failed = any(result.get("status") not in COUNTS for result in results)
        if results and (run_script("", end_of_sweep, [str(folder)]) or failed):
            raise SystemExit(1)


def saved_overrides(folder: Path) -> tuple[list[str], list[str]]:
    """What began a sweep: the overrides of its runs, and those of Hydra.

    Raises:
        ValueError: if the sweep's multirun.yaml is damaged.
    """
    try:
        saved = yaml.safe_load((folder / "multirun.yaml").read_text())["hydra"]["overrides"]
        return list(saved["task"]), list(saved["hydra"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"Cannot resume {folder}: its multirun.yaml is cut short. Begin again.") from error


def planned_jobs(folder: Path) -> int | None:
    """How many jobs the sweep in `folder` has; None if it is no sweep, or a sweeper decides as it goes."""
    try:
        saved = yaml.safe_load((folder / "multirun.yaml").read_text())["hydra"]
        if not saved["sweeper"]["_target_"].endswith(".BasicSweeper"):
            return None
        words = [f"{key}={value}" for key, value in (saved["sweeper"]["params"] or {}).items()]
        words += saved["overrides"]["task"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None
    jobs = {}  # the command line comes after the sweep's yaml, and wins
    for override in OverridesParser.create().parse_overrides(words):
        swept = override.is_sweep_override()
        jobs[override.key_or_group] = len(list(override.sweep_string_iterator())) if swept else 1
    total = 1
    for count in jobs.values():
        total *= count
    return total


def earlier_result(cfg: DictConfig) -> dict[str, Any] | None:
    """What this job of a resumed sweep has already found out, if that counts.

    If it does not, `cfg.resume`, which names the sweep's folder, is changed to the job's last checkpoint, or
    to null where there is none that is whole.
    """
    if not cfg.resume or not (Path(cfg.resume) / "multirun.yaml").is_file():
        return None
    result = read_result(cfg.run_dir)
    if result.get("status") in COUNTS:
        return result
    last = Path(cfg.run_dir) / "checkpoints" / "last.ckpt"
    cfg.resume = str(last) if zipfile.is_zipfile(last) else None  # the end of a zip file is its contents
    return None
