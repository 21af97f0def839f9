"""How sure a model is, as inline SVG: FROC, calibration, risk against coverage."""

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

from lungseg.report.plot import frame, line, svg, x_at, y_at
from lungseg.scores.confidence.froc import RATES, Froc

Point = tuple[float, float]

_LEAST, _MOST = RATES[0], RATES[-1]
_SHARES = [(share / 4, f"{share / 4:g}") for share in range(5)]
_FRACTIONS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}


def froc_plot(curve: Froc) -> Markup:
    """Sensitivity against false lesions a scan, these from 1/8 to 8 and logarithmic."""
    ticks = [(_rate_at(rate), _FRACTIONS.get(rate, f"{rate:g}")) for rate in RATES]
    parts = [*frame(ticks, _SHARES, "false lesions a scan", "lesions found, share")]
    inner = [rate for rate in curve.rates.tolist() if _LEAST < rate < _MOST]
    rates = [_LEAST, *inner, _MOST]
    parts.append(_steps([(_rate_at(rate), curve.at(rate)) for rate in rates]))
    for rate in RATES:
        title = f"{curve.at(rate):.3f} found at {rate:g} false lesions a scan"
        parts.append(_dot((_rate_at(rate), curve.at(rate)), title))
    said = ", ".join(f"{curve.at(rate):.2f} at {rate:g}" for rate in RATES)
    return svg(parts, f"Share of lesions found by false lesions a scan: {said}", role="img")


def reliability_plot(calibration: Mapping[str, Any]) -> Markup:
    """The share of predicted lesions that are real, against their confidence."""
    parts = [*frame(_SHARES, _SHARES, "confidence (highest probability)", "real, share")]
    parts.append(line(x_at(0), y_at(0), x_at(1), y_at(1), "identity"))
    said = []
    for entry in calibration["bins"]:
        point = entry["confidence"], entry["real"]
        said.append(f"{entry['real']:.2f} at {entry['confidence']:.2f} (n = {entry['n']})")
        parts.append(_dot(point, said[-1], radius=3 + 2 * math.log10(entry["n"] + 1)))
    label = f"Share of predicted lesions that are real by confidence: {', '.join(said)}"
    return svg(parts, label, role="img")


def risk_plot(risk: Mapping[str, Any]) -> Markup:
    """The share of false ones among the lesions used, against the share of all that is used."""
    points = list(zip(risk["coverage"], risk["risk"], strict=True))
    parts = [*frame(_SHARES, _SHARES, "lesions used, share, surest first", "false, share of these")]
    parts.append(_path(points))
    for share, false in dict.fromkeys((points[0], points[-1])):
        parts.append(_dot((share, false), f"{false:.3f} false of the surest {share:.3f}"))
    label = f"Share of false lesions: {points[0][1]:.2f} of the surest, {points[-1][1]:.2f} of all"
    return svg(parts, label, role="img")


def difference_plot(cases: Iterable[Mapping[str, Any]]) -> Markup:
    """Dice of each case by the second model against that by the first one."""
    parts = [*frame(_SHARES, _SHARES, "Dice, first", "Dice, second")]
    parts.append(line(x_at(0), y_at(0), x_at(1), y_at(1), "identity"))
    above = below = 0
    for case in cases:
        above += case["second"] > case["first"]
        below += case["second"] < case["first"]
        values = f"{case['first']:.3f} by the first, {case['second']:.3f} by the second"
        title = f"{case['case']}: {values}"
        parts.append(_dot((case["first"], case["second"]), title))
    label = f"Dice of each case by both: {above} better by the second, {below} by the first"
    return svg(parts, label, role="img")


def _rate_at(rate: float) -> float:
    return math.log(rate / _LEAST) / math.log(_MOST / _LEAST)


def _dot(point: Point, title: str, *, radius: float = 4.5) -> str:
    x, y = x_at(point[0]), y_at(point[1])
    return (
        f'<circle class="dot" r="{radius:.1f}" cx="{x:.1f}" cy="{y:.1f}">'
        f"<title>{escape(title)}</title></circle>"
    )


def _steps(points: list[Point]) -> str:
    """A line that goes up where a point lies, not between them."""
    corners = [points[0]]
    for before, after in itertools.pairwise(points):
        corners += [(after[0], before[1]), after]
    return _path(corners)


def _path(points: list[Point]) -> str:
    places = " L".join(f"{x_at(x):.1f} {y_at(y):.1f}" for x, y in points)
    return f'<path class="curve" d="M{places}"/>' if points else ""
