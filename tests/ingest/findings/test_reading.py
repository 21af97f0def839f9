"""What readers remark and fill is said."""

from types import SimpleNamespace

import pytest

from ingest.findings.reading import filled_findings, remark_findings


@pytest.mark.parametrize("filled", [0, 1, 70])
def test_filled_voxels_are_counted_and_said(filled):
    said = [(f.level, f.message) for f in filled_findings("c", filled=filled, hu=-1000)]
    message = f"{filled} voxel{'s' * (filled > 1)} without a number (NaN, infinite) given -1000 HU"
    assert said == [("warning", message)] * bool(filled)


def remarking(*texts):
    return SimpleNamespace(remarks=list(texts))


def test_each_remark_is_a_warning_about_the_file_it_is_of():
    said = remark_findings("c", remarking("a", "b"), remarking("d"))
    assert [(f.case, f.level, f.rule, f.message) for f in said] == [
        ("c", "warning", "image", "a"),
        ("c", "warning", "image", "b"),
        ("c", "warning", "label", "d"),
    ]
    assert remark_findings("c", remarking(), None) == []
