"""A CSV file with named columns -> its rows as text."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ingest.case import BadCaseError

_SEPARATORS = ",;\t"


def read_table(path: Path, columns: Sequence[str], *, option: str) -> list[dict[str, str]]:
    """Read columns of a table.

    Args:
        path: The file: UTF-8, its first line with the names of the columns, separated by commas,
            semicolons or tabs. Others may be there too.
        columns: Names of the columns that are needed, whatever their case.
        option: What asked for it, for messages.

    Returns:
        The rows: by the column's name, text without space around it; empty lines are left out.

    Raises:
        BadCaseError: If it cannot be read, or has no such column or an empty cell.
    """
    lines = read_text(path, option=option).splitlines()
    separator = max(_SEPARATORS, key=lines[0].count) if lines else ","
    try:
        names, *rows = list(csv.reader(lines, delimiter=separator)) or [[]]
    except csv.Error as error:
        raise BadCaseError(f"{option}: {path} is no table ({error}): save it as CSV") from error
    names = [name.strip().lower() for name in names]
    for column in columns:
        if column not in names:
            found = ", ".join(names) or "nothing"
            raise BadCaseError(f"{option} needs a table with column {column}, {path} has {found}")
    places = {column: names.index(column) for column in columns}
    filled = [(number, row) for number, row in enumerate(rows, 2) if any(map(str.strip, row))]
    return [_cells(row, places, f"{option}: line {number} of {path}") for number, row in filled]


def read_text(path: Path, *, option: str) -> str:
    """The text of a file that an option names.

    Raises:
        BadCaseError: If it cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        what = error.strerror or str(error)
        raise BadCaseError(f"{option}: {path} cannot be read ({what}): check the path") from error
    except UnicodeDecodeError as error:
        raise BadCaseError(f"{option}: {path} is no text in UTF-8: save it as CSV UTF-8") from error


def _cells(row: list[str], places: dict[str, int], where: str) -> dict[str, str]:
    cells = {name: row[place].strip() for name, place in places.items() if place < len(row)}
    for name in places:
        if not cells.get(name):
            raise BadCaseError(f"{where} has no {name}: fill it in, or delete the line")
    return cells
