"""The plan as a torch sampler: whole batches of one rank, from any position of an epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch.utils.data import DistributedSampler

from shards.errors import ShardError
from shards.order.fetch import ShardFetcher
from shards.order.plan import Plan, batches_of_rank, num_batches

_STEPS_APART = 2  # a batch that is trained on, and one by which another rank may lie behind


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchRequest:
    """Which slices one rank reads for one step.

    Attributes:
        epoch: 0-based epoch.
        positions: (b,) int64, positions in the epoch's order: with the seed and the epoch they
            identify a draw, whatever the number of ranks and workers.
        rows: (b,) int64, the rows of the index that were drawn there.
        samples_consumed: Positions of the epoch that all ranks together have used after this step.
    """

    epoch: int
    positions: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    samples_consumed: int


class PlanSampler(DistributedSampler[BatchRequest]):
    """Yields the batches of one rank, for a `DataLoader` with `batch_size=None`.

    It is a `DistributedSampler`, so Lightning leaves it in place and calls `set_epoch`.

    Args:
        plan: The order of the epochs.
        batch_size: Slices of a global batch, over all ranks.
        rank: 0-based rank.
        world_size: Number of ranks.
        fetcher: Makes shards local ahead of the requests; None where all are.
        ahead: Most batches that the loader requests before it has read them: a `DataLoader` two for
            each of its processes.

    Raises:
        ValueError: If the global batch has no slice for each rank.
        ShardError: If there are fewer slices than ranks.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        batch_size: int,
        rank: int,
        world_size: int,
        fetcher: ShardFetcher | None = None,
        ahead: int = 16,
    ) -> None:
        if batch_size < world_size:
            raise ValueError(
                f"--batch-size counts the slices of all devices together and must be at least "
                f"their number, got {batch_size} for {world_size} devices"
            )
        if len(plan) < world_size:
            raise ShardError(
                f"each device needs a slice to train on, got {len(plan)} slices for {world_size} "
                "devices: lower --devices or give shards of more cases"
            )
        super().__init__(plan, num_replicas=world_size, rank=rank)  # type: ignore[arg-type]
        self._plan = plan
        self._batch_size = batch_size
        self._fetcher = fetcher
        self._lag = (ahead + _STEPS_APART) * batch_size
        self._start = 0

    def __len__(self) -> int:
        return num_batches(len(self._plan), self._batch_size)

    def start_at(self, *, epoch: int, samples_consumed: int) -> None:
        """Let the next pass begin inside an epoch; the passes after it are whole.

        Args:
            epoch: The epoch to go on in.
            samples_consumed: Positions of it that were used before, by all ranks together, in
                batches of any size.
        """
        self.set_epoch(epoch)
        self._start = samples_consumed

    def __iter__(self) -> Iterator[BatchRequest]:
        start, self._start = self._start, 0
        order = self._plan.order(self.epoch)
        if self._fetcher is not None:
            self._fetcher.begin(self.epoch, order[start:])
        for taken in batches_of_rank(
            len(order),
            batch_size=self._batch_size,
            rank=self.rank,
            world_size=self.num_replicas,
            start=start,
        ):
            begin = taken.start - self.rank
            if self._fetcher is not None:
                self._fetcher.advance(begin - start - self._lag)
            yield BatchRequest(
                epoch=self.epoch,
                positions=np.array(taken),
                rows=order[taken.start : taken.stop : taken.step],
                samples_consumed=min(begin + self._batch_size, len(order)),
            )
        if self._fetcher is not None:
            self._fetcher.end()
