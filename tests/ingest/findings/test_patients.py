"""Names that look alike, one patient for all, and patients in two folds are said, nothing else."""

import pytest

from ingest.findings.patients import fold_findings, patient_findings


def own(*names):
    """Cases that are patients of their own."""
    return {name: name for name in names}


@pytest.mark.parametrize(
    "names",
    [
        ("patient00_t0", "patient00_t1", "patient01_t0"),
        ("patient00_t0", "patient00_t1"),
        ("a7-baseline", "a7-followup2", "b7-baseline"),
        ("P1.visit_1", "P1.visit_2", "P2.visit_1"),
        ("P1", "P1_post", "P2"),
        ("0001_01", "0001_02", "0002_01"),
    ],
)
def test_follow_ups_that_count_as_patients_of_their_own_are_named(names):
    (finding,) = patient_findings(own(*names))
    assert (finding.level, finding.rule) == ("warning", "patient")
    assert finding.message.startswith(
        f"{names[0]}, {names[1]} look like scans of one patient and count as 2: "
    )
    assert patient_findings(dict.fromkeys(names[:2], "one") | own(*names[2:], "x", "y")) == []


@pytest.mark.parametrize(
    "names",
    [
        [f"lung_{n:03d}" for n in range(63)],
        [f"LUNG1-{n:03d}" for n in range(9)],
        ["Task06_001", "Task06_002", "Task06_003"],
        ["set7_01", "set7_02", "set7_03"],
        ["scan_1", "scan_2", "t0", "t1"],
        [f"chest_scan_{n}" for n in range(30)],
        ["only"],
        [],
    ],
)
def test_names_that_only_count_cases_are_no_follow_ups(names):
    assert patient_findings(own(*names)) == []


def test_one_patient_for_all_is_said():
    (finding,) = patient_findings(dict.fromkeys(["ANON-1", "ANON-2", "ANON-3"], "ANONYMOUS"))
    assert finding.message.startswith("3 of 3 cases are of patient 'ANONYMOUS' and share a fold")
    assert "--patient-from StudyInstanceUID" in finding.message
    (finding,) = patient_findings(dict.fromkeys(map(str, range(11)), "X") | own("a", "b"))
    assert finding.message.startswith("11 of 13 cases are of patient 'X'")
    (finding,) = patient_findings({"a": "X", "b": "X"})
    assert finding.case == "a"
    assert patient_findings({"a": "X"}) == []
    assert patient_findings(dict.fromkeys(map(str, range(10)), "X") | own("a", "b")) == []


def test_a_patient_in_two_folds_is_said_once():
    patients = {"a": "P", "b": "P", "c": "Q", "d": "Q", "e": "R"}
    (finding,) = fold_findings(patients, {"a": 0, "b": 2, "c": 1, "d": 1, "e": 0})
    assert finding.case == "a"
    assert finding.message.startswith("scans of patient P lie in several folds (a in 0, b in 2)")
    assert fold_findings(patients, {"a": 0, "c": 1}) == []
