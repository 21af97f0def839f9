"""Ray Tune runs the trials that are left, on this machine or a cluster."""

import contextlib
import io
import logging
import os
import shutil
import time
import warnings
from collections.abc import Callable

import ray.tune

from cluster.resources import Resources, job_resources, nodes, side_by_side
from cluster.session import LOCAL, session
from tune.bridge import Ends, GoesOn, Suggestions
from tune.events import EventLines
from tune.history.memory import SCORE, Memory
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.trials.trial import run_trial

logger = logging.getLogger(__name__)

_TUNE_FOLDER = "tune"
_RETRIES = 3
_COUNT_AGAIN_S = 2.0  # nodes join and leave while a search runs


def run_trials(options: SearchOptions, memory: Memory, leave: Callable[[], object]) -> None:
    """Run all that is left of a search.

    Args:
        options: Of the search.
        memory: Hands out the trials, and is told what becomes of them.
        leave: Called after each trial, to write what there is so far.

    Raises:
        SearchError: If Ray does not start, no trial has room, or the search's folder is full.
    """
    _quiet()
    try:
        # what Ray prints of itself is no result of ours
        with session(options.address or LOCAL), contextlib.redirect_stdout(io.StringIO()):
            _tuner(options, memory, leave).fit()
    except ConnectionError as error:
        raise SearchError(str(error)) from error
    shutil.rmtree(options.out / _TUNE_FOLDER, ignore_errors=True)


def _tuner(options: SearchOptions, memory: Memory, leave: Callable[[], object]) -> ray.tune.Tuner:
    resources = _resources(options, memory.left)
    trainable = ray.tune.with_resources(
        ray.tune.with_parameters(run_trial, search=options, resources=resources),
        ray.tune.PlacementGroupFactory([{"CPU": resources.cpus, "GPU": resources.gpus}]),
    )
    shutil.rmtree(options.out / _TUNE_FOLDER, ignore_errors=True)  # of a killed process
    return ray.tune.Tuner(
        trainable,
        tune_config=ray.tune.TuneConfig(
            metric=SCORE,
            mode="max",
            num_samples=memory.left,
            search_alg=Suggestions(memory, _room(options, resources)),
            scheduler=GoesOn(memory),
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=ray.tune.RunConfig(
            name=_TUNE_FOLDER,
            storage_path=str(options.out),
            failure_config=ray.tune.FailureConfig(max_failures=_RETRIES),
            callbacks=[Ends(memory, leave), EventLines(memory, options.step.epochs)],
            verbose=0,
        ),
    )


def _resources(options: SearchOptions, trials: int) -> Resources:
    """CPUs and GPUs of one trial; waits for nodes only where others may add them."""
    cluster = nodes()
    on_processors = options.machine.accelerator == "cpu"
    resources = job_resources(
        cluster,
        jobs=min(trials, options.trials if options.concurrent == "auto" else options.concurrent),
        cpus=options.cpus_per_trial,
        gpus=0 if on_processors else options.gpus_per_trial,
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


def _room(options: SearchOptions, resources: Resources) -> Callable[[], int]:
    """How many trials may run side by side, on the nodes that there are at the time."""
    counted_at, counted = -_COUNT_AGAIN_S, 0

    def room() -> int:
        nonlocal counted_at, counted
        if options.concurrent != "auto":
            return options.concurrent
        if time.monotonic() - counted_at >= _COUNT_AGAIN_S:
            counted_at, counted = time.monotonic(), side_by_side(nodes(), resources)
        return counted

    return room


def _quiet() -> None:
    """Keep Ray Tune and Optuna to what a user can act on, and Tune from snapshots nobody reads."""
    os.environ |= {
        "RAY_AIR_NEW_OUTPUT": "0",  # the new one prints a banner even when it is told not to
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
        "TUNE_GLOBAL_CHECKPOINT_S": "3600",
        "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
        "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    }
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # we tell of failed trials ourselves
    warnings.filterwarnings("ignore", module="ray")
