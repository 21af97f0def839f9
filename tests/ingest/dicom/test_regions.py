"""The laws of region names: equal before alike, several are joined, case does not count."""

from fnmatch import fnmatch
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.case import BadCaseError
from ingest.dicom.regions import chosen_regions, matching, region_names

NAMES = {1: "GTV-1", 2: "gtv p", 3: "Lung_L", 4: "Tumour_L ", 5: "GTV [1]"}
TEXTS = st.text("aAbB*? ", min_size=1, max_size=4).filter(str.strip)


@pytest.mark.parametrize(
    ("roi", "numbers"),
    [
        ((), [1, 2, 3, 4, 5]),
        (("gtv*",), [1, 2, 5]),
        (("GTV-?", "tumo*r*"), [1, 4]),
        (("Tumour_l", "gtv P"), [2, 4]),
        (("gtv [1]",), [5]),
        (("Heart", "Tumor"), []),
    ],
)
def test_any_of_several_names_or_patterns_is_meant(roi, numbers):
    assert matching(NAMES, roi) == numbers


@given(st.dictionaries(st.integers(0, 9), TEXTS), st.lists(TEXTS, min_size=1, max_size=3))
def test_several_names_mean_the_union_of_each(names, roi):
    each = [set(matching(names, [wanted])) for wanted in roi]
    assert set(matching(names, roi)) == set().union(*each)
    assert matching(names, roi) == matching(names, [wanted.swapcase() for wanted in roi])
    for wanted, numbers in zip(roi, each, strict=True):
        plain = wanted.strip().lower()
        alike = {key for key, name in names.items() if fnmatch(name.strip().lower(), plain)}
        equal = {key for key, name in names.items() if name.strip().lower() == plain}
        assert numbers == (equal or alike)


def test_a_choice_that_means_nothing_or_too_much_lists_what_there_is():
    values = pydicom.Dataset()
    values.StructureSetROISequence = []
    for number, name in enumerate(("Heart", "Lung")):
        item = pydicom.Dataset()
        item.ROINumber, item.ROIName = number, name
        values.StructureSetROISequence.append(item)
    path = Path("rt.dcm")
    assert region_names(values, path) == {0: "Heart", 1: "Lung"}
    assert chosen_regions(values, ["h*", "l*"], path) == [0, 1]
    with pytest.raises(BadCaseError, match=r"named 'a' or 'b', found Heart, Lung: choose"):
        chosen_regions(values, ["a", "b"], path)
    with pytest.raises(BadCaseError, match="need one region, or --roi NAME, found Heart, Lung"):
        chosen_regions(values, [], path)


def test_two_regions_of_one_number_are_refused_unless_they_are_one():
    values = pydicom.Dataset()
    values.StructureSetROISequence = []
    for name in ("Heart", "Heart", "Lung"):
        item = pydicom.Dataset()
        item.ROINumber, item.ROIName = 4, name
        values.StructureSetROISequence.append(item)
    with pytest.raises(BadCaseError, match="4 is that of 'Heart' and of 'Lung'"):
        region_names(values, Path("rt.dcm"))
    values.StructureSetROISequence.pop()
    assert region_names(values, Path("rt.dcm")) == {4: "Heart"}
