"""Write checkpoints that survive a crash, and resume from them as if the run had never stopped."""

import io
from pathlib import Path, PureWindowsPath
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from intro_dl.config.types import Size
from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.runs.files import write_whole
from intro_dl.runs.signals import (
    Terminated,
    interrupt_at_once,
    on_first_interrupt,
    on_sigterm,
    terminate,
)


class LastCheckpoint(ModelCheckpoint):
    """Keep the latest weights as last.ckpt: after every epoch, and when Ctrl-C or SIGTERM ends the run.

    Args:
        dirpath: the directory.
        every_n_steps: also save after this many optimizer steps, for long epochs.
    """

    def __init__(self, dirpath: str, every_n_steps: Size | None = None) -> None:
        super().__init__(dirpath, "last", save_on_train_epoch_end=True, enable_version_counter=False)
        self.every_n_steps = every_n_steps
        self.told_to_end: type[KeyboardInterrupt] | None = None  # raised once everything is saved
        self.within: tuple[int, int, int] | None = (
            None  # epoch, batches done, batches in all; of the last save
        )

    def on_train_start(self, trainer, module):
        super().on_train_start(trainer, module)
        if trainer.world_size == 1:  # several devices would have to agree on a batch: they end at once
            on_sigterm(lambda: self._notice(Terminated))
            on_first_interrupt(lambda: self._notice(KeyboardInterrupt))

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        loop = trainer.fit_loop.epoch_loop
        if loop._should_accumulate() or loop._num_ready_batches_reached():
            return  # in the middle of a step, or about to be saved after the validation
        if not any(isinstance(each, MiddleOfEpoch) for each in trainer.callbacks):
            return self._end_if_told()  # a user's own module: it resumes from the last finished epoch
        due = self.every_n_steps and trainer.global_step % self.every_n_steps == 0
        if due or self.told_to_end:
            self.within = trainer.current_epoch, batch_idx + 1, trainer.num_training_batches
            self._save_checkpoint(trainer, str(Path(self.dirpath or "") / "last.ckpt"))
        self._end_if_told()

    def on_train_epoch_start(self, trainer, module):
        self._end_if_told()

    def on_train_end(self, trainer, module):
        super().on_train_end(trainer, module)
        self._notice_no_more()
        self._end_if_told()

    def on_exception(self, trainer, module, exception):
        self._notice_no_more()

    def _notice(self, kind):
        self.told_to_end = kind

    def _notice_no_more(self):
        on_sigterm(terminate)
        interrupt_at_once()

    def _end_if_told(self):
        if self.told_to_end:
            raise self.told_to_end


# What an optimizer keeps for each weight.
AS_LARGE = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "sum"}


class MiddleOfEpoch(pl.Callback):
    """Resume in the middle of an epoch, as if the run had never stopped.

    The checkpoint holds the position and the state of the random numbers; what the epoch has measured,
    and a recurrent state, are saved by `tasks.epoch.Epoch`.
    """

    def __init__(self) -> None:
        self.place: dict[str, Any] | None = None

    def on_save_checkpoint(self, trainer, module, checkpoint):
        loops = checkpoint["loops"]["fit_loop"]
        epochs, batches = loops["epoch_progress"], loops["epoch_loop.batch_progress"]
        if epochs["total"]["processed"] == epochs["total"]["started"]:
            return  # between two epochs
        if trainer.world_size > 1:
            raise ValueError(
                "Several devices cannot save in the middle of an epoch: leave out "
                "callbacks.last_checkpoint.every_n_steps, or use one device."
            )
        # Save a state in which the epoch has not begun, but its first batches are done. After a resume,
        # every callback then gets the start of the epoch. With Lightning's own state, callbacks do not.
        for extent in ("total", "current"):
            epochs[extent]["ready"] = epochs[extent]["started"] = epochs[extent]["processed"]
            batches[extent]["completed"] = batches[extent]["ready"]
        checkpoint["middle_of_epoch"] = {
            "batches": batches["current"]["ready"],
            "of": trainer.num_training_batches,
            "random": [generator.get_rng_state() for generator in _generators(module.device)],
        }

    def on_load_checkpoint(self, trainer, module, checkpoint):
        self.place = checkpoint.get("middle_of_epoch")

    def on_train_start(self, trainer, module):
        for parameter, state in trainer.optimizers[0].state.items():
            for name in AS_LARGE & state.keys():  # Adam in one kernel reads beyond the end of a smaller one
                if state[name] is not None and state[name].shape != parameter.shape:
                    raise ValueError(
                        "Cannot resume: the optimizer's state in last.ckpt does not fit the model."
                    )
        place = self.place
        if place is None:
            return
        if trainer.world_size > 1 or place["of"] != trainer.num_training_batches:
            raise ValueError(
                f"This run stopped after batch {place['batches']} of {place['of']}, on one device. Now an "
                f"epoch has {trainer.num_training_batches} batches on {trainer.world_size}: leave out the "
                "change until the epoch is finished."
            )
        trainer.fit_loop.epoch_loop.restarting = True  # keep the count of batches

    def on_train_epoch_start(self, trainer, module):
        place, self.place = self.place, None
        if place is not None:
            trainer.train_dataloader.skip(place["batches"])
            for generator, state in zip(_generators(module.device), place["random"], strict=False):
                generator.set_rng_state(state.cpu())  # without a GPU, that of the GPU is left out


def _generators(device: torch.device) -> list[Any]:
    """Return what draws the random numbers of a run."""
    return [torch, *([] if device.type == "cpu" else [torch.get_device_module(device)])]


class WholeCheckpoints(TorchCheckpointIO):
    """Let Lightning write complete checkpoints or none, and read them from a folder that was moved."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        content, file = io.BytesIO(), Path(path)
        torch.save(checkpoint, content)
        file.parent.mkdir(exist_ok=True)  # not its parents: a deleted run folder stays deleted
        write_whole(file, content.getbuffer())

    def load_checkpoint(self, path: str | Path, *arguments: Any, **options: Any) -> dict[str, Any]:
        checkpoint = read_checkpoint(Path(path))
        folder = Path(path).resolve().parent
        for state in checkpoint.get("callbacks", {}).values():
            if isinstance(state, dict):
                _move_paths(state, folder)
        return checkpoint


def _move_paths(state: dict[str, Any], folder: Path) -> None:
    """Make all paths in the state of a ModelCheckpoint point to files in `folder`.

    The run may have been moved or copied. The checkpoint may also be untrusted, and Lightning deletes the
    files at these paths when it has better ones.
    """

    def moved(path: Any) -> str:
        name = PureWindowsPath(str(path)).name  # it knows both kinds of slashes
        return str(folder / name) if name.endswith(".ckpt") else ""

    for key, value in state.items():
        if key == "dirpath":
            state[key] = str(folder)
        elif key == "best_k_models":
            state[key] = {moved(path): score for path, score in dict(value).items()}
        elif str(key).endswith("_path"):
            state[key] = moved(value)
        elif isinstance(value, dict):
            _move_paths(value, folder)
