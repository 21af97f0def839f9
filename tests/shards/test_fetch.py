"""Shards are fetched once, before they are needed, and within the room there is."""

import types

import numpy as np
import pytest

from shards.fetch import ShardFetcher
from shards.plan import Plan
from shards.sampler import PlanSampler
from shards.window import Windows

NUM_CASES, SLICES, BATCH, WINDOW = 40, 100, 20, 8
CASE = np.repeat(np.arange(NUM_CASES, dtype=np.int32), SLICES)
TUMOR = np.arange(len(CASE)) % 11 == 0


class Shards:
    """Keeps count of what is asked of a shard set."""

    def __init__(self):
        cases = [str(case) for case in range(NUM_CASES)]
        self.index = types.SimpleNamespace(case=CASE, cases=cases, shard=str)
        self.fetched, self.held = [], set()

    def prefetch(self, names):
        for name in map(int, names):
            self.fetched.append(name)
            self.held.add(name)

    def release(self, name):
        self.held.remove(int(name))


@pytest.fixture(autouse=True)
def small_lag(monkeypatch):
    monkeypatch.setattr("shards.fetch._LAG", 2 * BATCH)


def make_plan(window):
    windows = Windows(shard=CASE, size=window) if window else None
    return Plan(rows=np.arange(len(CASE)), tumor=TUMOR, oversample=10.0, seed=0, windows=windows)


def passes(window, *, start=0, num_epochs=1):
    """Requests of one pass, with what is held as each is made."""
    shards, plan = Shards(), make_plan(window)
    room = 2 * window if window else None
    fetcher = ShardFetcher(shards, plan, num_epochs=num_epochs, room=room)
    sampler = PlanSampler(plan, batch_size=BATCH, rank=0, world_size=1, fetcher=fetcher)
    sampler.start_at(epoch=0, samples_consumed=start)
    return shards, [(request, set(shards.held)) for request in sampler]


@pytest.mark.parametrize("start", [0, 1500])
def test_a_window_is_local_before_it_is_needed_and_each_shard_is_fetched_once(start):
    shards, requests = passes(WINDOW, start=start)
    needed = set(CASE[np.concatenate([request.rows for request, _ in requests])].tolist())
    assert sorted(shards.fetched) == sorted(needed)
    for place, (_, held) in enumerate(requests):
        behind = requests[max(0, place - 1) : place + 1]
        assert {int(case) for request, _ in behind for case in CASE[request.rows]} <= held
        assert len(held) <= 2 * WINDOW


def test_the_next_epoch_is_fetched_behind_the_last_window():
    shards, _ = passes(WINDOW, num_epochs=2)
    coming = make_plan(WINDOW).order(1)[: NUM_CASES * SLICES // 10]
    assert shards.fetched[NUM_CASES:]
    assert set(shards.fetched[NUM_CASES:]) <= set(CASE[coming].tolist())


def test_without_a_limit_all_are_fetched_in_the_order_of_need_and_kept():
    shards, requests = passes(None)
    order = CASE[np.concatenate([request.rows for request, _ in requests])].tolist()
    assert shards.fetched == list(dict.fromkeys(order))
    assert len(shards.held) == NUM_CASES
