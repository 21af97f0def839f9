"""The law of opening: the content of a path decides who reads it, and all read alike."""

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.readers import open_image, open_label
from ingest.scans.volume import whole

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
HU = np.random.default_rng(0).integers(-1000, 500, (12, 10, 5), dtype=np.int16)
MASK = (HU > 0).astype(np.uint8)


def test_one_scan_is_the_same_as_nifti_and_as_dicom(tmp_path, write_series, write_seg):
    nib.save(nib.Nifti1Image(HU, AFFINE), tmp_path / "scan.nii.gz")
    nib.save(nib.Nifti1Image(MASK, AFFINE), tmp_path / "mask.nii.gz")
    datasets = write_series(tmp_path / "series", HU, AFFINE)
    seg = write_seg(tmp_path / "seg.bin", datasets, {"Tumor": MASK})
    images = [open_image(tmp_path / name) for name in ("scan.nii.gz", "series")]
    for image in images:
        np.testing.assert_array_equal(whole(image, np.int16), HU)
        np.testing.assert_allclose(image.grid.matrix, AFFINE, atol=1e-5)
        assert image.remarks == []
    for path in (tmp_path / "mask.nii.gz", seg):
        mask = open_label(path, on=images[1].grid)
        np.testing.assert_array_equal(whole(mask, np.uint8), MASK)


def test_a_dicom_mask_without_its_scan_or_of_another_kind_is_refused(
    tmp_path, write_series, write_seg
):
    datasets = write_series(tmp_path / "series", HU, AFFINE)
    seg = write_seg(tmp_path / "seg", datasets, {"Tumor": MASK})
    with pytest.raises(BadCaseError, match="needs the scan it was drawn on"):
        open_label(seg)
    with pytest.raises(BadCaseError, match=r"is a SEG or RTSTRUCT file, .* is neither"):
        open_label(tmp_path / "series" / "IM0000", on=open_image(tmp_path / "series").grid)
