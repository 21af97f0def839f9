"""Ctrl-C and SIGTERM end a command alike: by a KeyboardInterrupt that takes along what is kept."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from shards.console.early import INTERRUPTED, TERMINATED

NOTHING_WRITTEN = "nothing was written, the same command begins anew"


@contextlib.contextmanager
def sigterm_as_ctrl_c() -> Iterator[list[int]]:
    """In the block SIGTERM raises KeyboardInterrupt; another one ends the process at once.

    Who has a way of its own with SIGTERM keeps it.

    Yields:
        The signal's number, once it came.
    """
    came: list[int] = []
    process = os.getpid()

    def take(signum: int, _: FrameType | None) -> None:
        signal.signal(signum, signal.SIG_DFL)
        if os.getpid() != process:  # a fork of this one, for which the block is nothing
            os.kill(os.getpid(), signum)
        came.append(signum)
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield came
        return
    signal.signal(signal.SIGTERM, take)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def kept(words: str) -> Iterator[None]:
    """Have a KeyboardInterrupt that leaves the block say what is kept, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as end:
        end.add_note(words)
        raise


def last_words(end: KeyboardInterrupt, came: list[int]) -> tuple[str, int]:
    """The line that a command ends with, and its exit code.

    Args:
        end: What ended it.
        came: As `sigterm_as_ctrl_c` has it.
    """
    first = "ended by SIGTERM" if came else "interrupted"
    line = "; ".join([first, *getattr(end, "__notes__", [])])
    return line, TERMINATED if came else INTERRUPTED
