"""Which nodes of a cluster are set aside, because trial after trial fails there."""

import logging
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Literal

logger = logging.getLogger(__name__)

_STRIKES = 3
_REST_S = 60.0
_CHANCES = 2


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of the cluster.

    Attributes:
        id: Ray's name of it.
        name: For people.
    """

    id: str
    name: str


class Nodes:
    """Counts what fails where.

    A node is set aside when it cannot run any trial, or when three trials in a row failed there
    without an epoch between. Where all are set aside at once, as by storage that is away for a
    minute, all are tried again after a rest, twice.

    Args:
        chances: How often all are tried again; any finished epoch gives the chances back.
        clock: Seconds.
    """

    def __init__(
        self, *, chances: int = _CHANCES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = self._chances = chances
        self._clock = clock
        self._strikes: dict[str, set[int]] = {}
        self._aside: dict[str, str] = {}
        self._since = 0.0

    @property
    def aside(self) -> Set[str]:
        """Ids of the nodes that are set aside."""
        return self._aside.keys()

    @property
    def story(self) -> str:
        """Which nodes are set aside, and why."""
        return "; ".join(dict.fromkeys(self._aside.values()))

    def works(self, node: Node) -> None:
        """A trial has finished an epoch there."""
        self._strikes.pop(node.id, None)
        self._aside.pop(node.id, None)
        self._chances = self._most

    def fails(self, node: Node, trial: int, reason: str, *, any_trial: bool) -> None:
        """A trial has failed there.

        Args:
            node: Where.
            trial: Its number.
            reason: Why, in one line.
            any_trial: Whether every other trial would fail there too.
        """
        strikes = self._strikes.setdefault(node.id, set())
        strikes.add(trial)
        if node.id in self._aside or not (any_trial or len(strikes) >= _STRIKES):
            return
        self._aside[node.id] = f"node {node.name}: {reason}"
        self._since = self._clock()
        logger.warning("node %s is set aside: %s", node.name, reason)

    def outlook(self, living: Set[str]) -> Literal["free", "wait", "none"]:
        """Whether there is a node to run a trial on: now, perhaps later, or not any more.

        Args:
            living: Ids of the nodes that the cluster has now.
        """
        if not living or living - self.aside:
            return "free"
        if not self._chances:
            return "none"
        if self._clock() - self._since < _REST_S:
            return "wait"
        self._chances -= 1
        logger.info("every node is set aside: all are tried again")
        self._aside.clear()
        self._strikes.clear()
        return "free"
