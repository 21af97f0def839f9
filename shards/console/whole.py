"""Write a file, or a folder of files, whole or not at all."""

import contextlib
import glob
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shards.console.words import encodable


@contextlib.contextmanager
def whole_or_nothing(
    path: Path, *, staging: Path | None = None, durable: bool = False
) -> Iterator[Path]:
    """A place to write to, which takes its final name when the block ends well.

    When the block ends by an error, Ctrl-C included, what was there before stays as it was and
    nothing else is left behind.

    Args:
        path: The file or folder wanted. An old file is replaced, a folder must be absent or empty.
        staging: Folder for the unfinished, on the same disk; by default the one that `path` is in.
        durable: Have the disk hold a file's content before its name does, should the power fail.

    Yields:
        Where to make the file or the folder; nothing is there yet.

    Raises:
        OSError: If it cannot be written.
    """
    unfinished = (staging or path.parent) / f".{path.name}.{uuid.uuid4().hex[:12]}.tmp"
    for folder in {path.parent, unfinished.parent}:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield unfinished
        if durable:
            write_through(unfinished)
        unfinished.replace(path)
    finally:
        _remove(unfinished)


def sweep(path: Path) -> None:
    """Remove what processes that were killed left unfinished of a file, beside it.

    Args:
        path: The file; nobody may be at writing it.
    """
    for unfinished in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        _remove(unfinished)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a small file whole or not at all; text as UTF-8.

    Args:
        path: The file; its folder is made.
        content: All of it; what is no text, as a file's name may hold, is escaped.
    """
    with whole_or_nothing(path) as unfinished:
        unfinished.write_bytes(encodable(content).encode() if isinstance(content, str) else content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, indented for people, whole or not at all."""
    write_whole(path, json.dumps(content, indent=1) + "\n")


def write_through(path: Path) -> None:
    """Return when the disk holds a file's content, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # as where the disk became read-only meanwhile
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
