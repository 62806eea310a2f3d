"""Set runs side by side: one row for each setting, seeds taken together, the best first."""

import csv
import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from intro_dl.config.names import nearest
from intro_dl.runs.files import shown_path
from intro_dl.runs.record import GROUPS, Run

ABSENT = "–"
MAIN_MEASURES = ("bits_per_char", "accuracy", "absolute_error")  # beside the loss; the first that is there


@dataclass
class Row:
    """Runs that differ only in their seed."""

    values: dict[str, Any]  # of the columns that differ between rows
    runs: list[Run]  # completed
    diverged: list[Run]

    def numbers(self, name: str) -> list[float]:
        """One number for each completed run; for each diverged one where none is completed."""
        found = [run.measured(name) for run in self.runs or self.diverged]
        return [value for value in found if value is not None]

    def mean(self, name: str) -> float | None:
        numbers = self.numbers(name)
        return statistics.fmean(numbers) if numbers else None

    def deviation(self, name: str) -> float | None:
        """The sample's standard deviation, with n - 1; None for a single run."""
        numbers = self.numbers(name)
        return statistics.stdev(numbers) if len(numbers) > 1 else None

    @property
    def status(self) -> str:
        if not self.diverged:
            return "completed"
        if not self.runs:
            return "diverged"
        return f"{len(self.diverged)} of {len(self.runs) + len(self.diverged)} diverged"


@dataclass
class Comparison:
    """What `compare` found."""

    columns: list[str]  # what differs between the rows
    rows: list[Row]  # the best first
    left_out: list[Run]  # failed, interrupted, unfinished or damaged
    repeated: list[Run]  # of a setting and a seed that a newer run has too
    metric: str  # decides the order
    measures: list[str]  # everything that was measured
    shared: dict[str, str]  # the choices that all runs have in common

    @property
    def shown(self) -> list[str]:
        """The measures for the screen: validation, then test."""
        beside = next((m for m in MAIN_MEASURES if f"{m}/val" in self.measures), "loss")
        names = ["loss/val", f"{beside}/val", f"{beside}/test", self.metric]
        return [name for name in dict.fromkeys(names) if name in self.measures]

    @property
    def seeded(self) -> bool:
        """Whether a row stands for several runs."""
        return any(len(row.runs) + len(row.diverged) > 1 for row in self.rows)

    @property
    def runs(self) -> list[Run]:
        """All that are compared."""
        return [run for row in self.rows for run in row.runs + row.diverged]

    @property
    def all_diverged(self) -> bool:
        return not any(row.runs for row in self.rows)

    @cached_property
    def chance_loss(self) -> float | None:
        """The loss of guessing, if it is the same for all runs."""
        found = {run.result.chance_loss for run in self.runs} - {None}
        return found.pop() if len(found) == 1 else None

    @property
    def notes(self) -> list[str]:
        """What a reader of the table has to know."""
        lines = []
        for row in self.rows:
            for run in row.diverged:
                lines.append(f"{shown_path(run.folder)} diverged: {run.reason}")
        for run in self.left_out:
            lines.append(f"{shown_path(run.folder)} is {run.status} and not compared: {run.reason}")
        for run in self.repeated:
            lines.append(
                f"{shown_path(run.folder)} repeats the settings and the seed of a newer run; not counted"
            )
        return [line.rstrip(".") + "." for line in lines]


def compare(runs: list[Run], metric: str = "loss/val") -> Comparison:
    """Set runs side by side.

    Raises:
        ValueError: if nothing was finished, the runs have different tasks, or nothing measured `metric`.
    """
    ended = [run for run in runs if run.status in ("completed", "diverged")]
    left_out = [run for run in runs if run not in ended]
    if not ended:
        first = left_out[0]
        which = f"None of the {len(runs)} runs has" if len(runs) > 1 else "The only run has not"
        raise ValueError(
            f"{which} finished; {shown_path(first.folder)} is {first.status}: {first.reason.rstrip('.')}."
        )
    check_task(ended)
    measures = list(dict.fromkeys(name for run in ended for name in run.result.metrics))
    if metric not in measures and any(run.status == "completed" for run in ended):
        raise ValueError(f"No run has metric={metric}.{nearest(metric, measures)}")
    columns, members = group(ended)
    repeated, rows = [], []
    for same in members:
        newest = {run.seed: run for run in sorted(same, key=_time)}
        repeated += [run for run in same if newest[run.seed] is not run]
        kept = [run for run in same if newest[run.seed] is run]
        values = {column: value_of(same[0], column) for column in columns}
        finished = [run for run in kept if run.status == "completed"]
        rows.append(Row(values, finished, [run for run in kept if run.status == "diverged"]))
    rows.sort(key=lambda row: _rank(row, metric))
    choices = [{name: run.choices.get(name) for name in GROUPS} for run in ended]
    shared = {name: value for name, value in choices[0].items() if all(c[name] == value for c in choices)}
    return Comparison(columns, rows, left_out, repeated, metric, measures, shared)


def by_task(runs: list[Run]) -> dict[frozenset[str], list[Run]]:
    """The runs that measured the same, e.g. accuracy and loss; without those that measured nothing."""
    tasks = defaultdict(list)
    for run in runs:
        names = frozenset(name.partition("/")[0] for name in run.result.metrics)
        if names:
            tasks[names].append(run)
    return tasks


def check_task(runs: list[Run]) -> None:
    """Refuse to compare a language model with a classifier: their numbers mean different things."""
    tasks = by_task(runs)
    if len(tasks) > 1:
        sides = [
            f"{shown_path(same[0].folder)} measured {', '.join(sorted(names))}"
            for names, same in tasks.items()
        ]
        raise ValueError(f"The runs have different tasks: {'; '.join(sides)}. Compare them separately.")


def group(runs: list[Run]) -> tuple[list[str], list[list[Run]]]:
    """The columns in which the runs differ, and the runs that differ in no column, but perhaps in the seed.

    A column is a key of the config, or a group: `optim` says adam or sgd. Left out is what follows from
    another column: `data.seed` from `seed`, or Adam's betas, which SGD has not, from `optim`.
    """
    keys = list(dict.fromkeys(key for run in runs for key in run.settings))
    differing = [key for key in keys if key != "seed" and _differ(runs, key)]
    members = defaultdict(list)
    for run in runs:
        members[tuple(run.settings.get(key, ABSENT) for key in differing)].append(run)
    labels = [
        name
        for name in GROUPS
        if len({run.choices.get(name) for run in runs}) > 1
        and all(len({run.choices.get(name) for run in same}) == 1 for same in members.values())
    ]
    common = [
        key
        for key in differing
        if all(key in run.settings for run in runs)
        and not (key.rpartition(".")[-1].startswith("_") and key.partition(".")[0] in labels)
    ]
    columns = [*labels, *common]
    for key in differing:  # what the others leave open
        if key not in columns and _parts(runs, [*columns, key]) > _parts(runs, columns):
            columns.append(key)
    order = {name: position for position, name in enumerate(GROUPS)}
    columns.sort(key=lambda key: order.get(key.partition(".")[0], len(order)))
    return columns, list(members.values())


def value_of(run: Run, column: str) -> Any:
    """What a run has in a column: the option of a group, or the value of a key."""
    if column in GROUPS and column in run.choices:
        return run.choices[column]
    value = run.settings.get(column, ABSENT)
    return value.rpartition(".")[-1] if column.endswith("._target_") and value else value


def _differ(runs: list[Run], key: str) -> bool:
    if len({run.derived.get(key) for run in runs}) == 1 and key in runs[0].derived:
        return False  # follows from what it is interpolated from
    return len({(run.settings.get(key, ABSENT)) for run in runs}) > 1


def _parts(runs: list[Run], columns: list[str]) -> int:
    return len({tuple(value_of(run, column) for column in columns) for run in runs})


def _time(run: Run) -> float:
    return (run.folder / "result.json").stat().st_mtime


def higher_is_better(metric: str) -> bool:
    return metric.startswith("accuracy")


def _rank(row: Row, metric: str) -> tuple:
    value = row.mean(metric) if row.runs else None
    if value is None:
        return (1, [str(value) for value in row.values.values()])
    return (0, -value if higher_is_better(metric) else value)


def cell(value: Any) -> str:
    """A setting as the user would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else str(value)


def measured(row: Row, name: str) -> str:
    """Mean and standard deviation of a measure, for people."""
    mean, deviation = row.mean(name), row.deviation(name)
    if mean is None:
        return ABSENT
    if name in ("epochs", "seconds"):
        return f"{mean:.0f}" if name == "epochs" and mean == round(mean) else f"{mean:.1f}"
    digits = ".4f" if abs(mean) < 100 else ".4g"
    return f"{mean:{digits}}" + ("" if deviation is None else f" ± {deviation:.4f}")


def cells(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """The head and the body of the table, as text."""
    status = any(row.diverged for row in comparison.rows)
    head = [*comparison.columns, *comparison.shown, "epochs", "seconds"]
    head += ["n"] * comparison.seeded + ["status"] * status
    body = []
    for row in comparison.rows:
        line = [cell(row.values[column]) for column in comparison.columns]
        for name in comparison.shown:
            line.append(measured(row, name) if row.runs else ABSENT)
        line += [measured(row, name) for name in ("epochs", "seconds")]
        line += [str(len(row.runs))] * comparison.seeded + [row.status] * status
        body.append(line)
    return head, body


def screen(comparison: Comparison) -> Table:
    """The table for a terminal."""
    head, body = cells(comparison)
    table = Table(title=headline(comparison), title_justify="left", box=box.SIMPLE_HEAD)
    for name in head:
        side = "left" if name in (*comparison.columns, "status") else "right"
        table.add_column(name, justify=side, overflow="fold")
    for line, row in zip(body, comparison.rows, strict=True):
        table.add_row(*map(Text, line), style="" if row.runs else "red")
    return table


def headline(comparison: Comparison) -> str:
    runs = len(comparison.runs)
    what = " on ".join(comparison.shared[name] for name in ("model", "data") if comparison.shared.get(name))
    seeds = "mean ± standard deviation over seeds, " if comparison.seeded else ""
    where = f" of {what}" if what else ""
    return f"{runs} run{'s' * (runs > 1)}{where}, {seeds}sorted by {comparison.metric}"


def write_csv(comparison: Comparison, path: Path) -> None:
    """Every row with all its digits, and every run that is left out, with the reason."""
    head = list(comparison.columns)
    for name in comparison.measures:
        head += [name, f"{name} std"] if comparison.seeded else [name]
    head += ["epochs", "seconds", "n", "seeds", "status", "reason", "runs"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, head, restval="")
        writer.writeheader()
        for row in comparison.rows:
            line = {column: cell(value) for column, value in row.values.items()}
            for name in (*comparison.measures, "epochs", "seconds"):
                if row.runs or name in ("epochs", "seconds"):
                    line[name] = _exact(row.mean(name))
                    if f"{name} std" in head:
                        line[f"{name} std"] = _exact(row.deviation(name))
            runs = row.runs + row.diverged
            line |= {"n": len(row.runs), "seeds": " ".join(str(run.seed) for run in runs)}
            line |= {"status": row.status, "reason": " ".join(run.reason for run in row.diverged)}
            writer.writerow(line | {"runs": " ".join(shown_path(run.folder) for run in runs)})
        for run in comparison.left_out:
            line = {column: cell(value_of(run, column)) for column in comparison.columns}
            line |= {"n": 0, "seeds": run.seed, "status": run.status, "reason": run.reason}
            writer.writerow(line | {"runs": shown_path(run.folder)})


def _exact(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else repr(round(value, 6))


def write_markdown(comparison: Comparison, path: Path, picture: Path | None) -> None:
    """The same table for a report, with its notes and the plot."""
    head, body = cells(comparison)
    lines = [f"{headline(comparison)}.", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in line)} |" for line in body]
    if comparison.notes:
        lines += ["", *(f"- {note}" for note in comparison.notes)]
    if picture:
        varied = f"{', '.join(comparison.columns) or 'seed'} varied"
        lines += ["", f"![{varied if len(comparison.runs) > 1 else 'learning curve'}]({picture.name})"]
    path.write_text("\n".join(lines) + "\n")
