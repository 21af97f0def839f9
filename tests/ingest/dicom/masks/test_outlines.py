"""The laws of a region's outlines: rings stay rings, twins count once, overlaps are a union."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dicom.masks.outlines import fill_outlines
from ingest.dicom.masks.polygons import fill_even_odd

SHAPE = (48, 56)


def square(left, top, side):
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return corners * side + [left - 0.5, top - 0.5]


def circle(x, y, radius, points=90):
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def fill(*polygons, xor=False):
    return fill_outlines(polygons, SHAPE, xor=xor)


def test_rings_islands_and_their_holes_nest_to_any_depth():
    sides = [40, 30, 20, 10]
    filled = fill(*(square(4 + n, 4 + n, side) for n, side in enumerate(sides)))
    area = 40**2 - 30**2 + 20**2 - 10**2
    assert (filled.mask.sum(), filled.area) == (area, area)
    assert (filled.twins, filled.overlaps, filled.empty) == (0, 0, 0)


def test_the_same_outline_twice_counts_once_as_rim_and_as_hole():
    rim, hole = circle(25, 22, 15), circle(25, 22, 6)
    ring = fill(rim, hole)
    again = fill(rim, hole, rim[::-1], np.roll(hole, 7, axis=0))
    assert np.array_equal(again.mask, ring.mask)
    assert (ring.twins, again.twins) == (0, 2)
    assert again.area == pytest.approx(ring.area)


@pytest.mark.parametrize("shrink", [0.2, 0.4])
def test_a_copy_within_half_a_pixel_is_the_same_outline_and_no_hole(shrink):
    filled = fill(circle(25, 22, 15), circle(25, 22, 15 - shrink))
    assert np.array_equal(filled.mask, fill(circle(25, 22, 15)).mask)
    assert filled.twins == 1


def test_a_wall_of_one_pixel_is_a_ring():
    filled = fill(square(10, 10, 20), square(11, 11, 18))
    assert filled.mask.sum() == 20**2 - 18**2
    assert filled.twins == 0


def test_outlines_that_cross_are_a_union_and_said():
    filled = fill(square(5, 5, 10), square(10, 8, 10))
    assert filled.mask.sum() == filled.area == 200 - 5 * 7
    assert (filled.overlaps, filled.length) == (2, 80)


def test_outlines_of_the_xor_kind_cut_each_other_out():
    filled = fill(square(5, 5, 10), square(10, 8, 10), xor=True)
    assert filled.mask.sum() == 200 - 2 * 5 * 7
    assert filled.overlaps == 0
    assert fill(square(5, 5, 10), square(5, 5, 10), xor=True).mask.sum() == 100


def test_a_hole_common_to_two_crossing_outlines_stays_a_hole():
    hole = square(12, 12, 3)
    filled = fill(square(5, 5, 15), square(8, 8, 15), hole)
    assert filled.mask.sum() == 2 * 15**2 - 12**2 - 9


def test_neighbors_that_share_an_edge_neither_cross_nor_nest():
    filled = fill(square(5, 5, 10), square(15, 5, 10), square(5, 15, 10))
    assert (filled.mask.sum(), filled.overlaps, filled.twins) == (300, 0, 0)


def test_what_lies_between_pixel_centers_is_counted():
    tiny = np.array([[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]])
    filled = fill(square(5, 5, 10), tiny + 30, tiny + 8)
    assert (filled.mask.sum(), filled.empty, filled.twins) == (100, 2, 0)
    assert filled.area == pytest.approx(100 + 2 * 0.18)


CIRCLES = st.builds(circle, st.floats(5, 50), st.floats(5, 40), st.floats(1.5, 20))


@given(st.lists(CIRCLES, min_size=1, max_size=5), st.randoms())
def test_order_and_copies_do_not_matter_and_each_filled_pixel_lies_in_an_outline(circles, chance):
    filled = fill(*circles)
    shuffled = [*circles, chance.choice(circles)[::-1]]
    chance.shuffle(shuffled)
    assert np.array_equal(fill(*shuffled).mask, filled.mask)
    everything = np.any([fill_even_odd([outline], SHAPE) for outline in circles], axis=0)
    assert not (filled.mask & ~everything).any()
    assert filled.mask.any() or not everything.any()


@given(st.lists(CIRCLES, min_size=1, max_size=4))
def test_disjoint_or_nested_outlines_are_filled_as_even_odd_has_it(circles):
    filled = fill(*circles)
    if not filled.overlaps and not filled.twins:
        assert np.array_equal(filled.mask, fill_even_odd(circles, SHAPE))
