"""A volume laid out as NIfTI is the volume."""

import nibabel
import numpy as np

from ingest.scans.array import ArrayScan
from ingest.scans.as_nifti import as_nifti


def test_voxels_and_place_are_kept():
    hu = np.random.default_rng(0).integers(-1000, 400, (4, 5, 6)).astype(np.int16)
    affine = np.array([[0, 0.7, 0, 3], [-0.8, 0, 0.1, 4], [0, 0.2, 2.5, -50], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image.from_bytes(as_nifti(ArrayScan(hu, affine), "int16"))
    assert np.array_equal(np.asarray(image.dataobj), hu)
    assert np.abs(image.affine - affine).max() < 1e-5
    assert image.get_data_dtype() == np.int16
