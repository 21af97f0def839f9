"""Any layout gives the same kind of cases: each file in one of them, sorted, each name once."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.case import BadCaseError
from ingest.find_cases import find_cases, source_name
from ingest.job.fingerprint import of_case

CUBE = np.zeros((4, 4, 3))


def made(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


def test_links_to_patients_are_followed_in_dicom(tmp_path, write_series):
    for n in range(3):
        write_series(tmp_path / f"archive/p{n}", CUBE, np.eye(4), patient=f"L{n}")
    (tmp_path / "study").mkdir()
    (tmp_path / "archive/p2").rename(tmp_path / "study/p2")
    for n in range(2):
        (tmp_path / f"study/p{n}").symlink_to(f"../archive/p{n}")
    (tmp_path / "study/p0/back").symlink_to("../../study")
    assert [case.name for case in find_cases(tmp_path / "study")] == ["L0", "L1", "L2"]


def test_links_are_followed_in_the_msd_layout(tmp_path):
    made(tmp_path / "store", "images/a.nii.gz", "labels/a.nii.gz")
    source = made(tmp_path / "source", "labelsTr/b.nii.gz")
    (source / "imagesTr").symlink_to(tmp_path / "store/images")
    (source / "labelsTr/a.nii.gz").symlink_to(tmp_path / "store/labels/a.nii.gz")
    assert [(case.name, case.label is None) for case in find_cases(source)] == [
        ("a", False),
        ("b", False),
    ]


def test_a_stray_dicom_file_does_not_hide_folders_of_patients(tmp_path, write_series):
    source = made(tmp_path, "p1/ct.nii", "p1/seg.nii")

    def report(dataset, k):
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"

    write_series(source / "p1/report", CUBE, np.eye(4), change=report)
    assert [case.name for case in find_cases(source)] == ["p1"]


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        (["readme.txt"], "found none in .*: check the path, or make a data set"),
        (["a/b.zip"], r"unpack .*a/b\.zip first"),
        (["a/b.vtk"], r"convert .*a/b\.vtk to NIfTI"),
        (["a/b.npy"], r"b\.npy does not say where its voxels lie"),
        (["s/manifest.json", "s/index.parquet", "s/cases/a.tar"], r"the shards of .*/s with .*fit"),
        (["s/manifest.json", "s/cases/a.tar"], r"unpack .*a\.tar first"),
    ],
)
def test_a_source_of_another_layout_says_what_it_needs(tmp_path, files, advice):
    with pytest.raises(BadCaseError, match=f"MSD layout.*DICOM.*MetaImage.*{advice}"):
        find_cases(made(tmp_path, *files))
    with pytest.raises(BadCaseError, match="is no folder: check the path"):
        find_cases(tmp_path / "absent")
    with pytest.raises(BadCaseError, match=r"scans\.zip is no folder: unpack .*scans\.zip first"):
        find_cases(made(tmp_path, "scans.zip") / "scans.zip")
    with pytest.raises(BadCaseError, match=r"x\.nii\.gz is no folder: give the folder that its"):
        find_cases(made(tmp_path, "x.nii.gz") / "x.nii.gz")


def test_a_data_set_of_a_format_that_is_not_read_says_how_to_convert_it(tmp_path):
    with pytest.raises(BadCaseError, match=r"at least one training case.*convert .*c\.vtk"):
        find_cases(made(tmp_path, "imagesTr/c.vtk", "labelsTr/c.vtk"))


def test_a_link_to_nothing_is_a_case_that_says_so(tmp_path):
    source = made(tmp_path, "p1/ct.nii", "p1/seg.nii", "p2/seg.nii")
    (source / "p2/ct.nii").symlink_to("gone.nii")
    cases = find_cases(source)
    assert [case.name for case in cases] == ["p1", "p2"]
    with pytest.raises(BadCaseError, match=r"p2/ct\.nii cannot be read \(No such file"):
        of_case(cases[1], source)


def test_a_source_has_the_name_that_it_gives_itself(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "mine"}))
    assert source_name(tmp_path) == "mine"
    for text in ("[]", "{", "{}"):
        (tmp_path / "dataset.json").write_text(text)
        assert source_name(tmp_path) == tmp_path.name


FOLDERS = st.sampled_from(["", "p1", "p1/t0", "p2", "images", "labels", "p2/seg"])
FILES = st.sampled_from(["ct.nii", "seg.nii", "a_ct.mha", "a_mask.nii", "b.nrrd", "x.nii.gz"])


@given(files=st.sets(st.tuples(FOLDERS, FILES).map("/".join), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_each_volume_is_in_a_case_or_in_the_problem_of_one(tmp_path_factory, files):
    source = made(tmp_path_factory.mktemp("source"), *(name.lstrip("/") for name in files))
    cases = find_cases(source)
    assert [case.name for case in cases] == sorted({case.name for case in cases})
    named = {str(path) for case in cases for path in (case.image, case.label)}
    problems = " ".join(case.problem for case in cases)
    for path in filter(lambda path: path.is_file(), source.rglob("*")):
        assert str(path) in named or path.name in problems
    for case in cases:
        assert case.problem or case.image != case.label
        assert case.patient
