"""Patients are told by a table, a pattern, a folder or an element, for all cases or not at all."""

import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.find_cases import find_cases
from ingest.splits.options import SplitOptions
from ingest.splits.patients import tell_patients


def cases(source, *ways):
    """Cases whose scans lie so below the source."""
    paths = [source / f"{way}.nii.gz" for way in ways]
    return [
        Case(name=path.name.removesuffix(".nii.gz"), image=path, label=path, patient="own")
        for path in paths
    ]


def told(source, found, **how):
    options = SplitOptions(**how)
    return {case.name: case.patient for case in tell_patients(found, options, source)}


def table(folder, *lines):
    path = folder / "patients.csv"
    path.write_text("\n".join(["case,patient", *lines]))
    return path


def test_nothing_said_changes_nothing(tmp_path):
    found = cases(tmp_path, "a", "b")
    assert tell_patients(found, SplitOptions(), tmp_path) == found


def test_a_table_tells_the_patient_of_each_case(tmp_path):
    path = table(tmp_path, "a.b.nii.gz,P 1", "c,P 1", "d,2", "absent,3")
    found = [case for name in ("a_b", "c", "d") for case in cases(tmp_path, name)]
    assert told(tmp_path, found, patients=path) == {"a_b": "P 1", "c": "P 1", "d": "2"}


def test_a_table_must_tell_of_each_usable_case_once(tmp_path):
    found = cases(tmp_path, *"abcdef")
    with pytest.raises(BadCaseError, match=r"patients\.csv tells no patient of b, c, d, e and 1 m"):
        told(tmp_path, found, patients=table(tmp_path, "a,1"))
    with pytest.raises(BadCaseError, match=r"two patients of a, 1 and 2: keep one line"):
        told(tmp_path, found, patients=table(tmp_path, "a,1", "a,1", "a,2"))
    broken = [Case(name="x", image=tmp_path, label=None, patient="own", problem="broken")]
    kept = told(tmp_path, [*found[:1], *broken], patients=table(tmp_path, "a,1"))
    assert kept == {"a": "1", "x": "own"}


def test_cases_that_need_not_be_told_keep_their_own(tmp_path):
    how = SplitOptions(patients=table(tmp_path, "a,1"))
    kept = tell_patients(cases(tmp_path, "a", "b"), how, tmp_path, all_told=False)
    assert [case.patient for case in kept] == ["1", "own"]


@pytest.mark.parametrize("pattern", ["^[^_]+", r"^(.+)_t\d", r"(?:x)|(patient\d+)"])
def test_a_pattern_finds_its_first_group_or_all_that_it_matches(tmp_path, pattern):
    found = cases(tmp_path, "patient00_t0", "patient00_t1", "patient01_t0")
    assert list(told(tmp_path, found, patient_pattern=pattern).values()) == [
        "patient00",
        "patient00",
        "patient01",
    ]


def test_where_a_pattern_is_not_found_is_said(tmp_path, caplog):
    found = cases(tmp_path, "a_t0", "a_t1", "lone")
    patients = told(tmp_path, found, patient_pattern=r"^(.+)_t\d$")
    assert patients == {"a_t0": "a", "a_t1": "a", "lone": "own"}
    (line,) = caplog.messages
    assert line.endswith("is not found in lone: each is a patient of its own")
    with pytest.raises(BadCaseError, match=r"'z' is found in no name, such as a_t0: correct it"):
        told(tmp_path, found, patient_pattern="z")


def test_the_topmost_folder_is_the_patient(tmp_path):
    found = cases(tmp_path, "p1/t0/ct", "p1/t1/scan", "p2/x")
    assert told(tmp_path, found, patient_from="folder") == {"ct": "p1", "scan": "p1", "x": "p2"}
    with pytest.raises(BadCaseError, match=r"--patient-from folder tells no patient of y"):
        told(tmp_path, cases(tmp_path, "y"), patient_from="folder")


def test_in_dicom_any_element_or_the_folder_tells_the_patient(tmp_path, write_series):
    studies = [
        write_series(tmp_path / f"person{n}/ct", np.zeros((4, 4, 3)), np.eye(4), patient="ANON")[0]
        for n in range(3)
    ]
    found = find_cases(tmp_path)
    assert {case.patient for case in found} == {"ANON"}
    by_study = told(tmp_path, found, patient_from="StudyInstanceUID")
    assert sorted(by_study.values()) == sorted(str(ct.StudyInstanceUID) for ct in studies)
    by_folder = told(tmp_path, found, patient_from="folder")
    assert sorted(by_folder.values()) == ["person0", "person1", "person2"]


def test_an_element_must_be_there_in_each_scan(tmp_path, write_series):
    write_series(tmp_path / "ct", np.zeros((4, 4, 3)), np.eye(4), patient="A")
    found = find_cases(tmp_path)
    for keyword, said in (
        ("EthnicGroup", "--patient-from EthnicGroup tells no patient of A: "),
        ("Nonsense", "got 'Nonsense'"),
    ):
        with pytest.raises(BadCaseError, match=said):
            told(tmp_path, found, patient_from=keyword)
    with pytest.raises(BadCaseError, match="--patient-from PatientID tells no patient of y"):
        told(tmp_path, cases(tmp_path, "y"), patient_from="PatientID")
