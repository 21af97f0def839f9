"""Areas of the surface between voxels: laws, a closed form, and MONAI as an oracle."""

import numpy as np
import pytest

from lungseg.scores.surface_area import CORNERS, areas_mm2

PITCHES = [(1.0, 1.0, 1.0), (0.7, 0.9, 2.3), (2.0, 0.5, 1.1)]


def code_of(*corners):
    return sum(1 << CORNERS.index(corner) for corner in corners)


@pytest.mark.parametrize("pitch", PITCHES)
def test_areas_are_those_of_monai(pitch):
    utils = pytest.importorskip("monai.metrics.utils")
    table, kernel = utils.create_table_neighbour_code_to_surface_area(pitch)
    weights = kernel.numpy().reshape(2, 2, 2)
    ours = areas_mm2(np.diag(pitch))
    for code in range(256):
        theirs = sum(int(weights[CORNERS[bit]]) for bit in range(8) if code >> bit & 1)
        assert ours[code] == pytest.approx(float(table[theirs]), abs=1e-5)


def test_a_flat_surface_has_the_area_of_a_voxel_face():
    x, y, z = pitch = (0.7, 0.9, 2.3)
    below = [[corner for corner in CORNERS if corner[axis] == 0] for axis in range(3)]
    found = [areas_mm2(np.diag(pitch))[code_of(*corners)] for corners in below]
    assert found == pytest.approx([y * z, x * z, x * y])


def test_a_single_corner_is_cut_off_by_a_triangle():
    x, y, z = pitch = (0.7, 0.9, 2.3)
    sides = np.array([(-x, y, 0), (-x, 0, z)]) / 2
    expected = np.linalg.norm(np.cross(*sides)) / 2
    assert areas_mm2(np.diag(pitch))[code_of((1, 0, 1))] == pytest.approx(expected)


def test_nothing_and_everything_have_no_surface_and_all_else_has():
    areas = areas_mm2(np.diag((1.0, 1.0, 1.0)))
    assert areas[0] == areas[255] == 0
    assert (areas[1:255] > 0.2).all()


def test_filled_and_empty_may_be_exchanged():
    areas = areas_mm2(np.diag((0.7, 0.9, 2.3)))
    assert areas == pytest.approx(areas[::-1])


def test_areas_grow_with_the_square_of_the_pitch():
    axes_mm = np.diag((0.7, 0.9, 2.3))
    assert areas_mm2(2 * axes_mm) == pytest.approx(4 * areas_mm2(axes_mm))


def test_turning_the_grid_changes_no_area():
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    axes_mm = np.diag((0.7, 0.9, 2.3))
    assert areas_mm2(turn @ axes_mm) == pytest.approx(areas_mm2(axes_mm))


def test_a_flat_surface_on_a_grid_askew_has_the_area_of_the_parallelogram():
    askew = np.array([[0.7, 0, 0.2], [0, 0.9, 0.4], [0, 0, 2.3]])
    below = [[corner for corner in CORNERS if corner[axis] == 0] for axis in range(3)]
    sides = [np.delete(askew, axis, axis=1).T for axis in range(3)]
    found = [areas_mm2(askew)[code_of(*corners)] for corners in below]
    assert found == pytest.approx([np.linalg.norm(np.cross(*pair)) for pair in sides])
