"""The order of an epoch and the batches of a rank."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import WeightedRandomSampler

from shards.order.draw import balanced
from shards.order.oversample import sample_weights
from shards.order.plan import Plan, batches_of_rank, epoch_seed, num_batches
from shards.order.window import Windows

ROWS = np.arange(40, 140)
TUMOR = np.arange(100) % 7 == 0


def test_an_epoch_is_the_weighted_random_samplers_over_the_training_rows():
    plan = Plan(rows=ROWS, tumor=TUMOR, oversample=6.0, seed=11)
    for epoch in range(3):
        generator = torch.Generator().manual_seed(epoch_seed(11, epoch))
        sampler = WeightedRandomSampler(sample_weights(TUMOR, 6.0), 100, generator=generator)
        assert plan.order(epoch).tolist() == [ROWS[i] for i in sampler]


@pytest.mark.parametrize("draw", ["weighted", "balanced"])
def test_seed_and_epoch_alone_make_the_order(draw):
    plan = Plan(rows=ROWS, tumor=TUMOR, oversample=6.0, seed=11, draw=draw)
    torch.manual_seed(99)
    again = Plan(rows=ROWS, tumor=TUMOR, oversample=6.0, seed=11, draw=draw)
    assert plan.order(5).tolist() == again.order(5).tolist()
    assert len({tuple(plan.order(epoch)) for epoch in range(4)}) == 4


@pytest.mark.parametrize("num_samples", [1, 7, 8, 9, 31, 64, 100])
@pytest.mark.parametrize("world_size", [1, 2, 3, 5, 8])
def test_ranks_share_out_the_same_global_batches_in_equal_steps(num_samples, world_size):
    ranks = [
        list(batches_of_rank(num_samples, batch_size=8, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    assert {len(batches) for batches in ranks} == {num_batches(num_samples, 8)}
    for k, batches in enumerate(zip(*ranks, strict=True)):
        sizes = [len(batch) for batch in batches]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] - sizes[-1] <= 1
        together = sorted(position for batch in batches for position in batch)
        assert together == list(range(num_samples)[8 * k : 8 * k + 8])


def test_batches_go_on_at_any_position():
    whole = list(batches_of_rank(100, batch_size=8, rank=1, world_size=2))
    assert list(batches_of_rank(100, batch_size=8, rank=1, world_size=2, start=24)) == whole[3:]
    odd = [
        list(batch) for batch in batches_of_rank(30, batch_size=4, rank=0, world_size=2, start=7)
    ]
    assert odd == [[7, 9], [11, 13], [15, 17], [19, 21], [23, 25]]
    assert list(batches_of_rank(30, batch_size=8, rank=0, world_size=1, start=30)) == []


@given(st.integers(0, 90), st.integers(0, 20), st.integers(1, 4), st.integers(0, 90))
def test_from_any_position_ranks_have_each_position_once(num, more, world_size, start):
    batch_size = world_size + more
    ranks = [
        list(
            batches_of_rank(
                num, batch_size=batch_size, rank=rank, world_size=world_size, start=start
            )
        )
        for rank in range(world_size)
    ]
    assert len({len(batches) for batches in ranks}) == 1
    used = sorted(position for batches in ranks for batch in batches for position in batch)
    whole = max(num - start, 0) // batch_size * batch_size
    expected = whole if num >= batch_size or start else num
    assert used == list(range(start, start + expected)) or (start and num < batch_size)
    if not start:
        assert len(ranks[0]) == max(num_batches(num, batch_size), 1)


@given(st.integers(0, 2**32), st.integers(0, 1000))
def test_a_seed_of_an_epoch_is_a_seed_of_torch_and_no_other_epochs(seed, epoch):
    found = epoch_seed(seed, epoch)
    assert 0 <= found < 2**63
    assert found == epoch_seed(seed, epoch)
    assert found not in (epoch_seed(seed, epoch + 1), epoch_seed(seed + 1, epoch))


def test_orders_are_promises_a_training_of_an_earlier_version_goes_on():
    assert epoch_seed(0, 0) == 7896617691693857887
    plan = Plan(rows=np.arange(40), tumor=np.arange(40) % 5 == 0, oversample=4.0, seed=1)
    windows = Windows(shard=np.repeat(np.arange(8, dtype=np.int32), 5), size=3)
    windowed = dataclasses.replace(plan, windows=windows)
    assert plan.order(2)[:8].tolist() == [0, 25, 6, 1, 15, 25, 5, 13]
    assert windowed.order(2)[:8].tolist() == [25, 6, 15, 25, 5, 5, 7, 9]


def test_a_windowed_order_depends_on_seed_and_epoch_alone():
    plan = Plan(rows=np.arange(90), tumor=np.arange(90) % 9 == 0, oversample=8.0, seed=1)
    windows = Windows(shard=np.repeat(np.arange(30, dtype=np.int32), 3), size=4)
    one = dataclasses.replace(plan, windows=windows)
    assert one.order(3).tolist() == one.order(3).tolist()
    for other in (dataclasses.replace(one, seed=2).order(3), one.order(4)):
        assert one.order(3).tolist() != other.tolist()
    assert sorted(one.order(3)) == sorted(plan.order(3))


def test_a_balanced_plan_draws_without_replacement():
    tumor = np.arange(90) % 9 == 0
    plan = Plan(rows=np.arange(90) + 7, tumor=tumor, oversample=1.0, seed=1, draw="balanced")
    assert plan.order(0).tolist() == (balanced(tumor, 1.0, seed=1, epoch=0) + 7).tolist()
    assert sorted(plan.order(0)) == list(range(7, 97))


def test_an_epoch_without_slices_has_no_batches_and_a_short_one_has_one():
    assert [num_batches(n, 8) for n in (0, 1, 7, 8, 15, 16)] == [0, 1, 1, 1, 1, 2]
