"""Ray Tune runs the trials that are left, on this machine or a cluster."""

import contextlib
import functools
import io
import logging
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import ray.tune
from ray.util.placement_group import NODE_ID_LABEL_KEY

from cluster.gang import Shape
from cluster.resources import (
    Resources,
    job_resources,
    nodes,
    nodes_with_room,
    side_by_side,
)
from cluster.session import LOCAL, session
from tune.bridge import AVOIDED, Ends, GoesOn, Suggestions
from tune.events import EventLines
from tune.faults import Faults
from tune.history.disk import FullDisk
from tune.history.memory import SCORE, Memory
from tune.history.nodes import Nodes
from tune.home import home_of
from tune.live import LiveTable, live_table
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.room import RoomLost, check_room
from tune.stalls import Stalls
from tune.trials.trial import run_trial

T = TypeVar("T")

logger = logging.getLogger(__name__)

_TUNE_FOLDER = "tune"
_COUNT_AGAIN_S = 2.0  # nodes join and leave while a search runs


def run_trials(options: SearchOptions, memory: Memory, leave: Callable[[], object]) -> None:
    """Run all that is left of a search.

    Args:
        options: Of the search.
        memory: Hands out the trials, and is told what becomes of them.
        leave: Called after each trial, to write what there is so far.

    Raises:
        SearchError: If Ray does not start, no trial has room, the search's folder is gone, or every
            node was set aside.
    """
    _quiet()
    # a machine alone that cannot run trials does not get better by waiting
    set_aside = Nodes(chances=0) if options.address is None else Nodes()
    try:
        # what Ray prints of itself is no result of ours
        with (
            session(options.address or LOCAL),
            contextlib.redirect_stdout(io.StringIO()),
            live_table(memory, options.epochs_per_trial) as tables,
        ):
            suggestions = _run(options, memory, set_aside, leave, tables)
    except ConnectionError as error:
        raise SearchError(str(error)) from error
    except ray.tune.TuneError:
        if memory.trouble is not None:  # Tune makes another error of those in its handlers
            raise memory.trouble from None
        raise
    forget_tune(options)
    if options.hours is not None and memory.ended < memory.trials:
        logger.info(
            "%g hours are over and %d of %d trials have ended: the same command goes on",
            *(options.hours, memory.ended, memory.trials),
        )
    if suggestions.gave_up:
        raise SearchError(
            f"no node is left that can run a trial ({set_aside.story}); {memory.ended} of "
            f"{memory.trials} trials have ended: mend it, and the same command goes on"
        )


def forget_tune(options: SearchOptions) -> None:
    """Remove what Tune has left of its own, by which nothing goes on."""
    shutil.rmtree(options.out / _TUNE_FOLDER, ignore_errors=True)


def _run(
    options: SearchOptions,
    memory: Memory,
    set_aside: Nodes,
    leave: Callable[[], object],
    tables: list[LiveTable],
) -> Suggestions:
    """Have Ray Tune run the trials; returns who handed them out."""
    shape = _shape(options, memory.left)
    resources = shape.node
    living = _asked_now_and_then(lambda: nodes_with_room(resources))
    disk = FullDisk(options.out)
    faults = Faults(memory, set_aside, disk, living)
    time_is_up = _time_is_up(options)
    suggestions = Suggestions(
        memory,
        faults=faults,
        nodes=set_aside,
        disk=disk,
        room=_room(options, resources),
        living=living,
        time_is_up=time_is_up,
    )
    scheduler = GoesOn(
        memory, set_aside, cpus=resources.cpus, gpus=resources.gpus, time_is_up=time_is_up
    )
    stalls = Stalls(options.stall_minutes)
    forget_tune(options)  # of a killed process
    ray.tune.Tuner(
        _trainable(options, shape),
        tune_config=ray.tune.TuneConfig(
            metric=SCORE,
            mode="max",
            num_samples=-1,
            search_alg=suggestions,
            scheduler=scheduler,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=ray.tune.RunConfig(
            name=_TUNE_FOLDER,
            storage_path=str(options.out),
            callbacks=[
                stalls,
                RoomLost(resources, living),
                Ends(memory, faults, stalls, leave, time_is_up),
                EventLines(memory, options.epochs_per_trial),
                *tables,
            ],
            verbose=0,
        ),
    ).fit()
    return suggestions


def _trainable(options: SearchOptions, shape: Shape) -> Any:
    """What runs a trial."""
    return ray.tune.with_resources(
        ray.tune.with_parameters(
            run_trial, search=home_of(options.out).for_trials(options), shape=shape
        ),
        functools.partial(_placement, shape),
    )


def _placement(shape: Shape, config: dict[str, Any]) -> ray.tune.PlacementGroupFactory:
    """Room for a trial, on a node that it does not avoid.

    Where its ranks have processes of their own, Tune's takes nothing.
    """
    avoided = config.get(AVOIDED, [])
    labels = {NODE_ID_LABEL_KEY: f"!in({','.join(avoided)})"} if avoided else {}
    room: dict[str, float] = {"CPU": shape.node.cpus, "GPU": shape.node.gpus}
    return ray.tune.PlacementGroupFactory(
        [room] if shape.per_node == 1 else [{}, room], bundle_label_selector=[labels]
    )


def _shape(options: SearchOptions, trials: int) -> Shape:
    """The ranks of one trial, for which there is room by now."""
    cluster = nodes()
    on_processors = options.machine.accelerator == "cpu"
    resources = job_resources(
        cluster,
        jobs=min(trials, options.trials if options.concurrent == "auto" else options.concurrent),
        cpus=options.cpus_per_trial,
        gpus=0 if on_processors else options.gpus_per_trial,
        parts=options.ranks,
    )
    check_room(cluster, resources, grows=options.address is not None)
    each = Resources(cpus=resources.cpus // options.ranks, gpus=resources.gpus / options.ranks)
    return Shape(nodes=1, per_node=options.ranks, rank=each)


def _time_is_up(options: SearchOptions) -> Callable[[], bool]:
    """Whether the hours are over that the search was given; they begin now."""
    end = math.inf if options.hours is None else time.monotonic() + 3600 * options.hours
    return lambda: time.monotonic() > end


def _room(options: SearchOptions, resources: Resources) -> Callable[[], int]:
    """How many trials may run side by side, on the nodes that there are at the time."""
    fixed = options.concurrent
    if fixed != "auto":
        return lambda: fixed
    return _asked_now_and_then(lambda: side_by_side(nodes(), resources))


def _asked_now_and_then(ask: Callable[[], T]) -> Callable[[], T]:
    """The same answer for a moment, as nodes join and leave more slowly than it is asked for."""
    asked_at, answer = -math.inf, ask()

    def now() -> T:
        nonlocal asked_at, answer
        if time.monotonic() - asked_at >= _COUNT_AGAIN_S:
            asked_at, answer = time.monotonic(), ask()
        return answer

    return now


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
