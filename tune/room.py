"""Room for a trial on some node: where there is none it is said at once, and not waited for ever.

Nodes may come, as those of a cloud that grows on demand, when the search begins and in its middle.
"""

import logging
import time
from collections.abc import Callable, Sequence, Set
from typing import Any

import ray.tune
from ray.tune.experiment import Trial

from cluster.resources import Resources, await_room, side_by_side
from tune.options.errors import SearchError

logger = logging.getLogger(__name__)

_MINUTES = 20  # a cloud may need as many for a node with GPUs and its image
_LOWER = "lower --cpus-per-trial, --gpus-per-trial or --devices-per-trial"


def check_room(cluster: Sequence[Resources], trial: Resources, *, grows: bool) -> None:
    """Make sure that a trial fits on a node, if need be by waiting for one.

    Args:
        cluster: What each node has.
        trial: What a trial takes.
        grows: Whether others may add a node.

    Raises:
        SearchError: If it does not fit.
    """
    if side_by_side(cluster, trial):
        return
    if not grows:
        has = f"this machine has {cluster[0].cpus} and {cluster[0].gpus:g}"
        raise SearchError(f"{_need(trial)}, {has}: {_LOWER}")
    logger.info(
        "%s of one node, and none has them: waiting %d minutes for one; else %s, as trials side by "
        "side use all nodes",
        *(_need(trial), _MINUTES, _LOWER),
    )
    if not await_room(trial, wait_s=60 * _MINUTES):
        raise _none_came(trial)


class RoomLost(ray.tune.Callback):  # type: ignore[misc]
    """Ends the search where all nodes that a trial fits on were lost, and none came back.

    Args:
        trial: What a trial takes.
        living: Ids of the nodes that have room for a trial; asked again and again.
        clock: Seconds.
    """

    def __init__(
        self,
        trial: Resources,
        living: Callable[[], Set[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trial, self._living, self._clock = trial, living, clock
        self._since: float | None = None

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """Outside of Tune's handling of a trial, whose failure an error in here is not.

        Raises:
            SearchError: If it is so.
        """
        del iteration, trials
        if self._living():
            if self._since is not None:
                logger.info("there is a node for trials again: the search goes on")
            self._since = None
        elif self._since is None:
            self._since = self._clock()
            logger.warning(
                "no node is left that has %s: waiting %d minutes for one",
                *(_said(self._trial), _MINUTES),
            )
        elif self._clock() - self._since > 60 * _MINUTES:
            raise _none_came(self._trial)


def _need(trial: Resources) -> str:
    return f"a trial needs {_said(trial)}"


def _said(trial: Resources) -> str:
    return f"{trial.cpus} CPUs and {trial.gpus:g} GPUs"


def _none_came(trial: Resources) -> SearchError:
    return SearchError(
        f"{_need(trial)} of one node, and none that has them came within {_MINUTES} minutes: "
        f"{_LOWER}, or add one; the same command goes on with the search"
    )
