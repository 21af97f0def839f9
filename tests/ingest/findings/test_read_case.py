"""The end of a pass over a case says all that was seen, and refuses what must not be used."""

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.findings.read_case import VOXELS_CRC32, read_case
from ingest.recipe import Recipe

SHAPE = (16, 16, 6)
HU = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
TUMOR = np.zeros(SHAPE, np.uint8)
TUMOR[4:9, 4:9, 1:4] = 1
RECIPE = Recipe(size=16, drop_slices=2)


def save(folder, hu=HU, mask=TUMOR, shift_mm=0.0):
    moved = np.eye(4)
    moved[0, 3] = shift_mm
    nib.save(nib.Nifti1Image(hu, np.eye(4)), folder / "i.nii.gz")
    if mask is not None:
        nib.save(nib.Nifti1Image(mask, moved), folder / "m.nii.gz")
    label = None if mask is None else folder / "m.nii.gz"
    return Case(name="a", image=folder / "i.nii.gz", label=label, patient="a")


def test_the_summary_holds_what_the_manifest_needs(tmp_path):
    summary = read_case(save(tmp_path), RECIPE, lambda _: None)
    assert summary.grid.shape == SHAPE
    assert (summary.kept, summary.num_dropped) == (range(2, 6), 2)
    assert (summary.tumor.kept, summary.tumor.dropped) == (50, 25)
    assert [finding.rule for finding in summary.findings] == ["tumor"]
    assert summary.measures["lowest_hu"] == HU.min()
    assert summary.measures["axes_off_degrees"] == 0
    assert isinstance(summary.measures[VOXELS_CRC32], int)


def test_without_a_label_masks_are_empty_and_nothing_is_said_of_a_tumor(tmp_path):
    records = []
    summary = read_case(save(tmp_path, mask=None), RECIPE, records.append)
    assert (summary.findings, len(records)) == ([], 4)
    assert not any(record.mask.any() for record in records)


def test_headers_that_are_unfit_stop_the_case_before_a_slice_is_taken(tmp_path):
    records = []
    with pytest.raises(BadCaseError, match="must lie in one place"):
        read_case(save(tmp_path, shift_mm=30), RECIPE, records.append)
    assert records == []


def test_values_that_are_unfit_stop_the_case_at_its_end(tmp_path):
    records = []
    stored = (HU + 1024).astype(np.int16) * np.int16(2)
    with pytest.raises(BadCaseError, match="not HU"):
        read_case(save(tmp_path, hu=stored), RECIPE, records.append)
    assert len(records) == 4


def test_a_mirrored_and_a_lost_tumor_are_one_finding_each(tmp_path):
    hu = np.where(TUMOR, -900, HU).astype(np.int16)
    summary = read_case(save(tmp_path, hu=hu), Recipe(size=16, drop_slices=4), lambda _: None)
    assert sorted(finding.rule for finding in summary.findings) == ["lost", "mask"]
