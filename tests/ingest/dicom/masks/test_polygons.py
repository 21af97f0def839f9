"""The laws of filled contours: exact areas, even-odd holes, no pixel twice."""

import numpy as np
import pytest

from ingest.dicom.masks.polygons import fill_even_odd

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def circle(x, y, radius, points=720):
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


@pytest.mark.parametrize("radius", [3.3, 10.0, 40.25])
def test_the_area_of_a_circle_is_pi_r_squared(radius):
    mask = fill_even_odd([circle(50.21, 49.83, radius, 7200)], (100, 100))
    rows, columns = np.mgrid[:100, :100]
    inside = np.hypot(columns - 50.21, rows - 49.83) < radius
    assert np.array_equal(mask, inside)
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.05)


def test_an_ellipse_on_its_side_has_its_area():
    turn = np.deg2rad(30)
    tilt = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ellipse = circle(0, 0, 1) * [60, 25] @ tilt.T + [100.4, 90.7]
    assert fill_even_odd([ellipse], (200, 200)).sum() == pytest.approx(np.pi * 60 * 25, rel=5e-3)


def test_squares_side_by_side_share_no_pixel_and_leave_none_out():
    tiles = [SQUARE * 5 + [5 * i, 5 * j] for i in range(4) for j in range(3)]
    masks = [fill_even_odd([tile], (15, 20)) for tile in tiles]
    assert [mask.sum() for mask in masks] == [25] * 12
    assert np.array_equal(sum(masks), np.ones((15, 20)))


def test_a_polygon_within_another_is_a_hole():
    mask = fill_even_odd([circle(20.1, 20.2, 15), circle(20.1, 20.2, 6)], (40, 40))
    assert mask[20, 20] == 0
    assert mask.sum() == pytest.approx(np.pi * (15**2 - 6**2), rel=0.02)


def test_a_channel_of_no_width_joins_a_hole_to_the_rim():
    outer, inner = SQUARE * 20.0 + 5.5, SQUARE[::-1] * 8.0 + 10.5
    keyhole = np.concatenate([outer, outer[:1], inner, inner[:1]])
    mask = fill_even_odd([keyhole], (32, 32))
    assert mask.sum() == 20 * 20 - 8 * 8
    assert not mask[11:18, 11:18].any()


def test_arithmetics_noise_on_pixel_centers_changes_nothing():
    rng = np.random.default_rng(0)
    diamond = np.array([[10, 4], [16, 10], [10, 16], [4, 10]], float)
    exact = fill_even_odd([diamond], (20, 20))
    for _ in range(50):
        noisy = diamond + rng.normal(0, 1e-10, diamond.shape)
        assert np.array_equal(fill_even_odd([noisy], (20, 20)), exact)


def test_what_lies_off_the_slice_is_cut_and_less_than_a_triangle_is_nothing():
    assert fill_even_odd([SQUARE * 100.0 - 50], (20, 30)).all()
    assert fill_even_odd([SQUARE * 10.0 - 5.5], (20, 30)).sum() == 25
    assert not fill_even_odd([SQUARE[:2] * 10.0, np.zeros((0, 2))], (20, 30)).any()
