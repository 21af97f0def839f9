"""Prediction finds each scan of a path, at any depth, and no label; what is no scan says why."""

import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.find_cases import find_cases
from ingest.find_scans import find_scans


@pytest.fixture
def folder(tmp_path):
    """Function: paths -> a folder with these files, empty ones."""

    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(b"")
        return tmp_path

    return make


def found(path):
    return {scan.name: str(scan.image.relative_to(path)) for scan in find_scans(path)}


def test_scans_of_a_flat_folder_have_their_own_names(folder):
    path = folder("b.nii.gz", "a.b.mha", "._b.nii.gz", "readme.txt")
    assert found(path) == {"a_b": "a.b.mha", "b": "b.nii.gz"}
    assert [scan.name for scan in find_scans(path / "b.nii.gz")] == ["b"]


def test_scans_below_a_folder_are_named_after_the_way_to_them(folder):
    path = folder("p1/ct.nii.gz", "p2/t0/ct.nrrd", "p2/t1/a.mhd", "p2/t1/b.mhd", "p3/images/x.nii")
    assert found(path) == {
        "p1": "p1/ct.nii.gz",
        "p2_t0": "p2/t0/ct.nrrd",
        "p2_t1_a": "p2/t1/a.mhd",
        "p2_t1_b": "p2/t1/b.mhd",
        "p3": "p3/images/x.nii",
    }


def test_labels_are_left_out_and_named(folder, caplog):
    path = folder("p1/ct.nii.gz", "p1/seg.nii.gz", "p1/seg2.nii.gz", "p2/mask.nrrd", "labels/x.nii")
    assert list(found(path)) == ["p1"]
    (line,) = caplog.messages
    assert line.startswith("left out as labels, by the words in their names: ")
    assert all(name in line for name in ("seg.nii.gz", "seg2.nii.gz", "mask.nrrd", "x.nii"))


def test_links_to_patients_are_followed(folder):
    path = folder("study/p2/ct.nii", "archive/p0/ct.nii", "archive/ct.nii")
    (path / "study/p0").symlink_to("../archive/p0")
    (path / "study/p9.nii").symlink_to(path / "archive/ct.nii")
    assert list(found(path / "study")) == ["p0", "p2", "p9"]


def test_dicom_series_and_volumes_are_found_side_by_side(folder, write_series):
    path = folder("p1/ct.nii.gz", "p2/seg.nii.gz")
    for name in ("A", "B"):
        write_series(path / "dicom" / name, np.zeros((4, 4, 3)), np.eye(4), patient=name)
    assert [scan.name for scan in find_scans(path)] == ["A", "B", "p1"]
    with pytest.raises(BadCaseError, match=r"one file of a DICOM series: give its folder, .*/A$"):
        find_scans(next((path / "dicom/A").iterdir()))


def test_a_scan_has_the_name_of_its_case_in_training(folder):
    path = folder(
        "p1/ct.nii.gz", "p1/seg.nii.gz", "p2/a/x_ct.nii", "p2/a/y_ct.nii", "p2/a/x_seg.nii"
    )
    cases = {case.name: case.image for case in find_cases(path)}
    assert {scan.name: scan.image for scan in find_scans(path)} == cases


@pytest.mark.parametrize(
    ("files", "path", "advice"),
    [
        ([], "absent", "absent does not exist: check the path"),
        (["readme.txt"], "readme.txt", "is neither: convert it first"),
        (["x.npy"], "x.npy", r"is neither: .*nibabel\.Nifti1Image"),
        (["readme.txt"], "", "holds none: check the path"),
        (["a/x.zip"], "", r"holds none: unpack .*a/x\.zip first"),
        (["imagesTs/x.nii", "labelsTr/x.nii"], "", r"a whole data set: give .*imagesTs"),
        (["imagesTr/x.nii", "labelsTr/x.nii"], "", r"a whole data set: give .*imagesTr"),
        (["x.nii", "x.nii.gz"], "", r"x\.nii and .*x\.nii\.gz would have the same result"),
    ],
)
def test_what_holds_no_scan_is_refused_with_advice(folder, files, path, advice):
    with pytest.raises(BadCaseError, match=advice):
        find_scans(folder(*files) / path)
