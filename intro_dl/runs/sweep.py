"""The folder of a sweep: the command that started it, how many jobs it has, and which of them are done."""

import math
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from intro_dl.runs.files import read_yaml, shown_path
from intro_dl.runs.folder import RunFolder, find_runs
from intro_dl.runs.result import Result
from intro_dl.runs.values import fits

MOST_JOBS = 100_000  # of a sweep that is resumed


@dataclass(frozen=True)
class SweepFolder:
    """One sweep on disk, with a run folder for each of its jobs."""

    path: Path

    def __str__(self) -> str:
        return shown_path(self.path)

    @property
    def command_file(self) -> Path:
        return self.path / "multirun.yaml"

    def is_sweep(self) -> bool:
        return self.command_file.is_file()

    def jobs(self) -> list[RunFolder]:
        """Return the jobs that have begun."""
        return [run for run in find_runs(self.path) if run.path.parent == self.path]

    def resume_command(self) -> str:
        return RunFolder(self.path).resume_command()

    def read_overrides(self) -> tuple[list[str], list[str]]:
        """Return the command of the sweep: the overrides of its runs, and those of Hydra.

        Raises:
            ValueError: if multirun.yaml is damaged.
        """
        try:
            saved = self._read()["overrides"]
            task, hydra = saved["task"], saved["hydra"]
            if not fits([task, hydra], list[list[str]]):
                raise ValueError
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"Cannot resume {self}: its multirun.yaml is truncated or not valid YAML. Start a new sweep."
            ) from error
        if (jobs := self.planned_jobs() or 0) > MOST_JOBS:
            raise ValueError(f"Cannot resume {self}: {jobs:,} jobs are more than {MOST_JOBS:,}.")
        return task, hydra

    def planned_jobs(self) -> int | None:
        """Return how many jobs the sweep has; None if it is not a sweep or a search decides while it runs."""
        try:
            saved = self._read()
            if not saved["sweeper"]["_target_"].endswith(".BasicSweeper"):
                return None
            words = [f"{key}={value}" for key, value in (saved["sweeper"]["params"] or {}).items()]
            words += saved["overrides"]["task"]
            # The command line comes after the sweep's yaml, and wins.
            overrides = OverridesParser.create().parse_overrides(words)
            return prod({each.key_or_group: _values(each) for each in overrides}.values())
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, HydraException):
            return None

    def _read(self) -> Any:
        return read_yaml(self.command_file)["hydra"]


def in_sweep() -> bool:
    """Return whether this process runs a job of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _values(override: Override) -> int:
    """Return how many values an override has. A range may have 10^18: they are not listed."""
    found = override.value()
    if isinstance(found, RangeSweep):
        start, stop, step = (Decimal(str(number)) for number in (found.start, found.stop, found.step))
        return max(0, math.ceil((stop - start) / step))
    return len(found.list) if isinstance(found, ChoiceSweep) else 1


def earlier_result(cfg: DictConfig) -> Result | None:
    """Return the result that this job of a resumed sweep already has, if it counts.

    Otherwise `cfg.resume`, which names the folder of the sweep, is changed to the job's last checkpoint, or
    to null if it has none that is whole.
    """
    if not cfg.resume or not SweepFolder(Path(cfg.resume)).is_sweep():
        return None
    folder = RunFolder(Path(cfg.run_dir))
    result = folder.read_result()
    if result.status.counts:
        return result
    whole = zipfile.is_zipfile(folder.last)  # a zip file ends with its index
    cfg.resume = str(folder.last) if whole else None
    return None
