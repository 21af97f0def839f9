"""One way to tell patients is enough, and a pattern is one."""

from pathlib import Path

import pytest

from ingest.options import BuildShards, Check
from ingest.splits.options import SplitOptions

PLACES = {"source": Path("in"), "out": "out"}


def test_ways_to_tell_patients_exclude_each_other_in_each_command():
    ways = {"patients": Path("x.csv"), "patient_pattern": "x", "patient_from": "folder"}
    for name, value in ways.items():
        other = next(key for key in ways if key != name)
        for options in (Check, BuildShards):
            places = PLACES if options is BuildShards else {"source": Path("in")}
            options(**places, **{name: value})
            with pytest.raises(ValueError, match=r"--pat.* and --pat.* exclude each other"):
                options(**places, **{name: value, other: ways[other]})


def test_rules_that_drop_slices_still_exclude_each_other():
    with pytest.raises(ValueError, match="--drop-slices and --drop-mm exclude each other"):
        Check(source=Path("in"), drop_slices=3, drop_mm=9)


def test_what_is_no_regular_expression_is_refused():
    with pytest.raises(ValueError, match=r"--patient-pattern must be .*got '\(': "):
        BuildShards(**PLACES, patient_pattern="(")


def test_what_tells_the_patients_in_words():
    assert SplitOptions().patients_from == ""
    assert SplitOptions(patients=Path("a/b.csv")).patients_from == "table b.csv"
    assert SplitOptions(patient_pattern="^x").patients_from == "pattern ^x"
    assert SplitOptions(patient_from="folder").patients_from == "folder"
