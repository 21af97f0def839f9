"""A search as one self-contained HTML page, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from lungseg.options.loss import LOSSES
from lungseg.report.page import page_template
from shards.console.groups import flat_values
from shards.console.words import counted
from tune.options.config import SearchOptions
from tune.results.charts import curves_plot, value_plot
from tune.trials.outcome import TrialOutcome


def render(
    options: SearchOptions, trials: Sequence[TrialOutcome], result: Mapping[str, Any]
) -> str:
    """Write the page.

    Args:
        options: The options of the search.
        trials: The outcomes, the best first.
        result: The best trial's score with its definition, grid, threshold and n.

    Returns:
        HTML that refers to nothing outside itself.
    """
    return page_template("tune.results", counted=counted).render(
        options=flat_values(options),
        trials=trials,
        result=result,
        losses={number: loss for number, loss in enumerate(LOSSES) if loss in options.losses},
        curves_plot=curves_plot(trials, options.step.epochs),
        lr_plot=value_plot(trials, "lr", "learning rate"),
        oversample_plot=value_plot(trials, "oversample", "oversampling"),
        epochs_run=sum(len(trial.curve) for trial in trials),
        epochs_without_stopping=options.step.epochs * len(trials),
    )
