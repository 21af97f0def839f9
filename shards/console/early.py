"""Ctrl-C or SIGTERM while a command still imports its libraries is one line; import this first."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143

_PACKAGES = ("shards", "ingest", "lungseg", "tune")


def watch() -> None:
    """From now on both end the program at once, with one line; `begin` ends that."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def begin() -> None:
    """From now on both are what they are to Python."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) is _leave:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def ending(*, terminated: bool) -> tuple[str, int]:
    """What a command says that a signal ends, and its exit code."""
    return ("ended by SIGTERM", TERMINATED) if terminated else ("interrupted", INTERRUPTED)


def _leave(signum: int, _: FrameType | None) -> None:
    line, code = ending(terminated=signum == signal.SIGTERM)
    os.write(2, f"{line}\n".encode())
    os._exit(code)


_main = getattr(sys.modules["__main__"], "__spec__", None)
if _main is not None and _main.name.partition(".")[0] in _PACKAGES:
    watch()  # a command is what Python runs
