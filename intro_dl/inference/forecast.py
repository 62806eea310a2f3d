"""Forecast the next change of series in tables, one row per step."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from intro_dl.data.image_file import Unreadable
from intro_dl.inference.load import LoadedRun
from intro_dl.inference.rows import read_rows


@torch.inference_mode()
def forecast_series(
    run: LoadedRun, words: Iterable[Any], options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what changes after the last row of each table that `words` name, e.g. sunspots.csv.

    Changes in standard deviations of the training split are given back in the unit of the series.
    """
    if not {"features", "target", "std"} <= run.metadata.keys() or "length" not in run.metadata["dims"]:
        raise ValueError(f"{run} does not say what its series are: evaluate it with intro-dl evaluate.")
    length, features = run.metadata["dims"]["length"], run.metadata["features"]
    target = run.metadata["target"]
    for word in map(str, words):
        rows = [row for _, row in read_rows([word], features)][-length:]
        wrong = next((row for row in rows if isinstance(row, Unreadable)), None)
        if wrong is None and len(rows) < length:
            wrong = f"{word} has {len(rows)} steps, and the model reads {length}: name a longer series."
        if wrong is not None:
            yield {"series": word, "error": str(wrong)}
            continue
        change = run.model(run.prepare(torch.tensor(rows)[None]))[0]  # (O,)
        if target["unit"] == "standard deviations":
            change = change * torch.tensor(run.metadata["std"])
        names = features if len(features) == len(change) else ("x", "y")
        yield {"series": word} | dict(
            zip((f"{target['name']} of {name}" for name in names), change.tolist(), strict=True)
        )
