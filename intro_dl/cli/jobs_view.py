"""Show the jobs of a sweep: a bar, a line for each running job, and one that stays for each finished job."""

import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from intro_dl.runs.program import printable
from intro_dl.runs.result import Result, Status

if TYPE_CHECKING:
    from intro_dl.cli.launcher import Running

BESIDE = 40  # columns that epoch and metric take


class View:
    """What the user sees. Without a terminal, only the lines of finished jobs, and warnings.

    Args:
        total: number of jobs.
        at_a_time: how many run at the same time.
        width: of the widest name of a job.
        bars: whether to draw bars on a terminal.
    """

    def __init__(self, total: int, at_a_time: int, width: int, bars: bool) -> None:
        self.total, self.width, self.finished = total, width, 0
        self.live: Any = None
        self.drawn = 0.0  # when, in seconds
        self.at_a_time = min(at_a_time, total)
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
            label = each.label  # optim.lr=0.1, or lr=0.1 where the space is scarce
            if len(label) + BESIDE > self.live.console.width:
                label = re.sub(r"[\w.]+\.(?=\w+=)", "", label)
            table.add_row(printable(label), epoch, each.measured)
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
        how = f"{name} {result.metrics[name]:.4f}" if name in result.metrics else ""
        if result.status is Status.DIVERGED:
            how = f"diverged: {result.reason}"
        seconds = "finished before" if running.kept else f"{result.seconds:.1f} s" if result.seconds else ""
        print(printable(f"{running.label:<{self.width}}  {how}  {seconds}".rstrip()), flush=True)

    def error(self, running: "Running", text: str) -> None:
        """Print an error or a warning of a job."""
        print(printable(f"{running.label:<{self.width}}  {text}"), file=sys.stderr, flush=True)
