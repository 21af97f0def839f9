"""Stretches cut the validation into parts of one case each, all of it and nothing twice."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lungseg.training.batches import STRETCH, stretches_of
from shards.storage.store import open_shards


def index_of(shards, sizes):
    """The index of cases of so many slices."""
    index = open_shards(shards).index
    case = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    names = tuple(f"case_{number}" for number in range(len(sizes)))
    columns = {
        field.name: np.zeros(len(case), getattr(index, field.name).dtype)
        for field in dataclasses.fields(index)
        if field.name not in ("cases", "case")
    }
    z = np.concatenate([np.arange(size) for size in sizes]).astype(np.int32)
    return dataclasses.replace(index, cases=names, case=case, **columns | {"z": z})


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.data())
def test_stretches_are_a_partition_by_case(shards, sizes, data):
    index = index_of(shards, sizes)
    cases = tuple(sorted(data.draw(st.sets(st.sampled_from(range(len(sizes)))))))
    stretches = stretches_of(index, cases)
    rows = np.concatenate([stretch.rows for stretch in stretches] or [np.zeros(0, np.int64)])
    np.testing.assert_array_equal(rows, np.flatnonzero(np.isin(index.case, cases)))
    slices = [number for stretch in stretches for number in stretch.slices]
    assert slices == list(range(len(rows)))
    for number, stretch in enumerate(stretches):
        assert stretch.number == number
        assert 1 <= len(stretch.rows) <= STRETCH
        assert set(index.case[stretch.rows].tolist()) == {cases[stretch.case]}
