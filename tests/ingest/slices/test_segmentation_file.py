"""A DICOM-SEG taken plane by plane is the mask of those planes, on series in any direction."""

import numpy as np
import pytest

from ingest.case import Case
from ingest.dicom.segmentation import MadeBy
from ingest.readers import open_label
from ingest.recipe import Recipe
from ingest.scans.geometry import to_canonical
from ingest.scans.volume import whole
from ingest.slices.opened import open_case
from ingest.slices.segmentation_file import segmentation_file

SHAPE = (9, 8, 7)
MADE_BY = MadeBy(name="lungseg", version="1", parameters={})
AXIAL = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
TURNS = {
    "upwards": AXIAL,
    "downwards": AXIAL @ np.diag([-1.0, 1, -1, 1]),
    "sagittal": AXIAL[:, [1, 2, 0, 3]],
    "coronal": AXIAL[:, [0, 2, 1, 3]] @ np.diag([1, -1.0, 1, 1]),
}


@pytest.fixture
def opened(tmp_path, write_series):
    """Function: an affine -> a series on it, open."""

    def make(affine):
        write_series(tmp_path / "ct", np.zeros(SHAPE, np.int16), affine)
        case = Case(name="a", image=tmp_path / "ct", label=None, patient="a")
        return open_case(case, Recipe())

    return make


def put_all(opened, mask, out):
    planes = to_canonical(mask, opened.grid)
    with segmentation_file(opened, out, MADE_BY) as put:
        for z in opened.numbers:
            put(np.ascontiguousarray(planes[:, :, z].T))


@pytest.mark.parametrize("turn", TURNS)
def test_it_holds_the_planes_that_were_put(tmp_path, opened, turn):
    scan = opened(TURNS[turn])
    mask = (np.random.default_rng(0).random(SHAPE) < 0.3).astype(np.uint8)
    mask[:, :, 0] = 0
    put_all(scan, mask, tmp_path / "a.dcm")
    read = whole(open_label(tmp_path / "a.dcm", on=scan.grid), np.uint8)
    assert np.array_equal(read, mask)


def test_an_error_meanwhile_leaves_no_file(tmp_path, opened):
    scan = opened(AXIAL)
    with (
        pytest.raises(KeyError),
        segmentation_file(scan, tmp_path / "a.dcm", MADE_BY),
    ):
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


def test_a_scan_that_is_no_series_is_our_own_mistake(tmp_path, opened):
    scan = opened(AXIAL)
    object.__setattr__(scan, "image", None)
    with (
        pytest.raises(TypeError, match="lies on a DICOM series"),
        segmentation_file(scan, tmp_path / "a.dcm", MADE_BY),
    ):
        pass
