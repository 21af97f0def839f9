"""How far a long job is: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Counts what is finished, for whoever watches."""

    def step(self, note: str = "") -> None:
        """One more is done.

        Args:
            note: What is at hand, for example a name or the latest numbers.
        """

    def expect(self, total: int) -> None:
        """Correct how many there are.

        Args:
            total: As far as is known by now.
        """


@contextmanager
def progress(
    total: int | None,
    *,
    done: int = 0,
    unit: str = "case",
    every_s: float = _SECONDS_BETWEEN_LINES,
) -> Iterator[Progress]:
    """Show the progress of a job; messages of `logging` appear above the bar.

    Args:
        total: How many there are; None where that is not known.
        done: How many of them an earlier run finished.
        unit: What is counted, as a noun that takes an s.
        every_s: Seconds between plain lines.
    """
    if not sys.stderr.isatty():
        yield _Lines(total, done, unit, every_s)
        return
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm(), tqdm(total=total, initial=done, unit=unit) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: "tqdm[None]") -> None:  # type: ignore[name-defined]  # noqa: F821
        self._bar = bar

    def step(self, note: str = "") -> None:
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update()

    def expect(self, total: int) -> None:
        self._bar.total = total


class _Lines:
    def __init__(self, total: int | None, done: int, unit: str, every_s: float) -> None:
        self._total, self._before, self._done = total, done, done
        self._unit, self._every_s = unit, every_s
        self._start = self._said = time.monotonic()

    def step(self, note: str = "") -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._said < self._every_s and self._done != self._total:
            return
        self._said = now
        rate = (self._done - self._before) / max(now - self._start, 1e-9)
        parts = [self._count(), f"{rate:.2f} {self._unit}s/s"]
        if self._total is not None:
            parts.append(f"{(self._total - self._done) / rate:.0f} s to go")
        logging.getLogger(__name__).info("%s", ", ".join([*parts, note] if note else parts))

    def expect(self, total: int) -> None:
        self._total = total

    def _count(self) -> str:
        if self._total is None:
            return f"{self._done} {self._unit}{'' if self._done == 1 else 's'}"
        plural = "" if self._total == 1 else "s"
        return f"{self._done} of {self._total} {self._unit}{plural}"
