"""Notices when another process of a training dies or stands still, and ends all in one line."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_FOLDER = "LUNGSEG_HEARTBEATS"
_EVERY_S = 0.5
_SILENT_S = 10.0

logger = logging.getLogger(__name__)

Children = list["subprocess.Popen[bytes]"]


@contextlib.contextmanager
def watched_peers(children: Callable[[], Children], *, advice: str) -> Iterator[None]:
    """Watch the other processes of this training until the block ends.

    The first process watches those that it started, each of those watches the first one.

    Args:
        children: The processes that this one has started by now.
        advice: What to say after the reason, before this process ends with exit code 1, or with
            that of one which has said the reason itself.
    """
    first = "LOCAL_RANK" not in os.environ
    if first:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="lungseg-")
    if _FOLDER not in os.environ:
        yield
        return
    watch = _Watch(Path(os.environ[_FOLDER]), children if first else None, advice)
    watch.start()
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        watch.end_children()  # which may stand in an exchange that this process has left
        raise
    finally:
        watch.over.set()
        watch.join()
        if first:
            shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


def wait_for_reason() -> None:
    """Let the watch end this process, where an exchange failed because another one is gone."""
    time.sleep(_SILENT_S + 4 * _EVERY_S)


class _Watch(threading.Thread):
    def __init__(self, folder: Path, children: Callable[[], Children] | None, advice: str) -> None:
        super().__init__(daemon=True, name="peers")
        self.over = threading.Event()
        self._folder, self._children, self._advice = folder, children, advice
        self._parent = os.getppid()
        self._mine = folder / os.environ.get("LOCAL_RANK", "0")
        self._mine.touch()  # who stands still before its first beat is missed as well
        self._taken: Children = []
        self._code = 1
        self._last = time.monotonic()

    def end_children(self) -> None:
        """End the processes that this one has started."""
        for child in [*self._taken, *(self._children() if self._children else [])]:
            child.kill()

    def run(self) -> None:
        while not self.over.wait(_EVERY_S):
            awake = time.monotonic() - self._last < _SILENT_S / 2  # else this one stood still too
            self._last = time.monotonic()
            reason = self._gone()
            with contextlib.suppress(FileNotFoundError):  # one that ended has removed the folder
                self._mine.touch()
                if reason is None and awake:
                    reason = self._silent()
            if reason is not None and not self.over.is_set():
                self._end(reason)

    def _gone(self) -> str | None:
        """What to say of a process that ended; empty where it has said so itself."""
        if self._children is None:
            return None if os.getppid() == self._parent else f"{_named(0)} is gone"
        started = self._children()
        self._taken += started
        started.clear()  # or Lightning's own watch would kill this process without a word
        for rank, child in enumerate(self._taken, start=1):
            code = child.poll()
            if code:
                self._code = max(1, code)
                how = f"was killed by {signal.Signals(-code).name}" if code < 0 else ""
                return how and f"{_named(rank)} {how}"
        return None

    def _silent(self) -> str | None:
        for path in self._folder.iterdir():
            watched = self._children is not None or path.name == "0"
            if watched and path != self._mine and time.time() - path.stat().st_mtime > _SILENT_S:
                return f"{_named(int(path.name))} has stood still for {_SILENT_S:.0f} s"
        return None

    def _end(self, reason: str) -> None:
        if reason:
            logger.error("%s: the training ends; %s", reason, self._advice)
        self.end_children()
        if self._children is None and os.getppid() == self._parent:
            os.kill(self._parent, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(self._code)


def _named(rank: int) -> str:
    return f"process {rank + 1} of the training"
