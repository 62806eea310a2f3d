"""Read rows of numbers for a prediction: tables as spreadsheets write them, and numbers that were typed."""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from intro_dl.data.decode import read_text
from intro_dl.data.image_file import Unreadable
from intro_dl.runs.files import typed_path

LARGEST = 3.4e38  # of float32, in which a model computes
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # or a decimal comma

Row = tuple[str, list[str]]  # its place, e.g. "students.csv:2", and its cells


def read_rows(
    words: Iterable[str], features: Sequence[str]
) -> Iterator[tuple[str, list[float] | Unreadable]]:
    """Yield the rows that the words name: tables, or numbers such as 4,5.

    Yields:
        The place of a row, e.g. "students.csv:2", with its numbers in the order of `features`, or the error
        that stands in their place.
    """
    for word in words:
        separator = _separator(word)
        cells = [cell.strip() for cell in word.split(separator)]
        try:
            if all(map(_is_number, cells)) and not os.path.isfile(word):
                rows = [(word, cells)]
            else:
                separator, rows = _read_table(typed_path(word))
                rows = _chosen_columns(rows, features, word)
        except Unreadable as error:
            yield word, error
            continue
        with_comma = any(map(DECIMAL_COMMA.fullmatch, (cell for _, cells in rows for cell in cells)))
        for place, cells in rows:
            try:
                yield place, _numbers(cells, features, separator, with_comma)
            except ValueError as error:
                yield place, Unreadable(f"{place}: {error}")


def _separator(line: str) -> str:
    """Return what separates the cells: "1,5;2" has decimal commas, and "1 2" neither."""
    return next((each for each in ";\t," if each in line), " " if re.search(r"\S\s", line) else ",")


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell))


def _read_table(path: Path) -> tuple[str, list[Row]]:
    """Return the separator of a table and its rows, with the header and without empty lines."""
    try:
        text = read_text(path, otherwise="latin-1")  # numbers are the same in every such encoding
    except OSError as error:
        raise Unreadable(
            f"Cannot read {path}: {error.strerror}. Name a CSV file, or numbers such as 4,5."
        ) from error
    except ValueError as error:
        raise Unreadable(str(error)) from error
    first = text.lstrip("\n").partition("\n")[0]
    told = re.fullmatch("sep=(.)", first, re.IGNORECASE)  # Excel's note to itself
    separator = told[1] if told else _separator(first.strip())
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        rows = [(f"{path}:{reader.line_num}", [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise Unreadable(f"{path}:{reader.line_num} is not a line of a CSV file: {error}.") from error
    rows = [(place, cells) for place, cells in rows if any(cells)][bool(told) :]
    if not rows:
        raise Unreadable(f"{path} is empty: there is no row to predict.")
    return separator, rows


def _chosen_columns(rows: list[Row], features: Sequence[str], path: str) -> list[Row]:
    """Return the rows without the header, and only with the columns that the header gives to `features`."""
    names, wanted = [name.lower() for name in rows[0][1]], [feature.lower() for feature in features]
    if not set(wanted) <= set(names) and any(map(_is_number, names)):
        return rows
    if any(names.count(name) != 1 for name in wanted):
        has, needs = ", ".join(rows[0][1]), ", ".join(features)
        raise Unreadable(f"{path} has the columns {has}, but the model reads {needs}, each once.")
    if len(rows) == 1:
        raise Unreadable(f"{path} has only a header: there is no row to predict.")
    width, chosen = len(names), []
    for place, cells in rows[1:]:
        if any(cells[width:]):  # e.g. decimal commas between commas: which number is which?
            chosen.append((place, cells))
        else:
            cells += [""] * (width - len(cells))
            chosen.append((place, [cells[names.index(name)] for name in wanted]))
    return chosen


def _numbers(cells: Sequence[str], features: Sequence[str], separator: str, with_comma: bool) -> list[float]:
    """Return the numbers of a row; raise ValueError with the reason."""
    while len(cells) > len(features) and not cells[-1]:
        cells = cells[:-1]  # a separator at the end of the line
    if len(cells) != len(features):
        hint = " If they have decimal commas, separate them by semicolons." * (separator == ",")
        raise ValueError(
            f"{len(cells)} numbers, but the model reads {len(features)}: {', '.join(features)}.{hint}"
        )
    found = []
    for name, cell in zip(features, cells, strict=True):
        number = cell.replace("\u2212", "-")  # the sign of typography
        if not number:
            raise ValueError(f"{name} is empty.")
        if with_comma and "." in number:
            raise ValueError(f"{name} is {cell}, but others have a decimal comma: remove the point.")
        if separator != ";" and THOUSANDS.fullmatch(number):
            raise ValueError(f"{name} is {cell}: write it without the comma, or with a decimal point.")
        if not _is_number(number):
            raise ValueError(f"{name} is {cell!r}: write a number alone, e.g. 5 or 0.5.")
        value = float(number.replace(",", "."))
        if not abs(value) <= LARGEST:  # nor nan
            raise ValueError(f"{name} is {cell}: choose a finite number of at most {LARGEST:g}.")
        found.append(value)
    return found
