"""A search from its options to its results: what it begins with, and what is left in its folder."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from lungseg.training.split import split_cases
from shards.console.command import save_config
from shards.console.groups import flat_values, replaced
from shards.console.out import url_of
from shards.order.oversample import oversample_ratio
from shards.storage.store import ShardSet, open_shards
from shards.storage.target import locked, open_target
from tune.history.disk import patiently
from tune.history.journal import Journal
from tune.history.memory import Memory
from tune.history.rungs import Rungs
from tune.history.study import Study
from tune.home import Home, home_of, kept_search
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.folds import folds_to_score
from tune.options.identity import JOURNAL, check_identity
from tune.options.space import Point, Space
from tune.options.space_file import read_space
from tune.refit import refit, repeats
from tune.results.leave import finished_result, leave_result, leave_so_far
from tune.results.storage import write_storage
from tune.run_trials import forget_tune, run_trials
from tune.trials.outcome import TrialOutcome

logger = logging.getLogger(__name__)


def search(given: SearchOptions) -> dict[str, Any]:
    """Search, or go on with a search, and leave its results.

    Args:
        given: The options.

    Returns:
        The best trial's values and score, and where everything is.

    Raises:
        SearchError: If the search cannot start or go on, or none of its trials ended well.
        shards.errors.ShardError: If the shards cannot be read.
        lungseg.errors.TrainingError: If the fold cannot be trained on.
        KeyboardInterrupt: If Ctrl-C ended it.
        SystemExit: If SIGTERM did, with 143.
    """
    url = url_of(given.out)
    if url is None:
        return _search(given.everywhere())
    with kept_search(url) as copy:
        return copy.said_of(_search(replaced(given, out=copy.folder).everywhere()))


def _search(options: SearchOptions) -> dict[str, Any]:
    around = flat_values(options)
    space, points = _space(options, around)
    shards = open_shards(options.data.shards, cache=options.data.cache)
    around |= _in_numbers(options, shards, space)
    first = [around, *(around | point for point in points)]
    folds_to_score(options, shards)  # before anything starts
    again = repeats(options, shards)
    written = replaced(options, shards=shards.url)  # no password in any file
    home = home_of(options.out)
    with locked(open_target(home.place)):
        begun_with = check_identity(written, shards.manifest_sha256)
        home.take()
        study = Study(space, first=first, seed=options.step.seed, at_random=-(-begun_with // 4))
        memory = _memory(options, study, home)
        done = None if memory.left else finished_result(options.out, refit=options.refit)
        if done is not None:
            logger.info("this search was finished before; its results are left as they are")
            _store(options, memory, space)
            return done
        _search_on(options, written, memory, space, home)
        trials = _outcomes(memory, options, home)
        worth = None
        if again and memory.ended == memory.trials and trials[0].dice:
            first_values = memory.records[0].values
            worth = refit(options, first=first_values, best=trials[0].values, again=again)
        return patiently(lambda: leave_result(written, trials, worth), options.out)


def _search_on(
    options: SearchOptions, written: SearchOptions, memory: Memory, space: Space, home: Home
) -> None:
    save_config(written, options.out / "config.yaml")
    if memory.records:
        logger.info(
            "going on with the search in %s: %d of %d trials have ended",
            *(options.out, memory.ended, memory.trials),
        )

    def leave() -> None:
        trials = _outcomes(memory, options, home)
        leave_so_far(written, trials)
        _store(options, memory, space)
        home.keep_results(trials)

    try:
        if memory.left:
            run_trials(options, memory, lambda: patiently(leave, options.out))
        else:  # a kill came between the last trial and the results
            forget_tune(options)
            _store(options, memory, space)
    except (KeyboardInterrupt, SystemExit):
        logger.info("the same command again goes on with the search")
        raise


def _outcomes(memory: Memory, options: SearchOptions, home: Home) -> list[TrialOutcome]:
    fold = options.validation.fold
    first = fold if options.folds is not None and fold != "none" else None
    return home.outcomes(memory, first_fold=first)


def _store(options: SearchOptions, memory: Memory, space: Space) -> None:
    """Write what optuna-dashboard opens, where that is wanted."""
    if options.storage is not None:
        write_storage(options.storage, memory.records.values(), space, name=options.out.name)


def _memory(options: SearchOptions, study: Study, home: Home) -> Memory:
    return Memory(
        Journal(options.out / JOURNAL, keep=home.keep_journal),
        study,
        Rungs(options.step.epochs, folds=options.folds or 1),
        trials=options.trials,
        epochs=options.epochs_per_trial,
        folds=options.folds or 1,
    )


def _space(options: SearchOptions, around: Mapping[str, Any]) -> tuple[Space, list[Point]]:
    """What is searched, and known good points in it."""
    if options.space is not None:
        searched, points = read_space(options.space)
        _refuse_displaced(options, searched)
        return Space(searched=searched, around=around), points
    losses, lr, oversample = options.losses, options.lr_range, options.oversample_range
    return Space.of_losses(losses, lr=lr, oversample=oversample, around=around), []


def _refuse_displaced(options: SearchOptions, searched: Mapping[str, Any]) -> None:
    """Refuse to vary what another option overrules.

    Raises:
        SearchError: Names both.
    """
    for name, others in options.DISPLACED_BY.items():
        varied = [other for other in others if other in searched]
        if varied and flat_values(options)[name]:
            raise SearchError(
                f"--space {options.space} varies {varied[0]}, which --{name} (or a --preset with "
                f"it) overrules: give --{varied[0]} instead, its value is the first one tried"
            )


def _in_numbers(options: SearchOptions, shards: ShardSet, space: Space) -> dict[str, float]:
    """What `auto` stands for in the training that the options describe, if it is no choice."""
    given = {"oversample": options.draw.oversample, "transplant": options.augmentation.transplant}
    numbers = {"oversample": _oversample(options, shards), "transplant": options.transplant}
    return {name: numbers[name] for name in given if not space.offers(name, given[name])}


def _oversample(options: SearchOptions, shards: ShardSet) -> float:
    """The oversampling of the training that the options describe, as a number."""
    split = split_cases(shards, options.validation)
    tumor = shards.index.tumor[np.isin(shards.index.case, split.training)]
    return oversample_ratio(options.draw.oversample, tumor)
