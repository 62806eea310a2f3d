"""Your own table: a CSV file whose last column is the class, and whose other columns are numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor

from intro_dl.config.types import Place
from intro_dl.data.csv_file import Row, has_decimal_comma, is_number, read_numbers, read_table
from intro_dl.data.dataset import Split
from intro_dl.data.toy import ToyData
from intro_dl.runs.files import one_line

FEWEST = 3  # rows of a class: one for each split
LONGEST_NAME = 100  # characters of a column or a class


@dataclass(kw_only=True, eq=False)
class TableFile(ToyData):
    """Your own table: a CSV file with a header, a class in the last column, and numbers in all others.

    The class is a text or a number; classes are sorted by their names. `split_seed` fixes which rows of each
    class are held out. A column that is the same in all training rows becomes 0.

    Args:
        path: the file.
        split_fraction: fraction of each class for validation, and the same again for testing; in (0, 0.5).
        others: see ToyData.
    """

    path: Place | None = None
    split_fraction: Annotated[float, Gt(0), Lt(0.5)] = 0.2

    EXAMPLES = "rows"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path:
            raise ValueError("data=table needs a table: add data.path=<CSV file>, e.g. data.path=points.csv.")
        self.file = Path(self.path).expanduser()
        self.dims = {"in_shape": None, "num_classes": None}  # pyrefly: ignore[bad-assignment]

    def load(self) -> dict[str, Split]:
        try:
            separator, rows = read_table(self.file)
        except OSError as error:
            raise ValueError(
                f"Cannot read {self.file.resolve()}: {error.strerror}. Name a CSV file with data.path=."
            ) from error
        names, rows = _columns(self.file, rows, separator)
        self.features = tuple(names[:-1])  # pyrefly: ignore[read-only]  # only an instance knows its table
        classes = [_name(place, cells[-1], "the class", "row") for place, cells in rows]
        self.CLASSES = _sorted(set(classes))  # pyrefly: ignore[read-only]
        self.dims = {"in_shape": (len(self.features),), "num_classes": len(self.CLASSES)}
        numbers = {name: number for number, name in enumerate(self.CLASSES)}
        inputs, labels = self._inputs(rows, separator), torch.tensor([numbers[name] for name in classes])
        splits = {split: (inputs[where], labels[where]) for split, where in self._split(labels).items()}
        self.standardize(splits["train"][0])
        return splits

    def standardize(self, inputs: Tensor) -> None:
        super().standardize(inputs.double())  # the square of a large number is not finite in float32
        self.mean, self.std = self.mean.float(), self.std.float()
        self.std[(inputs == inputs[0]).all(dim=0) | (self.std == 0)] = 1  # inputs are divided by it

    def _inputs(self, rows: list[Row], separator: str) -> Tensor:
        """Return the numbers of the rows, (N, F)."""
        with_comma = has_decimal_comma(cells[:-1] for _, cells in rows)
        found = []
        for place, cells in rows:
            try:
                found.append(read_numbers(cells[:-1], self.features, separator, with_comma))
            except ValueError as error:
                raise ValueError(f"{place}: {error} Only the last column is the class.") from error
        return torch.tensor(found, dtype=torch.float32)

    def _split(self, labels: Tensor) -> dict[str, Tensor]:
        """Return the positions of the rows of each split: the same fraction of each class."""
        counts = labels.bincount().tolist()
        if len(counts) < 2:
            raise ValueError(
                f"{self.file} has only the class {self.CLASSES[0]} in its last column: add rows of others."
            )
        if min(counts) < FEWEST:
            name, count = self.CLASSES[counts.index(min(counts))], min(counts)
            raise ValueError(
                f"{self.file} has {count} row{'s' * (count > 1)} of the class {name}, but each class needs "
                f"{FEWEST}, one for each split. Add rows, or put the class into the last column."
            )
        positions: dict[str, list[Tensor]] = {"train": [], "val": [], "test": []}
        generator = torch.Generator().manual_seed(self.split_seed)
        for number, total in enumerate(counts):
            order = (labels == number).nonzero().flatten()
            order = order[torch.randperm(total, generator=generator)]
            held_out = max(1, min(round(self.split_fraction * total), (total - 1) // 2))
            parts = order.split([total - 2 * held_out, held_out, held_out])
            for split, part in zip(positions, parts, strict=True):
                positions[split].append(part)
        return {split: torch.cat(parts) for split, parts in positions.items()}


def _columns(file: Path, rows: list[Row], separator: str) -> tuple[list[str], list[Row]]:
    """Return the names of the columns, and the rows below them with a cell for each."""
    example = (
        "write the names of the columns into the first line, e.g. x1,x2,class, and then a row per example."
    )
    if not rows:
        raise ValueError(f"{file} is empty: {example}")
    place, header = rows[0]
    names = _without_end(header, 0)
    if all(map(is_number, names[:-1])):
        what = (
            "begins with numbers" if names[1:] else f"has only the column {one_line(names[0], LONGEST_NAME)}"
        )
        raise ValueError(f"{file} {what}: {example}")
    if not rows[1:]:
        raise ValueError(f"{file} has only a header: add a row for each example.")
    for number, name in enumerate(names, start=1):
        _name(place, name, f"the name of column {number}", "column")
        if name.lower() in (other.lower() for other in names[: number - 1]):
            raise ValueError(f"{place}: two columns are named {name}: rename or remove one of them.")
    found = [(place, _without_end(cells, len(names))) for place, cells in rows[1:]]
    for place, cells in found:
        if len(cells) != len(names):
            hint = " If numbers have decimal commas, separate the cells by semicolons." * (separator == ",")
            raise ValueError(
                f"{place} has {len(cells)} cells, but the header has {len(names)}: correct it.{hint}"
            )
    return names, found


def _without_end(cells: list[str], width: int) -> list[str]:
    """Return cells without empty ones after the first `width`: some programs end each line with a comma."""
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    return cells


def _name(place: str, text: str, what: str, part: str) -> str:
    """Return the name of a class or a column; raise ValueError if it does not fit into a line."""
    if not text:
        raise ValueError(f"{place}: {what} is empty: write it there, or remove the {part}.")
    if (shown := one_line(text, most=LONGEST_NAME)) != text:
        raise ValueError(f"{place}: {what} is {shown}: use at most {LONGEST_NAME} printable characters.")
    return text


def _sorted(classes: set[str]) -> tuple[str, ...]:
    """Return the names of classes in order: numbers by their value, others as texts."""
    if all(map(is_number, classes)):
        return tuple(sorted(classes, key=lambda name: (float(name.replace(",", ".")), name)))
    return tuple(sorted(classes))
