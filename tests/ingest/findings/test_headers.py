"""The rules of headers: each at both sides of its limit."""

import nibabel as nib
import numpy as np
import pytest

from ingest.findings.headers import header_findings, skew_degrees
from ingest.scans.geometry import Grid, as_affine

SPACING = np.diag([0.5, 0.5, 2.0, 1.0])


def grid(matrix=SPACING, shape=(20, 16, 8)):
    return Grid(shape=shape, affine=as_affine(np.asarray(matrix, float)))


def moved(**mm):
    matrix = SPACING.copy()
    for axis, distance in mm.items():
        matrix["xyz".index(axis), 3] += distance
    return grid(matrix)


def levels(findings):
    return [(finding.level, finding.rule) for finding in findings]


@pytest.mark.parametrize(
    ("mm", "level"),
    [({"z": 0.0}, []), ({"z": 0.018}, []), ({"z": 0.022}, ["warning"]), ({"z": 0.98}, ["warning"]),
     ({"z": 1.02}, ["fatal"]), ({"x": 40.0}, ["fatal"]), ({"x": 0.2}, ["warning"])],
)  # fmt: skip
def test_a_label_may_lie_half_a_voxel_off_and_says_so_from_a_hundredth(mm, level):
    findings = header_findings("c", grid(), moved(**mm))
    assert [finding.level for finding in findings] == level


def test_the_distance_and_both_origins_are_named():
    (finding,) = header_findings("c", grid(), moved(x=40))
    assert "80 voxels away" in finding.message
    assert "(0.00, 0.00, 0.00) and (40.00, 0.00, 0.00) mm" in finding.message


def test_image_and_label_may_be_stored_along_other_axes():
    flipped = SPACING @ np.array([[-1, 0, 0, 19], [0, 1, 0, 0], [0, 0, -1, 7], [0, 0, 0, 1]])
    assert levels(header_findings("c", grid(), grid(flipped))) == [("warning", "storage")]
    permuted = grid(SPACING[:, [1, 0, 2, 3]], (16, 20, 8))
    assert header_findings("c", grid(), permuted) == []


def test_both_shapes_are_named():
    (finding,) = header_findings("c", grid(), grid(shape=(20, 16, 7)))
    assert (finding.level, finding.rule) == ("fatal", "shape")
    assert "(20, 16, 8) and (20, 16, 7)" in finding.message


@pytest.mark.parametrize(("degrees", "warned"), [(0.0, False), (0.4, False), (3.0, True)])
def test_axes_off_the_right_angle_are_measured(degrees, warned):
    skewed = SPACING.copy()
    skewed[0, 1] = skewed[1, 1] * np.tan(np.deg2rad(degrees))
    assert skew_degrees(grid(skewed)) == pytest.approx(degrees, abs=1e-6)
    assert levels(header_findings("c", grid(skewed), None)) == [("warning", "angle")] * warned


def test_storage_that_cannot_stream_is_said():
    sagittal = grid(SPACING[:, [1, 2, 0, 3]])
    (finding,) = header_findings("c", sagittal, None)
    assert (finding.level, finding.rule) == ("warning", "storage")
    assert finding.message.startswith("stored as ASR: axial slices")


def stored(orientation):
    """The grid of one scan, stored along these axes."""
    start = grid()
    change = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(orientation)
    )
    image = nib.Nifti1Image(np.zeros(start.shape, np.uint8), SPACING).as_reoriented(change)
    return grid(image.affine, image.shape)


@pytest.mark.parametrize(
    ("image", "label", "read_whole"),
    [("RAS", "RAS", []), ("RAS", "LPS", []), ("LAI", "LAI", []), ("RAS", "RAI", ["label"]),
     ("LAI", "LAS", ["label"]), ("RAS", "ASR", ["label"]), ("ASR", "RAS", ["scan"]),
     ("ASR", "ASR", ["scan"]), ("ASR", "SAR", ["scan", "label"])],
)  # fmt: skip
def test_files_whose_planes_do_not_come_in_the_scans_order_are_named(image, label, read_whole):
    findings = header_findings("c", stored(image), stored(label))
    assert {finding.rule for finding in findings} <= {"storage"}
    said = ["label" if "the label is read whole" in f.message else "scan" for f in findings]
    assert said == read_whole
