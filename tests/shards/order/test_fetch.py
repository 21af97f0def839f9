"""Shards are fetched once, before they are needed, and within the room there is."""

import time
import types

import numpy as np
import pytest

from shards.order.fetch import ShardFetcher
from shards.order.plan import Plan
from shards.order.sampler import PlanSampler
from shards.order.window import Windows
from shards.reading.loader import ThreadedLoader
from shards.reading.reader import SliceReader
from shards.storage.store import open_shards
from tests.waiting import wait_until

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


def make_plan(window):
    windows = Windows(shard=CASE, size=window) if window else None
    return Plan(rows=np.arange(len(CASE)), tumor=TUMOR, oversample=10.0, seed=0, windows=windows)


def passes(window, *, start=0, num_epochs=1, ahead=0):
    """Requests of one pass, with what is held as each is made."""
    shards, plan = Shards(), make_plan(window)
    room = 2 * window if window else None
    fetcher = ShardFetcher(shards, plan, num_epochs=num_epochs, room=room)
    sampler = PlanSampler(
        plan, batch_size=BATCH, rank=0, world_size=1, fetcher=fetcher, ahead=ahead
    )
    sampler.start_at(epoch=0, samples_consumed=start)
    return shards, [(request, set(shards.held)) for request in sampler]


@pytest.mark.parametrize("ahead", [0, 16, 30])
@pytest.mark.parametrize("start", [0, 1500])
def test_a_window_is_local_before_it_is_needed_and_each_shard_is_fetched_once(start, ahead):
    """Also where nearly a whole window is under way."""
    shards, requests = passes(WINDOW, start=start, ahead=ahead)
    needed = set(CASE[np.concatenate([request.rows for request, _ in requests])].tolist())
    assert sorted(shards.fetched) == sorted(needed)
    for place, (_, held) in enumerate(requests):
        behind = requests[max(0, place - 1 - ahead) : place + 1]
        assert {int(case) for request, _ in behind for case in CASE[request.rows]} <= held
        assert len(held) <= 2 * WINDOW


def test_the_next_epoch_is_fetched_behind_the_last_window():
    shards, _ = passes(WINDOW, num_epochs=2)
    coming = make_plan(WINDOW).order(1)[: NUM_CASES * SLICES // 10]
    assert shards.fetched[NUM_CASES:]
    assert set(shards.fetched[NUM_CASES:]) <= set(CASE[coming].tolist())


def test_at_the_end_of_an_epoch_only_what_the_next_one_needs_is_held():
    shards, _ = passes(WINDOW, num_epochs=2)
    assert shards.held
    assert shards.held <= set(shards.fetched[NUM_CASES:])
    assert not passes(WINDOW)[0].held


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_a_server_is_asked_for_each_shard_once_per_epoch_and_node(
    tmp_path, write_set, serve, monkeypatch, num_ranks
):
    """A cache for two windows, a validation after each epoch, and each batch finds its shards."""
    monkeypatch.setattr("shards.storage.cache._POLL_S", 0.002)  # as a window here lasts no second
    folder = write_set(tmp_path / "set", cases="abcdefghijklmnop", num_slices=20)
    server, num_epochs = serve(folder), 3
    ranks = [
        Rank(server.url, tmp_path / "cache", rank, num_ranks, num_epochs)
        for rank in range(num_ranks)
    ]
    for epoch in range(num_epochs):
        for rank in ranks:
            rank.sampler.set_epoch(epoch)
        for _ in zip(*(rank.batches() for rank in ranks), strict=True):
            time.sleep(0.008)  # in which the other threads work
        for rank in ranks:
            rank.validate()
    asked = [server.requests[f"cases/{case}.tar"] for case in "abcdefghijkl"]
    assert max(asked) <= num_epochs
    assert sum(asked) > (num_epochs - 0.5) * len(asked)  # what two epochs need stays


def test_it_knows_what_room_the_largest_shards_need(tmp_path, write_set):
    shards = open_shards(write_set(tmp_path, cases="abcdef"))
    sizes = [entry.bytes for entry in shards.manifest.cases.values()]
    plan = Plan(rows=np.arange(16), tumor=np.arange(16) == 0, oversample=1.0, seed=0)
    for room, num_shards in ((2, 2), (10, 4), (None, 4)):
        fetcher = ShardFetcher(shards, plan, num_epochs=1, room=room)
        assert fetcher.num_bytes == num_shards * sizes[0]


class Rank:
    """One rank that trains on 12 cases in windows of 3, and validates on 3."""

    def __init__(self, url, cache, rank, num_ranks, num_epochs):
        entries = open_shards(url, cache=cache).manifest.cases.values()
        room = 6 * max(entry.bytes for entry in entries)
        self.shards, self.cache = open_shards(url, cache=cache, cache_bytes=room), cache
        index = self.index = self.shards.index
        rows = np.flatnonzero(index.case < 12)
        windows = Windows(shard=index.case[rows], size=3)
        plan = Plan(rows=rows, tumor=index.tumor[rows], oversample=2, seed=0, windows=windows)
        fetcher = ShardFetcher(self.shards, plan, num_epochs=num_epochs, room=6)
        self.sampler = PlanSampler(
            plan, batch_size=4, rank=rank, world_size=num_ranks, fetcher=fetcher, ahead=3
        )
        self.reader = SliceReader(self.shards, max_open=3)
        self.validation_reader = SliceReader(self.shards)

    def batches(self):
        return iter(ThreadedLoader(self.read, self.sampler, num_threads=2))

    def read(self, request):
        for case in set(self.index.case[request.rows].tolist()):
            name = f"*/{self.index.cases[case]}.*.tar"
            wait_until(
                lambda name=name: list(self.cache.glob(name)), "it is fetched ahead", every_s=0.001
            )
        return self.reader.read(request.rows)

    def validate(self):
        for case in (13, 14, 15):
            self.validation_reader.read(np.flatnonzero(self.index.case == case))


def test_without_a_limit_all_are_fetched_in_the_order_of_need_and_kept():
    shards, requests = passes(None)
    order = CASE[np.concatenate([request.rows for request, _ in requests])].tolist()
    assert shards.fetched == list(dict.fromkeys(order))
    assert len(shards.held) == NUM_CASES
