"""`--refit`: the best and the first settings of a search, trained again beside each other."""

import logging
from collections.abc import Sequence
from typing import Any

from lungseg.training.split import folds_of
from shards.console.groups import replaced
from shards.storage.store import ShardSet
from tune.history.journal import Journal
from tune.history.listed import Listed
from tune.history.memory import SCORE, Memory
from tune.history.rungs import Rungs
from tune.home import Home, home_of
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.folds import folds_to_score
from tune.options.identity import JOURNAL
from tune.options.space import Point
from tune.results.worth import Worth, worth_of
from tune.run_trials import run_trials

logger = logging.getLogger(__name__)

_FOLDER = "refit"


def repeats(options: SearchOptions, shards: ShardSet) -> list[Point]:
    """With what each setting is trained again: other seeds, or the folds that chose nothing.

    Args:
        options: Of the search.
        shards: Know their folds.

    Raises:
        SearchError: If there are too few folds.
    """
    if options.refit is None:
        return []
    if options.refit != "folds":
        return [{"seed": options.step.seed + 1 + n} for n in range(options.refit)]
    chosen_by: list[Any] = folds_to_score(options, shards) or [options.validation.fold]
    folds = sorted(set(folds_of(shards, options.validation).values()).difference(chosen_by))
    if len(folds) < 2:
        raise SearchError(
            f"--refit folds needs two folds beside those by which the search chooses "
            f"({', '.join(map(str, chosen_by))}); {shards.url} has {folds} beside: give --refit a "
            "number of seeds"
        )
    return [{"fold": fold} for fold in folds]


def refit(
    options: SearchOptions, *, first: Point, best: Point, again: Sequence[Point]
) -> Worth | None:
    """Train both settings again, as far as that is not done, and compare them.

    Args:
        options: Of the search.
        first: What the search began with.
        best: The values of its best trial.
        again: From `repeats`.

    Returns:
        The comparison; None where too few trainings ended.

    Raises:
        SearchError: As `run_trials`.
    """
    settings = [first] if best == first else [first, best]
    wanted = [{**values, **each} for each in again for values in settings]
    own = replaced(options, out=options.out / _FOLDER)
    if options.refit == "folds":
        own = replaced(own, folds=None)
    own.out.mkdir(exist_ok=True)
    home = home_of(own.out)
    home.take()
    memory = _memory(own, wanted, home)
    if memory.left:
        logger.info(
            "training the %s settings again, each %d times",
            "first" if best == first else "first and the best",
            len(again),
        )
        run_trials(own, memory, lambda: None)
    pairs = [(_dice(memory, first, each), _dice(memory, best, each)) for each in again]
    by = "folds" if options.refit == "folds" else "seeds"
    worth = worth_of(pairs, by=by, asked=options.refit or 0, best_is_first=best == first)
    if worth is None:
        logger.warning(
            "--refit: fewer than two pairs of trainings ended well, so nothing can be said of what "
            "the best settings are worth"
        )
    return worth


def _memory(own: SearchOptions, wanted: Sequence[Point], home: Home) -> Memory:
    journal = Journal(own.out / JOURNAL, keep=home.keep_journal)
    had = [event["values"] for event in journal.events() if event["event"] == "suggested"]
    return Memory(
        journal,
        Listed(wanted),
        Rungs(own.step.epochs, ends_early=False),
        trials=len(had) + sum(point not in had for point in wanted),
        epochs=own.epochs_per_trial,
    )


def _dice(memory: Memory, values: Point, each: Point) -> float | None:
    for record in memory.records.values():
        if record.values == {**values, **each} and record.status == "finished" and record.last:
            score: Any = record.last[SCORE]
            return float(score)
    return None
