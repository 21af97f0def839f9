"""What cases share that they should not."""

from ingest.findings.between import duplicate_findings, leak_findings, pitch_findings


def test_a_scan_that_is_there_twice_names_its_double():
    findings = duplicate_findings({"b": 7, "a": 7, "c": 8})
    assert [(finding.case, finding.level) for finding in findings] == [("b", "warning")]
    assert "voxels of a" in findings[0].message


def test_a_patient_on_both_sides_of_the_split_is_named():
    findings = leak_findings({"a": "P1", "b": "P2"}, {"t": "P2"}, shared="patient")
    assert [finding.case for finding in findings] == ["b"]
    assert "has the patient of test case t" in findings[0].message


def test_a_crop_that_is_drawn_to_the_size_of_a_whole_scan_is_named():
    (finding,) = pitch_findings({"a": 1.9, "crop": 0.5, "whole": 2.0, "z": 1.6})
    assert (finding.case, finding.level) == ("crop", "warning")
    said = (
        "0.50 mm wide, one of whole 2.00 mm: equal tumors look 4.0 times as large, unless --pixel"
    )
    assert said in finding.message


def test_slices_of_about_one_pitch_are_no_finding():
    for pitches in ({}, {"a": 0.7}, {"a": 1.0, "b": 1.9}):
        assert pitch_findings(pitches) == []
