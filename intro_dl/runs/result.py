"""The result of a run, as result.json holds it."""

import typing
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from intro_dl.runs.files import to_json
from intro_dl.runs.values import fits, shown

# A loss above this multiple of the chance-level loss is not slow learning: the steps overshoot.
FAR_ABOVE_CHANCE = 2.0


# In the name of a measure, e.g. of accuracy/val or a user's own val_acc; of all others, lower is better.
HIGHER_IS_BETTER = ("acc", "exact", "psnr", "bleu")


def higher_is_better(measure: str) -> bool:
    """Return whether a higher value of a measure is better."""
    return any(part in measure for part in HIGHER_IS_BETTER)


class Status(StrEnum):
    """The status of a run."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNFINISHED = "unfinished"  # no result.json: it is running, or it was killed
    DAMAGED = "damaged"  # a file of the run cannot be read

    @property
    def counts(self) -> bool:
        """Whether a sweep keeps this result: a diverged run shows that the learning rate was too large."""
        return self in (Status.COMPLETED, Status.DIVERGED)


@dataclass
class Result:
    """The result of a run. A run that did not complete has a `status`, a `reason` and few other fields.

    Args:
        status: how the run ended.
        reason: why it did not complete, as a sentence.
        refused: whether the command itself was wrong, so that running it again cannot help.
        metrics: "loss/val", "accuracy/test" and so on; they stand beside the other fields in result.json.
            Validation values are those of the best epoch, test values those of its weights.
        leading: the measure that is stated first, e.g. "accuracy"; the task names it.
        rivals: what simple methods reach in the leading measure on the test split, by their names.
        best_epoch: counted from 1.
        epochs: number of finished epochs.
        stopped: why training ended.
        seconds: time from start to end, without the time between a stop and its resume.
        parameters: number of weights and biases.
        chance_loss: loss of a model that ignores its inputs, or None if unknown.
        data: what was read, in one line: examples, classes, sizes of the splits, what was left out.
        fingerprint: a digest of each split: runs with other digests had other examples.
        seed: the seed of the run.
        notes: sentences that a reader of the numbers should know.
        diagnosis: what the doctor found; None if the doctor did not run.
        device: e.g. "cpu" or "2 x NVIDIA H100".
        threads: number of threads that torch used on the CPU.
        precision: of the matrix products, e.g. "32-true" for float32, or "bf16-mixed".
        versions: versions of the libraries.
        commit: commit of the checkout, or None.
    """

    status: Status
    reason: str = ""
    refused: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    leading: str = "loss"
    rivals: dict[str, float] = field(default_factory=dict)
    best_epoch: int | None = None
    epochs: int | None = None
    stopped: str = ""
    seconds: float | None = None
    parameters: int | None = None
    chance_loss: float | None = None
    data: str = ""
    fingerprint: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    notes: list[str] = field(default_factory=list)
    diagnosis: list[dict[str, Any]] | None = None
    device: str = ""
    threads: int | None = None
    precision: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    commit: str | None = None

    def to_json(self) -> str:
        """Return the text of result.json; empty fields are left out."""
        empty = asdict(Result(self.status))
        values = {name: value for name, value in asdict(self).items() if value != empty[name]}
        metrics = values.pop("metrics", {})
        return to_json({"status": str(self.status)} | metrics | values)

    @classmethod
    def from_saved(cls, saved: Any) -> Self:
        """Return the result that a result.json holds.

        Raises:
            ValueError: if it is not the result of a run; the message names the wrong value.
        """
        if not isinstance(saved, dict) or saved.get("status") not in list(Status):
            raise ValueError("result.json is not the result of a run")
        hints = typing.get_type_hints(cls) | {"status": str}
        numbers = (name for name, value in saved.items() if name not in hints and fits(value, float))
        named = {name for name in saved if "/" in name}.union(numbers)  # others are of a user's own module
        metrics = {name: value for name, value in saved.items() if name in named}
        values = {name: value for name, value in saved.items() if name in hints and name != "metrics"}
        for name, value in {**values, **metrics}.items():
            if not fits(value, hints.get(name, float | None)):
                raise ValueError(f"result.json has {name}={shown(value)}")
        # A number that is not finite is saved as null.
        measured = {name: float(value) for name, value in metrics.items() if value is not None}
        return cls(**values | {"status": Status(saved["status"]), "metrics": measured})
