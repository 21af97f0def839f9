"""The law of NIfTI headers: read as nibabel and ITK do, and where these differ the file says so."""

import logging
import math

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.case import BadCaseError
from ingest.scans.nifti import NiftiImage
from ingest.scans.volume import whole

SHAPE = (3, 4, 5)
BACK_AND_RIGHT = np.diag([-1.0, -1, 1, 1])

nib.imageglobals.logger.setLevel(logging.CRITICAL)  # odd headers are what this is about


@st.composite
def headers(draw):
    """Fields of a header whose forms may be set, agree, mirror or miss each other."""
    matrix = np.eye(4)
    turn = draw(st.tuples(*[st.sampled_from([0.0, 0.3, 1.1, math.pi / 2, math.pi])] * 3))
    pitch = draw(st.tuples(*[st.sampled_from([0.7, 1.0, 2.5])] * 3))
    flip = draw(st.sampled_from([1, -1]))
    matrix[:3, :3] = nib.eulerangles.euler2mat(*turn) @ np.diag(pitch) @ np.diag([1, 1, flip])
    matrix[:3, 3] = draw(st.tuples(*[st.sampled_from([0.0, -30.5, 100.0])] * 3))
    header = nib.Nifti1Header()
    header.set_data_shape(SHAPE + (1,) * draw(st.integers(0, 2)))
    header.set_qform(matrix)
    moved = draw(st.sampled_from([np.eye(4)] * 4 + [np.diag([-1, 1, 1, 1]), np.diag([1, 1, 2, 1])]))
    header.set_sform(matrix @ moved)
    header["qform_code"] = draw(st.sampled_from([0, 1, 1, 2, -1, 6]))
    header["sform_code"] = draw(st.sampled_from([0, 1, 1, 2, 4, -1, 9]))
    header["pixdim"][0] = draw(st.sampled_from([header["pixdim"][0]] * 6 + [0, 2, -2, np.nan]))
    header["pixdim"][3] = draw(st.sampled_from([header["pixdim"][3]] * 6 + [0, -1, 7]))
    header["xyzt_units"] = draw(st.sampled_from([0, 2, 2, 2, 10, 1, 3, 11]))
    header["intent_code"] = draw(st.sampled_from([0, 2, 1001, 1002, 1007, 2003]))
    header["scl_slope"] = draw(st.sampled_from([np.nan, 0, 1, 2, -0.5, np.inf]))
    header["scl_inter"] = draw(st.sampled_from([0, 0, -1024, 7, np.nan]))
    header["cal_max"], header["toffset"] = draw(st.sampled_from([(0, 0), (99, 3)]))
    header["descrip"], header["slice_code"] = b"x" * 80, draw(st.integers(0, 6))
    return header


def write(path, header, dtype, order, extension):
    header = header.copy()
    header.set_data_dtype(np.dtype(dtype))
    header["vox_offset"], header["magic"] = 352 + len(extension), b"n+1"
    header = header.as_byteswapped(order)
    values = np.arange(math.prod(SHAPE)).astype(np.dtype(dtype).newbyteorder(order))
    start = b"\1\0\0\0" if extension else b"\0" * 4
    path.write_bytes(header.binaryblock + start + extension + values.tobytes())
    return path


def by_nibabel(path):
    """(affine, values) of a file, (x, y, z); None where it is refused."""
    try:
        image = nib.load(path)
        return image.affine, np.reshape(image.get_fdata(), SHAPE)
    except (nib.spatialimages.HeaderDataError, ValueError, np.linalg.LinAlgError):
        return None


def by_itk(path):
    """The same by ITK."""
    sitk = pytest.importorskip("SimpleITK", reason="compares with ITK where it is installed")
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError:
        return None
    size = image.GetDimension()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (size, size))[:3, :3] * image.GetSpacing()[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    values = sitk.GetArrayFromImage(image).astype(float).reshape(SHAPE[::-1]).T
    return BACK_AND_RIGHT @ affine, values


def by_us(path, form=None):
    """The same, with what is remarked; None and the reason where it is refused."""
    try:
        image = NiftiImage(path, form=form)
    except BadCaseError as error:
        return None, None, [str(error)]
    return image.grid.matrix, whole(image, np.int16), image.remarks


def same_place(first, second):
    return np.allclose(first, second, rtol=1e-4, atol=1e-3)


def same_values(ours, theirs):
    return np.array_equal(ours, np.clip(np.rint(theirs), -32768, 32767))


EXTENSIONS = st.sampled_from([b"", b"\x10\0\0\0\6\0\0\0" + b"note 123"])
FILES = st.tuples(headers(), st.sampled_from(["u1", "i2", "f4"]), st.sampled_from("<>"), EXTENSIONS)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Where one file after the other is written."""
    return tmp_path_factory.mktemp("headers") / "scan.nii"


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(file=FILES)
def test_what_nibabel_and_itk_read_alike_is_read_alike_and_the_rest_is_remarked(path, file):
    write(path, *file)
    theirs = [by_nibabel(path), by_itk(path)]
    read = [reading for reading in theirs if reading is not None]
    affine, hu, remarks = by_us(path)
    if affine is None:
        alike = len(read) == 2 and same_place(read[0][0], read[1][0])
        assert not alike or "--nifti-form" in remarks[0]
        return
    assert all(remark.startswith(str(path)) for remark in remarks)
    places = [same_place(affine, reading[0]) for reading in read]
    values = [same_values(hu, reading[1]) for reading in read]
    assert any(places) or remarks
    assert any(values) or remarks
    assert (all(places) and all(values)) or remarks


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(file=FILES, form=st.sampled_from(["sform", "qform"]))
def test_the_form_that_is_chosen_places_the_scan(path, file, form):
    write(path, *file)
    header = nib.Nifti1Header(path.read_bytes()[:348], check=False)
    affine, _, _ = by_us(path, form=form)
    is_plain = abs(header["pixdim"][0]) == 1 and header["pixdim"][3] > 0
    if (
        affine is not None
        and header[f"{form}_code"] > 0
        and header["xyzt_units"] & 7 in (0, 2)
        and is_plain
    ):
        expected = header.get_sform() if form == "sform" else header.get_qform()
        assert same_place(affine, expected)
