"""The trials of a search as parallel coordinates: a line per trial over all searched options."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from lungseg.report.plot import HEIGHT, LEFT, RIGHT, WIDTH, line, svg, tick, y_at
from tune.results.axis import Axis
from tune.results.marks import caption, color
from tune.results.words import short, words_of
from tune.trials.outcome import TrialOutcome, searched_names

_MOST = 7  # axes that stand apart
_MOST_TICKS = 6


def parallel_plot(trials: Sequence[TrialOutcome]) -> Markup:
    """A line per trial from option to option and to its Dice; the best is thick.

    Args:
        trials: The outcomes, the best first; failed ones are left out.
    """
    scored = [trial for trial in trials if trial.dice is not None]
    names = searched_names(scored)[:_MOST]
    columns = [*names, "Dice"]
    x = {name: _x(number, len(columns)) for number, name in enumerate(columns)}
    places = {name: _places([t.values[name] for t in scored if name in t.values]) for name in names}
    parts = [line(x[name], y_at(0), x[name], y_at(1), "grid") for name in columns]
    for rank, trial in reversed(list(enumerate(scored))):
        ends = {name: places[name](trial.values[name]) for name in names if name in trial.values}
        ends["Dice"] = float(trial.dice or 0.0)
        points = " ".join(f"{x[name]:.1f},{y_at(place):.1f}" for name, place in ends.items())
        kind = f"curve {color(trial)}" + (" best" if rank == 0 else "")
        parts.append(
            f'<polyline class="{kind}" points="{points}">'
            f"<title>{escape(caption(trial))}</title></polyline>"
        )
    for number, name in enumerate(columns):
        parts += _labels(number, x[name], name, places.get(name))
    return svg(parts, "Each trial as a line over its searched values to its Dice")


class _Choices:
    """Where the values of a choice lie between 0 and 1."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = sorted(set(values), key=str)

    def __call__(self, value: Any) -> float:
        return (self._values.index(value) + 0.5) / len(self._values)

    def ticks(self) -> list[tuple[float, str]]:
        return [(self(value), short(value)) for value in self._values]


class _Numbers:
    def __init__(self, values: Sequence[float]) -> None:
        self._axis = Axis(values)

    def __call__(self, value: float) -> float:
        return self._axis.place(value)

    def ticks(self) -> list[tuple[float, str]]:
        return self._axis.ticks()


def _places(values: Sequence[Any]) -> "_Choices | _Numbers":
    numbers = all(type(value) in (int, float) for value in values)
    return _Numbers(values) if numbers else _Choices(values)


def _x(number: int, columns: int) -> float:
    left, right = LEFT + 20, WIDTH - RIGHT - 12
    return left + number * (right - left) / max(1, columns - 1)


def _labels(number: int, x: float, name: str, places: "_Choices | _Numbers | None") -> list[str]:
    ticks = places.ticks() if places else [(n / 4, f"{n / 4:g}") for n in range(5)]
    ticks = ticks[:: -(-len(ticks) // _MOST_TICKS)]
    below = HEIGHT - 8 - 16 * (number % 2)  # long names in two rows
    return [
        f'<text class="title" text-anchor="middle" x="{x:.1f}" y="{below}">{escape(words_of(name))}'
        "</text>",
        *(tick(x - 5, y_at(place) + 4, str(escape(label)), "end") for place, label in ticks),
    ]
