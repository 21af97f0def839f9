"""Every file below a folder, links to folders followed, each folder once."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from shards.console.words import some

_log = logging.getLogger(__name__)

_Identity = tuple[int, int]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, in the order of their names within each folder.

    What lies below a folder itself comes before what its links lead to, so that a folder that is
    reached by both is known by its own name; a link that leads back, or to a folder that was
    searched already, ends there. A link to nothing is yielded like a file: whoever reads it says
    so. Folders that cannot be read are named in the log.

    Args:
        folder: Where to search; may itself be a link. Anything else holds no files.

    Yields:
        Paths that begin with `folder`.
    """
    seen: set[_Identity] = set()
    again: list[str] = []
    unread: list[str] = []
    pending = [folder] if folder.is_dir() else []
    for start in pending:
        for parent, links, files in _walk(start, seen, again, unread):
            yield from (parent / name for name in files)
            pending += links
    for what, names in (
        ("links to folders that are searched already", again),
        ("folders that cannot be read", unread),
    ):
        if names:
            _log.warning("left out %s: %s", what, some(names))


def _walk(
    start: Path, seen: set[_Identity], again: list[str], unread: list[str]
) -> Iterator[tuple[Path, list[Path], list[str]]]:
    """Yield (folder, links to folders in it, names of its files), no folder that was seen."""

    def note(error: OSError) -> None:
        unread.append(f"{error.filename} ({error.strerror})")

    for name, folders, files in os.walk(start, onerror=note):
        parent = Path(name)
        if not _is_new(parent, seen):
            folders.clear()
            if parent == start:
                again.append(str(parent))
            continue
        links = [path for inner in sorted(folders) if (path := parent / inner).is_symlink()]
        folders[:] = sorted(set(folders) - {path.name for path in links})
        yield parent, links, sorted(files)


def _is_new(folder: Path, seen: set[_Identity]) -> bool:
    status = folder.stat()
    identity = status.st_dev, status.st_ino
    is_new = identity not in seen
    seen.add(identity)
    return is_new
