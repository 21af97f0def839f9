"""Numbers lie on an axis in their order, and round ones stand beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tune.results.axis import Axis

NUMBERS = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=9)


@given(NUMBERS)
def test_every_number_and_tick_lies_on_the_axis_and_order_is_kept(values):
    axis = Axis(values)
    places = [axis.place(value) for value in sorted(values)]
    assert places == sorted(places)
    for place in (*places, *(place for place, _ in axis.ticks())):
        assert -1e-9 <= place <= 1 + 1e-9


def test_wide_numbers_go_by_their_logarithm_and_narrow_ones_do_not():
    for values, is_log in (((1, 10, 100), True), ((10, 20, 29), False), ((0, 10, 20), False)):
        low, middle, high = map(Axis(values).place, values)
        evenly = middle - low == pytest.approx(high - middle, rel=0.2)
        assert evenly
        assert (Axis(values).place(values[1] * 1.1) - middle < 0.1) or not is_log


@pytest.mark.parametrize(
    ("values", "labels"),
    [((0.001, 0.01), {"0.001", "0.002", "0.005", "0.01"}), ((0.0, 1.0), {"0", "0.5", "1"})],
)
def test_ticks_are_round(values, labels):
    assert {label for _, label in Axis(values).ticks()} == labels
