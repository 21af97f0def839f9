"""A list is trained once each, in its order, whatever an earlier process had."""

import pytest

from tune.history.listed import Listed

POINTS = [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}]


def test_points_come_once_each_in_their_order():
    listed = Listed(POINTS)
    assert [listed.suggest() for _ in POINTS] == POINTS
    listed.tell(0, 0.5)
    with pytest.raises(StopIteration):
        listed.suggest()


def test_what_an_earlier_process_had_is_left_out():
    listed = Listed(POINTS)
    listed.add(POINTS[1])
    listed.add({"lr": 0.9})
    assert [listed.suggest(), listed.suggest()] == [POINTS[0], POINTS[2]]
