import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.phantom.canvas import Canvas, Frame, coverage, fixed_point, ribbon
from ingest.phantom.tree import Pieces

FRAME = Frame(200, 0.5)  # 100 mm, so that nothing drawn here is cut off
PIXEL_MM2 = FRAME.pitch**2
TURNS = np.linspace(0, 2 * np.pi, 200, endpoint=False)
DISK = 20 * np.column_stack([np.cos(TURNS), np.sin(TURNS)])


@pytest.fixture
def canvas(standard_patient):
    return Canvas(FRAME, standard_patient(), 5.0, hu=0.0)


def painted_mm2(canvas, hu=1.0):
    return float((canvas.image == hu).sum()) * PIXEL_MM2


def middle_mm(image):
    """Center of gravity (x, y), in mm of the scan."""
    axis = FRAME.axis_mm()
    return [(image.sum(0) @ axis) / image.sum(), (image.sum(1) @ axis) / image.sum()]


def tubes(*rows):
    """Rows (start, end, radius) as pieces."""
    starts, ends, radii = zip(*rows, strict=True)
    return Pieces(np.array(starts, float), np.array(ends, float), np.array(radii, float))


@given(st.integers(1, 700), st.floats(0.3, 3))
def test_pixels_and_millimeters_are_each_others_inverse(size, pitch):
    frame = Frame(size, pitch)
    axis = frame.axis_mm()
    np.testing.assert_allclose(frame.to_pixels(axis), np.arange(size), atol=1e-6)
    np.testing.assert_allclose(axis, -axis[::-1], atol=1e-9)
    np.testing.assert_allclose(np.diff(axis), pitch)


def test_a_filled_disk_has_its_area_and_its_place(canvas):
    canvas.fill(DISK + np.array([7, -12]), 1.0)
    assert painted_mm2(canvas) == pytest.approx(np.pi * 400, rel=0.03)
    np.testing.assert_allclose(middle_mm(canvas.image), (7, -12), atol=0.1)


def test_no_outline_paints_nothing(canvas):
    canvas.fill(None, 1.0)
    assert not canvas.image.any()


def test_organs_move_with_the_patient_and_millimeters_of_the_scan_do_not(standard_patient):
    patient = standard_patient(shift_mm=(10.0, -5.0), scale=(0.5, 0.5, 1.0))
    organ, table = (Canvas(FRAME, patient, 0.0, hu=0.0) for _ in range(2))
    organ.fill(DISK, 1.0)
    table.fill_scan_mm(DISK, 1.0)
    np.testing.assert_allclose(middle_mm(organ.image), (10, -5), atol=0.1)
    np.testing.assert_allclose(middle_mm(table.image), (0, 0), atol=0.1)
    assert painted_mm2(table) == pytest.approx(4 * painted_mm2(organ), rel=0.05)


@pytest.mark.parametrize(("away_mm", "extra_mm"), [(0, 0), (6, 0), (-6, 0), (6, 2)])
def test_a_tube_is_cut_where_its_balls_are(canvas, away_mm, extra_mm):
    canvas.tube(np.array([(4.0, 8.0, 5.0 + away_mm, 10.0)]), 1.0, extra_mm=extra_mm)
    square_mm = (10 + extra_mm) ** 2 - away_mm**2
    assert painted_mm2(canvas) == pytest.approx(np.pi * square_mm, rel=0.06)
    np.testing.assert_allclose(middle_mm(canvas.image), (4, 8), atol=0.1)


def test_a_tube_above_or_below_is_not_cut(canvas):
    canvas.tube(np.array([(0.0, 0, 15.1, 10), (0, 0, -5.1, 10)]), 1.0)
    assert not canvas.image.any()


def test_a_tube_is_as_wide_as_the_patient(standard_patient):
    wide = Canvas(FRAME, standard_patient(scale=(1.5, 1.5, 1.0)), 0.0, hu=0.0)
    wide.tube(np.array([(0.0, 0, 0, 10)]), 1.0)
    assert painted_mm2(wide) == pytest.approx(np.pi * 15**2, rel=0.06)


@pytest.mark.parametrize(("away_mm", "width_mm"), [(0.0, 12.0), (3.0, 12 * 0.8)])
def test_a_bar_of_oval_section_is_cut_narrower_off_its_middle(canvas, away_mm, width_mm):
    axis = np.column_stack([np.linspace(-30, 30, 40), np.full(40, 3.0), np.full(40, 5 + away_mm)])
    canvas.bar(axis, 1.0, half_height_mm=5, half_width_mm=6)
    assert painted_mm2(canvas) == pytest.approx(60 * width_mm, rel=0.06)
    np.testing.assert_allclose(middle_mm(canvas.image), (0, 3), atol=0.3)


def test_a_bar_that_comes_back_to_the_section_is_cut_twice(canvas):
    x = np.linspace(-40, 40, 81)
    axis = np.column_stack([x, np.zeros(81), 5 + 10.0 * (np.abs(x) < 20)])
    canvas.bar(axis, 1.0, half_height_mm=5, half_width_mm=4)
    assert canvas.image[100, [30, 170]].tolist() == [1, 1]
    assert not canvas.image[:, 65:135].any()
    canvas.image[:] = 0
    canvas.bar(axis + np.array([0, 0, 20]), 1.0, half_height_mm=5, half_width_mm=4)
    assert not canvas.image.any()


@given(st.floats(0, 6.28), st.floats(0.5, 9), st.integers(2, 9))
def test_the_ribbon_of_a_straight_path_is_a_rectangle(angle, half_width, count):
    toward = np.array([np.cos(angle), np.sin(angle)])
    path = np.linspace(0, 30, count)[:, None] * toward
    outline = ribbon(path, half_width)
    aside = half_width * np.array([-toward[1], toward[0]])
    np.testing.assert_allclose(outline[:count], path + aside, atol=1e-9)
    np.testing.assert_allclose(outline[count:], (path - aside)[::-1], atol=1e-9)


def test_a_ribbon_follows_its_path_and_may_change_its_width():
    path = DISK[:50]
    outline = ribbon(path, np.linspace(1, 3, 50))
    width = np.linalg.norm(outline[:50] - outline[50:][::-1], axis=1)
    np.testing.assert_allclose(width, np.linspace(2, 6, 50))
    np.testing.assert_allclose(
        np.linalg.norm(outline[5:45], axis=1), 20 - width[5:45] / 2, atol=0.01
    )


@given(st.floats(-500, 1500))
def test_fixed_point_numbers_are_within_half_a_step(pixel):
    assert abs(fixed_point(np.array([pixel]))[0] / 32 - pixel) <= 1 / 64


def test_a_tube_across_the_slice_fills_all_of_its_thickness():
    image = coverage(tubes(((3, -9, -20), (3, -9, 20), 8.0)), 0.0, 4.0, FRAME)
    assert image.max() == 1
    assert image.sum() * PIXEL_MM2 == pytest.approx(np.pi * 64, rel=0.15)  # an octagon
    np.testing.assert_allclose(middle_mm(image), (3, -9), atol=0.1)


def test_a_tube_within_the_slice_fills_its_own_thickness_of_it():
    image = coverage(tubes(((-30, 4, 0), (30, 4, 0), 1.5)), 0.0, 6.0, FRAME)
    assert image.max() == pytest.approx(3 / 6, abs=0.01)
    assert np.flatnonzero(image.max(1) > 0.1).size * FRAME.pitch == pytest.approx(3, abs=1)
    assert np.flatnonzero(image.max(0) > 0.1).size * FRAME.pitch == pytest.approx(63, abs=1.5)


def test_tubes_off_the_slice_and_no_tubes_leave_it_empty():
    off = tubes(((0, 0, 2.1), (0, 0, 9), 3.0), ((0, 0, -9), (0, 0, -2.1), 3.0))
    none = Pieces(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    for pieces in (off, none):
        assert not coverage(pieces, 0.0, 4.0, FRAME).any()


def test_slices_on_each_other_hold_the_parts_of_a_slanting_tube():
    pieces = tubes(((-20, 0, -12), (20, 0, 12), 2.0))
    places = [middle_mm(coverage(pieces, z, 4.0, FRAME))[0] for z in (-10, -6, -2, 2, 6, 10)]
    np.testing.assert_allclose(places, np.array([-10, -6, -2, 2, 6, 10]) * 20 / 12, atol=0.4)


def test_tubes_thinner_than_a_pixel_fade_instead_of_vanishing():
    faint, full = (
        coverage(tubes(((0, 0, -9), (0, 0, 9), radius)), 0.0, 4.0, FRAME).max()
        for radius in (0.1, 0.275)
    )
    assert 0 < faint < 0.5 * full


def test_where_tubes_cross_the_one_that_fills_more_is_seen():
    flat = ((-20, 0, 0), (20, 0, 0), 1.0)
    across = ((0, 0, -9), (0, 0, 9), 3.0)
    for pieces in (tubes(flat, across), tubes(across, flat)):
        assert coverage(pieces, 0.0, 8.0, FRAME)[100, 100] == 1
