"""A search from its options to its results: checks, Ray Tune, and what is left in the folder."""

import contextlib
import io
import logging
import os
import shutil
import warnings
from typing import Any

import numpy as np
import optuna
import ray.tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from cluster.resources import Resources, job_resources, nodes, side_by_side
from cluster.session import LOCAL, session
from lungseg.training.data import split_by_fold
from shards.console.groups import replaced
from shards.order.draw import oversample_ratio
from shards.storage.store import ShardSet, open_shards
from shards.storage.target import locked, open_target
from tune.config import SearchOptions
from tune.errors import SearchError
from tune.events import EventLines
from tune.identity import check_identity
from tune.results.leave import finished_result, leave_results, remove_checkpoints
from tune.space import Point, Space
from tune.trials.outcome import TrialOutcome, outcomes
from tune.trials.settings import settled
from tune.trials.snapshot import is_whole
from tune.trials.trial import EPOCH, METRIC, run_trial

logger = logging.getLogger(__name__)

_TUNE_FOLDER = "tune"
_RETRIES = 3
_REDUCTION = 3


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
        done = finished_result(options.out)
        if done is not None:
            logger.info("this search was finished before; its results are left as they are")
            remove_checkpoints(options.out)
            return done
        try:
            trials = _run_trials(options, first)
        except KeyboardInterrupt:
            logger.info("the same command again goes on with the search")
            raise
        if all(trial.dice is None for trial in trials):
            shutil.rmtree(options.out / _TUNE_FOLDER)
        return leave_results(written, trials)


def _first_point(options: SearchOptions, shards: ShardSet) -> Point:
    """The searched values of the training that the options describe, where the search begins."""
    split = split_by_fold(shards, options.validation.fold)
    tumor = shards.index.tumor[np.isin(shards.index.case, split.training)]
    return {
        "loss": options.loss.loss,
        "lr": options.step.lr,
        "oversample": oversample_ratio(options.draw.oversample, tumor),
    }


def _run_trials(options: SearchOptions, first: Point) -> list[TrialOutcome]:
    _quiet_tune()
    try:
        # what Ray prints of itself is no result of ours
        with session(options.address or LOCAL), contextlib.redirect_stdout(io.StringIO()):
            tuner = _tuner(options, first)
            return outcomes(tuner.fit(), options)
    except ConnectionError as error:
        raise SearchError(str(error)) from error


def _tuner(options: SearchOptions, first: Point) -> ray.tune.Tuner:
    """A new search, or the one that was cut off."""
    cluster = nodes()
    resources = _resources(options, cluster)
    trainable = ray.tune.with_resources(
        ray.tune.with_parameters(run_trial, search=options, resources=resources),
        ray.tune.PlacementGroupFactory([{"CPU": resources.cpus, "GPU": resources.gpus}]),
    )
    path = options.out / _TUNE_FOLDER
    if is_whole(path):
        logger.info("going on with the search in %s", options.out)
        return ray.tune.Tuner.restore(
            str(path), trainable=trainable, resume_unfinished=True, restart_errored=True
        )
    shutil.rmtree(path, ignore_errors=True)
    return ray.tune.Tuner(
        trainable,
        tune_config=ray.tune.TuneConfig(
            metric=METRIC,
            mode="max",
            num_samples=options.trials,
            max_concurrent_trials=_concurrent(options, cluster, resources),
            search_alg=_searcher(options, first),
            scheduler=_scheduler(options.step.epochs),
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=ray.tune.RunConfig(
            name=_TUNE_FOLDER,
            storage_path=str(options.out),
            failure_config=ray.tune.FailureConfig(max_failures=_RETRIES),
            callbacks=[EventLines(options.trials, options.step.epochs)],
            verbose=0,
        ),
    )


def _resources(options: SearchOptions, cluster: list[Resources]) -> Resources:
    """CPUs and GPUs of one trial; waits for nodes only where others may add them."""
    at_a_time = options.trials if options.concurrent == "auto" else options.concurrent
    resources = job_resources(
        cluster,
        jobs=min(options.trials, at_a_time),
        cpus=options.cpus_per_trial,
        gpus=options.gpus_per_trial,
    )
    if side_by_side(cluster, resources):
        return resources
    need = f"{resources.cpus} CPUs and {resources.gpus:g} GPUs"
    if options.address is None:
        raise SearchError(
            f"a trial needs {need}, this machine has {cluster[0].cpus} and {cluster[0].gpus:g}: "
            "lower --cpus-per-trial or --gpus-per-trial"
        )
    logger.info("no node has room for a trial yet (%s): waiting for one", need)
    return resources


def _concurrent(options: SearchOptions, cluster: list[Resources], resources: Resources) -> int:
    if options.concurrent != "auto":
        return options.concurrent
    return max(1, min(options.trials, side_by_side(cluster, resources)))


def _searcher(options: SearchOptions, first: Point) -> OptunaSearch:
    """TPE (Bergstra et al. 2011), which counts running trials as poor ones to spread out.

    Its study lives in Tune's snapshots, not in a storage of its own: the two never disagree.
    """
    space = Space(losses=options.losses, lr=options.lr_range, oversample=options.oversample_range)
    return OptunaSearch(
        space=space,
        metric=METRIC,
        mode="max",
        points_to_evaluate=[space.nearest(first)],
        sampler=optuna.samplers.TPESampler(
            seed=options.step.seed, multivariate=True, constant_liar=True
        ),
    )


def _scheduler(epochs: int) -> ASHAScheduler:
    """Asynchronous successive halving (Li et al. 2020); Dice is near 0 in the first epochs."""
    return ASHAScheduler(
        time_attr=EPOCH,
        max_t=epochs,
        grace_period=grace_epochs(epochs),
        reduction_factor=_REDUCTION,
        stop_last_trials=False,
    )


def grace_epochs(epochs: int) -> int:
    """Epochs that every trial may run: a quarter, at least three where there are as many."""
    return min(epochs, max(3, -(-epochs // 4)))


def _quiet_tune() -> None:
    """Keep Ray Tune and Optuna to what a user can act on; snapshot often, as trials are short."""
    os.environ |= {
        "RAY_AIR_NEW_OUTPUT": "0",  # the new one prints a banner even when it is told not to
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
        "TUNE_GLOBAL_CHECKPOINT_S": "2",
        "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
        "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    }
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    warnings.filterwarnings("ignore", message=".*step.*is already reported.*")
    warnings.filterwarnings("ignore", module="ray")
