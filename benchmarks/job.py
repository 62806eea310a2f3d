"""What a run in a sweep consists of beside its training, and benchmarks/RESULTS.md.

    python benchmarks/job.py                     about a minute
    python benchmarks/job.py jobs=4

LeNet on digits, two epochs, one job at a time with one thread, in seconds in which a core computes. Each part
is timed without the parts inside of it, so they add up to the whole. Two jobs come first and do not count.
"""

import contextlib
import io
import sys
import tempfile
import time

import pytorch_lightning as pl
import report
import torch
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core import utils as hydra_jobs
from pytorch_lightning.loops.fit_loop import _FitLoop
from stopwatch import Stopwatch

from intro_dl.cli import train as command
from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.runs.program import run_script
from intro_dl.training import preload as preload  # imports what a run needs
from intro_dl.training import train as training
from intro_dl.visualize.callback import Visualizer

COMPOSE, FILES, BUILD = "compose the config", "Hydra's files and logging", "data, model, trainer"
FIT, EPOCHS, SAVE, TEST = "before and after the epochs", "two epochs", "checkpoints", "test"
CURVES, PICTURES, REST = "curves.png", "pictures in TensorBoard", "the rest"
PARTS = (EPOCHS, COMPOSE, FILES, BUILD, FIT, SAVE, TEST, CURVES, PICTURES, REST)


def sweep(jobs: int) -> None:
    own = ["-m", f"seed=range({jobs})", "trainer.max_epochs=2", "hydra.launcher.n_jobs=1"]
    own += ["trainer.threads=1", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        if command.main([*own, f"hydra.sweep.dir={folder}"]):
            raise ValueError("The sweep failed.")


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"jobs": Option(Size, 24)})
    torch.set_num_threads(1)
    stopwatch = Stopwatch(time.process_time, "the sweep")
    stopwatch.watch(COMPOSE, ConfigLoaderImpl, "load_sweep_config")
    stopwatch.watch(FILES, hydra_jobs, "run_job")  # before Hydra imports its launchers
    stopwatch.watch(REST, training, "train")
    stopwatch.watch(BUILD, training, "build")
    stopwatch.watch(FIT, pl.Trainer, "fit")
    stopwatch.watch(EPOCHS, _FitLoop, "advance", "on_advance_end")
    stopwatch.watch(SAVE, pl.Trainer, "save_checkpoint")
    stopwatch.watch(TEST, training, "measure")
    stopwatch.watch(CURVES, training, "write_curves", "add_picture")
    stopwatch.watch(PICTURES, Visualizer, "_draw_safely")
    sweep(2)
    stopwatch.seconds.clear()
    sweep(options["jobs"])
    stopwatch.count()
    each = {part: stopwatch.seconds[part] / options["jobs"] for part in PARTS}
    job = sum(each.values())
    without = job - each[EPOCHS] - each[CURVES] - each[PICTURES]
    each |= {"one job": job, "without the epochs and the pictures": without}
    rows = [(part, f"{seconds:.3f}") for part, seconds in each.items()]
    text = f"{report.machine()}\n\nMeans of {options['jobs']} jobs.\n\n"
    text += report.table(("a run of LeNet on digits in a sweep", "s of a core"), rows)
    report.say("\n" + text)
    report.write_section("benchmarks/job.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
