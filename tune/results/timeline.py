"""The time of a search: when each trial ran, and what ended it and why."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from lungseg.report.plot import frame, svg, x_at, y_at
from tune.results.axis import Axis
from tune.results.marks import caption, color
from tune.trials.outcome import TrialOutcome


def timeline_plot(trials: Sequence[TrialOutcome]) -> Markup:
    """A bar per attempt at a trial, from its begin to its end; trials lie above each other.

    Args:
        trials: The outcomes; those of searches that kept no times are left out.
    """
    timed = sorted((trial for trial in trials if trial.stints), key=lambda trial: trial.number)
    if not timed:
        return svg([], "No times are known")
    begun = min(stint.begun for trial in timed for stint in trial.stints)
    ended = max(stint.until for trial in timed for stint in trial.stints)
    unit, name = next(u for u in _UNITS if ended - begun >= 2 * u[0] or u is _UNITS[-1])
    axis = Axis([0.0, max((ended - begun) / unit, 1e-3)])
    row = 1 / len(timed)
    rows = [(1 - (n + 0.5) * row, str(timed[n].number)) for n in range(0, len(timed), _step(timed))]
    parts = [*frame(axis.ticks(), rows, f"{name} since the begin", "trial")]
    for number, trial in enumerate(timed):
        for stint in trial.stints:
            left, right = (
                x_at(axis.place((time - begun) / unit)) for time in (stint.begun, stint.until)
            )
            top, height = y_at(1 - number * row), (y_at(0) - y_at(1)) * row
            kind = "bad" if stint.fault else f"{color(trial)} {trial.status.replace(' ', '-')}"
            how = stint.fault or story(trial)
            parts.append(
                f'<rect class="stint {kind}" x="{left:.1f}" y="{top + 0.1 * height:.1f}" '
                f'width="{max(1.0, right - left):.1f}" height="{0.8 * height:.1f}">'
                f"<title>{escape(f'{caption(trial)}; {stint.node}: {how}')}</title></rect>"
            )
    return svg(parts, "When each trial ran")


def story(trial: TrialOutcome) -> str:
    """How a trial ended and why, in a line."""
    if trial.status == "ended early":
        return f"ended early at epoch {len(trial.curve)}: {trial.reason}"
    return f"failed: {trial.reason}" if trial.reason else trial.status


_UNITS = [(3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds")]


def _step(timed: Sequence[TrialOutcome]) -> int:
    return -(-len(timed) // 12)
