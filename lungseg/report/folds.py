"""A cross-validation as one self-contained HTML page, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from markupsafe import Markup, escape

from lungseg.report.page import as_ml, as_score, page_template
from lungseg.report.plot import frame, line, svg, x_at, y_at
from lungseg.scores.case_counts import CaseCounts
from shards.console.words import counted


class Fold(Protocol):
    """One fold and its scored cases."""

    @property
    def fold(self) -> int:
        """Its number."""

    @property
    def cases(self) -> Sequence[CaseCounts]:
        """Its validation cases."""


class Row(NamedTuple):
    """A case and the fold that it is in."""

    fold: int
    case: CaseCounts


def render(folds: Sequence[Fold], result: Mapping[str, Any]) -> str:
    """Write the page.

    Args:
        folds: The folds that have scores.
        result: Content of `result.json`.

    Returns:
        HTML that refers to nothing outside itself.
    """
    rows = [Row(fold.fold, case) for fold in folds for case in fold.cases]
    worst_first = sorted(rows, key=lambda row: (_dice(row.case), row.case.case))
    filters: dict[str, Any] = {"score": as_score, "ml": as_ml, "counted": counted}
    template = page_template("lungseg.report", "folds.html.j2", **filters)
    return template.render(result=result, rows=worst_first, plot=folds_plot(folds))


def folds_plot(folds: Sequence[Fold]) -> Markup:
    """Dice of each case with tumor as a dot in its fold's column, and the mean of each fold."""
    ticks = [(value / 4, f"{value / 4:g}") for value in range(5)]
    columns = [((number + 0.5) / len(folds), str(fold.fold)) for number, fold in enumerate(folds)]
    parts = [*frame(columns, ticks, "fold", "Dice")]
    for (place, _), fold in zip(columns, folds, strict=True):
        known = [case for case in fold.cases if case.has_tumor]
        parts += _column(place, known, half_width=0.32 / len(folds))
    return svg(parts, "Dice of each case with tumor by fold, and the mean of each fold")


def _column(place: float, cases: Sequence[CaseCounts], *, half_width: float) -> Iterator[str]:
    mean = sum(_dice(case) for case in cases) / max(1, len(cases))
    if cases:
        ends = x_at(place - half_width), x_at(place + half_width)
        yield line(ends[0], y_at(mean), ends[1], y_at(mean), "level")
    for number, case in enumerate(cases):
        aside = half_width * (2 * (number + 0.5) / len(cases) - 1)
        title = escape(f"{case.case}: Dice {_dice(case):.3f}")
        yield (
            f'<circle class="{"bad" if case.missed else "dot"}" r="5" '
            f'cx="{x_at(place + aside):.1f}" cy="{y_at(_dice(case)):.1f}"><title>{title}</title>'
            "</circle>"
        )


def _dice(case: CaseCounts) -> float:
    return 2.0 if case.dice is None else case.dice
