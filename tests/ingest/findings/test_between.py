"""What cases share that they should not."""

from ingest.findings.between import duplicate_findings, leak_findings


def test_a_scan_that_is_there_twice_names_its_double():
    findings = duplicate_findings({"b": 7, "a": 7, "c": 8})
    assert [(finding.case, finding.level) for finding in findings] == [("b", "warning")]
    assert "voxels of a" in findings[0].message


def test_a_patient_on_both_sides_of_the_split_is_named():
    findings = leak_findings({"a": "P1", "b": "P2"}, {"t": "P2"}, shared="patient")
    assert [finding.case for finding in findings] == ["b"]
    assert "has the patient of test case t" in findings[0].message
