"""A CSV file of rows per case that outlives a kill: lines are added, and sorted at the end."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shards.console.whole import whole_or_nothing
from shards.console.words import encodable

Row = Mapping[str, str]


class CaseTable:
    """Rows by case, those of earlier runs included.

    While cases are added the file may hold older lines of a row before its newest, and a last line
    that a kill cut off; `finish` leaves each row once, sorted.

    Args:
        path: The file.
        columns: Names of its columns: first `case`; the last tells whole lines from cut ones.
        num_keys: Columns that a row is known by.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, num_keys: int = 1) -> None:
        self._path = path
        self._columns = tuple(columns)
        self._keys = self._columns[:num_keys]
        self._is_tidy = False
        self._rows = {self._key(row): row for row in _whole_lines(path, self._columns)}

    def rows(self, case: str) -> list[Row]:
        """What is known of a case; all values are text."""
        known = encodable(case)
        return [row for key, row in self._rows.items() if key[0] == known]

    def put(self, case: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace the rows of a case, and add them to the file at once.

        Raises:
            OSError: If it cannot be written.
        """
        if not self._is_tidy:
            self.finish()
        known = encodable(case)
        self._rows = {key: row for key, row in self._rows.items() if key[0] != known}
        texts = [{name: encodable(str(value)) for name, value in row.items()} for row in rows]
        named = [{"case": known, **row} for row in texts]
        self._rows |= {self._key(row): row for row in named}
        with self._path.open("a", newline="", encoding="utf-8") as file:
            self._writer(file).writerows(named)

    def finish(self) -> None:
        """Write the file anew: each case once, sorted.

        Raises:
            OSError: If it cannot be written.
        """
        with (
            whole_or_nothing(self._path) as unfinished,
            unfinished.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = self._writer(file)
            writer.writeheader()
            writer.writerows(row for _, row in sorted(self._rows.items(), key=_in_order))
        self._is_tidy = True

    def _key(self, row: Row) -> tuple[str, ...]:
        return tuple(row[name] for name in self._keys)

    def _writer(self, file: Any) -> "csv.DictWriter[str]":
        return csv.DictWriter(file, self._columns, restval="", lineterminator="\n")


def _in_order(item: tuple[tuple[str, ...], Row]) -> tuple[str, ...]:
    """By case, and then by number."""
    case, *numbers = item[0]
    return (case, *(number.zfill(9) for number in numbers))


def _whole_lines(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The lines of a table that were written to their end; none of a file with other columns."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != columns:
            return []
        return [row for row in reader if None not in row and row[columns[-1]]]
