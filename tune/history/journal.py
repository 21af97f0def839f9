"""The journal of a search: one line per event, on the disk before anything is built on it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tune.options.errors import SearchError

Event = dict[str, Any]


class Journal:
    """A file that only grows, written by one process.

    Args:
        path: The file; an absent one has no events.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def events(self) -> list[Event]:
        """All events so far; half a line, which a killed process left at the end, is cut off.

        Raises:
            SearchError: If a line before the last is damaged.
        """
        if not self._path.exists():
            return []
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self._path, len(whole))
        return list(self._parsed(whole.decode("utf-8", errors="replace").splitlines()))

    def add(self, event: Event) -> None:
        """Append an event and have the disk hold it.

        Raises:
            SearchError: If it cannot be written.
        """
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SearchError(
                f"{self._path} cannot be written ({error.strerror}): mend it, and the same command "
                "goes on with the search"
            ) from error

    def _parsed(self, lines: list[str]) -> Iterator[Event]:
        for number, line in enumerate(lines, start=1):
            try:
                event = json.loads(line)
                yield event | {"event": event["event"]}
            except (ValueError, TypeError, KeyError) as error:
                raise SearchError(
                    f"line {number} of {self._path} must hold an event as JSON, found "
                    f"{line[:40]!r}: the file was damaged or edited; restore it, or search in "
                    "another --out"
                ) from error
