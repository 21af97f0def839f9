"""Numbers as inline SVG: volumes against each other, Dice by case, tumor area along a scan."""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from lungseg.report.filmstrip import Filmstrip
from lungseg.report.plot import LEFT, RIGHT, WIDTH, frame, line, svg, x_at, y_at
from lungseg.scores.case_score import CaseScore

_NAME_PITCH = 14.0
_NAME_LENGTH = 9


def volume_plot(scores: Sequence[CaseScore]) -> Markup:
    """Predicted against labeled volume, mL, logarithmic; empty masks lie on the axes."""
    volumes = [volume for s in scores for volume in (s.truth_ml, s.predicted_ml) if volume > 0]
    low = math.floor(math.log10(min(volumes, default=0.1)))
    high = max(low + 1, math.ceil(math.log10(max(volumes, default=10.0))))

    def at(volume_ml: float) -> float:
        """Position along an axis, 0 to 1; its first twentieth is for zero."""
        if volume_ml <= 0:
            return 0.0
        return 0.06 + 0.94 * (math.log10(volume_ml) - low) / (high - low)

    ticks = [(at(10.0**power), f"{10.0**power:g}") for power in range(low, high + 1)]
    parts = [*frame([(0.0, "0"), *ticks], [(0.0, "0"), *ticks], "labeled, mL", "predicted, mL")]
    corner = at(10.0**low)
    parts.append(line(x_at(corner), y_at(corner), x_at(1), y_at(1), "identity"))
    for score in scores:
        kind = "bad" if score.bad else "dot"
        title = f"{score.case}: labeled {score.truth_ml:.2f} mL, predicted {score.predicted_ml:.2f}"
        parts.append(
            f'<a href="#case-{escape(score.case)}" aria-label="{escape(title)} mL">'
            f'<circle class="{kind}" r="5" '
            f'cx="{x_at(at(score.truth_ml)):.1f}" cy="{y_at(at(score.predicted_ml)):.1f}">'
            f"<title>{escape(title)} mL</title></circle></a>"
        )
    return svg(parts, "Predicted against labeled tumor volume of each case, in mL")


def dice_plot(scores: Sequence[CaseScore]) -> Markup:
    """Dice of each case with tumor as a bar with the case's name, worst first, and the mean."""
    known = [s for s in scores if s.tp + s.fn > 0 and s.dice is not None]
    count = max(1, len(known))
    ticks = [(value / 4, f"{value / 4:g}") for value in range(5)]
    parts = [*frame([], ticks, "", "Dice")]
    pitch = (WIDTH - LEFT - RIGHT) / count
    every = math.ceil(_NAME_PITCH / pitch)
    for position, score in enumerate(known):
        x = x_at((position + 0.5) / count)
        parts.append(_bar(score, x, half_width=0.5 * min(34.0, 0.7 * pitch)))
        if position % every == 0:
            parts.append(_name(score.case, x))
    if known:
        mean = sum(score.dice or 0.0 for score in known) / len(known)
        parts.append(line(x_at(0), y_at(mean), x_at(1), y_at(mean), "mean"))
        x, y = x_at(0) + 6, y_at(mean) - 6
        parts.append(f'<text class="mean" x="{x:.1f}" y="{y:.1f}">mean {mean:.3f}</text>')
    return svg(parts, "Dice of each case with tumor, worst first, and their mean")


def _bar(score: CaseScore, x: float, *, half_width: float) -> str:
    dice = score.dice or 0.0
    height = max(2.0, y_at(0) - y_at(dice))
    title = escape(f"{score.case}: Dice {dice:.3f}")
    return (
        f'<a href="#case-{escape(score.case)}" aria-label="{title}">'
        f'<rect class="{"bad" if score.bad else "bar"}" x="{x - half_width:.1f}" '
        f'y="{y_at(0) - height:.1f}" width="{2 * half_width:.1f}" height="{height:.1f}" rx="2">'
        f"<title>{title}</title></rect></a>"
    )


def _name(case: str, x: float) -> str:
    """The end of a case's name, which tells it from others, slanted below its bar."""
    shown = case if len(case) <= _NAME_LENGTH else "…" + case[-_NAME_LENGTH + 1 :]
    place = f"translate({x + 4:.1f} {y_at(0) + 13:.1f}) rotate(-40)"
    return f'<text class="name" text-anchor="end" transform="{place}">{escape(shown)}</text>'


def area_plot(strip: Filmstrip) -> Markup:
    """Labeled and predicted area of every slice of a scan, from the feet (left) to the head."""
    num_slices = len(strip.truth_mm2)
    top = max(1.0, *strip.truth_mm2, *strip.prediction_mm2)
    dropped = "".join(
        f'<rect class="dropped" x="{z}" y="0" width="1" height="100"/>' for z in strip.dropped
    )
    curves = "".join(
        f'<path class="{name}" d="{_steps(areas, top)}"/>'
        for name, areas in (("truth", strip.truth_mm2), ("prediction", strip.prediction_mm2))
    )
    return Markup(
        f'<svg class="profile" viewBox="0 0 {num_slices} 100" preserveAspectRatio="none" '
        f'role="img" aria-label="Tumor area by slice">{dropped}{curves}'
        '<rect class="cursor" x="0" y="0" width="1" height="100"/></svg>'
    )


def _steps(areas: Iterable[float], top: float) -> str:
    """Outline of a bar chart with bars of width 1, 100 units high at most."""
    heights = [100 - 96 * area / top for area in areas]
    inner = "".join(f"V{height:.1f}H{z + 1}" for z, height in enumerate(heights))
    return f"M0 100{inner}V100"
