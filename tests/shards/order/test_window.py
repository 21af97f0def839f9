"""Windowed order: the same draws, one window of shards after the other, batches like exact ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.order.oversample import oversample_ratio
from shards.order.plan import Plan
from shards.order.window import Windows, deal

BATCH = 32


def make_slices(num_cases, *, slices=230, seed=0):
    """Case, z and tumor of cases with one tumor of 1 to 80 slices each."""
    rng = np.random.default_rng(seed)
    case = np.repeat(np.arange(num_cases, dtype=np.int32), slices)
    z = np.tile(np.arange(slices, dtype=np.int32), num_cases)
    length = np.clip(rng.lognormal(2.3, 0.8, num_cases), 1, 80).astype(int)
    lowest = rng.integers(0, slices - 80, num_cases)
    return case, z, (z >= lowest[case]) & (z < (lowest + length)[case])


def make_plan(case, tumor, *, window=None, draw="weighted", seed=3):
    return Plan(
        rows=np.arange(len(case)),
        tumor=tumor,
        oversample=oversample_ratio("auto", tumor),
        seed=seed,
        draw=draw,
        windows=window and Windows(shard=case, size=window),
    )


def in_batches(order):
    return order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)


def near_duplicates(order, case, z):
    """Pairs of a batch that are the same slice or direct neighbors, per batch."""
    batches = in_batches(order)
    found = 0
    for i in range(BATCH):
        for j in range(i):
            one, other = batches[:, i], batches[:, j]
            found += np.count_nonzero((case[one] == case[other]) & (abs(z[one] - z[other]) <= 1))
    return found / len(batches)


@pytest.mark.parametrize("draw", ["weighted", "balanced"])
@pytest.mark.parametrize(("num_cases", "window"), [(40, 7), (40, 40), (40, 100), (5, 1)])
def test_the_draws_are_those_of_the_exact_order_and_each_window_is_visited_once(
    draw, num_cases, window
):
    case, _, tumor = make_slices(num_cases, slices=90)
    exact = make_plan(case, tumor, draw=draw).order(2)
    order = make_plan(case, tumor, draw=draw, window=window).order(2)
    assert sorted(order) == sorted(exact)
    first = {shard: place for place, shard in reversed(list(enumerate(case[order].tolist())))}
    last = {shard: place for place, shard in enumerate(case[order].tolist())}
    begins, ends = sorted(first.values()), sorted(last.values())
    needed = [np.searchsorted(begins, at, "right") - np.searchsorted(ends, at) for at in begins]
    assert max(needed) <= window


def test_inside_a_window_draws_stay_in_the_order_of_the_exact_draw():
    case, _, tumor = make_slices(6, slices=90)
    exact = make_plan(case, tumor).order(0)
    order = make_plan(case, tumor, window=3).order(0)
    begin = 0
    while begin < len(order):
        shards = set(case[order[begin : begin + 60]].tolist())
        kept = [row for row in exact if case[row] in shards]
        assert order[begin : begin + len(kept)].tolist() == kept
        begin += len(kept)


def test_windows_differ_by_one_shard_at_most_and_have_alike_shares_of_tumor():
    rng = np.random.default_rng(0)
    excess = rng.normal(size=1000)
    window = deal(excess, 64, rng)
    assert set(np.bincount(window)) == {62, 63}
    sums = np.bincount(window, weights=excess)
    assert sums.std() < 0.25 * np.sqrt(62.5)  # dealt blindly it would be 1.0
    assert not np.array_equal(window, deal(excess, 64, rng))


@pytest.mark.parametrize("draw", ["weighted", "balanced"])
def test_batches_are_like_those_of_an_exact_order(draw):
    """1,000 cases of 230 slices, window 64: the design's two goals."""
    case, z, tumor = make_slices(1000)
    exact = make_plan(case, tumor, draw=draw).order(0)
    order = make_plan(case, tumor, draw=draw, window=64).order(0)
    alike = []
    for begin in range(0, 960, 64):  # what exact orders over 64 of the cases have
        part = (case >= begin) & (case < begin + 64)
        few = make_plan(case[part], tumor[part], draw=draw).order(0)
        alike.append(near_duplicates(few, case[part], z[part]))
    assert near_duplicates(order, case, z) < 1.1 * np.mean(alike)
    spread, exact_spread = (tumor[in_batches(o)].mean(axis=1).std() for o in (order, exact))
    assert abs(spread / exact_spread - 1) < 0.1


@given(st.integers(0, 400), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_windows_are_as_few_and_as_even_as_can_be(num_shards, size, seed):
    rng = np.random.default_rng(seed)
    window = deal(rng.normal(size=num_shards), size, rng)
    counts = np.bincount(window, minlength=1)
    assert len(counts) == max(1, -(-num_shards // size))
    assert counts.max() <= size
    assert np.ptp(counts) <= 1


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_shards_in_order_of_their_excess_are_spread_over_all_windows(num_windows, size, seed):
    """Of each `num_windows` neighbors in that order, every window gets one."""
    rng = np.random.default_rng(seed)
    excess = rng.permutation(num_windows * size).astype(float)
    window = deal(excess, size, rng)
    dealt = window[np.argsort(excess)].reshape(size, num_windows)
    assert (np.sort(dealt, axis=1) == np.arange(num_windows)).all()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
)
def test_arranging_keeps_the_draws_and_their_order_within_a_window(slices, size, seed):
    shard = np.array([case for case, _ in slices], np.int32)
    tumor = np.array([shown for _, shown in slices])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(slices), len(slices))
    arranged = Windows(shard=shard, size=size).arrange(drawn, tumor, rng)
    assert sorted(arranged) == sorted(drawn)
    stretches = [arranged[:0]]
    seen = set()
    for place, case in enumerate(shard[arranged].tolist()):
        if case not in seen and len(seen) >= size:
            stretches, seen = [*stretches, arranged[place:place]], set()
        seen.add(case)
    num_used = len(set(shard[drawn].tolist()))
    windows = max(1, -(-num_used // size))
    changes = np.flatnonzero(np.diff(shard[arranged])).size
    assert changes >= num_used - 1
    assert len(stretches) <= 2 * windows
    for case in set(shard[drawn].tolist()):
        of_case = [row for row in arranged.tolist() if shard[row] == case]
        assert of_case == [row for row in drawn.tolist() if shard[row] == case]


def test_shards_are_dealt_by_their_tumor_beyond_the_share_of_the_epoch(monkeypatch):
    seen = []

    def spy(excess, size, rng):
        seen.append((excess.tolist(), size))
        return deal(excess, size, rng)

    monkeypatch.setattr("shards.order.window.deal", spy)
    shard = np.array([0, 0, 0, 2, 2, 3], np.int32)
    tumor = np.array([True, False, False, True, True, False])
    drawn = np.array([0, 1, 2, 2, 3, 4, 4, 5])  # none of shard 1
    rng = np.random.default_rng(0)
    Windows(shard=shard, size=2).arrange(drawn, tumor, rng)
    share = 4 / 8
    assert seen == [([1 - share * 4, 3 - share * 3, 0 - share * 1], 2)]


def test_shards_of_equal_excess_are_dealt_in_their_own_order():
    excess = np.tile([1.0, 0.0], 300)
    window = deal(excess, 120, np.random.default_rng(0))
    for alike in (window[1::2], window[::2]):  # first those without, then those with
        dealt = alike.reshape(-1, 5)  # five windows, of which each five neighbors have one each
        assert (np.sort(dealt, axis=1) == np.arange(5)).all()
