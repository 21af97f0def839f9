"""A folder for the sockets between processes, with a path that is short whatever TMPDIR is."""

import os
import tempfile
from multiprocessing.util import get_temp_dir

_PLACES = ("/tmp", "/var/tmp")
_LONGEST = 70  # bytes: what Python adds must end within the 107 of a socket's path


def keep_sockets_short() -> None:
    """Have this process, and those that it starts from now on, make their sockets where they may.

    Python makes them below `TMPDIR`, which on clusters is often long.
    """
    before, here = tempfile.tempdir, tempfile.gettempdir()
    if len(os.fsencode(here)) <= _LONGEST:
        return
    tempfile.tempdir = next((place for place in _PLACES if os.access(place, os.W_OK)), here)
    try:
        get_temp_dir()  # which Python asks once, and keeps
    finally:
        tempfile.tempdir = before
