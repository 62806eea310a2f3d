"""Read a table of numbers as spreadsheets write it. Training and prediction both use this reader."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from intro_dl.data.decode import read_text

LARGEST = 3.4e38  # of float32, in which a model computes
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # or a decimal comma

Row = tuple[str, list[str]]  # its place, e.g. "students.csv:2", and its cells


def read_table(path: Path, otherwise: str | None = None) -> tuple[str, list[Row]]:
    """Return the separator of a table and its rows, with the header and without empty lines.

    Args:
        path: a CSV file; semicolons or tabs may separate its cells.
        otherwise: see `read_text`.

    Raises:
        ValueError: if it is not a CSV file; the message names it, and the line.
        OSError: if it cannot be read.
    """
    text = read_text(path, otherwise)
    first = text.lstrip("\n").partition("\n")[0]
    told = re.fullmatch("sep=(.)", first, re.IGNORECASE)  # Excel's note to itself
    separator = told[1] if told else separator_of(first.strip())
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        rows = [(f"{path}:{reader.line_num}", [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num} is not a line of a CSV file: {error}.") from error
    return separator, [(place, cells) for place, cells in rows if any(cells)][bool(told) :]


def separator_of(line: str) -> str:
    """Return what separates the cells: "1,5;2" has decimal commas, and "1 2" neither."""
    return next((each for each in ";\t," if each in line), " " if re.search(r"\S\s", line) else ",")


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, with a decimal point or a decimal comma."""
    return bool(NUMBER.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell))


def has_decimal_comma(rows: Iterable[Sequence[str]]) -> bool:
    """Return whether a cell is a number with a decimal comma."""
    return any(DECIMAL_COMMA.fullmatch(cell) for cells in rows for cell in cells)


def read_numbers(cells: Sequence[str], names: Sequence[str], separator: str, with_comma: bool) -> list[float]:
    """Return the numbers of a row; raise ValueError with the reason.

    Args:
        cells: F cells.
        names: of the F columns.
        separator: between the cells.
        with_comma: whether numbers of this table have a decimal comma.
    """
    found = []
    for name, cell in zip(names, cells, strict=True):
        number = cell.replace("\u2212", "-")  # the sign of typography
        if not number:
            raise ValueError(f"{name} is empty.")
        if with_comma and "." in number:
            raise ValueError(f"{name} is {cell}, but others have a decimal comma: remove the point.")
        if separator != ";" and THOUSANDS.fullmatch(number):
            raise ValueError(f"{name} is {cell}: write it without the comma, or with a decimal point.")
        if not is_number(number):
            raise ValueError(f"{name} is {cell!r}: write a number alone, e.g. 5 or 0.5.")
        value = float(number.replace(",", "."))
        if not abs(value) <= LARGEST:  # nor nan
            raise ValueError(f"{name} is {cell}: choose a finite number of at most {LARGEST:g}.")
        found.append(value)
    return found
