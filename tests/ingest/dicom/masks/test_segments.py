"""The laws of DICOM-SEG: the voxels that were drawn, with the attributes that files really have."""

import numpy as np
import pydicom
import pytest

from ingest.case import BadCaseError
from ingest.dicom.masks.open import open_mask
from ingest.dicom.scan import DicomVolume
from ingest.scans.volume import whole

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
SHAPE = (13, 11, 6)  # 143 pixels: frames of single bits end within a byte


def blob(seed, shape=SHAPE):
    return (np.random.default_rng(seed).random(shape) < 0.4).astype(np.uint8)


@pytest.fixture
def series(tmp_path, write_series):
    """Grid of a series, with its datasets."""
    hu = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
    datasets = write_series(tmp_path / "ct", hu, AFFINE)
    return DicomVolume(tmp_path / "ct").grid, datasets


def read(path, grid, roi=()):
    mask = open_mask(path, on=grid, roi=roi)
    return whole(mask, np.uint8), mask.remarks


def altered(path, change):
    values = pydicom.dcmread(path)
    change(values)
    values.save_as(path)
    return path


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_each_kind_marks_the_voxels_that_were_drawn_and_no_word_is_needed(
    tmp_path, series, write_seg, kind
):
    grid, datasets = series
    first, second = blob(1), blob(2) & ~blob(1) & 1
    dtype = np.float32 if kind == "FRACTIONAL" else np.uint8
    masks = {"Tumor": first.astype(dtype), "Node": second.astype(dtype)}
    path = write_seg(tmp_path / "seg.dcm", datasets, masks, segmentation_type=kind)
    for roi, expected in ((["tumor"], first), (["NODE"], second), (["*"], first | second)):
        mask, remarks = read(path, grid, roi)
        assert np.array_equal(mask, expected)
        assert remarks == []


def test_segments_that_overlap_are_a_union(tmp_path, series, write_seg):
    grid, datasets = series
    path = write_seg(tmp_path / "seg.dcm", datasets, {"GTV-1": blob(1), "GTV-2": blob(2)})
    mask, _ = read(path, grid, ["gtv*"])
    assert np.array_equal(mask, blob(1) | blob(2))
    assert (blob(1) & blob(2)).any()


def shared(values, name):
    return values.SharedFunctionalGroupsSequence[0][name].value[0]


def no_thickness(values):
    del shared(values, "PixelMeasuresSequence").SliceThickness


def no_measures(values):
    del values.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence


def no_orientation(values):
    del values.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence


def no_shared_groups(values):
    del values.SharedFunctionalGroupsSequence


def no_words(values):
    for name in (
        "SegmentationType", "ContentLabel", "ContentCreatorName", "DimensionIndexSequence",
        "DimensionOrganizationSequence", "FrameOfReferenceUID", "ReferencedSeriesSequence",
        "StudyInstanceUID", "Modality", "SamplesPerPixel", "ImageType",
    ):  # fmt: skip
        if name in values:
            delattr(values, name)
    values.SamplesPerPixel = 1


def no_descriptions(values):
    segment = values.SegmentSequence[0]
    for name in ("SegmentedPropertyTypeCodeSequence", "SegmentAlgorithmType"):
        delattr(segment, name)


def no_identity(values):
    for group in [
        *values.PerFrameFunctionalGroupsSequence,
        *values.SharedFunctionalGroupsSequence,
    ]:
        group.pop("SegmentIdentificationSequence", None)


def no_content(values):
    for group in values.PerFrameFunctionalGroupsSequence:
        for name in ("FrameContentSequence", "DerivationImageSequence"):
            if name in group:
                delattr(group, name)


@pytest.mark.parametrize(
    "change",
    [
        no_thickness, no_measures, no_orientation, no_shared_groups, no_words, no_descriptions,
        no_identity, no_content,
    ],
)  # fmt: skip
def test_what_is_not_needed_is_not_asked_for(tmp_path, series, write_seg, change):
    grid, datasets = series
    path = altered(write_seg(tmp_path / "seg.dcm", datasets, {"Tumor": blob(1)}), change)
    assert np.array_equal(read(path, grid)[0], blob(1))


def no_position(values):
    del values.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence


def too_few_places(values):
    values.PerFrameFunctionalGroupsSequence = values.PerFrameFunctionalGroupsSequence[:-1]


def no_places(values):
    del values.PerFrameFunctionalGroupsSequence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_position, "frame 3 does not say where it lies"),
        (too_few_places, "found 11 places of 12 frames"),
        (no_places, "PerFrameFunctionalGroupsSequence"),
        (no_identity, "frame 1 does not say which of 2 segments it shows"),
    ],
)
def test_what_is_needed_is_named(tmp_path, series, write_seg, change, words):
    grid, datasets = series
    masks = {"Tumor": blob(1), "Node": blob(2)}
    path = altered(write_seg(tmp_path / "seg.dcm", datasets, masks), change)
    with pytest.raises(BadCaseError, match=rf"seg\.dcm.*{words}"):
        read(path, grid, ["*"])


def test_numbers_of_no_known_meaning_are_refused(tmp_path, series, write_seg):
    grid, datasets = series
    share = blob(1).astype(np.float32)
    path = write_seg(tmp_path / "seg.dcm", datasets, {"A": share}, segmentation_type="FRACTIONAL")
    altered(path, lambda values: delattr(values, "SegmentationType"))
    with pytest.raises(BadCaseError, match=r"SegmentationType must say .* found none"):
        read(path, grid)


@pytest.mark.parametrize(("share", "is_said"), [(0.5, True), (0.999, False)])
def test_shares_of_voxels_that_add_up_to_another_volume_are_said(
    tmp_path, series, write_seg, share, is_said
):
    grid, datasets = series
    shares = blob(1) * np.float32(share)
    path = write_seg(tmp_path / "seg.dcm", datasets, {"A": shares}, segmentation_type="FRACTIONAL")
    mask, remarks = read(path, grid)
    assert np.array_equal(mask, blob(1))
    assert ["add up to" in remark for remark in remarks] == [True] * is_said


def test_a_crop_of_the_scan_lies_where_it_was_cut(tmp_path, series, write_seg):
    grid, datasets = series
    path = write_seg(tmp_path / "seg.dcm", datasets, {"Tumor": np.ones(SHAPE, np.uint8)})

    def crop(values):
        values.Rows, values.Columns = 4, 8
        values.PixelData = b"\xff\xff\xff\xff" * 6
        for group in values.PerFrameFunctionalGroupsSequence:
            position = group.PlanePositionSequence[0].ImagePositionPatient
            position[0], position[1] = position[0] + 0.7 * 3, position[1] + 0.7 * 5

    mask, _ = read(altered(path, crop), grid)
    expected = np.zeros(SHAPE, np.uint8)
    expected[3:11, 5:9] = 1
    assert np.array_equal(mask, expected)
