"""A search from its options to its results: what it begins with, and what is left in its folder."""

import logging
from typing import Any

import numpy as np

from lungseg.training.split import split_cases
from shards.console.command import save_config
from shards.console.groups import replaced
from shards.order.draw import oversample_ratio
from shards.storage.store import ShardSet, open_shards
from shards.storage.target import locked, open_target
from tune.history.disk import patiently
from tune.history.journal import Journal
from tune.history.memory import Memory
from tune.history.rungs import Rungs
from tune.history.study import Study
from tune.options.config import SearchOptions
from tune.options.identity import JOURNAL, check_identity
from tune.options.settings import settled
from tune.options.space import Point, Space
from tune.results.leave import finished_result, leave_result, leave_so_far
from tune.run_trials import run_trials
from tune.trials.outcome import outcomes

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
    """
    options = settled(given)
    shards = open_shards(options.data.shards, cache=options.data.cache)
    first = _first_point(options, shards)
    written = replaced(options, shards=shards.url)  # no password in any file
    with locked(open_target(str(options.out))):
        check_identity(written, shards.manifest_sha256)
        memory = _memory(options, first)
        done = None if memory.left else finished_result(options.out)
        if done is not None:
            logger.info("this search was finished before; its results are left as they are")
            return done
        _search_on(options, written, memory)
        trials = outcomes(memory, options.out)
        return patiently(lambda: leave_result(written, trials), options.out)


def _search_on(options: SearchOptions, written: SearchOptions, memory: Memory) -> None:
    save_config(written, options.out / "config.yaml")
    if memory.records:
        logger.info(
            "going on with the search in %s: %d of %d trials have ended",
            *(options.out, memory.ended, memory.trials),
        )

    def leave() -> None:
        leave_so_far(written, outcomes(memory, options.out))

    try:
        if memory.left:
            run_trials(options, memory, lambda: patiently(leave, options.out))
    except KeyboardInterrupt:
        logger.info("the same command again goes on with the search")
        raise


def _memory(options: SearchOptions, first: Point) -> Memory:
    space = Space(losses=options.losses, lr=options.lr_range, oversample=options.oversample_range)
    return Memory(
        Journal(options.out / JOURNAL),
        Study(space, first=first, seed=options.step.seed),
        Rungs(options.step.epochs),
        trials=options.trials,
        epochs=options.step.epochs,
    )


def _first_point(options: SearchOptions, shards: ShardSet) -> Point:
    """The searched values of the training that the options describe, where the search begins."""
    split = split_cases(shards, options.validation)
    tumor = shards.index.tumor[np.isin(shards.index.case, split.training)]
    return {
        "loss": options.loss.loss,
        "lr": options.step.lr,
        "oversample": oversample_ratio(options.draw.oversample, tumor),
    }
