"""One trial: a training by `lungseg.training.run.fit` that reports each epoch to Ray Tune.

It runs in a Ray worker on any node, or is followed from there where several ranks train it. Heavy
libraries are imported inside, after the environment is put right for them.
"""

import os
from collections.abc import Callable
from typing import Any

import ray
import ray.tune

from cluster.gang import Shape
from cluster.resources import Resources
from lungseg.options.fit import FitOptions
from tune.history.memory import CASES, EPOCH, FOLDS, SCORE
from tune.options.config import SearchOptions
from tune.options.settings import fit_options
from tune.trials.attempts import Attempt, SupersededError
from tune.trials.away import AwayAttempt, attempt_at
from tune.trials.rank import Work
from tune.trials.reached import NONE, reached_by_all, trainings_of
from tune.trials.together import Together

FAILED = "failed"
CAUSE = "cause"
NODE = "node"
NODE_ID = "node_id"
REPORTED = (EPOCH, "dice_case_mean", SCORE, "best_epoch", "missed", FOLDS, CASES, NODE)

_TOGETHER = Together()


def run_trial(config: dict[str, Any], *, search: SearchOptions, shape: Shape) -> None:
    """Train with the values of a trial and report its begin and every epoch.

    What ends a training is reported with its reason and with what was to blame. Where that may
    have harmed this process, it ends too.

    Args:
        config: `number` and `values` of the trial.
        search: The options of the search.
        shape: Its ranks.
    """
    resources = shape.rank if shape.per_node == 1 else Resources(cpus=1)
    _prepare_environment(resources)
    from tune.trials.blame import blame, check_node

    where = _where()
    ray.tune.report(NONE | where)
    try:
        check_node(search, resources)
        _train(config, search, shape, where)
    except SupersededError:
        raise
    except Exception as error:
        fault = blame(error, search, resources)
        ray.tune.report(NONE | where | {FAILED: fault.reason, CAUSE: fault.cause})
        if fault.cause not in ("settings", "trial"):
            raise


def _train(
    config: dict[str, Any], search: SearchOptions, shape: Shape, where: dict[str, str]
) -> None:
    with attempt_at(search.out, config["number"]) as attempt:
        _train_all(attempt, config["values"], search, shape, where)
        attempt.keep()


def _train_all(
    attempt: Attempt | AwayAttempt,
    values: dict[str, Any],
    search: SearchOptions,
    shape: Shape,
    where: dict[str, str],
) -> None:
    trainings = trainings_of(search, values, attempt.folder)

    def tell() -> None:
        attempt.assert_newest()
        attempt.keep()
        ray.tune.report(reached_by_all(trainings, attempt.folder, search.step.epochs) | where)

    if attempt.resumes and reached_by_all(trainings, attempt.folder, search.step.epochs)[EPOCH]:
        tell()
    for training in trainings:
        if training.fold is not None and training.has_ended(search.step.epochs):
            continue
        options = fit_options(
            *(search, training.values),
            out=training.folder,
            shape=shape,
            resume=training.resumes,
        )
        if shape.per_node > 1:
            _TOGETHER.train(Work(search=search, options=options, resources=shape.rank), shape, tell)
        else:
            _fit(options, tell)


def _fit(options: FitOptions, tell: Callable[[], None]) -> None:
    from lungseg.training.callbacks.after_epoch import AfterEpoch
    from lungseg.training.run import fit

    fit(options, callbacks=[AfterEpoch(tell)])


def _prepare_environment(resources: Resources) -> None:
    """Take from Lightning what tells it of Slurm's ranks, and limit the threads of torch."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = str(resources.cpus)


def _where() -> dict[str, str]:
    """The node of this process, for people apart from others on the same machine, and for Ray."""
    name = ray.get_runtime_context().get_node_id()
    return {NODE: f"{ray.util.get_node_ip_address()}/{name[:8]}", NODE_ID: name}
