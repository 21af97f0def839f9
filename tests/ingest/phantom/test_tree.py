import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.phantom.tree import MURRAY_POWER, PIECES_PER_BRANCH, Pieces, grow, spread

BOX = ((-40.0, 40.0), (0.0, 60.0), (-90.0, -10.0))


def grown(count, *, seed=3, radius_mm=6.0):
    rng = np.random.default_rng(seed)
    targets = rng.uniform(*np.array(BOX).T, (count, 3))
    return targets, grow((1.0, 2.0, 3.0), targets, radius_mm=radius_mm, rng=rng)


def keys(points):
    return {tuple(point) for point in np.round(points, 6).tolist()}


@given(st.integers(1, 60), st.integers(0, 99))
def test_a_tree_reaches_each_target_and_hangs_together(count, seed):
    targets, tree = grown(count, seed=seed)
    assert len(tree.radius) == PIECES_PER_BRANCH * (2 * count - 1)
    assert keys(targets) <= keys(tree.end)
    assert keys(tree.start) <= keys(tree.end) | {(1.0, 2.0, 3.0)}
    assert keys(tree.end) - keys(tree.start) == keys(targets)


def test_radii_follow_the_number_of_targets_that_a_branch_feeds():
    targets, tree = grown(32)
    ends = {
        tuple(end): radius
        for end, radius in zip(np.round(tree.end, 6).tolist(), tree.radius, strict=True)
    }
    thinnest = [ends[key] for key in keys(targets)]
    trunk = tree.radius[(tree.start == (1.0, 2.0, 3.0)).all(axis=1)]
    assert trunk == pytest.approx(6.0 * 1.05)  # it tapers from 1.1 to 0.9 of its radius
    np.testing.assert_allclose(thinnest, 0.9 * 6.0 * 32 ** (-1 / MURRAY_POWER))


def test_a_tree_to_one_target_is_a_straight_tube():
    tree = grow((0.0, 0, 0), np.array([[0.0, 0, 8]]), radius_mm=2.0, rng=np.random.default_rng(0))
    np.testing.assert_allclose(tree.start[0], 0)
    np.testing.assert_allclose(tree.end[-1], (0, 0, 8))
    np.testing.assert_allclose(np.concatenate([tree.start, tree.end])[:, :2], 0)
    np.testing.assert_allclose(tree.end[:-1], tree.start[1:])
    np.testing.assert_allclose(tree.radius, 2 * np.array([1.05, 1.0, 0.95, 0.9]))


def test_branches_fork_before_the_middle_of_what_they_feed():
    targets, tree = grown(400)
    fork = tree.end.reshape(PIECES_PER_BRANCH, -1, 3)[-1, 0]
    whole, part = targets.mean(0) - (1, 2, 3), fork - (1, 2, 3)
    assert 0.2 < np.linalg.norm(part) / np.linalg.norm(whole) < 0.6
    assert part @ whole > 0.9 * np.linalg.norm(part) * np.linalg.norm(whole)


def test_trees_are_short_because_they_split_targets_by_place():
    targets, tree = grown(300)
    order = np.random.default_rng(0).permutation(len(targets))
    wire = np.linalg.norm(targets - (1.0, 2.0, 3.0), axis=1).sum()
    length = np.linalg.norm(tree.end - tree.start, axis=1).sum()
    assert length < 0.5 * wire
    again = grow((1.0, 2.0, 3.0), targets[order], radius_mm=6.0, rng=np.random.default_rng(1))
    assert np.linalg.norm(again.end - again.start, axis=1).sum() == pytest.approx(length, rel=0.2)


def test_the_seed_decides_the_tree():
    one, same, other = (grown(20, seed=seed)[1] for seed in (4, 4, 5))
    assert np.array_equal(one.end, same.end)
    assert not np.array_equal(one.end, other.end)


def test_points_are_spread_over_what_is_inside():
    def upper(points):
        return points[:, 2] > -50

    points = spread(upper, BOX, 500, np.random.default_rng(0))
    assert points.shape == (500, 3)
    low, high = points.min(0), points.max(0)
    np.testing.assert_allclose(low, (-40, 0, -50), atol=2)
    np.testing.assert_allclose(high, (40, 60, -10), atol=2)
    assert upper(points).all()


def test_rare_places_are_drawn_until_there_are_enough():
    rare = spread(lambda points: points[:, 0] > 39, BOX, 40, np.random.default_rng(0))
    assert len(rare) == 40
    assert rare[:, 0].min() > 39


@pytest.fixture
def pieces():
    return Pieces(np.zeros((3, 3)), np.ones((3, 3)), np.array([1.0, 2.0, 3.0]))


def test_pieces_are_moved_scaled_and_chosen_by_radius(pieces):
    moved = pieces.moved(np.array([1.0, 2, 3]))
    np.testing.assert_allclose(moved.start[0], (1, 2, 3))
    np.testing.assert_allclose(moved.end[0], (2, 3, 4))
    assert moved.radius.tolist() == pieces.scaled(1).radius.tolist() == [1, 2, 3]
    assert pieces.scaled(0.5, 0.25).radius.tolist() == [0.75, 1.25, 1.75]
    assert pieces.thicker_than(2.0).radius.tolist() == [3]
    assert len(pieces.thicker_than(1.5).start) == len(pieces.thicker_than(1.5).end) == 2


def test_joined_pieces_are_all_of_them_in_order(pieces):
    joined = Pieces.joined([pieces, pieces.moved(np.array([5.0, 0, 0])).scaled(2)])
    assert joined.radius.tolist() == [1, 2, 3, 2, 4, 6]
    assert joined.start[:, 0].tolist() == [0, 0, 0, 5, 5, 5]
    assert joined.end[:, 0].tolist() == [1, 1, 1, 6, 6, 6]
