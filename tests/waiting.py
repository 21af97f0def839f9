"""Waiting for what other processes and threads do, up to a limit that only a fault reaches."""

import time
from pathlib import Path

PATIENCE_S = 120


def wait_until(condition, what, *, seconds=PATIENCE_S, during=None, every_s=0.02):
    """Wait until a condition holds.

    Args:
        condition: Function without arguments.
        what: What is waited for; or a function that tells what there is instead.
        seconds: Limit, many times what a busy machine needs.
        during: Process that is not to end before; one that ended has a last chance.
        every_s: Pause between two looks, longer where a look costs something.

    Returns:
        What the condition gave, which is true.
    """
    until = time.monotonic() + seconds
    while True:
        ended = during is not None and during.poll() is not None
        if found := condition():
            return found
        assert not ended, f"the process ended: {_text(what)}"
        assert time.monotonic() < until, f"not within {seconds} s: {_text(what)}"
        time.sleep(every_s)


def gone(pid):
    """Whether a process has ended, be it that its parent has not asked for it yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


def _text(what):
    return what() if callable(what) else what
