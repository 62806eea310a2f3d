"""What happens beside the training: shown progress, the learning rate's curve, and guards."""

import logging
import math
import time
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import RichProgressBar
from rich.progress import ProgressColumn, Task
from rich.text import Text

from intro_dl.running.explosion import first_broken, what_is_kept
from intro_dl.tasks import LanguageModel

log = logging.getLogger(__name__)


class Diverged(ValueError):
    """The loss stopped being a finite number."""

    status = "diverged"  # in result.json, with
    facts: ClassVar[dict[str, Any]] = {}  # that a callback has added


class LearningRate(pl.Callback):
    """Log the learning rate at the start of every epoch as `lr`."""

    def __init__(self) -> None:
        self.epoch, self.rate = -1, 0.0

    def on_train_epoch_start(self, trainer, module):
        if self.epoch != trainer.current_epoch:  # else a resumed run is in the middle of it
            self.epoch, self.rate = trainer.current_epoch, trainer.optimizers[0].param_groups[0]["lr"]
        module.log("lr", self.rate)

    def state_dict(self):
        return {"epoch": self.epoch, "rate": self.rate}

    def load_state_dict(self, state):
        self.epoch, self.rate = state["epoch"], state["rate"]


class SeedEachEpoch(pl.Callback):
    """Let an epoch's randomness (dropout, augmentation) depend on the seed and the epoch alone.

    So a resumed run draws what it would have drawn, and measuring something in between changes nothing.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer, module):
        ranks = trainer.world_size  # every device draws its own numbers
        torch.manual_seed((self.seed * 1_000_003 + trainer.current_epoch) * ranks + trainer.global_rank)

    def on_save_checkpoint(self, trainer, module, checkpoint):
        checkpoint["seed"] = self.seed


class StopWhenNotFinite(pl.Callback):
    """End the run when the loss is NaN or infinite; say at which step, and which layer broke first.

    Looking at a loss makes a GPU wait, so there it happens once in `every` steps, unless the doctor asks for
    each one. The step named is exact all the same; the layer can be named only before the next step is taken.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every
        self.unchecked = []  # losses of the latest steps
        self.batch = None  # of the running step

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.batch = batch

    def on_before_backward(self, trainer, module, loss):
        if not self._at_once(module):
            return
        value = trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean").item()  # of all devices
        if not math.isfinite(value):
            step = trainer.global_step + 1
            with trainer.precision_plugin.forward_context():
                broken = first_broken(module, self.batch, step)
            self._stop(trainer, f"The training loss became {value} at step {step}", broken)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self._at_once(module):
            return
        self.unchecked.append(outputs["loss"].detach())
        if len(self.unchecked) == self.every:
            self._check(trainer)

    def on_train_epoch_end(self, trainer, module):
        self._check(trainer)

    def on_validation_end(self, trainer, module):
        self._check(trainer)
        loss, step = float(trainer.callback_metrics.get("loss/val", 0.0)), trainer.global_step
        if not math.isfinite(loss):
            broken = first_broken(module, self.batch, step + 1)
            self._stop(trainer, f"The validation loss became {loss} after step {step}", broken)

    def _at_once(self, module) -> bool:
        return module.device.type == "cpu" or self.every == 1

    def _check(self, trainer):
        if not self.unchecked:
            return
        # Of the whole batches: so all devices agree.
        losses = trainer.strategy.reduce(torch.stack(self.unchecked), reduce_op="mean")
        self.unchecked = []
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            first = int(bad[0])
            step = trainer.global_step - len(losses) + 1 + first
            what = f"The training loss became {losses[first].item()} at step {step}"
            self._stop(trainer, what, "callbacks=doctor names the layer that broke first.")

    def _stop(self, trainer, what, broken):
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        clip = isinstance(trainer.lightning_module, LanguageModel) and trainer.gradient_clip_val is None
        raise Diverged(
            f"{what} (epoch {trainer.current_epoch + 1}). {broken} The usual cause is too large a learning "
            f"rate: it was {rate:g}; try optim.lr={smaller(rate):g}"
            f"{', or trainer.gradient_clip_val=1' if clip else ''}. {what_is_kept(trainer)}"
        )


def smaller(rate: float) -> float:
    """The learning rate to try after one that was too large."""
    return min(rate / 10, 0.1)


class StayStopped(pl.Callback):
    """Train no further when the resumed run had been stopped early, unless the user asks for more.

    More is asked for when the epochs or the patience are others than those of the checkpoint.

    Args:
        epochs: that the run may take.
        patience: that of the config; Lightning would restore the one of the checkpoint.
    """

    def __init__(self, epochs: int, patience: int | None) -> None:
        self.epochs, self.patience = epochs, patience
        self.before = self.state_dict()

    def state_dict(self):
        return {"epochs": self.epochs, "patience": self.patience}

    def load_state_dict(self, state):
        self.before = state

    def on_train_start(self, trainer, module):
        for callback in trainer.early_stopping_callbacks:
            if self.before != self.state_dict() and self.patience is not None:
                callback.patience, callback.wait_count, callback.stopped_epoch = self.patience, 0, 0
            elif callback.stopped_epoch > 0:
                trainer.should_stop = True
                log.warning(
                    "This run had stopped early. To train on, give it more epochs: trainer.max_epochs=%d.",
                    2 * trainer.max_epochs,
                )


class Speed(ProgressColumn):
    """Steps a second since the epoch began; Lightning's says 0.00 of an epoch that was drawn only once."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed
        speed = task.completed / seconds if seconds else 0.0
        return Text(f"{speed:.{0 if speed >= 10 else 1}f} steps/s" if speed else "")


class Progress(RichProgressBar):
    """A bar for the running epoch, and above it a line for each finished one.

    To draw costs as much as a step of a small model, so the bar moves `refresh_rate` times a second.
    """

    def __init__(self, refresh_rate: int = 10) -> None:
        super().__init__(refresh_rate)
        self._drawn = 0.0  # when, in seconds
        self._shown = 0  # epochs
        self._header_shown = False

    def on_train_start(self, trainer, module):
        super().on_train_start(trainer, module)
        self._shown = len(module.history)

    def on_train_epoch_start(self, trainer, module):
        self._show_epoch(trainer, module)
        super().on_train_epoch_start(trainer, module)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        now = time.monotonic()
        if now - self._drawn > 1 / self.refresh_rate or trainer.is_last_batch:
            self._drawn = now
            super().on_train_batch_end(trainer, module, outputs, batch, batch_idx)

    def on_train_end(self, trainer, module):
        self._show_epoch(trainer, module)
        super().on_train_end(trainer, module)

    def on_test_start(self, trainer, module):
        self.disable()  # testing takes a moment, and its bar would be left on the screen

    def on_test_end(self, trainer, module):
        super().on_test_end(trainer, module)
        self.enable()

    def configure_columns(self, trainer):
        return [*super().configure_columns(trainer)[:-1], Speed()]

    def _get_train_description(self, current_epoch):
        return f"epoch {current_epoch + 1}/{self.trainer.max_epochs}"  # Lightning counts from 0

    def get_metrics(self, trainer, module):
        return {}  # they are in the line of the epoch

    def _show_epoch(self, trainer, module):
        if not self.is_enabled or len(module.history) == self._shown:
            return
        row = module.history[-1]
        names = [name.removesuffix("/train") for name in row if name.endswith("/train")]
        columns = {"epoch": f"{int(row['epoch']) + 1}/{trainer.max_epochs}"}
        for name in names[:2]:  # fits 80 columns
            columns[f"{name} train / val"] = (
                f"{row[f'{name}/train']:.4f} / {row.get(f'{name}/val', math.nan):.4f}"
            )
        columns["lr"] = f"{row['lr']:.3g}" if "lr" in row else ""
        columns["seconds"] = f"{row['seconds']:.1f}"
        if not self._header_shown:
            self._print("  ".join(f"{name:>{_width(name)}}" for name in columns))
        self._print("  ".join(f"{text:>{_width(name)}}" for name, text in columns.items()))
        self._shown, self._header_shown = len(module.history), True

    def _print(self, line: str) -> None:
        self.progress.console.print(Text(line))


def _width(column: str) -> int:
    return max(len(column), 15 if "/" in column else 7)
