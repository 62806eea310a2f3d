"""Show the progress of a training on the terminal, or in a notebook."""

import time
from collections.abc import Callable
from typing import Any

from pytorch_lightning.callbacks import RichProgressBar
from rich import reconfigure
from rich.console import Console
from rich.progress import ProgressColumn, Task
from rich.text import Text

from intro_dl.config.types import Size

# Called with the finished epochs, their maximum, and the name and value of a metric, at each epoch.
listener: Callable[[int, int, str, float | None], None] | None = None


class Speed(ProgressColumn):
    """Steps per second since the epoch began. Lightning's own column shows 0.00 for a short epoch."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed
        speed = task.completed / seconds if seconds else 0.0
        return Text(f"{speed:.{0 if speed >= 10 else 1}f} steps/s" if speed else "")


class Progress(RichProgressBar):
    """A bar for the current epoch, and above it a line for each finished epoch.

    Drawing costs as much as a step of a small model, so the bar is redrawn `refresh_rate` times a second.
    In a notebook, where the bar of rich needs ipywidgets, a percentage takes its place.
    """

    def __init__(self, refresh_rate: Size = 10) -> None:
        self._in_notebook = Console().is_jupyter
        plain = {"force_jupyter": False, "force_terminal": False}  # a notebook shows few escape codes
        super().__init__(refresh_rate, console_kwargs=plain if self._in_notebook else None)
        self._drawn = 0.0  # when, in seconds
        self._shown = 0  # epochs
        self._header_shown = False

    def on_train_start(self, trainer, module):
        super().on_train_start(trainer, module)
        if self.progress is not None and not self.progress.console.is_terminal:
            self.progress.live.transient = True  # or the last bar stays as one more line
        self._shown = len(module.history)
        self._tell_listener(trainer, module)

    def on_train_epoch_start(self, trainer, module):
        self._show_epoch(trainer, module)
        super().on_train_epoch_start(trainer, module)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        now = time.monotonic()
        pause = 1.0 if self._in_notebook else 1 / self.refresh_rate  # a saved notebook keeps each percentage
        if now - self._drawn > pause or trainer.is_last_batch:
            self._drawn = now
            super().on_train_batch_end(trainer, module, outputs, batch, batch_idx)
            if self._in_notebook and self.is_enabled:
                done = f"{(batch_idx + 1) / self.total_train_batches:.0%}"
                print(
                    f"\r{self._get_train_description(trainer.current_epoch)}: {done:<5}", end="", flush=True
                )

    def on_train_end(self, trainer, module):
        self._show_epoch(trainer, module)
        super().on_train_end(trainer, module)

    def on_test_start(self, trainer, module):
        self.disable()  # the test is short, and its bar would stay on the screen

    def on_test_end(self, trainer, module):
        super().on_test_end(trainer, module)
        self.enable()

    def teardown(self, trainer, module, stage):
        super().teardown(trainer, module, stage)
        if self._in_notebook:
            reconfigure()  # rich's own console in this notebook

    def configure_columns(self, trainer):
        return [*super().configure_columns(trainer)[:-1], Speed()]

    def get_metrics(self, trainer, module):
        return {}  # they are in the line of the epoch

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1}/{self.trainer.max_epochs}"  # Lightning counts from 0

    def _show_epoch(self, trainer: Any, module: Any) -> None:
        if not self.is_enabled or len(module.history) == self._shown:
            return
        self._tell_listener(trainer, module)
        row = module.history[-1]
        names = [name.removesuffix("/train") for name in row if name.endswith("/train")]
        columns = {"epoch": f"{int(row['epoch']) + 1}/{trainer.max_epochs}"}
        for name in names[:2]:  # these fit into 80 columns
            validation = f"{row[f'{name}/val']:.4f}" if f"{name}/val" in row else "-"
            columns[f"{name} train / val"] = f"{row[f'{name}/train']:.4f} / {validation}"
        own = [name for name in row if name not in ("epoch", "lr", "seconds") and not name.endswith("_step")]
        for name in own[:4] if not names else ():  # of a user's own module
            columns[name] = f"{row[name]:.4f}"
        columns["lr"] = f"{row['lr']:.3g}" if "lr" in row else ""
        columns["seconds"] = f"{row['seconds']:.1f}"
        if not self._header_shown:
            self._print("  ".join(f"{name:>{_width(name)}}" for name in columns))
        self._print("  ".join(f"{text:>{_width(name)}}" for name, text in columns.items()))
        self._shown, self._header_shown = len(module.history), True

    def _tell_listener(self, trainer: Any, module: Any) -> None:
        if listener is not None:
            row = module.history[-1] if module.history else {}
            measured = [name for name in row if name.endswith("/val")]
            leading = f"{getattr(module, 'leading', '')}/val"
            name = leading if leading in row else next(iter(measured), "")
            listener(len(module.history), trainer.max_epochs, name, row.get(name))

    def _print(self, line: str) -> None:
        if self._in_notebook:
            print(f"\r{line}")
        elif self.progress is not None:
            self.progress.console.print(Text(line))


def _width(column: str) -> int:
    return max(len(column), 15 if "/" in column else 7)
