"""Chance decides each change by itself, as often and as far as the strength says."""

import dataclasses
import math

import numpy as np
import pytest

from lungseg.augment import strength as limits
from lungseg.augment.draw import draw_slice
from lungseg.augment.strength import STRENGTHS, Strength

FIELDS = {
    "mirror": lambda draw: draw.mirror,
    "move": lambda draw: draw.matrix is not None,
    "bend": lambda draw: draw.bend is not None,
    "coarsen": lambda draw: draw.resolution is not None,
    "blur": lambda draw: draw.blur is not None,
    "shade": lambda draw: draw.shade is not None,
    "gamma": lambda draw: draw.gamma is not None,
    "noise": lambda draw: draw.noise is not None,
}
MANY = 4000


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_draw_is_decided_by_seed_epoch_and_position(make_draws):
    draws = make_draws(STRENGTHS["full"], 50)
    again = make_draws(STRENGTHS["full"], 50)
    assert all(same(*pair) for pair in zip(draws, again, strict=True))
    keys = {draw.noise_key for draw in draws}
    for other in ({"seed": 1}, {"epoch": 1}):
        keys |= {draw.noise_key for draw in make_draws(STRENGTHS["full"], 50, **other)}
    assert len(keys) == 150
    assert all(0 <= key < 2**63 for key in keys)


def test_seed_epoch_and_position_have_a_part_each():
    """Were they added up, (1, 0, 0) and (0, 1, 0) would be alike."""
    places = [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)]
    keys = [
        draw_slice(Strength(), seed=s, epoch=e, position=p, shape=(4, 4)).noise_key
        for s, e, p in places
    ]
    assert len(set(keys)) == len(places)


@pytest.mark.parametrize("name", FIELDS)
def test_each_change_is_as_frequent_as_its_probability(make_draws, name):
    chance = getattr(STRENGTHS["full"], name)
    found = sum(FIELDS[name](draw) for draw in make_draws(STRENGTHS["full"], MANY))
    assert abs(found / MANY - chance) < 4 * math.sqrt(chance * (1 - chance) / MANY)


@pytest.mark.parametrize("name", FIELDS)
def test_a_change_that_is_left_out_moves_no_other(make_draws, name):
    everything = Strength(**dict.fromkeys(FIELDS, 1.0))
    without = dataclasses.replace(everything, **{name: 0.0})
    pairs = zip(make_draws(everything, 5), make_draws(without, 5), strict=True)
    for whole, part in pairs:
        assert not FIELDS[name](part)
        differing = [a for a, b in zip(whole, part, strict=True) if not np.array_equal(a, b)]
        assert len(differing) == 1


def test_two_changes_are_made_independently(make_draws):
    draws = make_draws(Strength(**dict.fromkeys(FIELDS, 0.5)), MANY)
    made = np.array([[check(draw) for check in FIELDS.values()] for draw in draws], float)
    correlation = np.corrcoef(made.T) - np.eye(len(FIELDS))
    assert np.abs(correlation).max() < 4 / math.sqrt(MANY)


def spread(values, low, high):
    """Whether values lie within limits and reach to both."""
    margin = 0.02 * (high - low)
    return low <= min(values) < low + margin and high - margin < max(values) <= high


def test_changes_go_as_far_as_their_limits(make_draws):
    draws = make_draws(Strength(**dict.fromkeys(FIELDS, 1.0)), 1000)
    assert spread([draw.blur for draw in draws], *limits.BLUR_PX)
    assert spread([draw.noise for draw in draws], *limits.NOISE_HU)
    for factors, most in (
        ([draw.gamma for draw in draws], limits.MOST_GAMMA),
        ([draw.shade[0] for draw in draws], limits.MOST_CONTRAST),
    ):
        assert spread(np.log(factors), -math.log(most), math.log(most))
        assert abs(np.mean(np.log(factors))) < 0.1 * math.log(most)
    most = limits.MOST_BRIGHTNESS_HU
    assert spread([draw.shade[1] for draw in draws], -most, most)
    counts = [sum(draw.resolution == value for draw in draws) for value in limits.RESOLUTIONS]
    assert sum(counts) == 1000
    assert min(counts) > 270


def test_a_moved_slice_is_turned_zoomed_and_shifted_around_its_middle(make_draws):
    shape = (48, 64)
    middle = np.array([31.5, 23.5, 1])
    matrices = [draw.matrix for draw in make_draws(Strength(move=1.0), 1000, shape=shape)]
    shifts = np.array([matrix @ middle - middle[:2] for matrix in matrices]) / [64, 48]
    turns = [math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) for matrix in matrices]
    zooms = [math.log(np.linalg.det(matrix[:, :2])) / 2 for matrix in matrices]
    assert spread(turns, -limits.MOST_TURN, limits.MOST_TURN)
    assert spread(zooms, -math.log(limits.MOST_ZOOM), math.log(limits.MOST_ZOOM))
    for axis in (0, 1):
        assert spread(shifts[:, axis], -limits.MOST_SHIFT - 1e-6, limits.MOST_SHIFT + 1e-6)
    for matrix in matrices:
        square = matrix[:, :2] @ matrix[:, :2].T
        np.testing.assert_allclose(square, square[0, 0] * np.eye(2), atol=1e-6)


def test_nodes_are_displaced_by_a_share_of_the_size(make_draws):
    bends = [draw.bend for draw in make_draws(Strength(bend=1.0), 400, shape=(100, 400))]
    across, down = (np.array([bend[axis] for bend in bends]) for axis in (0, 1))
    expected = limits.MOST_BEND / math.sqrt(3)  # of a deviation between 0 and the most
    assert across.std() == pytest.approx(400 * expected, rel=0.1)
    assert down.std() == pytest.approx(100 * expected, rel=0.1)
    assert abs(np.corrcoef(across.ravel(), down.ravel())[0, 1]) < 0.02
