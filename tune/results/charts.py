"""The trials of a search as inline SVG: Dice over epochs, and Dice against a searched value."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from lungseg.report.plot import frame, line, svg, x_at, y_at
from tune.results.axis import Axis
from tune.results.marks import caption, color
from tune.trials.outcome import TrialOutcome

_DICE_TICKS = [(value / 4, f"{value / 4:g}") for value in range(5)]


def curves_plot(trials: Sequence[TrialOutcome], epochs: int, rungs: Sequence[int]) -> Markup:
    """Dice per case after each epoch, a line per trial in the color of its loss, over the rungs.

    Args:
        trials: The trials.
        epochs: Of a trial that is not ended early.
        rungs: Epochs at which it is decided who goes on.
    """
    parts = [*frame(_epoch_ticks(epochs), _DICE_TICKS, "epoch", "Dice per case")]
    for rung in rungs:
        x = x_at(_along(rung, epochs))
        parts.append(line(x, y_at(0), x, y_at(1), "rung"))
    for rank, trial in reversed(list(enumerate(trials))):
        points = [
            f"{x_at(_along(epoch, epochs)):.1f},{y_at(dice):.1f}"
            for epoch, dice in enumerate(trial.curve, start=1)
        ]
        if points:
            kind = f"curve {color(trial)}" + (" best" if rank == 0 else "")
            parts.append(
                f'<polyline class="{kind}" points="{" ".join(points)}">'
                f"<title>{escape(caption(trial))}</title></polyline>"
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
    axis = Axis([trial.values[name] for trial, _ in scored] or [1.0])
    parts = [*frame(axis.ticks(), _DICE_TICKS, title, "best Dice per case")]
    for trial, dice in reversed(scored):
        parts.append(_dot(trial, x_at(axis.place(trial.values[name])), y_at(dice), radius=6))
    if scored:
        best = y_at(scored[0][1])
        parts.append(line(x_at(0), best, x_at(1), best, "mean"))
    return svg(parts, f"Best validation Dice per case of each trial against its {title}")


def _dot(trial: TrialOutcome, x: float, y: float, *, radius: int) -> str:
    return (
        f'<circle class="{color(trial)}" r="{radius}" cx="{x:.1f}" cy="{y:.1f}">'
        f"<title>{escape(caption(trial))}</title></circle>"
    )


def _along(epoch: int, epochs: int) -> float:
    return (epoch - 1) / (epochs - 1) if epochs > 1 else 0.5


def _epoch_ticks(epochs: int) -> list[tuple[float, str]]:
    step = max(1, -(-epochs // 10))
    return [(_along(epoch, epochs), str(epoch)) for epoch in range(1, epochs + 1, step)]
