"""The disk of a search's folder: whether it has room, and waiting until it can be written."""

import errno
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tune.options.errors import SearchError

T = TypeVar("T")

logger = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT)

_EVERY_S = 5.0
_AWAY_S = 120.0
_LEAST_BYTES = 16_000_000


def patiently(write: Callable[[], T], place: Path) -> T:
    """Write, and where the disk is full or away, wait and write again.

    Args:
        write: Writes; called again after a failure.
        place: Where to, for people.

    Returns:
        What `write` returns.

    Raises:
        SearchError: If the disk is away for longer than two minutes; a full one is waited for.
    """
    waited = 0.0
    while True:
        try:
            return write()
        except OSError as error:
            what = f"{place} cannot be written ({error.strerror})"
            if waited >= _AWAY_S and error.errno not in FULL:
                raise SearchError(
                    f"{what}: mend it, and the same command goes on with the search"
                ) from error
            if not waited:
                logger.warning("%s: the search waits until it can", what)
        time.sleep(_EVERY_S)
        waited += _EVERY_S


def has_room(out: Path) -> bool:
    """Whether the disk takes another two checkpoints, found by taking the room for a moment.

    Args:
        out: Folder of a search.
    """
    sizes = [path.stat().st_size for path in (out / "trials").rglob("last.ckpt")]
    try:
        with tempfile.TemporaryFile(dir=out) as file:
            os.posix_fallocate(file.fileno(), 0, _LEAST_BYTES + 2 * max(sizes, default=0))
    except OSError as error:
        return error.errno not in FULL
    return True


class FullDisk:
    """The pause that a search makes while the disk of its folder is full.

    Args:
        out: Folder of the search.
        clock: Seconds.
    """

    def __init__(self, out: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._look_at: float | None = None

    def noticed(self) -> None:
        """A trial could not write."""
        if self._look_at is None:
            logger.warning(
                "the disk of %s is full: no trial starts until there is room again", self._out
            )
        self._look_at = self._clock() + _EVERY_S

    def lasts(self) -> bool:
        """Whether there is still no room."""
        if self._look_at is None:
            return False
        if self._clock() < self._look_at:
            return True
        if not has_room(self._out):
            self._look_at = self._clock() + _EVERY_S
            return True
        self._look_at = None
        logger.info("the disk of %s has room again: the search goes on", self._out)
        return False
