"""The laws of a series: its slices in the order of the body, on the grid that made them."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.case import BadCaseError
from ingest.dicom.files import Header
from ingest.dicom.series import arrange

LPS = np.diag([-1.0, -1.0, 1.0])


def headers_of(affine, count, *, jitter=0.0, change=None):
    """Headers of slices of 6 rows and 4 columns on a RAS affine, named by their place."""
    found = []
    for k in range(count):
        values = pydicom.Dataset()
        values.ensure_file_meta()
        values.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        steps = LPS @ affine[:3, :3]
        pitch = np.linalg.norm(steps, axis=0)
        values.SOPClassUID, values.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
        values.Rows, values.Columns = 6, 4
        values.PixelSpacing = [f"{pitch[1]:.9g}", f"{pitch[0]:.9g}"]
        along = np.concatenate([steps[:, 0] / pitch[0], steps[:, 1] / pitch[1]])
        values.ImageOrientationPatient = [f"{cosine:.9g}" for cosine in along]
        position = steps @ [0, 0, k + jitter * (-1) ** k] + LPS @ affine[:3, 3]
        values.ImagePositionPatient = [f"{value:.9g}" for value in position]
        if change:
            change(values, k)
        found.append(Header(path=Path(f"in/{k}"), name=str(k), values=values))
    return found


@st.composite
def affines(draw):
    """Right-handed grids, turned any way, of any pitch and place."""
    turn = nib.eulerangles.euler2mat(*draw(st.tuples(*[st.floats(-3, 3)] * 3)))
    pitch = draw(st.tuples(*[st.floats(0.4, 5)] * 3))
    origin = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    return nib.affines.from_matvec(turn @ np.diag(pitch), origin)


@given(affines(), st.integers(2, 12), st.randoms())
def test_slices_in_any_order_lie_on_the_grid_that_made_them(affine, count, chance):
    headers = headers_of(affine, count)
    chance.shuffle(headers)
    grid, ordered = arrange(headers)
    assert [header.name for header in ordered] == [str(k) for k in range(count)]
    assert grid.shape == (4, 6, count)
    np.testing.assert_allclose(grid.matrix, affine, atol=1e-4)


@given(affines(), st.integers(5, 12), st.data())
def test_a_slice_that_is_missing_within_is_always_said(affine, count, data):
    headers = headers_of(affine, count)
    gone = data.draw(st.integers(1, count - 2))
    with pytest.raises(BadCaseError, match=r"1 missing, download the series again|lie evenly"):
        arrange([header for header in headers if header.name != str(gone)])


@pytest.mark.parametrize(("jitter", "is_even"), [(0.04, True), (0.08, False)])
def test_slices_may_lie_a_tenth_of_a_step_off_their_even_places(jitter, is_even):
    headers = headers_of(np.diag([0.7, 0.7, 2.5, 1]), 8, jitter=jitter)
    if is_even:
        assert arrange(headers)[0].spacing_mm[2] == pytest.approx(2.5, rel=0.02)
    else:
        with pytest.raises(BadCaseError, match="slices must lie evenly"):
            arrange(headers)


@pytest.mark.parametrize(
    ("element", "value", "words"),
    [
        ("PixelSpacing", ["0.7", "0"], "PixelSpacing more than 0 mm"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "at a right angle"),
        ("Rows", None, "has no Rows"),
    ],
)
def test_what_spans_no_plane_is_refused(element, value, words):
    def change(values, _k):
        setattr(values, element, value)

    with pytest.raises(BadCaseError, match=words):
        arrange(headers_of(np.diag([0.7, 0.7, 2.5, 1]), 4, change=change))


def test_one_slice_is_no_scan():
    with pytest.raises(BadCaseError, match="needs at least 2 slices, found 1"):
        arrange(headers_of(np.eye(4), 1))
