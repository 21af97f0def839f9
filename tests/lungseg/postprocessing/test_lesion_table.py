"""Lesions gathered slice by slice are those of the whole volume."""

import nibabel
import numpy as np
import pytest

from ingest.scans.geometry import Grid, as_affine, to_canonical
from lungseg.postprocessing.lesion_table import COLUMNS, LesionTable

PITCH = (0.7, 0.9, 2.5)
AFFINE = np.array([[0.7, 0, 0, -50], [0, 0.9, 0, 30], [0, 0, 2.5, 100], [0, 0, 0, 1.0]])


def table(mask, probability=None, *, affine=AFFINE, downwards=False):
    """Rows of a mask (x, y, z) in canonical axes."""
    grid = Grid(shape=mask.shape, affine=as_affine(affine))
    probability = mask.astype(np.float32) if probability is None else probability
    made = LesionTable(grid)
    for z in range(mask.shape[2])[:: -1 if downwards else 1]:
        plane = np.ascontiguousarray(mask[:, :, z].T)
        made.add(z, plane, np.ascontiguousarray(probability[:, :, z].T))
    return made.rows()


@pytest.mark.parametrize("downwards", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_they_are_the_connected_parts_of_the_volume(seed, downwards):
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(24, 20, 14)), rng.uniform(0.4, 1.2))
    mask = (field > np.quantile(field, rng.uniform(0.8, 0.97))).astype(np.uint8)
    probability = rng.uniform(0.5, 1, mask.shape).astype(np.float32)
    labels, n = ndimage.label(mask, np.ones((3, 3, 3)))
    rows = table(mask, probability, downwards=downwards)
    assert len(rows) == n
    expected = []
    for number in range(1, n + 1):
        inside = labels == number
        places = np.argwhere(inside)
        center = nibabel.affines.apply_affine(AFFINE, places.mean(axis=0))
        expected.append((
            round(inside.sum() * np.prod(PITCH) / 1000, 4),
            *center.round(3),
            places[:, 2].min(), places[:, 2].max(),
            round(float(probability[inside].max()), 4),
        ))  # fmt: skip
    found = [
        (
            row["volume_ml"],
            *(round(row[f"center_{axis}_mm"], 3) for axis in "xyz"),
            row["first_slice"], row["last_slice"],
            row["highest_probability"],
        )
        for row in rows
    ]  # fmt: skip
    assert np.allclose(sorted(found), sorted(expected), atol=2e-3)
    volumes = [row["volume_ml"] for row in rows]
    assert volumes == sorted(volumes, reverse=True)


def test_a_box_is_as_long_as_its_diagonal():
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[3:9, 4:10, 5:11] = 1
    cube = np.diag([1.0, 1.0, 1.0, 1.0])
    (row,) = table(mask, affine=cube)
    assert row["diameter_mm"] == pytest.approx(6 * np.sqrt(3), abs=1e-3)
    assert row["axial_diameter_mm"] == pytest.approx(6 * np.sqrt(2), abs=1e-3)
    assert (row["first_slice"], row["last_slice"]) == (5, 10)


def test_a_rod_along_the_body_is_longer_than_wide():
    mask = np.zeros((9, 9, 30), np.uint8)
    mask[4, 4, 2:28] = 1
    (row,) = table(mask)
    assert row["diameter_mm"] == pytest.approx(26 * 2.5, abs=1e-3)
    assert row["axial_diameter_mm"] == pytest.approx(0.9)


def test_a_large_ball_has_its_diameter():
    index = np.stack(np.meshgrid(*[np.arange(60)] * 3, indexing="ij"), -1)
    mask = (((index - 30) ** 2).sum(-1) <= 25**2).astype(np.uint8)
    (row,) = table(mask, affine=np.diag([1.0, 1.0, 1.0, 1.0]))
    assert row["diameter_mm"] == pytest.approx(51, abs=1)
    assert row["axial_diameter_mm"] == pytest.approx(51, abs=1)


def test_parts_that_meet_later_are_one_lesion():
    mask = np.zeros((12, 6, 6), np.uint8)
    mask[1, 1, 0:3] = mask[9, 1, 0:3] = 1
    mask[1:10, 1, 3] = 1
    assert len(table(mask)) == len(table(mask, downwards=True)) == 1


def test_an_empty_slice_parts_lesions_and_a_row_has_all_columns():
    mask = np.zeros((6, 6, 6), np.uint8)
    mask[2, 2, 1] = mask[2, 2, 3] = 1
    rows = table(mask, 0.75 * mask.astype(np.float32))
    assert [row["lesion"] for row in rows] == [1, 2]
    assert set(rows[0]) | {"case"} == set(COLUMNS)
    assert rows[0]["mean_probability"] == 0.75
    assert table(np.zeros((3, 3, 3), np.uint8)) == []


def test_the_center_is_in_the_patient_whatever_the_stored_axes():
    mask = np.zeros((12, 10, 8), np.uint8)
    mask[3:5, 6:8, 2:5] = 1
    stored = np.diag([-0.7, -0.9, 2.5, 1.0])
    grid = Grid(shape=mask.shape, affine=as_affine(stored))
    made = LesionTable(grid)
    planes = to_canonical(mask, grid)
    for z in range(8):
        plane = np.ascontiguousarray(planes[:, :, z].T)
        made.add(z, plane, plane.astype(np.float32))
    (row,) = made.rows()
    expected = nibabel.affines.apply_affine(stored, np.argwhere(mask).mean(axis=0))
    assert [row[f"center_{axis}_mm"] for axis in "xyz"] == pytest.approx(expected.tolist())


def test_on_a_grid_askew_volume_and_diameter_are_those_in_the_patient():
    askew = np.array([[1, 0, 0, 0], [0, 1, 1.5, 0], [0, 0, 2.0, 0], [0, 0, 0, 1.0]])
    mask = np.zeros((8, 8, 8), np.uint8)
    mask[4, 4, 2:7] = 1  # five slices, each 1.5 mm ahead of the one below
    (row,) = table(mask, affine=askew)
    assert row["volume_ml"] == round(5 * 2.0 / 1000, 4)
    along = np.array([0, 1.5, 2.0]) / 2.5
    outer = along[1] + 2.5  # half a voxel at both ends, as its faces look along the line
    assert row["diameter_mm"] == pytest.approx(4 * 2.5 + outer, abs=1e-4)
    assert row["axial_diameter_mm"] == 1
