"""Keeps a training over nodes going: where a rank is lost, it goes on with those that are left."""

import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cluster.gang import Gang, NoRoomError, Shape
from cluster.lost_rank import LostRankError
from cluster.resources import Resources, job_resources, nodes, nodes_with_room
from cluster.session import session
from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from lungseg.training.callbacks.last_checkpoint import LAST
from lungseg.training.nodes.rank import KEPT, STEPPED, train
from lungseg.training.resume import check_vacant
from shards.console.groups import replaced
from shards.console.out import url_of
from shards.console.words import counted
from shards.storage.working_copy import shown

logger = logging.getLogger(__name__)

_WAIT_S = 120.0
_ROOM_S = 15.0  # that a lost process frees its room in
_LOSSES = 3


def fit_over_nodes(given: FitOptions) -> dict[str, Any] | None:
    """Train, or validate, on a Ray cluster.

    Args:
        given: The options, with an `--address`.

    Returns:
        As `lungseg.training.run.fit`.

    Raises:
        TrainingError: If the training cannot start or go on.
        SystemExit: If SIGTERM or SIGUSR1 ended it, its checkpoint being written.
        KeyboardInterrupt: If Ctrl-C did.
    """
    assert given.run.address is not None  # noqa: S101  # who calls this has looked
    try:
        if not (given.run.resume or given.run.validate or url_of(given.run.out)):
            check_vacant(given.run.out)
        with session(given.run.address):
            return _Supervisor(given.everywhere()).result()
    except ConnectionError as error:
        raise TrainingError(str(error)) from error


class _Supervisor:
    """One gang after the other, until one of them has trained to the end."""

    def __init__(self, options: FitOptions) -> None:
        self._options = options
        self._wanted = _shape(options)
        self._last = shown(options.run.out / LAST)
        self._asked = 0
        self._losses = 0  # since the last checkpoint
        self._kept_at: float | None = None
        self._began_at = time.time()
        self._lost_since: float | None = None

    def result(self) -> dict[str, Any] | None:
        """The result of the last gang."""
        with self._signals_taken():
            while True:
                try:
                    return self._ended(self._one_gang())
                except LostRankError as error:
                    self._note_loss(error)

    def _one_gang(self) -> Any:
        with self._gang() as gang:
            options = self._options
            if self._lost_since is not None:
                logger.info("the training goes on with %s", counted(gang.size, "rank"))
                options = replaced(options, resume="auto")
            gpus = self._wanted.rank.gpus
            if gpus:
                options = replaced(options, accelerator="gpu")
            return gang.run(options, hear=self._hear, asked=lambda: self._asked)

    def _gang(self) -> Gang:
        """As many nodes as were asked for; after a loss those that are there."""
        until = time.monotonic() + _WAIT_S
        while True:
            shape = self._wanted if self._lost_since is None else self._fitting()
            if len(nodes_with_room(shape.node)) < shape.nodes:
                logger.info("waiting: %s", self._needed(shape))
            try:
                wait_s = _WAIT_S if self._lost_since is None else _ROOM_S
                return Gang(shape, train, wait_s=wait_s)
            except NoRoomError as error:
                if time.monotonic() > until:
                    raise TrainingError(
                        f"{self._needed(shape)}: lower --nodes or --devices, or add nodes"
                    ) from error

    def _fitting(self) -> Shape:
        wanted = self._wanted
        num_nodes = min(wanted.nodes, max(1, len(nodes_with_room(wanted.node))))
        return Shape(nodes=num_nodes, per_node=wanted.per_node, rank=wanted.rank)

    def _needed(self, shape: Shape) -> str:
        return (
            f"{counted(shape.nodes, 'node')} with {shape.node.cpus} CPUs and {shape.node.gpus:g} "
            f"GPUs free are needed, {len(nodes_with_room(shape.node))} of that size are there"
        )

    def _note_loss(self, error: LostRankError) -> None:
        """Say it; a training that gets nowhere between its losses is given up."""
        self._losses += 1
        if self._losses >= _LOSSES:
            raise TrainingError(
                f"{error}, and {_LOSSES} times in a row without a checkpoint in between; the same "
                f"command with --resume auto goes on from {self._last}"
            ) from error
        where = "where it began" if self._kept_at is None else "its last checkpoint"
        logger.warning("%s: the training goes on from %s", error, where)
        self._lost_since = self._lost_since or self._kept_at or self._began_at

    def _hear(self, rank: int, news: Any) -> None:
        if news == KEPT:
            self._kept_at, self._losses = time.time(), 0
        elif news == STEPPED:
            self._stepped()
        else:
            level, text = news
            if rank == 0 or level > logging.INFO:
                logger.log(level, text)

    def _stepped(self) -> None:
        if self._lost_since is not None:
            lost_s = time.time() - self._lost_since
            logger.info("training again: %.0f s since the checkpoint are lost", lost_s)
            self._lost_since = None

    def _ended(self, result: Any) -> dict[str, Any] | None:
        signum = (result or {}).get("signal", 0)
        if signum == signal.SIGINT:
            raise KeyboardInterrupt
        if signum:
            sys.exit(128 + signum)
        return result  # type: ignore[no-any-return]

    @contextmanager
    def _signals_taken(self) -> Iterator[None]:
        """A signal asks the ranks to end with a checkpoint; a second Ctrl-C ends them at once."""
        signals = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
        before = {signum: signal.signal(signum, self._take) for signum in signals}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def _take(self, signum: int, frame: FrameType | None) -> None:
        del frame
        if self._asked and signum == signal.SIGINT:
            raise KeyboardInterrupt
        self._asked = signum
        logger.info(
            "%s: the training ends after this step, or after the validation that is under way",
            signal.Signals(signum).name,
        )


def _shape(options: FitOptions) -> Shape:
    """Nodes and ranks as asked for, each rank with its even share of a node."""
    cluster = nodes()
    machine, run = options.machine.accelerator, options.run
    gpus: Any = {"cpu": 0, "gpu": 1, "auto": "auto"}[machine]
    each = job_resources(cluster, jobs=run.nodes, cpus=1, gpus=gpus).gpus
    per_node = _gpus_of_each(cluster, run.nodes) if run.devices == "auto" else run.devices
    hosts = [node.cpus for node in cluster if node.gpus >= each * per_node]
    cpus = min(sorted(hosts, reverse=True)[: run.nodes], default=0) // per_node
    return Shape(nodes=run.nodes, per_node=per_node, rank=Resources(cpus=max(1, cpus), gpus=each))


def _gpus_of_each(cluster: list[Resources], num_nodes: int) -> int:
    """GPUs that each of the best nodes has; 1 where there are none, for its processors."""
    most = sorted((int(node.gpus) for node in cluster), reverse=True)[:num_nodes]
    return max(1, min(most, default=1))
