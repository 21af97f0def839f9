"""The trials of a search as inline SVG: Dice over epochs, and Dice against a searched value."""

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from lungseg.options.loss import LOSSES
from lungseg.report.plot import frame, line, svg, x_at, y_at
from tune.trials.outcome import TrialOutcome

_DICE_TICKS = [(value / 4, f"{value / 4:g}") for value in range(5)]


def curves_plot(trials: Sequence[TrialOutcome], epochs: int) -> Markup:
    """Dice per case after each epoch, a line per trial in the color of its loss."""
    parts = [*frame(_epoch_ticks(epochs), _DICE_TICKS, "epoch", "Dice per case")]
    for rank, trial in reversed(list(enumerate(trials))):
        points = [
            f"{x_at(_along(epoch, epochs)):.1f},{y_at(dice):.1f}"
            for epoch, dice in enumerate(trial.curve, start=1)
        ]
        if points:
            kind = f"curve {_color(trial)}" + (" best" if rank == 0 else "")
            parts.append(
                f'<polyline class="{kind}" points="{" ".join(points)}">'
                f"<title>{escape(_caption(trial))}</title></polyline>"
            )
            parts.append(_dot(trial, *map(float, points[-1].split(",")), radius=3))
    return svg(parts, "Validation Dice per case of each trial over its epochs")


def value_plot(trials: Sequence[TrialOutcome], name: str, title: str) -> Markup:
    """Best Dice per case against a searched number, a dot per trial.

    The axis is logarithmic where the highest number is more than three times the lowest.

    Args:
        trials: The trials; failed ones, and those without this value, are left out.
        name: Of the option.
        title: Of the axis.
    """
    scored = [
        (trial, trial.dice) for trial in trials if trial.dice is not None and name in trial.values
    ]
    axis = _Axis([trial.values[name] for trial, _ in scored] or [1.0])
    parts = [*frame(axis.ticks(), _DICE_TICKS, title, "best Dice per case")]
    for trial, dice in reversed(scored):
        parts.append(_dot(trial, x_at(axis.place(trial.values[name])), y_at(dice), radius=6))
    if scored:
        best = y_at(scored[0][1])
        parts.append(line(x_at(0), best, x_at(1), best, "mean"))
    return svg(parts, f"Best validation Dice per case of each trial against its {title}")


class _Axis:
    """Where numbers lie between 0 and 1, with a little room at the ends."""

    def __init__(self, values: Sequence[float]) -> None:
        self._is_log = min(values) > 0 and max(values) > 3 * min(values)
        low, high = self._scaled(min(values)), self._scaled(max(values))
        room = 0.05 * (high - low) or 0.5
        self._low, self._high = low - room, high + room

    def place(self, value: float) -> float:
        return (self._scaled(value) - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        values = _round_values if self._is_log else _even_values
        return [(self.place(value), f"{value:g}") for value in values(self._low, self._high)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self._is_log else float(value)


def _dot(trial: TrialOutcome, x: float, y: float, *, radius: int) -> str:
    return (
        f'<circle class="{_color(trial)}" r="{radius}" cx="{x:.1f}" cy="{y:.1f}">'
        f"<title>{escape(_caption(trial))}</title></circle>"
    )


def _color(trial: TrialOutcome) -> str:
    """CSS class of a trial: the loss decides."""
    return f"loss-{LOSSES.index(trial.values.get('loss', LOSSES[0]))}"


def _caption(trial: TrialOutcome) -> str:
    values = ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in trial.values.items()
    )
    score = "failed" if trial.dice is None else f"Dice {trial.dice:.3f}"
    return f"trial {trial.number}: {score}, {values}"


def _along(epoch: int, epochs: int) -> float:
    return (epoch - 1) / (epochs - 1) if epochs > 1 else 0.5


def _epoch_ticks(epochs: int) -> list[tuple[float, str]]:
    step = max(1, -(-epochs // 10))
    return [(_along(epoch, epochs), str(epoch)) for epoch in range(1, epochs + 1, step)]


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
