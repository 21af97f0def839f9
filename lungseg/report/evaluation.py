"""An evaluation as one self-contained HTML page, for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lungseg.report.certainty import froc_plot, reliability_plot, risk_plot
from lungseg.report.charts import area_plot, dice_plot, volume_plot
from lungseg.report.filmstrip import Filmstrip
from lungseg.report.page import as_score, page_template
from lungseg.scores.case_score import CaseScore
from lungseg.scores.confidence.froc import froc
from shards.console.words import counted

PICTURE_BYTES = 4_500_000
"""Room for pictures in a page of less than 6 MB."""

Facts = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One case of the report.

    Attributes:
        score: Its numbers.
        strip: Its pictures; None where there was no room.
    """

    score: CaseScore
    strip: Filmstrip | None


def render(
    chapters: Sequence[Chapter],
    metrics: Mapping[str, Any],
    *,
    warnings: Sequence[str],
    facts: Mapping[str, Facts],
) -> str:
    """Write the page.

    Args:
        chapters: The cases, in any order.
        metrics: Content of `metrics.json`.
        warnings: What a reader must know before believing the numbers, one sentence each.
        facts: Tables by title: name -> value.

    Returns:
        HTML that refers to nothing outside itself.
    """
    worst_first = fitted(sorted(chapters, key=lambda chapter: _badness(chapter.score)))
    scores = [chapter.score for chapter in worst_first]
    return page_template("lungseg.report", score=as_score, mm=_as_mm, counted=counted).render(
        chapters=worst_first,
        metrics=metrics,
        warnings=warnings,
        facts=facts,
        certainty_plots=_certainty_plots(scores, metrics),
        volume_plot=volume_plot(scores),
        dice_plot=dice_plot(scores),
        area_plot=area_plot,
    )


def _certainty_plots(
    scores: Sequence[CaseScore], metrics: Mapping[str, Any]
) -> list[tuple[str, Markup]]:
    """How sure the model is, with a caption each; none for masks without probabilities."""
    plots = []
    if (curve := froc([score.lesions for score in scores])) is not None:
        plots.append(
            (f"Lesions found: FROC score {metrics['froc']['score']:.3f}", froc_plot(curve))
        )
    if "calibration" in metrics:
        said = metrics["calibration"]
        caption = f"Are its probabilities true? ECE {said['ece']:.3f}, n = {said['n']}"
        plots.append((caption, reliability_plot(said)))
    if "risk_coverage" in metrics:
        said = metrics["risk_coverage"]
        caption = f"Where only the surest are used: mean risk {said['aurc']:.3f}"
        plots.append((caption, risk_plot(said)))
    return plots


def fitted(chapters: Sequence[Chapter], *, num_bytes: int = PICTURE_BYTES) -> list[Chapter]:
    """Thin out pictures until they fit the page.

    First the longest strips lose every other slice; once all are single pictures, the last cases
    lose theirs.

    Args:
        chapters: The cases, the most telling first.
        num_bytes: Room for the pictures.

    Returns:
        The same cases with as many pictures as there is room for.
    """
    strips = [chapter.strip for chapter in chapters]
    while sum(strip.bytes for strip in strips if strip) > num_bytes:
        longest = max(len(strip.frames) for strip in strips if strip)
        if longest > 1:
            strips = [
                strip.thinned(max(1, longest // 2))
                if strip and len(strip.frames) > longest // 2
                else strip
                for strip in strips
            ]
        else:
            last = max(row for row, strip in enumerate(strips) if strip)
            strips[last] = None
    return [
        Chapter(score=chapter.score, strip=strip)
        for chapter, strip in zip(chapters, strips, strict=True)
    ]


def _badness(score: CaseScore) -> tuple[float, float, str]:
    """Sorts the worst cases first: false alarms and misses, then by Dice; correct silence last."""
    dice = 2.0 if score.dice is None else score.dice
    return dice, -score.truth_ml - score.false_positive_ml, score.case


def _as_mm(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} mm"
