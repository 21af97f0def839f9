"""Numbers over the epochs of a training as inline SVG: curves, and one small one for each case."""

import math
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup, escape

from lungseg.report.plot import frame, line, svg, x_at, y_at

Points = Sequence[tuple[int, float]]
"""Epochs, from 1 on, and the value of each."""

_SPARK_WIDTH, _SPARK_HEIGHT = 132.0, 30.0
_MOST_DOTS = 60


def epoch_plot(
    curves: Mapping[str, Points], title: str, *, least: float = 0.0, best: int | None = None
) -> Markup:
    """Curves over epochs, in the order of their colors.

    Args:
        curves: Points by the name of a curve.
        title: What they show, in words.
        least: What the vertical axis, which starts at 0, holds whatever the values.
        best: An epoch to mark.
    """
    shown = {name: points for name, points in curves.items() if points}
    values = [value for points in shown.values() for _, value in points]
    top = 4 * _round_step(max([*values, least]) / 4)
    epochs = max((epoch for points in shown.values() for epoch, _ in points), default=1)
    ticks = [(share / 4, f"{top * share / 4:.3g}") for share in range(5)]
    parts = [*frame(_epoch_ticks(epochs), ticks, "epoch", "")]
    if best is not None:
        x = x_at(_along(best, epochs))
        parts.append(line(x, y_at(0), x, y_at(1), "mean"))
    for number, (name, points) in enumerate(shown.items()):
        places = [(x_at(_along(e, epochs)), y_at(min(1.0, v / top))) for e, v in points]
        parts.append(_polyline(places, f"curve c{number}"))
        parts += _dots(name, points, places, number)
    ends = "; ".join(f"{name}: {points[-1][1]:.4g}" for name, points in shown.items())
    return svg(parts, f"{escape(title)} over {epochs} epochs, at the end {escape(ends)}")


def spark(points: Points, *, epochs: int, name: str) -> Markup:
    """Dice of one case over the epochs, from 0 to 1, without axes.

    Args:
        points: What is known.
        epochs: How many epochs the width stands for.
        name: The case.
    """
    places = [
        (2 + (_SPARK_WIDTH - 4) * _along(e, epochs), _SPARK_HEIGHT - 2 - (_SPARK_HEIGHT - 4) * v)
        for e, v in points
    ]
    said = ", ".join(f"{value:.2f}" for _, value in points) or "none"
    x, y = places[-1] if places else (0.0, 0.0)
    dot = f'<circle class="d0" r="2.5" cx="{x:.1f}" cy="{y:.1f}"/>' if places else ""
    return Markup(
        f'<svg class="spark" viewBox="0 0 {_SPARK_WIDTH:.0f} {_SPARK_HEIGHT:.0f}" role="img" '
        f'aria-label="Dice of {escape(name)} by epoch: {said}">'
        f"{_polyline(places, 'curve c0')}{dot}</svg>"
    )


def _round_step(least: float) -> float:
    """The next of 1, 2, 2.5 and 5 times a power of ten."""
    if least <= 0:
        return 0.25
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(step for step in (1, 2, 2.5, 5, 10) if step * power >= least * (1 - 1e-9))


def _along(epoch: int, epochs: int) -> float:
    return (epoch - 1) / max(1, epochs - 1)


def _epoch_ticks(epochs: int) -> list[tuple[float, str]]:
    shown = sorted({1, epochs, *(round(1 + (epochs - 1) * share / 4) for share in (1, 2, 3))})
    return [(_along(epoch, epochs), str(epoch)) for epoch in shown]


def _polyline(places: Sequence[tuple[float, float]], kind: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="{kind}" points="{points}"/>'


def _dots(
    name: str, points: Points, places: Sequence[tuple[float, float]], number: int
) -> Iterator[str]:
    """A dot with its numbers for each point, or for the last where there are many."""
    first = 0 if len(points) <= _MOST_DOTS else len(points) - 1
    for (epoch, value), (x, y) in list(zip(points, places, strict=True))[first:]:
        yield (
            f'<circle class="d{number}" r="3" cx="{x:.1f}" cy="{y:.1f}">'
            f"<title>{escape(name)}, epoch {epoch}: {value:.4g}</title></circle>"
        )
