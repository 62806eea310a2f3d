"""What a sweep says at its end: one line a run, with its result or why it has none."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table


class SweepSummary(Callback):
    """Hydra calls this around a multirun."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        runs = sorted((path.parent for path in folder.glob("*/result.json")), key=_job_number)
        if not runs:
            return
        results = {run.name: json.loads((run / "result.json").read_text()) for run in runs}
        table = Table("run", "loss/val", "accuracy/test", "epochs", "seconds", title=f"Sweep in {folder}")
        for name, result in results.items():
            if result["status"] == "completed":
                cells = [f"{result[key]:.4g}" if key in result else "" for key in table_keys]
                table.add_row(name, *cells)
            else:
                table.add_row(name, f"[red]{result['status']}[/red]")
        console = Console()
        console.print(table)
        console.print(f"Compare the curves:  tensorboard --logdir {folder}", soft_wrap=True)
        failed = {name: result for name, result in results.items() if result["status"] != "completed"}
        for name, result in failed.items():
            console.print(f"[red]{name}:[/red] {result['reason']}", soft_wrap=True)
        if failed:
            raise SystemExit(1)


table_keys = ("loss/val", "accuracy/test", "epochs", "seconds")


def _job_number(run: Path) -> tuple[int, str]:
    number = run.name.split("_")[0]
    return (int(number) if number.isdigit() else -1, run.name)
