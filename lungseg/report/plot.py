"""The frame of a plot as inline SVG: positions from 0 to 1 on both axes, grid, ticks, titles."""

from collections.abc import Iterable

from markupsafe import Markup, escape

WIDTH, HEIGHT = 520, 340
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 14, 50

_HALF_DIGIT = 4.8  # in the letters of a narrow window, which are the largest


def frame(
    x_ticks: Iterable[tuple[float, str]],
    y_ticks: Iterable[tuple[float, str]],
    x_title: str,
    y_title: str,
) -> Iterable[str]:
    """Grid lines, tick labels and titles of a plot."""
    for place, label in x_ticks:
        yield line(x_at(place), y_at(0), x_at(place), y_at(1), "grid")
        x = min(x_at(place), WIDTH - _HALF_DIGIT * len(label))
        yield tick(x, y_at(0) + 18, label, "middle")
    for place, label in y_ticks:
        yield line(x_at(0), y_at(place), x_at(1), y_at(place), "grid")
        yield tick(x_at(0) - 8, y_at(place) + 4, label, "end")
    below, beside = f'x="{x_at(0.5)}" y="{HEIGHT - 8}"', f"translate(13 {y_at(0.5)}) rotate(-90)"
    yield f'<text class="title" text-anchor="middle" {below}>{x_title}</text>'
    yield f'<text class="title" text-anchor="middle" transform="{beside}">{y_title}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line between two points of the picture, of a CSS class."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def tick(x: float, y: float, label: str, anchor: str) -> str:
    """The label of a tick; `anchor` is SVG's `start`, `middle` or `end`."""
    return f'<text class="tick" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{label}</text>'


def x_at(place: float) -> float:
    """Where a position along the horizontal axis, 0 to 1, lies in the picture."""
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def y_at(place: float) -> float:
    """Where a position along the vertical axis, 0 to 1, lies in the picture."""
    return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)


def svg(parts: Iterable[str], label: str, *, role: str = "group") -> Markup:
    """Put the parts of a plot together.

    Args:
        parts: SVG elements.
        label: What it shows, for those who cannot see it.
        role: `group` where its parts can be followed, `img` where the label says all.
    """
    return Markup(
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="{role}" '
        f'aria-label="{escape(label)}">' + "".join(parts) + "</svg>"
    )
