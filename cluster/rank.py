"""One rank of a gang: a process that runs a function while it answers who watches over it."""

import importlib
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from cluster.interface import listen_where
from cluster.ports import free_port

LEASE_S = 8
"""A rank that hears nothing for so long ends itself: others may have taken its place."""

_NEWS_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a rank stands among the others.

    Attributes:
        number: 0-based.
        size: Number of ranks.
        per_node: Ranks on one node.
        address: Of the node of rank 0.
        port: Free there, for the ranks to find each other.
    """

    number: int
    size: int
    per_node: int
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Rank:
    """What a function learns of its rank, and can say.

    Attributes:
        place: Among the others.
        tell: Sends something picklable to who runs the gang.
        asked: What who runs the gang asks for by now, as a signal's number; 0 at first.
    """

    place: Place
    tell: Callable[[Any], None]
    asked: Callable[[], Any]


class Seat:
    """The process of a rank, as a Ray actor; it outlasts the functions that it runs."""

    LINE = "line"
    """The thread that answers while a function runs."""

    def __init__(self) -> None:
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._asked: Any = 0
        self._runs, self._missed = False, 0
        threading.Thread(target=self._keep_lease, daemon=True, name="lease").start()

    def prepare(self, function: Callable[[Any, Rank], Any], imports: Sequence[str]) -> str:
        """Import a function, which the call has done by now, and what it needs.

        Args:
            function: The function.
            imports: Names of modules.

        Returns:
            This node's address.
        """
        self._function = function
        for name in imports:
            importlib.import_module(name)
        address: str = ray.util.get_node_ip_address()
        listen_where(address)
        return address

    def free_port(self) -> int:
        """A port of this node for the ranks to meet at."""
        return free_port()

    def run(self, argument: Any, place: Place) -> Any:
        """Run the function."""
        self._asked, self._missed, self._runs = 0, 0, True
        try:
            rank = Rank(place=place, tell=self._news.put, asked=lambda: self._asked)
            return self._function(argument, rank)
        finally:
            self._runs = False

    @ray.method(concurrency_group=LINE)  # type: ignore[untyped-decorator]
    def listen(self, asked: Any) -> list[Any]:
        """Note what the gang is asked for, and wait a moment for news.

        Args:
            asked: For the function.

        Returns:
            What the function has told since the last time.
        """
        self._asked, self._missed = asked, 0
        news = []
        try:
            news.append(self._news.get(timeout=_NEWS_S))
            while True:
                news.append(self._news.get_nowait())
        except queue.Empty:
            return news

    def _keep_lease(self) -> None:
        """Count seconds in which this process ran but heard nothing."""
        while True:
            time.sleep(1)
            if self._runs:
                self._missed += 1
                if self._missed > LEASE_S:
                    os._exit(1)
