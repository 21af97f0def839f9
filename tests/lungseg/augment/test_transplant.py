"""Which tumors travel is decided by seed, epoch and position, fairly."""

from collections import Counter

import numpy as np
import pytest

from lungseg.augment.draw import draw_slice
from lungseg.augment.strength import STRENGTHS
from lungseg.augment.transplant import Donors

ROWS = np.arange(100, 130)
CASE = np.repeat(np.int32([3, 5, 8]), (4, 20, 6))
PIXELS = np.where(np.arange(30) % 2, 50, 0).astype(np.int32)


def donors(share=0.25, seed=0):
    return Donors.among(ROWS, CASE, PIXELS, share=share, seed=seed)


def draws(count, **given):
    return [donors(**given).draw(0, position) for position in range(count)]


def test_so_many_travel_and_each_case_as_often_though_one_has_more_slices():
    made = [journey for journey in draws(6000) if journey]
    assert len(made) / 6000 == pytest.approx(0.25, abs=0.02)
    cases = Counter(CASE[journey.donor - 100] for journey in made)
    assert cases == pytest.approx(dict.fromkeys((3, 5, 8), len(made) / 3), rel=0.12)
    assert {journey.donor for journey in made} == set(ROWS[PIXELS > 0])
    assert Counter(journey.turn.quarters for journey in made).keys() == {0, 1, 2, 3}
    assert all(0.6 <= journey.turn.zoom <= 1.2 for journey in made)


def test_none_travel_of_a_share_of_0_and_all_of_1():
    assert not any(draws(200, share=0.0))
    assert all(draws(200, share=1.0))


def test_a_larger_share_adds_journeys_and_changes_none():
    few, many = draws(500, share=0.2), draws(500, share=0.6)
    assert all(one == other for one, other in zip(few, many, strict=True) if one)


def test_seed_epoch_and_position_decide_together():
    given = [(0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 2)]
    made = [donors(1.0, seed).draw(epoch, position) for seed, epoch, position in given]
    assert len({tuple(journey.places) for journey in made}) == len(given)
    assert made[0] == donors(1.0, 0).draw(0, 1)


def test_chance_that_makes_tumors_travel_is_not_that_of_the_other_changes():
    """Or the slices that get a tumor would be those that are mirrored."""
    where = [{"seed": 0, "epoch": 0, "position": position} for position in range(2000)]
    mirrored = [draw_slice(STRENGTHS["full"], shape=(8, 8), **each).mirror for each in where]
    got = [journey is not None for journey in draws(2000, share=0.5)]
    assert abs(np.corrcoef(mirrored, got)[0, 1]) < 0.06


def test_without_tumors_none_travel():
    none = Donors.among(ROWS, CASE, np.zeros_like(PIXELS), share=1.0, seed=0)
    assert none.draw(0, 0) is None
