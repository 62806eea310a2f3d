"""Show the jobs of a sweep: a bar, a line for each running job, and one that stays for each finished job."""

import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TextIO

from intro_dl.runs.program import printable
from intro_dl.runs.result import Result, Status

if TYPE_CHECKING:
    from intro_dl.cli.launcher import Running

BESIDE = 40  # columns that epoch and metric take


class View:
    """What the user sees. Without a terminal, only the lines of finished jobs, and warnings.

    Args:
        labels: what each job differs in from the others, by its number.
        at_a_time: how many run at the same time.
        bars: whether to draw bars on a terminal.
    """

    def __init__(self, labels: Mapping[int, str], at_a_time: int, bars: bool) -> None:
        self.labels, self.total, self.finished = dict(labels), len(labels), 0
        self.live: Any = None
        self.drawn = 0.0  # when, in seconds
        self.at_a_time = min(at_a_time, self.total)
        self.bars = bars and sys.stderr.isatty()

    def __enter__(self) -> Self:
        print(f"{self.total} job{'s' * (self.total > 1)}, {self.at_a_time} at a time")
        sys.stdout.flush()
        if self.bars:
            from rich.console import Console
            from rich.live import Live
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = TextColumn("{task.description}"), BarColumn(None), TimeElapsedColumn()
            self.progress = Progress(*columns, auto_refresh=False, expand=True)
            self.bar = self.progress.add_task("loading PyTorch", total=self.total)
            console = Console(stderr=True)
            redirect = {"redirect_stdout": sys.stdout.isatty(), "redirect_stderr": True}
            self.live = Live(self.progress, console=console, auto_refresh=False, transient=True, **redirect)
            self.live.start(refresh=True)
            if max(map(len, self.labels.values())) + BESIDE > console.width:  # lr=0.1 instead of optim.lr=0.1
                short = {
                    number: re.sub(r"[\w.]+\.(?=\w+=)", "", text) for number, text in self.labels.items()
                }
                self.labels = short
        return self

    def __exit__(self, *error: object) -> None:
        if self.live:
            self.live.stop()

    def show(self, running: "Sequence[Running]", stopping: bool) -> None:
        """Draw the present state, at most ten times a second: an epoch may be shorter than the drawing."""
        now = time.monotonic()
        if not self.live or now < self.drawn + 0.1:
            return
        self.drawn = now
        from rich.console import Group
        from rich.table import Table

        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, justify="right")
        for each in running:
            epoch = f"epoch {each.epoch}/{each.epochs}" if each.epochs else "starting"
            table.add_row(printable(self.labels[each.job.number]), epoch, each.measured)
        begun = sum(each.epoch / each.epochs for each in running if each.epochs)
        done = "saving" if stopping else f"{self.finished} of {self.total} jobs"
        self.progress.update(self.bar, completed=self.finished + begun, description=done)
        self.live.update(Group(self.progress, table), refresh=True)

    def end(self, running: "Running", result: Result, monitor: str) -> None:
        """Print the line of a job that has ended."""
        self.finished += 1
        if not result.status.counts:
            return self.error(running, f"Error: {result.reason}")
        leading = f"{result.leading}/val"
        name = leading if leading in result.metrics else monitor
        how = f"best {name} {result.metrics[name]:.4f}" if name in result.metrics else ""
        if result.status is Status.DIVERGED:
            how = f"diverged: {result.reason}"
        seconds = "finished before" if running.kept else f"{result.seconds:.1f} s" if result.seconds else ""
        self._print(running, f"{how}  {seconds}", sys.stdout)

    def error(self, running: "Running", text: str) -> None:
        """Print an error or a warning of a job."""
        self._print(running, text, sys.stderr)

    def _print(self, running: "Running", text: str, stream: TextIO) -> None:
        label, width = self.labels[running.job.number], max(map(len, self.labels.values()))
        print(printable(f"{label:<{width}}  {text}".rstrip()), file=stream, flush=True)
