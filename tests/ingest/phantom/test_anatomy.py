import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.phantom import anatomy as body

HEIGHTS = (-220.0, -150.0, -75.0, 0.0, 60.0, 100.0)


def area(outline):
    """Signed area of a polygon; positive where it runs counter-clockwise."""
    x, y = outline.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def wall_distance(points, z):
    """The cavity's own equation: 1 on the chest wall, less within it."""
    width, depth, center_y = (np.interp(z, body.CAVITY_Z, values) for values in body.CAVITY)
    x, y = points.T
    power = body.CAVITY_POWER
    return (np.abs(x / width) ** power + np.abs((y - center_y) / depth) ** power) ** (1 / power)


@given(st.floats(5, 200), st.floats(5, 200), st.floats(-60, 60), st.floats(2, 4))
def test_a_superellipse_satisfies_its_equation(width, depth, center_y, power):
    x, y = body.superellipse(np.array([width, depth]), center_y=center_y, power=power).T
    on_it = np.abs(x / width) ** power + np.abs((y - center_y) / depth) ** power
    np.testing.assert_allclose(on_it, 1, rtol=1e-9)
    assert (x[0], y[0]) == pytest.approx((width, center_y))


def test_outlines_run_counter_clockwise_and_an_ellipse_has_its_area():
    square_mm = area(body.ellipse(3, -4, 20, 10))
    assert square_mm == pytest.approx(np.pi * 200, rel=2e-3)
    np.testing.assert_allclose(body.ellipse(3, -4, 20, 10).mean(0), (3, -4), atol=1e-9)
    outlines = [outline(0.0) for outline in (body.cavity, body.mediastinum)]
    assert all(area(outline) > 0 for outline in [*outlines, body.trunk(0.0, 10)])


@pytest.mark.parametrize("z", HEIGHTS)
def test_the_cavity_lies_in_the_trunk_and_grows_outward_by_what_is_asked(z):
    np.testing.assert_allclose(wall_distance(body.cavity(z), z), 1)
    right, front = body.cavity(z, 5.0)[[0, 24]] - body.cavity(z)[[0, 24]]
    np.testing.assert_allclose([right, front], [(5, 0), (0, 5)], atol=1e-9)
    muscles, skin = body.trunk(z, 0), body.trunk(z, 10)
    assert (np.abs(body.cavity(z)) <= np.abs(muscles).max(0)).all()
    assert area(body.cavity(z)) < area(muscles) < area(skin)
    assert skin[0, 0] - muscles[0, 0] == pytest.approx(10)


def test_uneven_fat_is_thicker_at_the_sides_and_behind_than_in_front():
    right, front, left, back = (np.arange(4) * 24).tolist()
    away = np.abs(body.trunk(0, 10, uneven=0.25) - body.trunk(0, 0))
    even = np.abs(body.trunk(0, 10) - body.trunk(0, 0))
    assert away[right, 0] == away[left, 0] == pytest.approx(12.5)
    assert away[front, 1] < away[back, 1] < away[right, 0]
    assert away[front, 1] == pytest.approx(10 * (1 - 0.25 * 1.6))
    np.testing.assert_allclose(even[[right, left], 0], 10)


@pytest.mark.parametrize("row", range(len(body.MEDIASTINUM_Z)))
def test_the_mediastinum_is_as_wide_as_its_table_says_on_each_side(row):
    z = body.MEDIASTINUM_Z[row]
    outline = body.mediastinum(z)
    right, left = outline[:16], outline[16:][::-1]
    np.testing.assert_allclose(right[:, 1], left[:, 1])
    depths = (right[:, 1] - right[0, 1]) / (right[-1, 1] - right[0, 1])
    for side, table in (
        (right[:, 0], body.MEDIASTINUM_RIGHT),
        (-left[:, 0], body.MEDIASTINUM_LEFT),
    ):
        np.testing.assert_allclose(side, np.interp(depths, body.MEDIASTINUM_DEPTHS, table[row]))


def test_the_mediastinum_reaches_a_tenth_beyond_the_cavity_before_and_behind():
    y = body.mediastinum(-90.0)[:, 1]
    assert (y.min(), y.max()) == pytest.approx((-2 - 1.1 * 85, -2 + 1.1 * 85))
    top = body.mediastinum(body.MEDIASTINUM_TOP)[:, 1]
    np.testing.assert_allclose(body.mediastinum(120.0)[:, 1], top)


@given(st.floats(-0.99, 0.99), st.floats(0, 5))
def test_an_ellipsoid_is_cut_as_the_formula_says(height, outward_mm):
    center, axes = (10.0, -5.0, 30.0), (20.0, 15.0, 12.0)
    half_x, half_y, half_z = (axis + outward_mm for axis in axes)
    outline = body.ellipsoid_at(center[2] + height * half_z, center, axes, outward_mm)
    size = (1 - height**2) ** 0.5
    np.testing.assert_allclose(outline[0], (center[0] + half_x * size, center[1]), rtol=1e-6)
    np.testing.assert_allclose(outline[24], (center[0], center[1] + half_y * size), rtol=1e-6)


@pytest.mark.parametrize("z", [42.0, 18.0, 60.0])
def test_an_ellipsoid_is_not_cut_above_or_below(z):
    assert body.ellipsoid_at(z, (0.0, 0, 30), (9.0, 9, 12)) is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_dome_narrows_upward_to_nothing_and_stays_within_the_wall(side):
    (x, y, z), (_, _, half_z) = body.DOMES[side]
    outlines = [body.dome_at(z + share * half_z, side) for share in (0, 0.4, 0.8, 0.99)]
    areas = [area(outline) for outline in outlines]
    assert areas == sorted(areas, reverse=True)
    assert all(wall_distance(outline, z).max() < 1.01 for outline in outlines[:1])
    np.testing.assert_allclose(outlines[-1].mean(0), (x, y), atol=0.2)
    assert body.dome_at(z + half_z, side) is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_dome_follows_its_equation_where_the_wall_does_not_cut_it(side):
    (x, _, z), (half_x, _, half_z) = body.DOMES[side]
    inner = body.dome_at(z + 0.6 * half_z, side)[48 if side == "right" else 0]  # to the middle
    reach = abs(inner[0] - x) / half_x
    assert reach**body.DOME_POWER + 0.6**body.DOME_POWER == pytest.approx(1)


@given(st.lists(st.tuples(st.floats(-300, 300), st.floats(-200, 200)), min_size=1, max_size=8))
def test_points_beyond_the_wall_are_pulled_onto_it_and_others_left_alone(points):
    points, z = np.array(points), -40.0
    pulled = body.within_cavity(points, z)
    beyond = wall_distance(points, z) > 1
    np.testing.assert_allclose(wall_distance(pulled[beyond], z), 1)
    np.testing.assert_allclose(pulled[~beyond], points[~beyond], atol=1e-9)
    np.testing.assert_allclose(body.within_cavity(pulled, z), pulled, atol=1e-9)


def test_the_spine_runs_through_its_knots():
    assert [body.spine_y(z) for z in body.SPINE_Z] == list(body.SPINE_Y)
    assert body.spine_y(75) == pytest.approx(-54)  # halfway between two of them


def test_a_curve_through_knots_on_a_line_is_that_line_in_even_steps():
    path = body.curve(((0.0, 0, 0, 5), (0, 30, 40, 5), (0, 60, 80, 5)))
    np.testing.assert_allclose(path[[0, -1]], [(0, 0, 0, 5), (0, 60, 80, 5)], atol=1e-9)
    steps = np.linalg.norm(np.diff(path[:, :3], axis=0), axis=1)
    np.testing.assert_allclose(steps, 100 / 49, rtol=1e-9)
    np.testing.assert_allclose(path[:, 1] * 4, path[:, 2] * 3, atol=1e-9)


def test_a_curve_keeps_its_ends_and_cuts_a_corner_a_little():
    path = body.curve(((0.0, 0, 0, 4), (40, 0, 0, 4), (40, 40, 0, 8)))
    np.testing.assert_allclose(path[[0, -1]], [(0, 0, 0, 4), (40, 40, 0, 8)], atol=1e-9)
    nearest = np.linalg.norm(path[:, :3] - (40, 0, 0), axis=1).min()
    assert 1 < nearest < 5
    assert ((path[:, 3] > 4 - 1e-9) & (path[:, 3] < 8 + 1e-9)).all()
    assert len(body.curve(((0.0, 0, 0, 1), (0, 0, 1, 1)))) == 2


def test_twelve_pairs_of_ribs_run_from_the_spine_forward_along_the_wall_and_down():
    ribs = body.ribs()
    right, left = ribs[:12], ribs[12:]
    assert len(ribs) == 24
    for one, other in zip(right, left, strict=True):
        np.testing.assert_allclose(one * (-1, 1, 1), other)
        assert one[:, 0].min() > 0
        assert one[0, 1] < one[:, 1].min() + 2  # it begins behind
        assert (np.diff(one[:, 2]) < 0).all()
    begins = [rib[0, 2] for rib in right]
    np.testing.assert_allclose(np.diff(begins), -23.5)
    assert begins[0] == pytest.approx(104)


def test_ribs_lie_on_the_outside_of_the_wall():
    for rib in body.ribs():
        for x, y, z in rib[rib[:, 2] < 95][::7]:
            outside = body.cavity(z, 5.5)
            assert np.linalg.norm(outside - (x, y), axis=1).min() < 4.5  # points are 9 mm apart
            assert wall_distance(np.array([[x, y]]), z) > 1


def test_upper_ribs_reach_the_front_and_the_lower_end_at_the_side():
    front = [rib[-1, 1] for rib in body.ribs()[:12]]
    assert min(front[:8]) > 50
    assert front[7:] == sorted(front[7:], reverse=True)
    assert front[11] < 20
