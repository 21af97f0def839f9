"""A mask is the same voxels whatever its own axes, and no mask of another grid is taken."""

import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.recipe import Recipe
from ingest.slices.scan_slices import load_scan
from lungseg.evaluation.labels import canonical_mask


@pytest.fixture
def case(tmp_path, scans):
    path = scans.write_scan(tmp_path / "scan.nii.gz", scans.ball(), orientation="PIR")
    return Case(name="scan", image=path, label=None, patient="")


def read(path, case, **recipe):
    grid = load_scan(case, Recipe(size=8, drop_slices=0)).grid
    return canonical_mask(path, case, grid, Recipe(**recipe))


@pytest.mark.parametrize("where", ["RAS", "LPS", "PIR", "SAR", "ALI"])
def test_a_mask_is_the_tumor_in_canonical_axes(where, case, tmp_path, scans):
    path = scans.write(tmp_path / "mask.nii.gz", scans.ball(), orientation=where)
    found = read(path, case)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, scans.ball())


def test_only_labels_that_are_tumor_count(case, tmp_path, scans):
    near, far = scans.ball(), scans.ball(center=(12, 40, 8), radius_mm=6.0)
    path = scans.write(tmp_path / "mask.nii.gz", near + 2 * far)
    np.testing.assert_array_equal(read(path, case, tumor_labels=(2,)), far)
    np.testing.assert_array_equal(read(path, case, tumor_labels=(1, 2)), near + far)


@pytest.mark.parametrize(
    ("shape", "where"),
    [((64, 64, 21), {}), ((64, 64, 20), {"shift_mm": 4.0}), ((64, 64, 20), {"tilt_degrees": 5.0})],
)
def test_a_mask_of_another_grid_is_refused_with_both_files(shape, where, case, tmp_path, scans):
    path = scans.write(tmp_path / "mask.nii.gz", scans.ball(shape), orientation="PIR", **where)
    with pytest.raises(BadCaseError) as caught:
        read(path, case)
    assert str(caught.value).startswith(f"{path} does not fit {case.image}: ")


def test_a_mask_a_little_off_its_scan_is_taken_and_said(case, tmp_path, scans, caplog):
    path = scans.write(tmp_path / "mask.nii.gz", scans.ball(), orientation="PIR", shift_mm=0.3)
    np.testing.assert_array_equal(read(path, case), scans.ball())
    (line,) = caplog.messages
    assert line.startswith(f"{path} does not quite fit {case.image}: ")
    assert "up to 0.2 voxels away" in line
