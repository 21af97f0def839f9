"""A command with all processes that it starts: its lines, their processor time, what is left."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LOOK_EVERY_S = 0.2
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Process = tuple[int, int]
"""Its id, and when it started, in ticks: ids are given again."""


@dataclass
class Watched:
    """A Python command, run to its end.

    Attributes:
        began: When it was started, in seconds since 1970.
        ended: When it ended.
        lines: What it said on stderr, each with its time.
        ticks: Processor time of each process that was seen, up to the last look at it.
        looks: That of all together at each look.
    """

    began: float = 0.0
    ended: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)
    ticks: dict[Process, int] = field(default_factory=dict)
    looks: list[tuple[float, float]] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        return self.ended - self.began

    @property
    def processor_s(self) -> float:
        """Of the command and all its processes; what each did after the last look is missing."""
        return self.looks[-1][1]

    def processor_s_until(self, when: float) -> float:
        return max((spent for at, spent in self.looks if at <= when), default=0.0)

    @property
    def left(self) -> list[str]:
        """Names of its processes that still live."""
        living = {process: status for process, status in statuses() if process in self.ticks}
        return [status[0] for status in living.values() if status[1] != "Z"]


def watched(
    words: list[str],
    *,
    said: Callable[[int, str], object] = lambda *_: None,
    environment: dict[str, str] | None = None,
) -> Watched:
    """Run Python with some words; a command that fails ends this process with what it said.

    Args:
        words: Of the command line.
        said: Called with the command's process id after each line.
        environment: Further variables.
    """
    run = Watched(began=time.time())
    with subprocess.Popen(
        [sys.executable, *words],
        env=os.environ | (environment or {}),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        ended = threading.Event()
        looker = threading.Thread(target=_look_on, args=(run, process.pid, ended))
        looker.start()
        assert process.stderr is not None
        for line in process.stderr:
            run.lines.append((time.time(), line))
            said(process.pid, line)
        process.wait()
        run.ended = time.time()
        ended.set()
        looker.join()
    if process.returncode:
        sys.exit("".join(line for _, line in run.lines))
    return run


def _look_on(run: Watched, pid: int, ended: threading.Event) -> None:
    while not ended.wait(LOOK_EVERY_S):
        for process, status in family(pid):
            run.ticks[process] = int(status[12]) + int(status[13])
        run.looks.append((time.time(), TICK_S * sum(run.ticks.values())))


def family(pid: int) -> list[tuple[Process, list[str]]]:
    """A process and all below it, each with its status."""
    children: dict[int, list[tuple[Process, list[str]]]] = {}
    found = []
    for process, status in statuses():
        children.setdefault(int(status[2]), []).append((process, status))
        if process[0] == pid:
            found.append((process, status))
    for process, _ in found:
        found += children.get(process[0], [])
    return found


def statuses() -> Iterator[tuple[Process, list[str]]]:
    """All processes of this machine: name, state, parent, ... as in /proc/PID/stat."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace").partition("(")[2]
        except OSError:
            continue
        name, _, rest = text.rpartition(") ")
        status = [name, *rest.split()]
        yield (int(path.parent.name), int(status[20])), status


def resident_mb(status: list[str]) -> float:
    return int(status[22]) * PAGE_BYTES / 1e6
