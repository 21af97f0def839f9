"""A search as one self-contained HTML page, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from lungseg.options.loss import LOSSES
from lungseg.report.page import page_template
from shards.console.groups import flat_values
from shards.console.words import counted
from tune.history.rungs import rung_epochs
from tune.options.config import SearchOptions
from tune.results.charts import curves_plot, value_plot
from tune.results.importance import importances
from tune.results.parallel import parallel_plot
from tune.results.timeline import story, timeline_plot
from tune.results.words import short, words_of
from tune.results.worth import Worth
from tune.trials.outcome import TrialOutcome, hours, searched_names


def render(
    options: SearchOptions,
    trials: Sequence[TrialOutcome],
    result: Mapping[str, Any],
    worth: Worth | None = None,
) -> str:
    """Write the page.

    Args:
        options: The options of the search.
        trials: The outcomes, the best first.
        result: The best trial's score with its definition, grid, threshold and n.
        worth: Of the best settings, trained again.

    Returns:
        HTML that refers to nothing outside itself.
    """
    names = searched_names(trials)
    tried = {trial.values.get("loss") for trial in trials}
    epochs, rungs = options.epochs_per_trial, rung_epochs(options.step.epochs, options.folds or 1)
    page = page_template("tune.results", counted=counted, short=short, words=words_of, story=story)
    return page.render(
        options=flat_values(options),
        trials=trials,
        result=result,
        worth=worth,
        losses={number: loss for number, loss in enumerate(LOSSES) if loss in tried},
        names=names,
        curves_plot=curves_plot(trials, epochs, rungs),
        value_plots={
            words_of(name): value_plot(trials, name, words_of(name))
            for name in names
            if _is_number(name, trials)
        },
        cpu_hours=hours(trials, "cpus"),
        gpu_hours=hours(trials, "gpus"),
        parallel_plot=parallel_plot(trials),
        timeline_plot=timeline_plot(trials),
        importances=importances(trials),
        rungs=[epoch for epoch in rungs if epoch < epochs],
        epochs_run=sum(len(trial.curve) for trial in trials),
        epochs_without_stopping=epochs * len(trials),
    )


def _is_number(name: str, trials: Sequence[TrialOutcome]) -> bool:
    values = [trial.values[name] for trial in trials if name in trial.values]
    return all(type(value) in (int, float) for value in values)
