"""One live table of the running trials on a terminal, below the lines that stay."""

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import ray.tune
from ray.tune.experiment import Trial

from tune.events import duration, said, seconds_to_go
from tune.history.memory import SCORE, Memory, TrialRecord

_EVERY_S = 0.5
_MOST_ROWS = 16


class LiveTable(ray.tune.Callback):  # type: ignore[misc]
    """Draws the table again and again; a line of `logging` takes its place and moves it down.

    Args:
        memory: Of the search.
        epochs: Of a trial that is not ended early.
        screen: The terminal.
    """

    def __init__(self, memory: Memory, epochs: int, screen: TextIO) -> None:
        self._memory, self._epochs, self._screen = memory, epochs, screen
        self._drawn, self._drawn_at = 0, 0.0

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """Draw it, but not all the time."""
        del iteration, trials
        if time.monotonic() - self._drawn_at < _EVERY_S:
            return
        self.clear()
        width = shutil.get_terminal_size().columns - 1
        lines = table_lines(self._memory, self._epochs, now=time.time())
        self._screen.write("".join(line[:width] + "\n" for line in lines))
        self._screen.flush()
        self._drawn, self._drawn_at = len(lines), time.monotonic()

    def clear(self) -> None:
        """Take the table off the screen."""
        if self._drawn:
            self._screen.write(f"\x1b[{self._drawn}A\x1b[J")
            self._screen.flush()
        self._drawn = 0


@contextmanager
def live_table(memory: Memory, epochs: int) -> Iterator[list[LiveTable]]:
    """The table where stderr is a terminal, none elsewhere; it is gone when the block ends."""
    if not sys.stderr.isatty():
        yield []
        return
    table = LiveTable(memory, epochs, sys.stderr)

    def make_way(record: logging.LogRecord) -> bool:
        del record
        table.clear()
        return True

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(make_way)
    try:
        yield [table]
    finally:
        for handler in handlers:
            handler.removeFilter(make_way)
        table.clear()


def table_lines(memory: Memory, epochs: int, *, now: float) -> list[str]:
    """The table: a line per running trial, and one on the whole search.

    Args:
        memory: Of the search.
        epochs: Of a trial that is not ended early.
        now: Seconds since 1970.
    """
    running = [r for r in memory.records.values() if r.status is None and r.stints]
    rows = [_row(record, epochs) for record in running[:_MOST_ROWS]]
    if len(running) > _MOST_ROWS:
        rows.append(f"... and {len(running) - _MOST_ROWS} more")
    return [f"{'trial':>5} {'epoch':>9} {'Dice':>7} {'best':>7}  values", *rows, _sum(memory, now)]


def _row(record: TrialRecord, epochs: int) -> str:
    last = record.last or {"epoch": 0, "dice_case_mean": 0.0, SCORE: 0.0}
    values = ", ".join(map(said, record.values, record.values.values()))
    progress = f"{last['epoch']}/{epochs}"
    return (
        f"{record.number:>5} {progress:>9} {last['dice_case_mean']:>7.4f} {last[SCORE]:>7.4f}  "
        f"{values}"
    )


def _sum(memory: Memory, now: float) -> str:
    scored = [r for r in memory.records.values() if r.last and r.status != "failed"]
    best = max(scored, key=lambda record: record.rank, default=None)
    parts = [f"{memory.ended} of {memory.trials} trials have ended"]
    if best is not None and best.last is not None:
        parts.append(f"best Dice per case {best.last[SCORE]:.4f} (trial {best.number})")
    if memory.ended:
        parts.append(f"about {duration(seconds_to_go(memory, now=now))} to go")
    return ", ".join(parts)
