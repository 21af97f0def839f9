"""A case is named after its file, by what a tar and a table can hold."""

from pathlib import Path

import pytest

from ingest.case import as_case_name, case_name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("imagesTr/lung_001.nii.gz", "lung_001"),
        ("lung_001.nii", "lung_001"),
        ("a.b.mha", "a_b"),
        ("p1.seg.nrrd", "p1_seg"),
        ("lung_001", "lung_001"),
        ("x.nii.gz.nii.gz", "x_nii_gz"),
    ],
)
def test_a_name_is_the_files_own_without_suffix_and_dots(file, name):
    assert case_name(Path(file)) == name
    assert as_case_name(name) == name
