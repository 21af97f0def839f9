"""The journal of a search: one line per event, on the disk before anything is built on it."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tune.history.disk import patiently
from tune.options.errors import SearchError

Event = dict[str, Any]


class Journal:
    """A file that only grows, written by one process.

    Args:
        path: The file; an absent one has no events, and is made when they are asked for.
        keep: Puts the file where it survives this machine; called after each event.

    Attributes:
        trouble: Why it could not be written; then nothing is added any more.
    """

    def __init__(self, path: Path, *, keep: Callable[[], None] = lambda: None) -> None:
        self._path, self._keep = path, keep
        self.trouble: SearchError | None = None

    def events(self) -> list[Event]:
        """All events so far; half a line, which a killed process left at the end, is cut off.

        Raises:
            SearchError: If a line before the last is damaged.
        """
        self._path.touch()
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self._path, len(whole))
        return list(self._parsed(whole.decode("utf-8", errors="replace").splitlines()))

    def add(self, event: Event) -> None:
        """Append an event and have the disk hold it; a full disk is waited for.

        Raises:
            SearchError: If the file is gone, or cannot be written.
        """
        if self.trouble is not None:
            raise self.trouble
        line = (json.dumps(event) + "\n").encode()
        try:
            patiently(lambda: self._append(line), self._path)
            self._keep()
        except SearchError as error:
            self.trouble = error
            raise

    def _append(self, line: bytes) -> None:
        """Append the whole line or nothing; a file that is gone is not made anew."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)

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
