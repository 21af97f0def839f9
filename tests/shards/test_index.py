"""The columns of an index: laws of cutting it by case and joining it again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.index import BLOCK_BYTES, COLUMNS, ShardIndex, shard_name

ROWS = st.tuples(
    st.integers(0, 2**31 - 1),
    *[st.integers(0, 2**40)] * 6,
    st.booleans(),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**32 - 1),
)
PARTS = st.lists(st.lists(ROWS, max_size=5), max_size=6)


def join(parts):
    return ShardIndex.concatenate(
        [ShardIndex.of_case(f"case_{k}", rows) for k, rows in enumerate(parts)]
    )


@given(PARTS)
def test_an_index_holds_the_rows_of_its_cases_one_after_the_other(parts):
    index = join(parts)
    assert index.cases == tuple(f"case_{k}" for k in range(len(parts)))
    assert index.rows() == [row for rows in parts for row in rows]
    assert index.case.tolist() == [k for k, rows in enumerate(parts) for _ in rows]
    assert len(index) == sum(map(len, parts))
    for name, dtype in COLUMNS.items():
        assert getattr(index, name).dtype == dtype


@given(PARTS)
def test_a_case_cut_out_is_that_case_alone(parts):
    index = join(parts)
    for number, rows in enumerate(parts):
        only = index.only(number)
        assert only.cases == (f"case_{number}",)
        assert only.rows() == rows
        assert only.case.tolist() == [0] * len(rows)
        assert np.flatnonzero(index.case == number).tolist() == list(
            range(*index.rows_of(number).indices(len(index)))
        )


@given(PARTS)
def test_cutting_and_joining_again_changes_nothing(parts):
    index = join(parts)
    again = ShardIndex.concatenate([index.only(k) for k in range(len(parts))])
    assert (again.cases, again.rows()) == (index.cases, index.rows())


def test_a_case_is_cut_out_without_a_look_at_the_others():
    """Columns but `case` are views: a set of 100,000 cases is cut in its size, not its square."""
    index = join([[(z, *range(6), True, 1, 2) for z in range(3)] for _ in range(4)])
    only = index.only(2)
    for name in COLUMNS:
        assert np.shares_memory(getattr(only, name), getattr(index, name)) == (name != "case")


@pytest.mark.parametrize(
    ("size", "behind"), [(1, 512), (511, 512), (512, 512), (513, 1024), (1024, 1024)]
)
def test_a_stretch_begins_at_a_header_and_ends_at_a_whole_block(size, behind):
    rows = [(7, 512, 10, 1536, 20, 2560, size, True, 3, 9)]
    index = ShardIndex.of_case("a", rows)
    assert index.stretch(0) == (512 - BLOCK_BYTES, 2560 + behind)
    starts, ends = index.stretches()
    assert [starts.tolist(), ends.tolist()] == [[0], [2560 + behind]]


@given(PARTS.filter(any))
def test_all_stretches_are_those_of_each_row(parts):
    index = join(parts)
    starts, ends = index.stretches()
    pairs = list(zip(starts.tolist(), ends.tolist(), strict=True))
    assert pairs == [index.stretch(row) for row in range(len(index))]


def test_names_are_those_in_the_tar():
    index = join([[], [(7, *range(6), True, 1, 2), (12345, *range(6), True, 1, 2)]])
    assert [index.key(0), index.key(1)] == ["case_1-0007", "case_1-12345"]
    assert index.shard(1) == shard_name("case_1") == "cases/case_1.tar"
