"""A temporary folder for Ray's sockets and logs: short, with room, and gone at the end."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOM_BYTES = 50_000_000

_LONGEST = 40  # characters: what Ray adds must end below the 107 bytes of a socket's path


@contextlib.contextmanager
def temp_folder() -> Iterator[Path]:
    """A new folder, in RAY_TMPDIR where that is set, else in the first of several with room.

    `TMPDIR` comes last: on clusters it is often long, small or on a shared disk.

    Raises:
        ConnectionError: If no place will do.
    """
    given = os.environ.get("RAY_TMPDIR")
    places = [given] if given else ["/tmp", "/var/tmp", tempfile.gettempdir()]
    refused = {place: _refusal(Path(place)) for place in places}
    fit = [place for place in places if not refused[place]]
    if not fit:
        found = "; ".join(f"{place} {why}" for place, why in refused.items())
        raise ConnectionError(
            f"Ray needs a temporary folder of at most {_LONGEST} characters with "
            f"{ROOM_BYTES / 1e6:.0f} MB free, found {found}: make room, or set RAY_TMPDIR"
        )
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir=fit[0]))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refusal(place: Path) -> str:
    """Why a place will not do; empty where it will."""
    if len(str(place)) > _LONGEST:
        return f"is {len(str(place))} characters long"
    if not os.access(place, os.W_OK):
        return "cannot be written"
    free = shutil.disk_usage(place).free
    return "" if free >= ROOM_BYTES else f"has {free / 1e6:.1f} MB free"
