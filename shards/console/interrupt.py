"""Ctrl-C and SIGTERM end a command alike: by a KeyboardInterrupt that takes along what is kept."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from shards.console.early import ending

NOTHING_WRITTEN = "nothing was written, the same command begins anew"


@contextlib.contextmanager
def interruptible(came: list[int]) -> Iterator[None]:
    """In the block both raise KeyboardInterrupt, whatever a library makes of it.

    A second SIGTERM ends the process at once. Who has a way of its own with a signal keeps it.

    Args:
        came: Takes the numbers of the signals that come.
    """
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    if threading.current_thread() is not threading.main_thread():
        usual = {}
    taken = {each: way for each, way in usual.items() if signal.getsignal(each) is way}
    take = _taker(came)
    for signum in taken:
        signal.signal(signum, take)
    try:
        yield
    except Exception as error:
        if came:  # what became of the KeyboardInterrupt in a library that caught it
            raise KeyboardInterrupt from error
        raise
    finally:
        for signum, way in taken.items():
            signal.signal(signum, way)


def _taker(came: list[int]) -> Callable[[int, FrameType | None], None]:
    process = os.getpid()

    def take(signum: int, _: FrameType | None) -> None:
        if signum == signal.SIGTERM:
            signal.signal(signum, signal.SIG_DFL)
            if os.getpid() != process:  # a fork of this one, for which the block is nothing
                os.kill(os.getpid(), signum)
        came.append(signum)
        raise KeyboardInterrupt

    return take


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
        came: What `interruptible` took.
    """
    line, code = ending(terminated=signal.SIGTERM in came)
    return "; ".join([line, *getattr(end, "__notes__", [])]), code
