"""A temporary folder of one process: gone at its end, or when another sees that it was killed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "lungseg-copy-"
"""Their names begin with it."""


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A temporary folder of this process, held by a lock; those of killed processes go."""
    prefix = f"{PREFIX}{os.getuid()}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            held = _lock(left)
            shutil.rmtree(left, ignore_errors=True)
            os.close(held)
    folder, held = _taken(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _taken(prefix: str) -> tuple[Path, int]:
    """A new folder and its lock; another process may have swept it before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        with contextlib.suppress(OSError):
            held = _lock(folder)
            if folder.exists():
                return folder, held
            os.close(held)


def _lock(folder: Path) -> int:
    """Hold a folder until what is returned is closed; OSError where another process does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
