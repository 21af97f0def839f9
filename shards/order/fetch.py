"""Makes the shards of an epoch local before they are needed, and lets go of them after."""

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from shards.order.plan import Plan
from shards.storage.store import ShardSet


class ShardFetcher:
    """Has a set's shards fetched in the order in which the plan needs them.

    Where room is limited, the next shards are fetched as drained ones are released, and behind the
    last shards of an epoch come the first ones of the next.

    Args:
        shards: The set to read from.
        plan: The order of the epochs.
        num_epochs: Epochs of the whole training.
        room: Most shards to hold at a time; None to fetch all and keep them.
    """

    def __init__(
        self, shards: ShardSet, plan: Plan, *, num_epochs: int, room: int | None = None
    ) -> None:
        self._shards = shards
        self._plan = plan
        self._num_epochs = num_epochs
        self._room = room

    @property
    def num_bytes(self) -> int:
        """Bytes of the shards held at a time, at most: with less room some are fetched twice."""
        index = self._shards.index
        cases = [index.cases[case] for case in np.unique(index.case[self._plan.rows])]
        sizes = sorted((self._shards.manifest.cases[case].bytes for case in cases), reverse=True)
        return sum(sizes[: self._room])

    def begin(self, epoch: int, rows: npt.NDArray[np.int64]) -> None:
        """Begin to fetch.

        Args:
            epoch: 0-based epoch.
            rows: (n,) int64, rows of the index in the order in which the epoch still needs them.
        """
        self._coming = self._in_order_of_need(epoch, rows)
        last_use = _last_use(self._shards.index.case[rows])
        self._leaving = deque(sorted((place, shard) for shard, place in last_use.items()))
        self._num_held = 0
        self.advance(0)

    def advance(self, done: int) -> None:
        """Release what is drained and fetch what comes.

        Args:
            done: How many of the rows have been read, by all who share the local copies.
        """
        while self._room is not None and self._leaving and self._leaving[0][0] < done:
            self._shards.release(self._name(self._leaving.popleft()[1]))
            self._num_held -= 1
        coming = list(self._next_to_fetch())
        self._num_held += len(coming)
        self._shards.prefetch(self._name(shard) for shard in coming)

    def end(self) -> None:
        """Release what is left of an epoch, whose last rows were asked for: a validation may come.

        It would push out the shards that are there for the next epoch otherwise.
        """
        if self._room is not None:
            for _, shard in self._leaving:
                self._shards.release(self._name(shard))

    def _next_to_fetch(self) -> Iterator[int]:
        free = len(self._shards.index.cases) if self._room is None else self._room - self._num_held
        for _, shard in zip(range(free), self._coming, strict=False):
            yield shard

    def _in_order_of_need(self, epoch: int, rows: npt.NDArray[np.int64]) -> Iterator[int]:
        yield from _first_use(self._shards.index.case[rows])
        if self._room is not None and epoch + 1 < self._num_epochs:
            yield from _first_use(self._shards.index.case[self._plan.order(epoch + 1)])

    def _name(self, shard: int) -> str:
        return self._shards.index.shard(shard)


def _first_use(shards: npt.NDArray[np.int32]) -> list[int]:
    """The shards of a sequence in the order in which they first appear."""
    places = _last_use(shards[::-1])
    return sorted(places, key=places.__getitem__, reverse=True)


def _last_use(shards: npt.NDArray[np.int32]) -> dict[int, int]:
    """Where each shard of a sequence appears last."""
    place = np.full(int(shards.max(initial=-1)) + 1, -1)
    place[shards] = np.arange(len(shards))  # of equal ones the last assignment stays
    used = np.flatnonzero(place >= 0)
    return dict(zip(used.tolist(), place[used].tolist(), strict=True))
