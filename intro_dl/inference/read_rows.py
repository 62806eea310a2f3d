"""Rows of numbers for a model of points: a CSV file, the standard input, or numbers on the command line."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from intro_dl.runs.files import read_limited


class BadRow(ValueError):
    """A row that cannot be predicted; the message names its place."""


def row_sources(
    words: Sequence[str], features: Sequence[str], stdin: io.BufferedIOBase
) -> Iterator[tuple[str, list[float] | BadRow]]:
    """The rows that the words name: CSV files, - for the standard input, or numbers as 4,5.

    Yields:
        The place of a row, e.g. "students.csv:2", with its numbers in the order of `features`, or what is
        wrong with it.
    """
    for word in words:
        if word == "-":
            yield from _read("-", stdin.read(), features)
        elif not Path(word).exists() and _numbers(word.split(",")) is not None:
            yield word, _row(word, word.split(","), range(len(features)), features)
        else:
            path = Path(word).expanduser()
            try:
                content = read_limited(path)
            except ValueError as error:
                yield word, BadRow(str(error))
                continue
            except OSError as error:
                yield (
                    word,
                    BadRow(f"Cannot read {word}: {error.strerror}. Name a CSV file, or numbers as 4,5."),
                )
                continue
            yield from _read(word, content, features)


def _read(name: str, content: bytes, features: Sequence[str]) -> Iterator[tuple[str, list[float] | BadRow]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield name, BadRow(f"{name} is no CSV file in UTF-8: it has to hold lines as 4,5.")
        return
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # "," if there is none
    columns, rows = range(len(features)), 0
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            rows += 1
            if rows == 1 and _numbers(cells) is None:
                found = _columns(cells, features)
                if found is None:
                    names = ", ".join(features)
                    header = ", ".join(cells)
                    yield name, BadRow(f"{name} has the columns {header}, but the model reads {names}.")
                    return
                columns = found
                continue
            place = f"{name}:{reader.line_num}"
            yield place, _row(place, cells, columns, features)
    except csv.Error as error:
        yield name, BadRow(f"{name}:{reader.line_num} is no line of a CSV file: {error}.")
    if rows == 0:
        yield name, BadRow(f"{name} is empty: there is no row to predict.")


def _columns(header: Sequence[str], features: Sequence[str]) -> Sequence[int] | None:
    """Where the features stand in a header; None if one is missing."""
    names = [cell.strip().lower() for cell in header]
    wanted = [feature.lower() for feature in features]
    return [names.index(feature) for feature in wanted] if set(wanted) <= set(names) else None


def _row(
    place: str, cells: Sequence[str], columns: Sequence[int], features: Sequence[str]
) -> list[float] | BadRow:
    in_order = isinstance(columns, range)  # no header said where they stand
    if len(cells) <= max(columns) or (in_order and len(cells) != len(features)):
        names = ", ".join(features)
        return BadRow(f"{place} has {len(cells)} numbers, but the model reads {len(features)}: {names}.")
    chosen = [cells[column] for column in columns]
    numbers = _numbers(chosen)
    if numbers is None or not all(map(math.isfinite, numbers)):
        return BadRow(f"{place} holds something else than numbers: {', '.join(chosen)}.")
    return numbers


def _numbers(cells: Sequence[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None
