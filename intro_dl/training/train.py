"""Train one model: from a config to a result."""

import logging
import time
from pathlib import Path

import pytorch_lightning as pl
from omegaconf import DictConfig

from intro_dl.runs.folder import RunFolder
from intro_dl.training.build import build, build_trainer, quiet_known_warnings
from intro_dl.training.devices import launch, one_of_several
from intro_dl.training.foreign import is_foreign, train_foreign
from intro_dl.training.report import best_epoch, git_commit, log_hyperparameters, measure, print_summary
from intro_dl.training.resume import (
    already_finished,
    data_changed_since,
    monitor_must_be_measured,
    read_resumed,
    say_what_cannot_be_restored,
    tell_how_to_resume,
)
from intro_dl.training.speed import check_bfloat16, compile_step, keep_freed_memory
from intro_dl.training.threads import choose_threads, set_threads
from intro_dl.visualize.callback import add_picture
from intro_dl.visualize.curves import write_curves
from intro_dl.visualize.layer_table import layer_table

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> float:
    """Train and test a model, and write its result.

    Args:
        cfg: the composed and checked config of one run.

    Returns:
        The best value of `cfg.monitor`, for a sweeper to compare.

    Raises:
        ValueError: if parts do not fit together; the message says which, and what to change.
    """
    started, commit = time.perf_counter(), git_commit()  # now: the code may be edited while it trains
    quiet_known_warnings()
    keep_freed_memory()
    pl.seed_everything(cfg.seed, verbose=False)
    if is_foreign(cfg):
        return train_foreign(cfg)
    data, model, trainer = build(cfg)
    folder = RunFolder(Path(cfg.run_dir))
    resumed = read_resumed(cfg, model, data)
    if finished := already_finished(cfg, resumed):
        return finished.metrics[cfg.monitor]
    if launch(trainer, folder):  # other processes have trained, one on each device
        return folder.read_result().metrics[cfg.monitor]
    data_changed_since(resumed, data)
    before, device = resumed.precision if resumed else None, trainer.strategy.root_device
    if trainer.is_global_zero and check_bfloat16(cfg.trainer, model, data, device, before):
        trainer = build_trainer(cfg, precision="32-true") if trainer.world_size == 1 else trainer

    log.info("Training %s on %s: %s", type(model).__name__, type(data).__name__, data.description())
    if trainer.is_global_zero:
        print(f"{'data':<20} {data.description()}\n")
        layers = layer_table(model, data)
        log.info("Layers:\n%s", layers)
        if cfg.summary:
            print(f"{layers}\n")
    if resumed and trainer.is_global_zero:
        print(f"Resuming {folder} at epoch {len(resumed.history) + 1} of {cfg.trainer.max_epochs}")
    saved = resumed.threads if resumed else None
    threads = choose_threads(cfg.trainer.threads, saved, trainer, model, data)
    with set_threads(threads), one_of_several(trainer, folder), tell_how_to_resume(trainer, folder):
        if cfg.trainer.compile:
            compile_step(model)
        try:
            with monitor_must_be_measured(cfg.monitor, trainer), say_what_cannot_be_restored(cfg.resume):
                trainer.fit(model, data, ckpt_path=cfg.resume, weights_only=True)
        finally:
            if trainer.is_global_zero:
                folder.write_history(model.history)
                best = best_epoch(cfg, model.history)
                curves = write_curves(folder, int(best["epoch"]) + 1 if best else None)
                if curves is not None and isinstance(trainer.logger, pl.loggers.TensorBoardLogger):
                    add_picture(trainer.logger.experiment, "curves", curves)
        if resumed and resumed.finished and trainer.global_step == resumed.step:
            return resumed.finished.metrics[cfg.monitor]  # it had stopped early
        result = measure(cfg, trainer, model, data)
    earlier = sum(row["seconds"] for row in resumed.history) if resumed else 0.0
    result.commit, result.seconds = commit, round(time.perf_counter() - started + earlier, 2)
    if trainer.is_global_zero:
        log_hyperparameters(cfg, trainer, model, data, result)
        folder.write_result(result)
        print_summary(folder, result)
    return result.metrics[cfg.monitor]
