"""How far a long job is: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Counts finished cases, or shards, for whoever watches."""

    def step(self) -> None:
        """One more is done."""


@contextmanager
def progress(total: int, *, done: int = 0, unit: str = "case") -> Iterator[Progress]:
    """Show the progress of a job; messages of `logging` appear above the bar.

    Args:
        total: Cases there are.
        done: Cases that an earlier run finished.
        unit: What is counted.
    """
    if not sys.stderr.isatty():
        yield _Lines(total, done, unit)
        return
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm(), tqdm(total=total, initial=done, unit=unit) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: "tqdm[None]") -> None:  # type: ignore[name-defined]  # noqa: F821
        self._bar = bar

    def step(self) -> None:
        self._bar.update()


class _Lines:
    def __init__(self, total: int, done: int, unit: str) -> None:
        self._unit = unit
        self._total, self._before, self._done = total, done, done
        self._start = self._said = time.monotonic()

    def step(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES and self._done < self._total:
            return
        self._said = now
        rate = (self._done - self._before) / max(now - self._start, 1e-9)
        logging.getLogger(__name__).info(
            "%d of %d %ss, %.2f %ss/s, %.0f s to go",
            *(self._done, self._total, self._unit, rate, self._unit),
            (self._total - self._done) / rate,
        )
