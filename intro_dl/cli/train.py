"""The command `intro-dl train`: compose a config and train."""

import gc
import math
import sys
from collections.abc import Sequence

import hydra
from omegaconf import DictConfig

from intro_dl.cli.app import report_errors, run
from intro_dl.config.targets import allow_own_code
from intro_dl.config.validate import check_values
from intro_dl.runs.program import say_loading
from intro_dl.runs.rank import is_worker
from intro_dl.runs.sweep import earlier_result


@hydra.main(version_base="1.3", config_path="pkg://intro_dl.configs", config_name="train")
def train_one(cfg: DictConfig) -> float:
    """Train one run, or one job of a sweep."""
    worst = math.inf if cfg.mode == "min" else -math.inf  # what a search gets for a run without a result
    with report_errors(cfg):
        check_values(cfg)
        if earlier := earlier_result(cfg):  # the result of this job, in a sweep that is resumed
            return earlier.metrics.get(cfg.monitor, worst)
        if not is_worker():
            say_loading()
        first = "torch" not in sys.modules
        if first:
            gc.disable()  # what is imported stays: to look for garbage in it would take half a second
        from intro_dl.training.train import (
            train,  # here, so that mistakes are reported before torch is imported
        )

        if first:
            gc.freeze()
            gc.enable()
        try:
            return train(cfg)
        finally:
            allow_own_code(None)
    return worst


def main(arguments: Sequence[str]) -> int:
    """Train with the arguments of the command line, and return the exit code."""
    return run(train_one, arguments)
