"""A scan in memory gives what the same scan in a file gives."""

import nibabel
import numpy as np
import pytest

from ingest.scans.array import ArrayScan
from ingest.scans.nifti import NiftiImage
from ingest.scans.volume import whole


@pytest.mark.parametrize("axes", ["RAS", "LPS", "ASL", "SLA"])
def test_an_array_and_its_file_have_the_same_voxels_on_the_same_grid(tmp_path, axes):
    hu = np.random.default_rng(0).integers(-1000, 2000, (5, 6, 7)).astype(np.int16)
    turn = nibabel.orientations.axcodes2ornt(axes)
    image = nibabel.Nifti1Image(hu, np.diag([1.0, 2.0, 3.0, 1.0])).as_reoriented(turn)
    nibabel.save(image, tmp_path / "scan.nii")
    of_file = NiftiImage(tmp_path / "scan.nii")
    of_array = ArrayScan(np.asarray(image.dataobj), image.affine)
    assert of_array.grid == of_file.grid
    np.testing.assert_array_equal(whole(of_array, np.int16), whole(of_file, np.int16))


def test_values_beyond_16_bits_are_held_at_their_ends():
    scan = ArrayScan(np.array([[[-1e6, 1e6, 0.6]]]), np.eye(4))
    assert whole(scan, np.int16).ravel().tolist() == [-32768, 32767, 1]


def test_slabs_may_be_written_into_without_changing_the_array():
    hu = np.zeros((2, 2, 2), np.int16)
    for slab in ArrayScan(hu, np.eye(4)).slabs():
        slab[:] = 7
    assert not hu.any()
