"""Notices when a rank that a launcher started dies or stands still, and ends the others."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

_EVERY_S = 0.5
_SILENT_S = 10.0

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
    """The first rank hears of each other one and answers it, each other one hears of the first."""

    def __init__(self, advice: str) -> None:
        super().__init__(daemon=True, name="heartbeat")
        self.over = threading.Event()
        self._advice = advice
        self._rank, self._size = dist.get_rank(), dist.get_world_size()
        self._group = dist.new_group(backend="gloo", timeout=timedelta(seconds=_SILENT_S))
        self._hosts: list[Any] = [None] * self._size
        dist.all_gather_object(self._hosts, socket.gethostname(), group=self._group)

    def run(self) -> None:
        """Beat until all ranks say that they are through."""
        beat = self._beat_of_first if self._rank == 0 else self._beat
        while not beat():
            self.over.wait(_EVERY_S)

    def _beat_of_first(self) -> bool:
        others = range(1, self._size)
        through = [self._exchange(dist.recv, 0, rank) for rank in others]
        over = self.over.is_set() and all(through)
        for rank in others:
            self._exchange(dist.send, int(over), rank)
        return over

    def _beat(self) -> bool:
        self._exchange(dist.send, int(self.over.is_set()), 0)
        return bool(self._exchange(dist.recv, 0, 0))

    def _exchange(self, how: Any, number: int, rank: int) -> int:
        """Send a number to a rank, or receive one; without an answer this process ends."""
        begin, held = time.monotonic(), torch.tensor([number])
        try:
            how(held, rank, group=self._group)
        except RuntimeError:
            late = time.monotonic() - begin > _SILENT_S / 2
            how_lost = f"has stood still for {_SILENT_S:.0f} s" if late else "is gone"
            logger.error(
                "rank %d on %s %s: the training ends; %s",
                *(rank, self._hosts[rank], how_lost, self._advice),
            )
            os._exit(1)
        return int(held)
