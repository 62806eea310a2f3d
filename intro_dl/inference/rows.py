"""Read rows of numbers for a prediction: tables as spreadsheets write them, and numbers that were typed."""

import os
from collections.abc import Iterable, Iterator, Sequence

from intro_dl.data.csv_file import Row, has_decimal_comma, is_number, read_numbers, read_table, separator_of
from intro_dl.data.image_file import Unreadable
from intro_dl.runs.files import typed_path


def read_rows(
    words: Iterable[str], features: Sequence[str]
) -> Iterator[tuple[str, list[float] | Unreadable]]:
    """Yield the rows that the words name: tables, or numbers such as 4,5.

    Yields:
        The place of a row, e.g. "students.csv:2", with its numbers in the order of `features`, or the error
        that stands in their place.
    """
    for word in words:
        separator = separator_of(word)
        cells = [cell.strip() for cell in word.split(separator)]
        try:
            if all(map(is_number, cells)) and not os.path.isfile(word):
                rows = [(word, cells)]
            else:
                separator, rows = _read_table(word)
                rows = _chosen_columns(rows, features, word)
        except Unreadable as error:
            yield word, error
            continue
        with_comma = has_decimal_comma(cells for _, cells in rows)
        for place, cells in rows:
            try:
                yield place, _numbers(cells, features, separator, with_comma)
            except ValueError as error:
                yield place, Unreadable(f"{place}: {error}")


def _read_table(word: str) -> tuple[str, list[Row]]:
    """Return the separator of a table and its rows, with the header and without empty lines."""
    path = typed_path(word)
    try:
        separator, rows = read_table(path, otherwise="latin-1")  # numbers are the same in every such encoding
    except OSError as error:
        raise Unreadable(
            f"Cannot read {path}: {error.strerror}. Name a CSV file, or numbers such as 4,5."
        ) from error
    except ValueError as error:
        raise Unreadable(str(error)) from error
    if not rows:
        raise Unreadable(f"{path} is empty: there is no row to predict.")
    return separator, rows


def _chosen_columns(rows: list[Row], features: Sequence[str], path: str) -> list[Row]:
    """Return the rows without the header, and only with the columns that the header gives to `features`."""
    names, wanted = [name.lower() for name in rows[0][1]], [feature.lower() for feature in features]
    if not set(wanted) <= set(names) and any(map(is_number, names)):
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
    return read_numbers(cells, features, separator, with_comma)
