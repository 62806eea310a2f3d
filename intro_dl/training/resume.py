"""Resume a saved run: check what must be the same, find what is finished, and explain how to resume."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.exceptions import SIGTERMException

from intro_dl.config.arguments import shown
from intro_dl.data.dataset import TensorData
from intro_dl.runs.checkpoint import OldFormat, read_checkpoint
from intro_dl.runs.files import one_line, shown_path, write_whole
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import Result, Status
from intro_dl.runs.signals import Terminated
from intro_dl.tasks import Task
from intro_dl.training.checkpoints import LastCheckpoint

log = logging.getLogger(__name__)

# Root keys that stay the same. best.ckpt holds the best weights by `monitor`, so another one would name an
# epoch whose weights are lost.
FIXED = ("seed", "monitor", "mode")


class SaveCommand(pl.Callback):
    """Save the command with which the run resumes, once it has made a step: a refused one changes nothing.

    The checkpoint also gets the settings that must be the same when the run resumes.
    """

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg, self.saved = cfg, False

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self.saved:
            return
        self.saved = True
        folder = Path(self.cfg.run_dir) / ".hydra"
        running = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.RUN
        if trainer.is_global_zero and folder.is_dir() and running:
            write_whole(folder / "config.yaml", OmegaConf.to_yaml(self.cfg))
            write_whole(folder / "overrides.yaml", OmegaConf.to_yaml(HydraConfig.get().overrides.task))
            RunFolder(folder.parent).write_choices(dict(HydraConfig.get().runtime.choices))

    def on_save_checkpoint(self, trainer, module, checkpoint):
        checkpoint.update({key: self.cfg[key] for key in FIXED})
        # Another number of threads would round differently.
        checkpoint.update({"threads": torch.get_num_threads(), "precision": trainer.precision})


@dataclass(frozen=True)
class Resumed:
    """The finished part of a resumed run.

    Args:
        history: one dict for each finished epoch.
        step: optimizer steps taken.
        threads: number of CPU threads with which it was trained.
        precision: that of its matrix products, e.g. "32-true".
        metadata: metadata of the data that it was trained on.
        finished: its result, if the result covers all epochs of the history.
    """

    history: list[dict[str, float]]
    step: int
    threads: int | None
    precision: str | None
    metadata: dict[str, Any]
    finished: Result | None


def read_resumed(cfg: DictConfig, model: Task, data: TensorData) -> Resumed | None:
    """Return what the checkpoint `cfg.resume` holds, or None for a new run.

    Raises:
        ValueError: if training cannot resume from it with this model and these data.
    """
    if not cfg.resume:
        return None
    if "trainer.fast_dev_run" in keys_beside_resume():
        raise ValueError("trainer.fast_dev_run tests a command; it cannot resume a run. Leave it out.")
    checkpoint = _resumable(cfg, model, data)
    finished = _finished_result(cfg, len(checkpoint["history"]))
    metadata = checkpoint.get("metadata", {})
    how = checkpoint.get("threads"), checkpoint.get("precision")
    return Resumed(checkpoint["history"], checkpoint["global_step"], *how, metadata, finished)


def already_finished(cfg: DictConfig, resumed: Resumed | None) -> Result | None:
    """Return the result of a resumed run that has all its epochs, and say so; else None."""
    if resumed is None or resumed.finished is None:
        return None
    epochs = len(resumed.history)
    steps_done = 0 < cfg.trainer.max_steps <= resumed.step
    if epochs < cfg.trainer.max_epochs and not steps_done:
        return None
    longer = f"max_steps={2 * resumed.step}" if steps_done else f"max_epochs={2 * epochs}"
    number = f"{epochs} epoch{'s' * (epochs > 1)}"
    what = "This run is already finished (%s); result.json is unchanged. To train it longer: trainer.%s."
    log.warning(what, number, longer)
    return resumed.finished


def data_changed_since(resumed: Resumed | None, data: TensorData) -> None:
    """Warn if the data differ from those at the start of the run, and add the warning to the notes."""
    if resumed and (change := data.change_since(resumed.metadata)):
        log.warning(
            change
        )  # not refused: resuming with more images, or on another machine, is the user's choice
        data.notes = [*data.notes, change]


def _resumable(cfg: DictConfig, model: Task, data: TensorData) -> dict[str, Any]:
    path = Path(cfg.resume)
    try:
        checkpoint = read_checkpoint(path)
    except OldFormat:
        raise
    except ValueError as error:
        raise ValueError(
            f"Cannot resume {path}: it is damaged or not a checkpoint of a run. If best.ckpt is "
            "whole, copy it over last.ckpt to resume from the best epoch."
        ) from error
    saved, hyperparameters = checkpoint["model"], checkpoint["hyper_parameters"]
    name = type(model).__name__
    if saved != name:
        raise ValueError(
            f"Cannot resume {path}: it holds {saved}, but model= names {name}. Leave out model=."
        )
    metadata, now = checkpoint.get("metadata") or {}, data.metadata()
    same = metadata.get("fingerprint") == now["fingerprint"]  # in another form, perhaps: images in files
    if metadata.get("data", now["data"]) != now["data"] and not same:
        raise ValueError(
            f"Cannot resume {path}: it was trained on {metadata['data']}, and data= names {now['data']}: a "
            "run cannot mix both. Leave out data=."
        )
    changed = {key: checkpoint[key] for key in FIXED if checkpoint.get(key, cfg[key]) != cfg[key]}
    changed |= {
        f"model.{key}": hyperparameters.get(key)
        for key, value in model.hparams.items()
        if _plain(hyperparameters.get(key)) != _plain(value)
    }
    optimizer, now = checkpoint.get("optimizer", {}), model.optimizer_settings()
    if optimizer.get("optim", now["optim"]) != now["optim"]:
        raise ValueError(
            f"Cannot resume {path}: it was trained with {optimizer['optim']}, and {now['optim']} cannot "
            f"use the state of {optimizer['optim']}. Leave out optim=."
        )
    names = optimizer | now if optimizer else {}
    changed |= {f"optim.{key}": optimizer.get(key) for key in names if now.get(key) != optimizer.get(key)}
    if "optim.l1" in changed:  # a checkpoint has it if it is not 0
        changed["regularization.l1"] = changed.pop("optim.l1") or 0
    if changed:
        was = ", ".join(f"{key}={shown(value)}" for key, value in changed.items())
        # An option sets keys of its group, and these two set keys of others.
        sources = {*changed, *(key.partition(".")[0] for key in changed)}
        typed = dict.fromkeys(keys_beside_resume())
        others = ("regularization", "experiment")
        blamed = [f"{key}=" for key in typed if key in sources or key.startswith(others)]
        out = f"Leave out {' and '.join(blamed)}." if blamed else "Leave these keys out."
        raise ValueError(f"Cannot resume {path}: it was trained with {was}. {out}")
    return checkpoint


def keys_beside_resume() -> list[str]:
    """Return the keys that the user typed after resume=; the saved command stands before it."""
    task = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    place = next((number for number, text in enumerate(task) if text.startswith("resume=")), len(task))
    return [text.lstrip("+~").partition("=")[0] for text in task[place + 1 :]]


def _finished_result(cfg: DictConfig, epochs: int) -> Result | None:
    """Return the result of the run if it covers `epochs` epochs, else None.

    Raises:
        ValueError: if there is no such result, and `epochs` is more than trainer.max_epochs.
    """
    result = RunFolder(Path(cfg.run_dir)).read_result()
    tested = not cfg.test or any(name.endswith("/test") for name in result.metrics)
    complete = result.status is Status.COMPLETED and result.epochs == epochs
    if tested and complete and cfg.monitor in result.metrics:
        return result
    if epochs > cfg.trainer.max_epochs:
        raise ValueError(
            f"Cannot resume {cfg.resume}: it has {epochs} epochs, more than "
            f"trainer.max_epochs={cfg.trainer.max_epochs}. Leave it out, or set a larger value."
        )
    return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@contextmanager
def tell_how_to_resume(trainer: pl.Trainer, folder: RunFolder) -> Iterator[None]:
    """Turn the SystemExit that Lightning makes of Ctrl-C and SIGTERM into a KeyboardInterrupt with advice."""
    try:
        yield
    except SystemExit as stop:
        raise _interruption(stop, trainer, folder) from stop


@contextmanager
def say_what_cannot_be_restored(path: str | None) -> Iterator[None]:
    """Name the checkpoint in an error that Lightning raises while it restores the state of a training."""
    try:
        yield
    except Exception as error:
        frames = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))
        if path and any(Path(name).name == "checkpoint_connector.py" for name in frames):
            reason = one_line(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
            raise ValueError(
                f"Cannot resume {shown_path(path)}: its state is damaged or of another training "
                f"({reason}). If best.ckpt is whole, copy it over last.ckpt."
            ) from error
        raise


@contextmanager
def monitor_must_be_measured(monitor: str, trainer: pl.Trainer) -> Iterator[None]:
    """Explain the error if training failed because `monitor` was not measured."""
    try:
        yield
    except Exception as error:
        measured = trainer.callback_metrics
        if measured and monitor not in measured:
            names = ", ".join(sorted(measured))
            raise ValueError(f"Nothing measures monitor={monitor}. Available: {names}.") from error
        raise


def _interruption(stop: SystemExit, trainer: pl.Trainer, folder: RunFolder) -> KeyboardInterrupt:
    terminated = isinstance(stop, SIGTERMException) or isinstance(stop.__context__, Terminated)
    kind = Terminated if terminated else KeyboardInterrupt
    what = "Received SIGTERM" if terminated else "Interrupted"
    if not folder.last.is_file():
        return kind(f"{what} before the first epoch was finished. Nothing was saved.")
    if trainer.state.fn == "test":
        return kind(
            f"{what} during the test. Training is finished. Run the test with: {folder.resume_command()}"
        )
    place, epoch = "", trainer.current_epoch
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, LastCheckpoint) and callback.within and callback.within[0] == epoch:
            place = f" ({callback.within[1]} of {callback.within[2]} batches)"
    return kind(
        f"{what} in epoch {epoch + 1}. Progress is saved{place}. Resume with: {folder.resume_command()}"
    )
