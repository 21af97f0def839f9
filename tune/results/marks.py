"""How a trial looks in every plot of the report, and what it says when pointed at."""

from lungseg.options.loss import LOSSES
from tune.results.words import short
from tune.trials.outcome import TrialOutcome


def color(trial: TrialOutcome) -> str:
    """CSS class of a trial: the loss decides."""
    return f"loss-{LOSSES.index(trial.values.get('loss', LOSSES[0]))}"


def caption(trial: TrialOutcome) -> str:
    """Number, Dice and values of a trial."""
    values = ", ".join(f"{name} {short(value)}" for name, value in trial.values.items())
    score = "failed" if trial.dice is None else f"Dice {trial.dice:.3f}"
    return f"trial {trial.number}: {score}, {values}"
