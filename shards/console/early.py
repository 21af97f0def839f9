"""A Ctrl-C while a command still imports what it needs is one line too; import this first."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130

_PACKAGES = ("shards", "ingest", "lungseg", "tune")


def watch() -> None:
    """From now on a Ctrl-C ends the program at once, with one line; `begin` ends that."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def begin() -> None:
    """From now on a Ctrl-C is Python's KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


_main = getattr(sys.modules["__main__"], "__spec__", None)
if _main is not None and _main.name.partition(".")[0] in _PACKAGES:
    watch()  # a command is what Python runs
