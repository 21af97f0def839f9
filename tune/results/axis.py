"""An axis of a plot: where numbers lie on it, and which of them are written beside it."""

import math
from collections.abc import Iterator, Sequence


class Axis:
    """Where numbers lie between 0 and 1, with a little room at the ends.

    It is logarithmic where the highest number is more than three times the lowest.

    Args:
        values: The numbers; one at least.
    """

    def __init__(self, values: Sequence[float]) -> None:
        self._is_log = min(values) > 0 and max(values) > 3 * min(values)
        low, high = self._scaled(min(values)), self._scaled(max(values))
        room = 0.05 * (high - low) or 0.5
        self._low, self._high = low - room, high + room

    def place(self, value: float) -> float:
        """Where a number lies."""
        return (self._scaled(value) - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers, with their places."""
        values = _round_values if self._is_log else _even_values
        return [(self.place(value), f"{value:g}") for value in values(self._low, self._high)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self._is_log else float(value)


def _round_values(low: float, high: float) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten within 10**low to 10**high."""
    for power in range(math.floor(low), math.ceil(high) + 1):
        for digit in (1, 2, 5):
            if low <= math.log10(digit * 10.0**power) <= high:
                yield digit * 10.0**power


def _even_values(low: float, high: float) -> Iterator[float]:
    """Multiples of a round step within low to high, some five of them."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= 5 if (high - low) / step > 10 else 2 if (high - low) / step > 5 else 1
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield round(number * step, 10)
