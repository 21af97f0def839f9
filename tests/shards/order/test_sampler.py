"""Global batches: the same on any number of ranks and workers, from any position."""

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from shards.errors import ShardError
from shards.order.plan import Plan
from shards.order.sampler import PlanSampler

BATCH = 16
PLAN = Plan(rows=np.arange(500), tumor=np.arange(500) % 9 == 0, oversample=8.0, seed=4)


class Rows(Dataset):
    def __getitem__(self, request):
        return request.positions, request.rows, request.samples_consumed


def sampler(rank=0, world_size=1, *, plan=PLAN, batch_size=BATCH):
    return PlanSampler(plan, batch_size=batch_size, rank=rank, world_size=world_size)


def batches(one, *, workers=0):
    loader = DataLoader(Rows(), batch_size=None, sampler=one, num_workers=workers)
    return [(np.asarray(positions), np.asarray(rows)) for positions, rows, _ in loader]


def global_batches(world_size, *, workers=0, start=None):
    """Rows of each global batch by their position, put together from all ranks."""
    parts = []
    for rank in range(world_size):
        one = sampler(rank, world_size)
        one.set_epoch(2)
        if start is not None:
            one.start_at(epoch=2, samples_consumed=start)
        parts.append(batches(one, workers=workers))
    return [
        sorted(pair for positions, rows in of_ranks for pair in zip(positions, rows, strict=True))
        for of_ranks in zip(*parts, strict=True)
    ]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more than there are cores
@pytest.mark.parametrize("workers", [0, 2, 4])
@pytest.mark.parametrize("world_size", [1, 2, 5, 8])
def test_ranks_and_workers_do_not_change_the_global_batches(world_size, workers):
    order = PLAN.order(2)
    found = global_batches(world_size, workers=workers)
    assert len(found) == 500 // BATCH
    for k, pairs in enumerate(found):
        stretch = range(k * BATCH, (k + 1) * BATCH)
        assert pairs == [(position, order[position]) for position in stretch]


@pytest.mark.parametrize("world_size", [1, 4])
def test_a_pass_goes_on_at_the_very_next_batch_and_the_one_after_it_is_whole(world_size):
    whole = global_batches(2)
    assert global_batches(world_size, start=7 * BATCH) == whole[7:]
    one = sampler()
    one.start_at(epoch=2, samples_consumed=7 * BATCH)
    assert len(list(one)) == len(whole) - 7
    assert len(list(one)) == len(one) == len(whole)


def test_a_position_means_the_same_with_any_batch_size():
    one = sampler(batch_size=10)
    one.start_at(epoch=2, samples_consumed=7 * BATCH)
    requests = list(one)
    assert requests[0].positions.tolist() == list(range(7 * BATCH, 7 * BATCH + 10))
    assert requests[0].samples_consumed == 7 * BATCH + 10
    assert len(requests) == (500 - 7 * BATCH) // 10


def test_a_batch_that_ranks_cannot_share_is_refused():
    with pytest.raises(ValueError, match="at least their number, got 3 for 4 devices"):
        sampler(0, 4, batch_size=3)


def test_fewer_slices_than_ranks_are_refused_and_as_many_are_not():
    few = Plan(rows=np.arange(3), tumor=np.arange(3) == 0, oversample=1.0, seed=0)
    with pytest.raises(ShardError, match=r"got 3 slices for 4 devices.*--devices"):
        sampler(0, 4, plan=few)
    for rank in range(3):
        ((_, rows),) = batches(sampler(rank, 3, plan=few, batch_size=18))
        assert len(rows) == 1


class Noting:
    """A fetcher that notes what it is told."""

    def __init__(self):
        self.said = []

    def begin(self, epoch, order):
        self.said.append(("begin", epoch, order.tolist()))

    def advance(self, position):
        self.said.append(("advance", position))

    def end(self):
        self.said.append(("end",))


@pytest.mark.parametrize("rank", [0, 1])
def test_shards_are_let_go_of_no_sooner_than_all_ranks_have_read_them(rank):
    fetcher, start, ahead = Noting(), 25 * BATCH, 3
    one = PlanSampler(PLAN, batch_size=BATCH, rank=rank, world_size=2, fetcher=fetcher, ahead=ahead)
    one.start_at(epoch=2, samples_consumed=start)
    requests = list(one)
    begun, *advanced, ended = fetcher.said
    assert begun == ("begin", 2, PLAN.order(2)[start:].tolist())
    assert ended == ("end",)
    # of the batches asked for before this one, those ahead and two more may still be read
    expected = [("advance", (k - ahead - 2) * BATCH) for k in range(len(requests))]
    assert advanced == expected


@pytest.mark.parametrize("rank", [0, 3])
def test_a_request_says_its_epoch_and_what_all_ranks_have_used(rank):
    one = sampler(rank, 4)
    one.start_at(epoch=5, samples_consumed=2 * BATCH)
    requests = list(one)
    assert {request.epoch for request in requests} == {5}
    used = [request.samples_consumed for request in requests]
    assert used == [(k + 3) * BATCH for k in range(len(requests))]
    assert next(iter(one)).positions[0] == rank  # the next pass is whole
