"""Compare runs: one row for each setting, mean and standard deviation over seeds, the best row first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from intro_dl.config.names import nearest
from intro_dl.runs.files import in_markdown, one_line, shown_path, write_whole
from intro_dl.runs.record import GROUPS, Run, by_task
from intro_dl.runs.result import Status, higher_is_better

ABSENT = "–"
MAIN_MEASURES = (
    "bits_per_char",
    "accuracy",
    "absolute_error",
)  # the first one measured stands beside the loss
COSTS = ["epochs", "seconds"]
MOST_COLUMNS = 8  # more settings than this become one column of texts
LEAST_TEXT = 30  # characters of this column, before columns of numbers are left out
EVALUATED_ON = ("data.labels", "trainer.limit_val_batches")


@dataclass
class Comparison:
    """What `compare` found.

    Args:
        columns: settings that differ between the rows.
        rows: one line for each setting, the best first: the columns, "n" (completed runs), "status", and each
            measure as mean ("loss/val") and standard deviation ("loss/val std").
        runs: one line for each run, in the order of the rows. It has the columns, the measures (NaN if it
            diverged), "seed", "status", "run" (the Run), and "row" (its label in the index of `rows`).
        left_out: runs that failed, were interrupted, did not finish or are damaged.
        repeated: runs that have the setting and the seed of a newer run.
        metric: decides the order of the rows.
        measures: everything that was measured.
        subject: the model and the data that all runs share, e.g. "lenet on digits".
    """

    columns: list[str]
    rows: pd.DataFrame
    runs: pd.DataFrame
    left_out: list[Run]
    repeated: list[Run]
    metric: str
    measures: list[str]
    subject: str

    @property
    def shown(self) -> list[str]:
        """The measures on the screen: validation, then test."""
        leading = [*MAIN_MEASURES, *(run.result.leading for run in self.runs["run"])]
        main = next((name for name in leading if f"{name}/val" in self.measures), "loss")
        names = ["loss/val", f"{main}/val", f"{main}/test", self.metric]
        return [name for name in dict.fromkeys(names) if name in self.measures]

    @property
    def settings(self) -> list[str]:
        """The columns without what an option implies: `regularization=l2` has its own weight decay."""
        implied = {
            key
            for key in self.columns
            if (group := key.partition(".")[0]) in self.columns
            and key not in (group, "optim.lr")
            and follows(self.rows, key, [group])
        }
        return [key for key in self.columns if key not in implied]

    @property
    def seeded(self) -> bool:
        """Whether a row stands for several runs."""
        return len(self.runs) > len(self.rows)

    @property
    def all_diverged(self) -> bool:
        return not self.rows["n"].any()

    @property
    def title(self) -> str:
        """The title of the plot, e.g. "optim.lr varied: lenet on digits"."""
        keys = self.settings or ["seed"]
        names = ", ".join(keys) if len(keys) < 4 else f"{', '.join(keys[:2])} and {len(keys) - 2} more"
        varied = f"{names} varied" if len(self.runs) > 1 else ""
        return ": ".join(filter(None, (varied, self.subject)))

    @property
    def chance_loss(self) -> float | None:
        """The loss at chance level, if it is the same for all runs."""
        found = {run.result.chance_loss for run in self.runs["run"]} - {None}
        return found.pop() if len(found) == 1 else None

    @property
    def notes(self) -> list[str]:
        """The notes for a reader of the table."""
        diverged = self.runs.loc[self.runs["status"] == Status.DIVERGED, "run"]
        said = [(run, f"diverged: {run.reason}") for run in diverged]
        said += [(run, f"is {run.status} and not compared: {run.reason}") for run in self.left_out]
        said += [
            (run, "repeats the settings and the seed of a newer run; not counted") for run in self.repeated
        ]
        notes = [f"{shown_path(run.folder)} {text.rstrip('.')}." for run, text in said]
        return [*notes, *filter(None, [different_data(list(self.runs["run"]))])]


def compare(runs: Sequence[Run], metric: str = "loss/val") -> Comparison:
    """Compare runs.

    Raises:
        ValueError: if no run finished, the runs have different tasks, or no run measured `metric`.
    """
    ended = [run for run in runs if run.status.counts]
    left_out = [run for run in runs if not run.status.counts]
    if not ended:
        first = left_out[0]
        which = "The only run has not" if len(runs) == 1 else f"None of the {len(runs)} runs has"
        reason = f"{shown_path(first.folder)} is {first.status}: {first.reason.rstrip('.')}."
        raise ValueError(f"{which} finished; {reason}")
    tasks = by_task(ended)
    if len(tasks) > 1:
        sides = [
            f"{shown_path(same[0].folder)} measured {', '.join(sorted(names))}"
            for names, same in tasks.items()
        ]
        raise ValueError(f"The runs have different tasks: {'; '.join(sides)}. Compare them separately.")
    measures = list(dict.fromkeys(name for run in ended for name in run.result.metrics))
    if metric not in measures and any(run.status is Status.COMPLETED for run in ended):
        raise ValueError(f"No run has metric={metric}.{nearest(metric, measures)}")

    ended.sort(key=lambda run: (run.folder / "result.json").stat().st_mtime)
    columns, table = settings_table(ended)
    numbers = list(dict.fromkeys([*measures, metric, *COSTS]))
    for name in numbers:
        table[name] = pd.Series([run.measured(name) for run in ended], dtype=float)
    table["seed"] = [run.seed for run in ended]
    table["status"] = [run.status for run in ended]
    table["run"] = pd.Series(ended, dtype=object)
    repeats = table.duplicated(["row", "seed"], keep="last")
    repeated = table.loc[repeats, "run"].tolist()
    table = table[~repeats]
    table.loc[table["status"] != Status.COMPLETED, measures] = float("nan")

    rows = summary(table, columns, numbers)
    rows = rows.sort_values(metric, ascending=not higher_is_better(metric), kind="stable")
    table = table.set_index("row", drop=False).loc[rows.index].reset_index(drop=True)
    first = ended[0].choices
    shared = [
        name for name in ("model", "data") if all(run.choices.get(name) == first.get(name) for run in ended)
    ]
    subject = " on ".join(first[name] for name in shared if name in first)
    return Comparison(columns, rows, table, left_out, repeated, metric, measures, subject)


def summary(table: pd.DataFrame, columns: list[str], numbers: list[str]) -> pd.DataFrame:
    """Return a line for each row of the comparison, with means and standard deviations over its runs.

    A diverged run counts only if its row has no completed run.
    """
    completed = (table["status"] == Status.COMPLETED).groupby(table["row"])
    counts = (table["status"] == Status.COMPLETED) | (completed.transform("sum") == 0)
    seeds = table[counts].groupby("row")[numbers]
    deviations = seeds.std().add_suffix(" std")  # n - 1 in the denominator; NaN for a single run
    rows = table.drop_duplicates("row").set_index("row")[columns].join([seeds.mean(), deviations])
    rows["n"] = completed.sum()
    diverged = completed.size() - rows["n"]
    rows["status"] = [f"{bad} of {n + bad} diverged" for n, bad in zip(rows["n"], diverged, strict=True)]
    rows.loc[diverged == 0, "status"] = "completed"
    rows.loc[rows["n"] == 0, "status"] = "diverged"
    return rows


def settings_table(runs: Sequence[Run]) -> tuple[list[str], pd.DataFrame]:
    """Return the columns in which runs differ, and the values of each run in these columns.

    A column is a key of the config, or a group: `optim` is adam or sgd. A value that follows from another
    column is left out: `data.seed` follows from `seed`, and the betas of Adam, which SGD lacks, follow from
    `optim`.

    Returns:
        The columns, and a table with one line for each run. Its column "row" numbers the settings: runs with
        the same number differ in their seed at most.
    """
    keys = list(dict.fromkeys(key for run in runs for key in run.settings))
    values = pd.DataFrame(
        [[run.settings.get(key, ABSENT) for key in keys] for run in runs], columns=keys, dtype=object
    )
    first = runs[0].derived
    derived = {key for key in first if all(run.derived.get(key) == first[key] for run in runs)}
    own = [key for key in keys if key != "seed" and key not in derived]
    differing = [key for key in own if values[key].nunique(dropna=False) > 1]
    row = values.groupby(differing, sort=False, dropna=False).ngroup() if differing else 0
    values = values[differing].assign(row=row)
    for name in GROUPS:
        values[name] = pd.Series([run.choices.get(name) for run in runs], dtype=object)

    columns = [name for name in GROUPS if count(values, [name]) > 1 and follows(values, name, ["row"])]
    lacking = [key for key in differing if (values[key] == ABSENT).any()]
    words = [key for key in differing if key not in lacking and values[key].map(type).isin([str]).any()]
    numbers = [key for key in differing if key not in lacking and key not in words]
    for key in [*words, *numbers, *lacking]:
        if key in numbers or count(values, [*columns, key]) > count(values, columns):
            columns.append(key)
    for key in columns:
        if key.endswith("._target_"):  # the name of a class is enough
            values[key] = [str(target).rpartition(".")[-1] for target in values[key]]
    order = {name: place for place, name in enumerate(GROUPS)}
    columns.sort(key=lambda key: order.get(key.partition(".")[0], len(order)))
    return columns, values[[*columns, "row"]].copy()


def count(table: pd.DataFrame, columns: list[str]) -> int:
    """Return the number of different combinations of values."""
    return len(table[columns].drop_duplicates()) if columns else 1


def follows(table: pd.DataFrame, key: str, others: list[str]) -> bool:
    """Return whether `key` has one value for each combination of the values of `others`."""
    return bool(others) and count(table, [*others, key]) == count(table, others)


def cell(value: Any) -> str:
    """Return a setting as the user would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else one_line(str(value), most=100)


def measured(row: pd.Series, name: str) -> str:
    """Return mean and standard deviation of a measure, for people."""
    mean, deviation = row[name], row[f"{name} std"]
    if pd.isna(mean):
        return ABSENT
    if name in COSTS:
        return f"{mean:.1f}".removesuffix(".0")
    digits = ".4f" if abs(mean) < 100 else ".4g"
    return f"{mean:{digits}}" + ("" if pd.isna(deviation) else f" ± {deviation:.4f}")


def label(key: str, value: Any) -> str:
    """Return a setting for a legend: "adam" is clear without its key, 0.1 and default are not."""
    if "." not in key and isinstance(value, str) and value not in ("default", "none"):
        return value
    return f"{key.rpartition('.')[-1]}={cell(value)}"


def brief(table: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """Return the settings of each row as a text: the model, and what differs from the most common value."""
    common = {key: table[key].map(cell).mode().iloc[0] for key in keys}
    always = "model" if "model" in keys else keys[0]
    ordered = sorted(keys, key=lambda key: key != always)
    return [
        ", ".join(
            label(key, value)
            for key, value in zip(ordered, values, strict=True)
            if key == always or cell(value) != common[key]
        )
        for values in table[ordered].itertuples(index=False, name=None)
    ]


def different_data(runs: Sequence[Run]) -> str | None:
    """Return a sentence if the runs were evaluated on different examples, else None."""
    found = {"data": {str(run.choices.get("data")) for run in runs}}
    found |= {key: {cell(run.settings.get(key)) for run in runs} for key in EVALUATED_ON}
    differing = [f"{key}={' or '.join(sorted(values))}" for key, values in found.items() if len(values) > 1]
    fingerprints = {
        str(run.result.fingerprint): str(run.result.data) for run in runs if run.result.fingerprint
    }
    if len(fingerprints) > 1 and len(found["data"]) == 1:
        differing += ["the files or the versions of libraries that made them"]
        differing += (
            list(dict.fromkeys(fingerprints.values()))[:3] if len(set(fingerprints.values())) > 1 else []
        )
    if not differing:
        return None
    what = "; ".join(differing)
    return f"The runs were not evaluated on the same examples, so their order says little: {what}."


def cells(comparison: Comparison, width: int | None = None) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the head and the body of the table as text, and notes on what is not in it.

    If the settings do not fit into `width` characters, they become one column of texts.
    """
    rows, settings, numbers = comparison.rows, comparison.settings, [*comparison.shown, *COSTS]
    columns = {key: [cell(value) for value in rows[key]] for key in settings}
    measures = {name: [measured(row, name) for _, row in rows.iterrows()] for name in numbers}
    more = ["n"] * comparison.seeded + ["status"] * any(rows["status"] != "completed")
    measures |= {name: [str(value) for value in rows[name]] for name in more}
    notes = []
    width = width or 10_000
    if len(settings) > MOST_COLUMNS or _width(columns | measures) > width:
        columns = {"settings": brief(rows, settings)}
        optional = [name for name in reversed(numbers) if name != comparison.metric]
        while optional and _width(measures) + LEAST_TEXT > width:
            del measures[optional.pop(0)]
        usual = [f"{key}={cell(rows[key].map(cell).mode().iloc[0])}" for key in settings]
        notes.append(f"Unless the settings say otherwise: {', '.join(usual)}.")
    absent = [name for name in (*comparison.columns, *numbers) if name not in (*settings, *measures)]
    if absent:
        shown = ", ".join(absent[:4]) + (" and others" if len(absent) > 4 else "")
        notes.append(f"{len(absent)} more column{'s' * (len(absent) > 1)} in compare.csv: {shown}.")
    table = columns | measures
    return list(table), [list(line) for line in zip(*table.values(), strict=True)], notes


def _width(columns: dict[str, list[str]]) -> int:
    """Return the width of a table on the screen."""
    return 2 + sum(2 + max(map(len, [head, *body])) for head, body in columns.items())


def screen(comparison: Comparison, width: int) -> tuple[Table, list[str]]:
    """Return the table for a terminal, and notes on what is not in it."""
    head, body, notes = cells(comparison, width)
    table = Table(
        title=headline(comparison), title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True
    )
    for name in head:
        side = "left" if name in (*comparison.columns, "settings", "status") else "right"
        table.add_column(name, justify=side, overflow="fold")
    for line, completed in zip(body, comparison.rows["n"], strict=True):
        table.add_row(*map(Text, line), style="" if completed else "red")
    return table, notes


def headline(comparison: Comparison) -> str:
    runs = len(comparison.runs)
    subject = f" of {comparison.subject}" if comparison.subject else ""
    seeds = "mean ± standard deviation over seeds, " if comparison.seeded else ""
    return f"{runs} run{'s' * (runs > 1)}{subject}, {seeds}sorted by {comparison.metric}"


def write_csv(comparison: Comparison, path: Path) -> None:
    """Write every row with all digits, and every run that is left out; compare.md has the reasons."""
    numbers = [name for name in (*comparison.measures, *COSTS) if name in comparison.rows]
    if comparison.seeded:
        numbers = [column for name in numbers for column in (name, f"{name} std")]
    table = comparison.rows[[*comparison.columns, *numbers, "n", "status"]].round(6)
    table[comparison.columns] = table[comparison.columns].map(cell)
    members = comparison.runs.groupby("row")["run"]
    table["seeds"] = members.agg(lambda runs: " ".join(str(run.seed) for run in runs))
    table["runs"] = members.agg(lambda runs: " ".join(shown_path(run.folder) for run in runs))
    left_out = [
        {key: cell(run.choices.get(key, run.settings.get(key, ABSENT))) for key in comparison.columns}
        | {"n": 0, "seeds": run.seed, "status": run.status, "runs": shown_path(run.folder)}
        for run in comparison.left_out
    ]
    write_whole(path, pd.concat([table, pd.DataFrame(left_out, dtype=object)]).to_csv(index=False))


def write_markdown(comparison: Comparison, path: Path, picture: Path | None) -> None:
    """Write the table for a report, with its notes and the plot."""
    head, body, notes = cells(comparison)
    notes += comparison.notes
    lines = [f"{in_markdown(headline(comparison))}.", ""]
    lines += [f"| {' | '.join(map(in_markdown, head))} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(map(in_markdown, line))} |" for line in body]
    lines += ["", *(f"- {in_markdown(note)}" for note in notes)] if notes else []
    title = in_markdown(comparison.title or "learning curve")
    lines += ["", f"![{title}]({picture.name})"] if picture else []
    write_whole(path, "\n".join(lines) + "\n")
