"""Notices when a rank that a launcher started dies or stands still, and ends the others."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

_EVERY_S = 0.5
_SILENT_S = 10.0
_GLOO_S = 60.0  # longer, as gloo ends all of its exchanges when one takes too long
_GO_ON, _THROUGH, _LOST = range(3)

logger = logging.getLogger(__name__)


@contextmanager
def watched_ranks(*, launched: bool, advice: str) -> Iterator[None]:
    """Watch the other ranks of this training until all of them have left the block.

    An exchange of theirs would wait for a rank that stands still for half an hour.

    Args:
        launched: Whether a launcher started them, which watches over their ends at most.
        advice: What to say after the reason, before this process ends with exit code 1.
    """
    if not (launched and dist.is_initialized()):
        yield
        return
    watch = _Watch(advice)
    watch.start()
    try:
        yield
    finally:
        watch.over.set()
        watch.join(_SILENT_S)


class _Watch(threading.Thread):
    """The first rank hears of each other one and answers it, each other one hears of the first.

    Each pair has a line of its own: who waits for one rank still answers the others, so that none
    but the lost ones are named, and all end by the word of the first.
    """

    def __init__(self, advice: str) -> None:
        super().__init__(daemon=True, name="heartbeat")
        self.over = threading.Event()
        self._advice, self._size = advice, dist.get_world_size()
        group = dist.new_group(backend="gloo", timeout=timedelta(seconds=_GLOO_S))
        self._hosts: list[Any] = [None] * self._size
        dist.all_gather_object(self._hosts, socket.gethostname(), group=group)
        self._lines = self._lines_of(dist.get_rank(), group)
        self._lost = False

    def run(self) -> None:
        """Look at the lines until all ranks have said that they are through."""
        for line in self._lines:
            line.start()
        looked = time.monotonic()
        while running := [line for line in self._lines if not line.through]:
            running[0].join(_EVERY_S)
            since, looked = looked, time.monotonic()
            if looked - since > _SILENT_S / 2:  # this process itself stood still
                for line in running:
                    line.heard = looked
            self._end_with({line.rank: line.lost for line in running if line.lost})

    def _lines_of(self, rank: int, group: Any) -> "list[_Line]":
        if rank:
            return [_Line(0, group, self._beat)]
        return [_Line(other, group, self._answer) for other in range(1, self._size)]

    def _beat(self, line: "_Line") -> int:
        """Ask the first rank how all stand."""
        if self.over.wait(_EVERY_S):
            time.sleep(_EVERY_S / 10)  # others need a while yet
        line.send(int(self.over.is_set()))
        answer = line.receive()
        if answer == _LOST:  # which the first has said
            os._exit(1)
        return answer

    def _answer(self, line: "_Line") -> int:
        """Hear whether another rank is through, and tell it how all stand."""
        line.is_over = bool(line.receive())
        over = self.over.is_set() and all(other.is_over for other in self._lines)
        answer = _LOST if self._lost else _THROUGH if over else _GO_ON
        line.send(answer)
        return answer

    def _end_with(self, lost: dict[int, str]) -> None:
        """Name the ranks that are lost, if any, and end with all others."""
        if not lost:
            return
        who = ", ".join(f"rank {rank} on {self._hosts[rank]} {how}" for rank, how in lost.items())
        logger.error("%s: the training ends; %s", who, self._advice)
        self._lost = True
        for line in self._lines:
            if line.rank not in lost:
                line.join(_SILENT_S)
        os._exit(1)


class _Line(threading.Thread):
    """The exchanges with one other rank, one after the other until both are through.

    Args:
        rank: The other one.
        group: Of gloo.
        exchange: One of them; returns how all ranks stand.

    Attributes:
        rank: The other one.
        heard: When it was heard last.
        is_over: Whether it is through, and waits for others.
        through: Whether all are.
    """

    def __init__(self, rank: int, group: Any, exchange: "Callable[[_Line], int]") -> None:
        super().__init__(daemon=True, name=f"heartbeat of rank {rank}")
        self.rank, self.heard = rank, time.monotonic()
        self.is_over = self.through = self._gone = False
        self._group, self._exchange = group, exchange

    @property
    def lost(self) -> str:
        """How the other one is lost; empty while it is not."""
        if self._gone:
            return "is gone"
        silent = time.monotonic() - self.heard > _SILENT_S
        return f"has stood still for {_SILENT_S:.0f} s" if silent else ""

    def run(self) -> None:
        try:
            while (stand := self._exchange(self)) == _GO_ON:
                pass
            self.through = stand == _THROUGH
        except RuntimeError:
            self._gone = True

    def send(self, number: int) -> None:
        """Send a number to the other one."""
        dist.send(torch.tensor([number]), self.rank, group=self._group)

    def receive(self) -> int:
        """Receive a number of the other one."""
        held = torch.zeros(1, dtype=torch.int64)
        dist.recv(held, self.rank, group=self._group)
        self.heard = time.monotonic()
        return int(held)
