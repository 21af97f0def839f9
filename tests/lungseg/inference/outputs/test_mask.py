"""Masks in the formats that are asked for; of scans that cannot have one, a clear word."""

import nibabel
import numpy as np
import pydicom
import pytest

from ingest.find_scans import find_scans
from ingest.readers import open_label
from ingest.recipe import Recipe
from ingest.scans.volume import whole
from ingest.slices.opened import open_case
from lungseg.inference.errors import PredictError
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.mask import mask_of, refuse_format

AFFINE = np.array([[0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])


@pytest.fixture
def scan(tmp_path, write_series):
    write_series(tmp_path / "in/ct", np.zeros((8, 8, 4), np.int16), AFFINE)
    (case,) = find_scans(tmp_path / "in")
    return case


def asked(tmp_path, **given):
    needed = {"checkpoint": tmp_path / "c", "input": tmp_path, "out": tmp_path / "out"}
    return PredictOptions(**needed | given)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.dcm"])
def test_both_formats_hold_one_mask(tmp_path, scan, name):
    opened = open_case(scan, Recipe())
    plane = np.eye(8, dtype=np.uint8)
    plane[0, 3] = 1
    with mask_of(opened, tmp_path / name, {"checkpoint sha256": "ab", "threshold": "0.25"}) as put:
        for _ in opened.numbers:
            put(plane)
    found = whole(open_label(tmp_path / name, on=opened.grid), np.uint8)
    assert found.sum() == 4 * 9
    assert np.array_equal(found[:, :, 0].T[::-1], plane)  # rows run to the back in the file
    if name.endswith("gz"):
        assert np.abs(nibabel.load(tmp_path / name).affine - opened.grid.matrix).max() < 1e-5
    else:
        (segment,) = pydicom.dcmread(tmp_path / name).SegmentSequence
        (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
        assert "ab" in algorithm.AlgorithmParameters
        assert "0.25" in algorithm.AlgorithmParameters


def test_a_segmentation_needs_a_series(tmp_path, scan, scans):
    volume = scans.write_scan(tmp_path / "in/x.nii.gz", scans.ball((8, 8, 4)))
    both = find_scans(tmp_path / "in")
    refuse_format(both, asked(tmp_path))
    refuse_format([scan], asked(tmp_path, format="dicom-seg"))
    with pytest.raises(PredictError, match=r"x\.nii\.gz is none: use --format nifti"):
        refuse_format(both, asked(tmp_path, format="dicom-seg"))
    assert volume.exists()


def test_it_is_said_at_once_what_is_to_be_installed(tmp_path, scan, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    with pytest.raises(PredictError, match="pip install highdicom"):
        refuse_format([scan], asked(tmp_path, format="dicom-seg"))
